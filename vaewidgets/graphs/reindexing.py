"""Functions that only move values: what they do is read off an array of positions that they are run on."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from vaewidgets.graphs.builder import Builder, Unsupported, Weight
from vaewidgets.graphs.record import Call, Constant, Environment, Register, map_leaves

REINDEXING = frozenset(
    {
        "__getitem__",
        "view",
        "reshape",
        "flatten",
        "unflatten",
        "squeeze",
        "unsqueeze",
        "ravel",
        "view_as",
        "reshape_as",
        "transpose",
        "swapaxes",
        "permute",
        "movedim",
        "moveaxis",
        "t",
        "T",
        "mT",
        "adjoint",
        "chunk",
        "split",
        "tensor_split",
        "unsafe_chunk",
        "unsafe_split",
        "hsplit",
        "narrow",
        "select",
        "unbind",
        "index_select",
        "expand",
        "expand_as",
        "broadcast_to",
        "repeat",
        "tile",
        "repeat_interleave",
        "flip",
        "roll",
        "pixel_shuffle",
        "pixel_unshuffle",
    }
)


def reindexed(builder: Builder, call: Call, environment: Environment) -> list[int]:
    """Numbers of what a reindexing function returns, or `Unsupported`."""
    first = call.args[0] if call.args else call.kwargs.get("input")
    if isinstance(first, Constant):
        return [_shaped(builder, call)]
    x = builder.register(first)
    assert isinstance(first, Register)
    leaves: list[Any] = []
    map_leaves((call.args, dict(call.kwargs)), leaves.append)
    if any(isinstance(leaf, torch.dtype) for leaf in leaves):
        raise Unsupported("it reads the same bytes as another type")
    others = [leaf for leaf in leaves if isinstance(leaf, Register) and leaf is not first]
    if others and call.name == "__getitem__":
        raise Unsupported("it picks values by an index that depends on the input")
    positions = _positions(first)

    def stand_in(leaf: Any) -> Any:
        if leaf is first:
            return positions
        if isinstance(leaf, Register):
            return torch.empty(leaf.shape)
        return environment.value(leaf).cpu() if isinstance(leaf, Constant) else leaf

    result = call.function(*map_leaves(call.args, stand_in), **map_leaves(dict(call.kwargs), stand_in))
    parts = list(result) if isinstance(result, (tuple, list)) else [result]
    return [_taken(builder, x, positions.numel(), part.reshape(-1)) for part in parts]


def expanded(builder: Builder, x: Register, shape: torch.Size) -> int:
    positions = _positions(x)
    return _taken(builder, builder.id_of(x), positions.numel(), positions.expand(shape).reshape(-1))


def _shaped(builder: Builder, call: Call) -> int:
    """A constant that takes a shape from what depends on the input: ``logvar.expand_as(mu)``."""

    def compute(environment: Environment) -> Tensor:
        def stand_in(leaf: Any) -> Any:
            if isinstance(leaf, Register):
                return torch.empty(leaf.shape)
            return environment.value(leaf) if isinstance(leaf, Constant) else leaf

        result = call.function(*map_leaves(call.args, stand_in), **map_leaves(dict(call.kwargs), stand_in))
        assert isinstance(result, Tensor)
        return result

    n = math.prod(call.outputs[0].shape)
    return builder.emit("constant", w=Weight(compute, n), n=n)


def _positions(x: Register) -> Tensor:
    return torch.arange(math.prod(x.shape)).reshape(x.shape)


def _taken(builder: Builder, x: int, total: int, where: Tensor) -> int:
    """The values at `where`: nothing to do, a contiguous part, or axes with a stride each."""
    start = int(where[0]) if where.numel() else 0
    if torch.equal(where, torch.arange(start, start + where.numel())):
        return builder.fragment(x, total, start, start + where.numel())
    shape, strides = _axes(where - start)
    return builder.emit("strided", x, start=start, shape=shape, strides=strides)


def _axes(where: Tensor) -> tuple[list[int], list[int]]:
    """Split flat positions, the first one 0, into axes of constant stride: their lengths and strides."""
    shape: list[int] = []
    strides: list[int] = []
    while where.numel() > 1:
        stride = int(where[1])
        off = (where != stride * torch.arange(where.numel())).nonzero()
        length = int(off[0]) if len(off) else where.numel()
        rows = where.reshape(-1, length) if where.numel() % length == 0 else None
        if rows is None or not torch.equal(rows, rows[:, :1] + rows[:1]):
            raise Unsupported("it reorders values in a way that no strides describe")
        shape.insert(0, length)
        strides.insert(0, stride)
        where = rows[:, 0]
    return shape, strides
