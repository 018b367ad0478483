"""The page's operations in numpy, in double precision: what the page's own runner is tested against."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]


def apply(op: str, a: Mapping[str, Any], x: list[Array], weights: Array) -> Array:
    """One operation with attributes `a` on registers of shape (B, n); a constant's B is 1."""
    if op in ("add", "sub", "mul"):
        return {"add": np.add, "sub": np.subtract, "mul": np.multiply}[op](x[0], x[1])
    if op in _VECTORS:
        return np.asarray(_VECTORS[op](a, x, weights))
    if op in _IMAGES:
        return np.asarray(_IMAGES[op](a, x[0], weights).reshape(len(x[0]), -1))
    with np.errstate(over="ignore"):
        return _activate(op, a, x[0])


def _linear(a: Mapping[str, Any], x: list[Array], weights: Array) -> Array:
    n_in, n_out = a["in_features"], a["out_features"]
    matrix = weights[a["w"] : a["w"] + n_in * n_out].reshape(n_out, n_in)
    shift = 0.0 if a["b"] is None else weights[a["b"] : a["b"] + n_out]
    return np.asarray(x[0] @ matrix.T + shift)


def _affine(a: Mapping[str, Any], x: list[Array], weights: Array) -> Array:
    scale, shift = (np.repeat(weights[a[k] : a[k] + a["n"]], a["inner"]) for k in ("scale", "shift"))
    return np.asarray(x[0] * scale + shift)


def _strided(a: Mapping[str, Any], x: list[Array], _: Array) -> Array:
    where = np.array(a["start"])
    for n, stride in zip(a["shape"], a["strides"], strict=True):
        where = where[..., None] + stride * np.arange(n)
    return x[0][:, where.reshape(-1)]


def _concat(a: Mapping[str, Any], x: list[Array], _: Array) -> Array:
    batch = max(len(part) for part in x)
    parts = [np.broadcast_to(part, (batch, part.shape[1])).reshape(batch, a["outer"], -1) for part in x]
    return np.concatenate(parts, axis=2).reshape(batch, -1)


def _softmax(a: Mapping[str, Any], x: list[Array], _: Array) -> Array:
    values = x[0].reshape(len(x[0]), a["outer"], a["n"], a["inner"])
    exponentials = np.exp(values - values.max(2, keepdims=True))
    return np.asarray((exponentials / exponentials.sum(2, keepdims=True)).reshape(x[0].shape))


_VECTORS = {
    "softmax": _softmax,
    "linear": _linear,
    "affine": _affine,
    "scale_shift": lambda a, x, _: x[0] * a["scale"] + a["shift"],
    "slice": lambda a, x, _: x[0][:, a["start"] : a["stop"]],
    "strided": _strided,
    "concat": _concat,
    "constant": lambda a, _, weights: weights[None, a["w"] : a["w"] + a["n"]],
}


def _taps(a: Mapping[str, Any]) -> Iterator[tuple[int, int, slice, slice]]:
    """Of each place in the kernel: its row and column, and what it sees of the padded image."""
    (down, right), (height, width) = a["stride"], (a["grid_height"], a["grid_width"])
    for i, j in np.ndindex(*a["kernel"]):
        top, left = i * a["dilation"][0], j * a["dilation"][1]
        rows = slice(top, top + (height - 1) * down + 1, down)
        yield i, j, rows, slice(left, left + (width - 1) * right + 1, right)


def _padded(a: Mapping[str, Any], batch: int, channels: int, fill: float) -> tuple[Array, Array]:
    """An image with room around it, and the part of it that is the image."""
    *_, (_, _, rows, cols) = _taps(a)
    top, left = a["padding"]
    size = (max(rows.stop, top + a["height"]), max(cols.stop, left + a["width"]))
    whole = np.full((batch, channels, *size), fill)
    return whole, whole[:, :, top : top + a["height"], left : left + a["width"]]


def _conv2d(a: Mapping[str, Any], x: Array, weights: Array) -> Array:
    kernel = _kernel(a, weights, (a["out_channels"], a["in_channels"], *a["kernel"]))
    whole, inside = _padded(a, len(x), a["in_channels"], 0.0)
    inside[:] = x.reshape(inside.shape)
    y: Any = _shift(a, weights)
    for i, j, rows, cols in _taps(a):
        y = y + _mixed(kernel[:, :, i, j], whole[:, :, rows, cols])
    return np.asarray(y)


def _conv_transpose2d(a: Mapping[str, Any], x: Array, weights: Array) -> Array:
    kernel = _kernel(a, weights, (a["out_channels"], *a["kernel"], a["in_channels"]))
    whole, inside = _padded(a, len(x), a["out_channels"], 0.0)
    grid = x.reshape(len(x), a["in_channels"], a["grid_height"], a["grid_width"])
    for i, j, rows, cols in _taps(a):
        whole[:, :, rows, cols] += _mixed(kernel[:, i, j], grid)
    return np.asarray(inside + _shift(a, weights))


def _mixed(matrix: Array, images: Array) -> Array:
    return np.einsum("oc,bchw->bohw", matrix, images, optimize=True)


def _max_pool2d(a: Mapping[str, Any], x: Array, _: Array) -> Array:
    whole, inside = _padded(a, len(x), a["channels"], -math.inf)
    inside[:] = x.reshape(inside.shape)
    return np.asarray(np.max([whole[:, :, rows, cols] for *_, rows, cols in _taps(a)], axis=0))


def _resample(a: Mapping[str, Any], x: Array, _: Array) -> Array:
    images = x.reshape(len(x), a["channels"], a["height"], a["width"])
    rows, cols = _matrix(a["rows"], a["height"]), _matrix(a["cols"], a["width"])
    return np.asarray(rows @ images @ cols.T)


def _matrix(taps: list[list[float]], n: int) -> Array:
    matrix = np.zeros((len(taps), n))
    for row, pairs in zip(matrix, taps, strict=True):
        row[[int(k) for k in pairs[::2]]] = pairs[1::2]
    return matrix


def _kernel(a: Mapping[str, Any], weights: Array, shape: tuple[int, ...]) -> Array:
    return weights[a["w"] : a["w"] + math.prod(shape)].reshape(shape)


def _shift(a: Mapping[str, Any], weights: Array) -> Any:
    return 0.0 if a["b"] is None else weights[a["b"] : a["b"] + a["out_channels"], None, None]


_IMAGES = {
    "conv2d": _conv2d,
    "conv_transpose2d": _conv_transpose2d,
    "max_pool2d": _max_pool2d,
    "resample": _resample,
}


def _activate(op: str, a: Mapping[str, Any], x: Array) -> Array:
    if op == "gelu" and a["approximate"] == "none":
        return np.asarray(0.5 * x * (1 + torch.erf(torch.from_numpy(x / math.sqrt(2))).numpy()))
    if op == "gelu":
        return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
    functions = {
        "relu": lambda: np.maximum(x, 0),
        "tanh": lambda: np.tanh(x),
        "sigmoid": lambda: 1 / (1 + np.exp(-x)),
        "softplus": lambda: np.logaddexp(0, x),
        "leaky_relu": lambda: np.where(x > 0, x, a["slope"] * x),
        "elu": lambda: np.where(x > 0, x, a["alpha"] * np.expm1(np.minimum(x, 0))),
        "silu": lambda: x / (1 + np.exp(-x)),
        "hardtanh": lambda: np.clip(x, a["lo"], a["hi"]),
        "exp": lambda: np.exp(x),
    }
    return np.asarray(functions[op]())
