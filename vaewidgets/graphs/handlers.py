"""How each torch function becomes operations of the page.

A handler has the signature of its torch function, after the builder, and returns the number of its result.
It raises `Unsupported` for arguments that the page cannot follow; unknown ones fail to bind, to the same end.
"""
# ruff: noqa: ARG001, ARG005, PLR0917 (the signatures are torch's)

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vaewidgets.graphs.builder import Builder, Unsupported, Weight
from vaewidgets.graphs.record import Constant, Environment, Register
from vaewidgets.graphs.reindexing import expanded
from vaewidgets.graphs.spatial import SPATIAL

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, arXiv:1706.02515


def _linear(b: Builder, input: Any, weight: Any, bias: Any = None) -> int:
    x = _one_register(b, input)
    if not isinstance(weight, Constant) or len(weight.shape) != 2 or isinstance(bias, Register):
        raise Unsupported("its weight depends on the input, or is not a matrix")
    n_out, n_in = weight.shape
    shift = Weight(lambda env: env.value(bias), n_out) if isinstance(bias, Constant) else None
    return b.linear(x, Weight(lambda env: env.value(weight), n_in * n_out), shift, n_in, n_out)


def _addmm(b: Builder, input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> int:
    if beta != 1 or alpha != 1 or not isinstance(input, Constant):
        raise Unsupported("addmm is taken with a constant bias and beta = alpha = 1 only")
    if not isinstance(mat2, Constant) or len(mat2.shape) != 2:
        raise Unsupported("its weight depends on the input")
    n_in, n_out = mat2.shape
    shift = Weight(lambda env: env.value(input).expand(1, n_out).reshape(-1), n_out)
    return b.linear(
        _one_register(b, mat1), Weight(lambda env: env.value(mat2).T, n_in * n_out), shift, n_in, n_out
    )


def _matmul(b: Builder, input: Any, other: Any) -> int:
    if isinstance(input, Register) and isinstance(other, Constant) and len(other.shape) == 2:
        n_in, n_out = other.shape
        return b.linear(input, Weight(lambda env: env.value(other).T, n_in * n_out), None, n_in, n_out)
    if isinstance(input, Register) and isinstance(other, Constant) and len(other.shape) == 1:
        return b.linear(input, Weight(lambda env: env.value(other), other.shape[0]), None, other.shape[0], 1)
    column = isinstance(other, Register) and (len(other.shape) == 1 or other.shape[-1] == 1)
    if isinstance(input, Constant) and len(input.shape) == 2 and column:
        n_out, n_in = input.shape
        return b.linear(other, Weight(lambda env: env.value(input), n_in * n_out), None, n_in, n_out)
    raise Unsupported("it multiplies by something other than one matrix of parameters")


def _batch_norm(
    b: Builder,
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> int:
    x = _one_register(b, input)
    if training or not isinstance(running_mean, Constant) or not isinstance(running_var, Constant):
        raise Unsupported("it normalises by the batch's own statistics, also in eval mode")
    n = running_mean.shape[0]

    def scale(env: Environment) -> Tensor:
        factor = torch.rsqrt(env.value(running_var) + eps)
        return factor if weight is None else factor * env.value(weight)

    def shift(env: Environment) -> Tensor:
        value = -env.value(running_mean) * scale(env)
        return value if bias is None else value + env.value(bias)

    inner = math.prod(x.shape[2:])
    return b.emit("affine", b.id_of(x), scale=Weight(scale, n), shift=Weight(shift, n), n=n, inner=inner)


def _dropout(b: Builder, input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> int:
    if training and p > 0:
        raise Unsupported("it drops values also in eval mode (pass training=self.training)")
    return b.register(input)


def _add(b: Builder, input: Any, other: Any, *, alpha: float = 1) -> int:
    if not isinstance(input, Register):
        if alpha != 1:
            raise Unsupported("add is taken with alpha = 1 where the first operand is a constant")
        input, other = other, input
    x = _one_register(b, input)
    if isinstance(other, Register):
        first, second = _pair(b, x, other)
        return b.emit("add", first, b.scale_shift(second, scale=alpha))
    if isinstance(other, Constant):
        return b.affine(x, None, other, sign=float(alpha))
    return b.scale_shift(b.id_of(x), shift=float(other) * alpha)


def _sub(b: Builder, input: Any, other: Any, *, alpha: float = 1) -> int:
    if isinstance(input, Register) and isinstance(other, Register) and alpha == 1:
        return b.emit("sub", *_pair(b, input, other))
    if isinstance(input, Register):
        return _add(b, input, other, alpha=-alpha)
    raise Unsupported("a constant tensor minus a tensor is not taken; write it as -(x - constant)")


def _rsub(b: Builder, input: Any, other: Any, *, alpha: float = 1) -> int:
    if isinstance(other, (Register, Constant)) or alpha != 1:
        raise Unsupported("only a plain number minus a tensor is taken")
    return b.scale_shift(b.register(input), scale=-1.0, shift=float(other))


def _mul(b: Builder, input: Any, other: Any) -> int:
    if not isinstance(input, Register):
        input, other = other, input
    x = _one_register(b, input)
    if isinstance(other, Register):
        return b.emit("mul", *_pair(b, x, other))
    if isinstance(other, Constant):
        return b.affine(x, other, None)
    return b.scale_shift(b.id_of(x), scale=float(other))


def _div(b: Builder, input: Any, other: Any, *, rounding_mode: str | None = None) -> int:
    if rounding_mode is not None or isinstance(other, (Register, Constant)):
        raise Unsupported("division is taken by a plain number only")
    return b.scale_shift(b.register(input), scale=1.0 / float(other))


def _pow(b: Builder, input: Any, exponent: Any) -> int:
    x = b.register(input)
    if isinstance(exponent, (Register, Constant)) or float(exponent) not in (1.0, 2.0):
        raise Unsupported("powers other than 1 and 2 have no counterpart there")
    return x if float(exponent) == 1.0 else b.emit("mul", x, x)


def _clamp(b: Builder, input: Any, min: Any = None, max: Any = None) -> int:
    x = b.register(input)
    if isinstance(min, (Register, Constant)) or isinstance(max, (Register, Constant)):
        raise Unsupported("limits that are tensors are not taken")
    if min is not None and max is not None:
        return b.emit("hardtanh", x, lo=float(min), hi=float(max))
    if min is not None:
        return b.scale_shift(b.emit("relu", b.scale_shift(x, shift=-min)), shift=min)
    return b.scale_shift(b.emit("relu", b.scale_shift(x, -1.0, max)), -1.0, max)


def _softplus(b: Builder, input: Any, beta: float = 1, threshold: float = 20) -> int:
    y = b.emit("softplus", b.scale_shift(b.register(input), scale=float(beta)))
    return b.scale_shift(y, scale=1.0 / float(beta))


def _hardtanh(
    b: Builder, input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> int:
    return b.emit("hardtanh", b.register(input), lo=float(min_val), hi=float(max_val))


def _hardsigmoid(b: Builder, input: Any, inplace: bool = False) -> int:
    return b.emit("hardtanh", b.scale_shift(b.register(input), 1 / 6, 0.5), lo=0.0, hi=1.0)


def _softmax(b: Builder, input: Any, dim: int | None = None, *_: Any, **__: Any) -> int:
    x = b.register(input)
    if dim is None:
        raise Unsupported("softmax without dim=")
    shape = input.shape
    axis = dim % len(shape)
    outer, n = math.prod(shape[:axis]), shape[axis]
    return b.emit("softmax", x, outer=outer, n=n, inner=math.prod(shape[axis + 1 :]))


def _plain(op: str) -> Callable[..., int]:
    def handler(b: Builder, input: Any, inplace: bool = False) -> int:
        return b.emit(op, b.register(input))

    return handler


def _joined(b: Builder, tensors: Any, dim: int, *, new_axis: bool = False) -> int:
    if not all(isinstance(item, (Register, Constant)) for item in tensors):
        raise Unsupported("it joins something other than tensors")
    # an empty one-dimensional tensor is left out by torch as well
    parts = [item for item in tensors if math.prod(item.shape)]
    shape = parts[0].shape
    outer = math.prod(shape[: dim if dim >= 0 else len(shape) + new_axis + dim])
    ids = [b.id_of(item) if isinstance(item, Register) else b.constant(item) for item in parts]
    return ids[0] if len(ids) == 1 else b.emit("concat", *ids, outer=outer)


def _same(b: Builder, input: Any, *_: Any, **__: Any) -> int:
    return b.register(input)


def _to(b: Builder, input: Any, *args: Any, **kwargs: Any) -> int:
    types = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.dtype)]
    if any(not dtype.is_floating_point for dtype in types):
        raise Unsupported(f"it converts to {types[0]}")
    # `one_hot.to(z)` depends on z by its type alone
    return b.constant(input) if isinstance(input, Constant) else b.register(input)


def _one_register(b: Builder, value: Any) -> Register:
    b.register(value)
    assert isinstance(value, Register)
    return value


def _pair(b: Builder, x: Register, other: Register) -> tuple[int, int]:
    """Both of one size: the smaller one, such as one number a channel, is repeated."""
    shape = torch.broadcast_shapes(x.shape, other.shape)
    return tuple(
        b.id_of(r) if math.prod(r.shape) == math.prod(shape) else expanded(b, r, shape) for r in (x, other)
    )  # type: ignore[return-value]


_NAMES = {  # handler: other names of the function
    "add": "__add__ __radd__ __iadd__",
    "sub": "__sub__ subtract __isub__",
    "rsub": "__rsub__",
    "mul": "__mul__ __rmul__ __imul__ multiply",
    "div": "__truediv__ __itruediv__ divide true_divide",
    "matmul": "__matmul__ mm mv",
    "neg": "negative __neg__",
    "pow": "__pow__ __ipow__",
    "clamp": "clip",
    "cat": "concat concatenate",
    "sigmoid": "expit special_expit",
    "logsigmoid": "log_sigmoid",
}
ALIASES = {alias: name for name, aliases in _NAMES.items() for alias in aliases.split()}

PLAIN = ("relu", "tanh", "sigmoid", "silu", "exp")  # operations with the name of their function in torch
HANDLERS: dict[str, Callable[..., Any]] = {
    "linear": _linear,
    "addmm": _addmm,
    "matmul": _matmul,
    "batch_norm": _batch_norm,
    **SPATIAL,
    "cat": lambda b, tensors, dim=0: _joined(b, tensors, dim),
    "stack": lambda b, tensors, dim=0: _joined(b, tensors, dim, new_axis=True),
    **dict.fromkeys(
        ("dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "dropout1d", "dropout2d"),
        _dropout,
    ),
    "add": _add,
    "sub": _sub,
    "rsub": _rsub,
    "mul": _mul,
    "div": _div,
    "neg": lambda b, input: b.scale_shift(b.register(input), scale=-1.0),
    "square": lambda b, input: _pow(b, input, 2),
    "pow": _pow,
    "clamp": _clamp,
    "clamp_min": lambda b, input, min: _clamp(b, input, min=min),
    "clamp_max": lambda b, input, max: _clamp(b, input, max=max),
    "softplus": _softplus,
    "softmax": _softmax,
    "elu": lambda b, input, alpha=1.0, inplace=False: b.emit("elu", b.register(input), alpha=float(alpha)),
    "selu": lambda b, input, inplace=False: b.scale_shift(
        b.emit("elu", b.register(input), alpha=_SELU_ALPHA), scale=_SELU_SCALE
    ),
    "gelu": lambda b, input, approximate="none": b.emit(
        "gelu", b.register(input), approximate=str(approximate)
    ),
    "leaky_relu": lambda b, input, negative_slope=0.01, inplace=False: b.emit(
        "leaky_relu", b.register(input), slope=float(negative_slope)
    ),
    "hardtanh": _hardtanh,
    "relu6": lambda b, input, inplace=False: _hardtanh(b, input, 0.0, 6.0),
    "hardsigmoid": _hardsigmoid,
    "hardswish": lambda b, input, inplace=False: b.emit("mul", b.register(input), _hardsigmoid(b, input)),
    "mish": lambda b, input, inplace=False: b.emit(
        "mul", b.register(input), b.emit("tanh", _softplus(b, input))
    ),
    "logsigmoid": lambda b, input: b.scale_shift(
        b.emit("softplus", b.scale_shift(b.register(input), scale=-1.0)), scale=-1.0
    ),
    **{op: _plain(op) for op in PLAIN},
    **dict.fromkeys(
        ("contiguous", "clone", "detach", "float", "double", "data", "identity", "cpu", "requires_grad"),
        _same,
    ),
    "to": _to,
    "type_as": _to,
    "zeros_like": lambda b, input, **_: b.scale_shift(b.register(input), 0.0, 0.0),
    "ones_like": lambda b, input, **_: b.scale_shift(b.register(input), 0.0, 1.0),
}
