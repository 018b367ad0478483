"""The operations that the page knows: one table for Python, for the page and for the docs.

Names are those of ATen without their overload; with "_" behind it each writes into its first argument.
`vaewidgets/js/graphs/operations` runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

TRAINING = "Backward passes and losses, in pages that train"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GROUPS: dict[str, tuple[str, ...]] = {
    "Arithmetic": _names("""
        abs acos acosh add addcdiv addcmul asin asinh atan atan2 atanh ceil clamp clamp_max
        clamp_min copysign cos cosh digamma div erf erfc erfinv exp exp2 expm1 floor floor_divide
        fmax fmin fmod frac hypot lerp lgamma log log10 log1p log2 logaddexp maximum minimum mul
        nan_to_num neg pow reciprocal remainder round rsqrt rsub sign sin sinh sqrt square sub tan
        trunc xlogy
    """),
    "Comparisons": _names("""
        eq ge gt isfinite isinf isnan le logical_and logical_not logical_or logical_xor lt
        masked_fill ne where
    """),
    "Activations": _names("""
        _log_softmax _prelu_kernel _softmax elu gelu hardshrink hardsigmoid hardswish hardtanh
        leaky_relu log_sigmoid_forward mish relu sigmoid silu softplus softshrink tanh threshold
    """),
    "Reductions": _names("""
        all amax amin any argmax argmin cumprod cumsum linalg_vector_norm logsumexp max mean min
        norm prod sort std sum topk var var_mean
    """),
    "Products": _names("""
        addmm addmv baddbmm bmm dot mm mv
    """),
    "Normalisation": _names("""
        _native_batch_norm_legit native_batch_norm native_group_norm native_layer_norm
    """),
    "Images and series, of one or two axes": _names("""
        _adaptive_avg_pool2d _upsample_nearest_exact1d _upsample_nearest_exact2d adaptive_max_pool2d
        avg_pool2d col2im constant_pad_nd convolution im2col max_pool2d_with_indices pixel_shuffle
        pixel_unshuffle reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d
        upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d
        upsample_nearest2d
    """),
    "Indexing": _names("""
        _unsafe_index embedding gather index index_add index_copy index_fill index_put index_select
        scatter scatter_add
    """),
    "Views and joins": _names("""
        _reshape_alias _unsafe_view alias as_strided cat detach diagonal expand flip lift_fresh
        permute repeat repeat_interleave roll select slice split split_with_sizes squeeze stack t
        transpose tril triu unbind unfold unsqueeze view
    """),
    "New tensors": _names("""
        arange clone copy empty empty_like eye fill full full_like new_empty new_full new_ones
        new_zeros ones ones_like scalar_tensor zero zeros zeros_like
    """),
    TRAINING: _names("""
        _adaptive_avg_pool2d_backward _log_softmax_backward_data _prelu_kernel_backward
        _softmax_backward_data _upsample_nearest_exact1d_backward _upsample_nearest_exact2d_backward
        adaptive_max_pool2d_backward avg_pool2d_backward binary_cross_entropy
        binary_cross_entropy_backward binary_cross_entropy_with_logits convolution_backward
        diagonal_backward elu_backward embedding_dense_backward gelu_backward hardshrink_backward
        hardsigmoid_backward hardswish_backward hardtanh_backward huber_loss huber_loss_backward
        leaky_relu_backward log_sigmoid_backward max_pool2d_with_indices_backward mish_backward
        mse_loss mse_loss_backward native_batch_norm_backward native_dropout_backward
        native_group_norm_backward native_layer_norm_backward nll_loss_backward nll_loss_forward
        reflection_pad1d_backward reflection_pad2d_backward replication_pad1d_backward
        replication_pad2d_backward select_backward sigmoid_backward silu_backward slice_backward
        smooth_l1_loss smooth_l1_loss_backward softplus_backward softshrink_backward tanh_backward
        threshold_backward unfold_backward upsample_bicubic2d_backward upsample_bilinear2d_backward
        upsample_linear1d_backward upsample_nearest1d_backward upsample_nearest2d_backward
    """),
}
_TRAINING = frozenset(name for names in GROUPS.values() for name in names)
_INFERENCE = _TRAINING - {*GROUPS[TRAINING]}
_RENAMED = frozenset({"bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not"})  # see page_form.py
_RENAMED |= {"_to_copy", "empty_strided", "new_empty_strided"}

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


def is_known(name: str, *, training: bool) -> bool:
    """Whether the page runs an ATen operation; only pages that train have all."""
    stem = name.removesuffix("_")
    known = _TRAINING if training else _INFERENCE
    return name in known or stem in known or stem in _RENAMED
