"""The operations that the page knows: one table for Python, for the page and for the docs.

Names are those of ATen without their overload. `vaewidgets/js/graphs/operations` runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

GROUPS: dict[str, frozenset[str]] = {
    "Arithmetic": frozenset(
        {
            "add",
            "sub",
            "mul",
            "div",
            "rsub",
            "neg",
            "abs",
            "sign",
            "pow",
            "square",
            "sqrt",
            "rsqrt",
            "reciprocal",
            "exp",
            "exp2",
            "expm1",
            "log",
            "log2",
        }
        | {
            "log10",
            "log1p",
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "atan2",
            "sinh",
            "cosh",
            "tanh",
            "asinh",
            "acosh",
            "atanh",
            "erf",
            "erfc",
        }
        | {
            "erfinv",
            "lgamma",
            "digamma",
            "xlogy",
            "floor",
            "ceil",
            "round",
            "trunc",
            "frac",
            "remainder",
            "fmod",
            "maximum",
            "minimum",
        }
        | {"fmax", "fmin", "clamp", "clamp_min", "clamp_max", "lerp", "addcmul", "addcdiv"}
    ),
    "Comparison and logic": frozenset(
        {
            "eq",
            "ne",
            "lt",
            "le",
            "gt",
            "ge",
            "logical_and",
            "logical_or",
            "logical_xor",
            "logical_not",
            "isnan",
            "isinf",
            "isfinite",
        }
        | {"where", "masked_fill"}
    ),
    "Activations": frozenset(
        {
            "relu",
            "leaky_relu",
            "elu",
            "gelu",
            "silu",
            "mish",
            "sigmoid",
            "log_sigmoid_forward",
            "softplus",
            "hardtanh",
        }
        | {"hardsigmoid", "hardswish", "threshold", "_softmax", "_log_softmax"}
    ),
    "Reductions": frozenset(
        {
            "sum",
            "mean",
            "amax",
            "amin",
            "max",
            "min",
            "argmax",
            "argmin",
            "prod",
            "var",
            "std",
            "var_mean",
            "cumsum",
            "cumprod",
            "logsumexp",
        }
        | {"any", "all", "linalg_vector_norm", "sort", "topk"}
    ),
    "Products": frozenset({"mm", "addmm", "bmm", "baddbmm", "mv", "dot"}),
    "Normalisation": frozenset({"native_batch_norm", "native_layer_norm", "native_group_norm"}),
    "Images and series": frozenset(
        {
            "convolution",
            "max_pool2d_with_indices",
            "avg_pool2d",
            "_adaptive_avg_pool2d",
            "adaptive_max_pool2d",
        }
        | {
            "upsample_nearest1d",
            "upsample_nearest2d",
            "_upsample_nearest_exact1d",
            "_upsample_nearest_exact2d",
        }
        | {
            "upsample_linear1d",
            "upsample_bilinear2d",
            "upsample_bicubic2d",
            "constant_pad_nd",
            "reflection_pad1d",
        }
        | {
            "reflection_pad2d",
            "replication_pad1d",
            "replication_pad2d",
            "pixel_shuffle",
            "pixel_unshuffle",
            "im2col",
        }
        | {"col2im"}
    ),
    "Indexing": frozenset(
        {
            "embedding",
            "gather",
            "index",
            "index_select",
            "index_put",
            "scatter",
            "scatter_add",
            "tril",
            "triu",
            "flip",
            "roll",
        }
        | {"repeat", "cat", "stack"}
    ),
    "Views": frozenset(
        {
            "view",
            "_unsafe_view",
            "reshape",
            "t",
            "transpose",
            "permute",
            "expand",
            "slice",
            "select",
            "unsqueeze",
            "squeeze",
            "split",
        }
        | {"split_with_sizes", "unbind", "as_strided", "diagonal", "unfold"}
    ),
    "New tensors": frozenset(
        {
            "clone",
            "full",
            "full_like",
            "zeros",
            "zeros_like",
            "ones",
            "ones_like",
            "new_zeros",
            "new_ones",
            "new_full",
            "arange",
        }
        | {"scalar_tensor"}
    ),
    "In place": frozenset(
        {
            "add_",
            "sub_",
            "mul_",
            "div_",
            "exp_",
            "log_",
            "neg_",
            "abs_",
            "sqrt_",
            "rsqrt_",
            "reciprocal_",
            "pow_",
            "tanh_",
            "sigmoid_",
            "relu_",
        }
        | {
            "leaky_relu_",
            "elu_",
            "silu_",
            "clamp_",
            "clamp_min_",
            "clamp_max_",
            "hardtanh_",
            "hardsigmoid_",
            "hardswish_",
        }
        | {
            "addcmul_",
            "addcdiv_",
            "round_",
            "floor_",
            "threshold_",
            "copy_",
            "fill_",
            "zero_",
            "masked_fill_",
            "index_put_",
        }
        | {"scatter_", "scatter_add_"}
    ),
    "Backward passes, in pages that train": frozenset(
        {
            "convolution_backward",
            "threshold_backward",
            "sigmoid_backward",
            "tanh_backward",
            "leaky_relu_backward",
        }
        | {"elu_backward", "gelu_backward", "silu_backward", "softplus_backward", "hardtanh_backward"}
        | {"hardsigmoid_backward", "hardswish_backward", "mish_backward", "log_sigmoid_backward"}
        | {"_softmax_backward_data", "_log_softmax_backward_data", "native_batch_norm_backward"}
        | {"native_layer_norm_backward", "native_group_norm_backward", "max_pool2d_with_indices_backward"}
        | {"avg_pool2d_backward", "_adaptive_avg_pool2d_backward", "upsample_nearest1d_backward"}
        | {"upsample_nearest2d_backward", "upsample_linear1d_backward", "upsample_bilinear2d_backward"}
        | {"reflection_pad1d_backward", "reflection_pad2d_backward", "replication_pad1d_backward"}
        | {"replication_pad2d_backward", "embedding_dense_backward", "slice_backward", "select_backward"}
        | {"binary_cross_entropy", "binary_cross_entropy_backward", "mse_loss", "mse_loss_backward"}
    ),
}
OPERATIONS: frozenset[str] = frozenset().union(*GROUPS.values())
# written under another name for the page, see page_form.py
_RENAMED = frozenset(
    {"_to_copy", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "floor_divide", "empty"}
    | {"empty_strided", "new_empty", "new_empty_strided", "empty_like"}
)


# The data type and the number of axes of a tensor among the arguments.
Look = Callable[[Any], tuple[torch.dtype, int]]


def _two_axes(args: Sequence[Any], look: Look) -> str | None:
    axes = look(args[0])[1] - 2
    return None if axes <= 2 else f"it has {axes} axes of space; the page takes one or two"


def _no_masks(args: Sequence[Any], look: Look) -> str | None:
    masks = [index for index in args[1] if index is not None and look(index)[0] == torch.bool]
    return "it picks by a mask, whose size depends on the data; use torch.where" if masks else None


LIMITS: dict[str, Callable[[Sequence[Any], Look], str | None]] = {
    "convolution": _two_axes,
    "index": _no_masks,
    "index_put": _no_masks,
    "index_put_": _no_masks,
}


def limit(name: str, args: Sequence[Any], look: Look) -> str | None:
    """Why the page cannot run a known operation with these arguments; None if it can."""
    return LIMITS[name](args, look) if name in LIMITS else None


def is_known(name: str) -> bool:
    """Whether the page runs an ATen operation."""
    return name in OPERATIONS or name in _RENAMED
