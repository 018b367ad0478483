"""Operations that are recorded as others: random ones as draws and arithmetic, unknown ones as known ones."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from vaewidgets.graphs.operations import is_known
from vaewidgets.graphs.recorder import Recorder
from vaewidgets.graphs.schemas import Overload, schema_of

Rewrite = Callable[..., Any]  # takes the recorder and all arguments of the schema
_AS_THEY_ARE = frozenset(
    {"detach_", "lift", "_local_scalar_dense", "equal", "is_same_size", "is_pinned"}
    | {"nonzero", "masked_select"}
)


def rewrite(overload: Overload, args: Sequence[Any], *, training: bool) -> Rewrite | None:
    """Find the function that does the same by operations which the page knows; None to record as it is."""
    schema = schema_of(overload)
    special = _SPECIAL.get(schema.name)
    if special is not None and (schema.name not in _ONLY_IF or _ONLY_IF[schema.name](args)):
        return special
    functional = _functional_of_out(overload)
    if functional is not None:
        return lambda _, *given: given[-1].copy_(functional(*given[: schema.positional]))
    if schema.name in _AS_THEY_ARE or (
        overload.namespace == "aten" and is_known(schema.name, training=training)
    ):
        return None
    return _decomposition(overload)


@functools.cache
def _functional_of_out(overload: Overload) -> Overload | None:
    """Of an overload that writes into ``out=``, the one that makes a new tensor."""
    arguments = overload._schema.arguments
    *given, last = arguments or (None,)
    if last is None or last.name != "out" or not last.kwarg_only:
        return None
    wanted = [(argument.name, str(argument.type)) for argument in given]
    packet = getattr(torch.ops.aten, schema_of(overload).name)
    overloads = (getattr(packet, name) for name in packet.overloads())
    return next(
        (o for o in overloads if [(a.name, str(a.type)) for a in o._schema.arguments] == wanted), None
    )


def _decomposition(overload: Overload) -> Rewrite | None:
    """Torch's own decomposition, imported only now."""
    schema = schema_of(overload)

    def called(function: Callable[..., Any]) -> Rewrite:
        def call(_: Recorder, *args: Any) -> Any:
            positional, named = schema.split(args)
            return function(*positional, **named)

        return call

    if overload.namespace == "prims":
        return called(overload.impl_aten)
    key = torch._C.DispatchKey.CompositeImplicitAutograd
    if torch._C._dispatch_has_kernel_for_dispatch_key(overload.name(), key):
        # `decompose` prefers rules in Python, which import what takes a second
        return called(functools.partial(overload._op_dk, key))
    from torch._decomp import decomposition_table

    found = decomposition_table.get(overload)
    if found is not None:
        return called(found)
    if schema.name.endswith("_") and schema.written == (0,):
        packet = getattr(torch.ops.aten, schema.name.removesuffix("_"), None)
        functional = getattr(packet, overload._overloadname, None)
        if functional is not None:
            return called(lambda x, *rest, **named: x.copy_(functional(x, *rest, **named)))
    return None


def _normal(recorder: Recorder, size: Sequence[int], *_: Any) -> Tensor:
    return recorder.draw("normal", size)


def _uniform(recorder: Recorder, size: Sequence[int], *_: Any) -> Tensor:
    return recorder.draw("uniform", size)


def _normal_like(recorder: Recorder, x: Tensor, *_: Any) -> Tensor:
    return recorder.draw("normal", x.shape)


def _uniform_like(recorder: Recorder, x: Tensor, *_: Any) -> Tensor:
    return recorder.draw("uniform", x.shape)


def _normal_in_place(recorder: Recorder, x: Tensor, mean: float = 0, std: float = 1, *_: Any) -> Tensor:
    drawn = recorder.draw("normal", x.shape)
    return x.copy_(drawn if (mean, std) == (0, 1) else drawn * std + mean)


def _uniform_in_place(recorder: Recorder, x: Tensor, low: float = 0, high: float = 1, *_: Any) -> Tensor:
    drawn = recorder.draw("uniform", x.shape)
    return x.copy_(drawn if (low, high) == (0, 1) else drawn * (high - low) + low)


def _normal_of(recorder: Recorder, mean: Any, std: Any, *_: Any) -> Tensor:
    shape = torch.broadcast_shapes(*(value.shape for value in (mean, std) if isinstance(value, Tensor)))
    return recorder.draw("normal", shape) * std + mean


def _bernoulli(recorder: Recorder, x: Tensor, p: Any = None, *_: Any) -> Tensor:
    chance = p if isinstance(p, float) else x
    return (recorder.draw("uniform", x.shape) < chance).to(x.dtype)


def _bernoulli_in_place(recorder: Recorder, x: Tensor, p: Any = 0.5, *_: Any) -> Tensor:
    return x.copy_((recorder.draw("uniform", x.shape) < p).to(x.dtype))


def _exponential_in_place(recorder: Recorder, x: Tensor, rate: float = 1, *_: Any) -> Tensor:
    return x.copy_(-torch.log1p(-recorder.draw("uniform", x.shape)) / rate)


def _dropout(recorder: Recorder, x: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    if train is False or p == 0:
        return x.clone(), torch.ones_like(x)
    mask = (recorder.draw("uniform", x.shape) < 1 - p).to(x.dtype)
    return x * mask * (0.0 if p == 1 else 1 / (1 - p)), mask


def _dropout_backward(_: Recorder, gradient: Tensor, mask: Tensor, scale: float) -> Tensor:
    return gradient * mask * scale


def _picked(recorder: Recorder, x: Tensor, masks: Sequence[Tensor]) -> Tensor:
    """``x[mask]`` as all of `x`: what is computed of it and put back by the same mask is right there."""
    recorder.note_pick()
    return x.reshape(-1, *x.shape[masks[0].dim() :]).clone()


def _put_where(
    _: Recorder, x: Tensor, masks: Sequence[Tensor], value: Tensor, accumulate: bool, *__: Any
) -> Tensor:
    """``x[mask] = value``, a number or what `_picked` has given."""
    mask = masks[0].reshape(*masks[0].shape, *([1] * (x.dim() - masks[0].dim())))
    value = value.reshape(()) if value.numel() == 1 else value.reshape(x.shape)
    return x.copy_(torch.where(mask, x + value if accumulate else value, x))


def _is_mask(args: Sequence[Any]) -> bool:
    return len(args[1]) == 1 and args[1][0] is not None and args[1][0].dtype == torch.bool


def _is_put_where(args: Sequence[Any]) -> bool:
    return _is_mask(args) and args[2].numel() in (1, args[0].numel())


def _distances(_: Recorder, x: Tensor, y: Tensor, p: float, *__: Any) -> Tensor:
    return torch.linalg.vector_norm(x.unsqueeze(-2) - y.unsqueeze(-3), p, -1)


def _dot(_: Recorder, x: Tensor, y: Tensor) -> Tensor:
    return torch.dot(x, y)


def _celu(_: Recorder, x: Tensor, alpha: float) -> Tensor:
    return torch.ops.aten.elu.default(x, alpha, 1.0, 1 / alpha)


def _glu(_: Recorder, x: Tensor, dim: int) -> Tensor:
    half = x.shape[dim] // 2
    return x.narrow(dim, 0, half) * torch.sigmoid(x.narrow(dim, half, half))


def _resampled(overload: Overload) -> Rewrite:
    """An interpolation as a product with one matrix for the rows and one for the columns."""

    def call(recorder: Recorder, x: Tensor, size: Sequence[int], *args: Any) -> Tensor:
        with recorder.paused():
            height, width = x.shape[-2:]
            of_rows = overload(torch.eye(height)[None, None], [size[0], height], *args[:-2], None, None)[0, 0]
            of_columns = overload(torch.eye(width)[None, None], [width, size[1]], *args[:-2], None, None)[
                0, 0
            ]
        return torch.matmul(of_rows, torch.matmul(x, of_columns))

    return call


def _attention(
    _: Recorder, query: Tensor, key: Tensor, value: Tensor, *options: Any
) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention, and the log of what its softmax divides by."""
    _dropout, causal, mask, scale = options
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = torch.matmul(query, key.transpose(-2, -1)) * factor
    if causal:
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        scores = torch.where(allowed, scores, -math.inf)
    if mask is not None:
        scores = torch.where(mask, scores, -math.inf) if mask.dtype == torch.bool else scores + mask
    return torch.matmul(torch.softmax(scores, -1), value), torch.logsumexp(scores, -1)


_SPECIAL: dict[str, Rewrite] = {
    "randn": _normal,
    "rand": _uniform,
    "randn_like": _normal_like,
    "rand_like": _uniform_like,
    "normal": _normal_of,
    "normal_": _normal_in_place,
    "uniform_": _uniform_in_place,
    "bernoulli": _bernoulli,
    "bernoulli_": _bernoulli_in_place,
    "exponential_": _exponential_in_place,
    "native_dropout": _dropout,
    "native_dropout_backward": _dropout_backward,
    "index": _picked,
    "index_put_": _put_where,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "vdot": _dot,
    "glu": _glu,
    "celu": _celu,
    "_cdist_forward": _distances,
    "_upsample_bicubic2d_aa": _resampled(torch.ops.aten._upsample_bicubic2d_aa.default),
    "_upsample_bilinear2d_aa": _resampled(torch.ops.aten._upsample_bilinear2d_aa.default),
}
_ONLY_IF: dict[str, Callable[[Sequence[Any]], bool]] = {
    "index": _is_mask,
    "index_put_": _is_put_where,
}
