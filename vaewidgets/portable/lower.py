"""From recorded torch calls to the operations of the page."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from vaewidgets.portable.builder import Builder, Unsupported
from vaewidgets.portable.handlers import ALIASES, HANDLERS
from vaewidgets.portable.record import Call, Constant, Environment, Register, map_leaves

__all__ = ["dead_calls_dropped", "lower"]

# functions that only move values; which ones they keep is found out by running them on positions
_MOVERS = frozenset(
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
        "flip",
        "roll",
        "pixel_shuffle",
        "pixel_unshuffle",
    }
)


def dead_calls_dropped(calls: list[Call], outputs: list[Register]) -> list[Call]:
    """Keep the calls that the outputs depend on, in order."""
    needed = {register.index for register in outputs}
    kept = []
    for call in reversed(calls):
        if any(register.index in needed for register in call.outputs):
            kept.append(call)
            map_leaves(
                (call.args, dict(call.kwargs)),
                lambda leaf: needed.add(leaf.index) if isinstance(leaf, Register) else None,
            )
    return kept[::-1]


def lower(builder: Builder, call: Call, environment: Environment) -> None:
    """Translate one call, or raise `Unsupported`; `environment` has the constants as they are just now."""
    if call.problem is not None:
        raise Unsupported(call.problem)
    name = ALIASES.get(call.name, call.name)
    if name in _MOVERS:
        ids = _move(builder, call, environment)
    elif name in HANDLERS:
        try:
            ids = [HANDLERS[name](builder, *call.args, **call.kwargs)]
        except TypeError as error:
            raise Unsupported(f"these arguments of {call.name} are not known here ({error})") from error
    else:
        raise Unsupported(f"{call.name} has no counterpart there")
    if len(ids) != len(call.outputs):
        raise Unsupported(f"{call.name} returned {len(call.outputs)} tensors")
    builder.bind(call.outputs, ids)


def _move(builder: Builder, call: Call, environment: Environment) -> list[int]:
    """Views, slices and axis moves: apply the same function to positions and look where they went."""
    first = call.args[0] if call.args else call.kwargs.get("input")
    x = builder.register(first)
    assert isinstance(first, Register)
    leaves: list[Any] = []
    map_leaves((call.args, dict(call.kwargs)), leaves.append)
    if any(isinstance(leaf, torch.dtype) for leaf in leaves):
        raise Unsupported("it reads the same bytes as another type")
    if (
        any(isinstance(leaf, Register) and leaf is not first for leaf in leaves)
        and call.name == "__getitem__"
    ):
        raise Unsupported("it picks values by an index that depends on the input")
    total = math.prod(first.shape)
    positions = torch.arange(total).reshape(first.shape)

    def stand_in(leaf: Any) -> Any:
        if leaf is first:
            return positions
        if isinstance(leaf, Register):
            return torch.empty(leaf.shape)
        return environment.value(leaf).cpu() if isinstance(leaf, Constant) else leaf

    moved = call.function(*map_leaves(call.args, stand_in), **map_leaves(dict(call.kwargs), stand_in))
    parts = list(moved) if isinstance(moved, (tuple, list)) else [moved]
    return [_kept(builder, x, total, part.reshape(-1)) for part in parts]


def _kept(builder: Builder, x: int, total: int, where: Tensor) -> int:
    start = int(where[0]) if where.numel() else 0
    if not torch.equal(where, torch.arange(start, start + where.numel())):
        raise Unsupported("it reorders or repeats values; the page takes views and contiguous parts")
    return builder.piece(x, total, start, start + where.numel())
