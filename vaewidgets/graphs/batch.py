"""One program from two recordings at different batch sizes: which numbers depend on the size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from vaewidgets.graphs.places import Place
from vaewidgets.graphs.recorder import Operation, Ref, Value, leaves

SIZES = (7, 11)  # two points for `factor * B + offset`
FEW = (2, 5)  # the same, for what is recorded again and again
_THIRD = 3  # one more where an offset is in play: through two points there is always a line


@dataclass(frozen=True)
class Size:
    """A number that depends on the batch size B: ``factor * B + offset``."""

    factor: float
    offset: float

    def at(self, batch: int) -> float:
        return self.factor * batch + self.offset


@dataclass(frozen=True)
class Share:
    """A number divided by the batch size B: ``number / B``."""

    number: float

    def at(self, batch: int) -> float:
        return self.number / batch


class Differs(Exception):
    """The two recordings are not of one program; the text says where."""


@dataclass(frozen=True)
class Recording:
    """What was recorded at one batch size, or, merged, for all sizes."""

    values: list[Value]
    operations: list[Operation]
    inputs: list[int]
    outputs: list[int]
    shapes: list[tuple[Any, ...]]  # of each value; with `Size` where merged
    picked: Place | None = None  # where it picked by a mask, which is recorded as if the mask were full


def merged(record: Callable[[int], Recording], sizes: tuple[int, int] = SIZES) -> Recording:
    """Record at several batch sizes, and write numbers that differ as functions of the size.

    Raises
    ------
    Differs
        If the operations differ, or a number is no such function.
    """
    first = record(sizes[0])
    both = _merged(first, record(sizes[1]), sizes)
    numbers = [leaf for operation in both.operations for leaf in leaves(operation.args)]
    if any(isinstance(number, Size) and number.offset for number in numbers):
        _check(both, record(_THIRD), sizes[0])
    return both


def _check(both: Recording, third: Recording, size: int) -> None:
    """Compare the numbers of a merged recording with those at another size."""
    known = both.operations[-len(third.operations) :]
    if [operation.overload for operation in known] != [operation.overload for operation in third.operations]:
        raise Differs(f"it takes other steps for {_THIRD} images than for {size}")
    for ours, theirs in zip(known, third.operations, strict=True):
        for number, wanted in zip(leaves(ours.args), leaves(theirs.args), strict=True):
            if isinstance(number, Size) and not math.isclose(number.at(_THIRD), wanted, rel_tol=1e-9):
                values = f"{at(number, size)} for {size} and {wanted} for {_THIRD}"
                raise Differs(f"{theirs.place} takes the number {values} images")


def _merged(first: Recording, second: Recording, sizes: tuple[int, int]) -> Recording:
    for a, b in zip(first.operations, second.operations, strict=False):
        if a.overload is not b.overload or a.outs != b.outs:
            raise Differs(f"{b.place} does another thing for {sizes[1]} images than for {sizes[0]}")
    if len(first.operations) != len(second.operations) or len(first.values) != len(second.values):
        raise Differs(f"it takes more or fewer steps for {sizes[1]} images than for {sizes[0]}")
    if first.outputs != second.outputs:
        raise Differs(f"it returns other tensors for {sizes[1]} images than for {sizes[0]}")
    operations = []
    for a, b in zip(first.operations, second.operations, strict=True):
        args = tuple(_both(x, y, sizes, a) for x, y in zip(a.args, b.args, strict=True))
        operations.append(Operation(a.overload, args, a.outs, a.place, a.writes))
    values, shapes, made = [], [], []
    for i, (one, two) in enumerate(zip(first.values, second.values, strict=True)):
        if one.kind != two.kind or one.name != two.name:
            raise Differs(f"its tensors differ for {sizes[1]} images and for {sizes[0]}")
        differs = one.kind == "constant" and not _equal(one.tensor, two.tensor)
        if differs:
            made.append(_as_full(i, one.tensor, two.tensor, sizes))
        values.append(replace(one, kind="result") if differs else one)
        shapes.append(
            tuple(_number(m, n, sizes) for m, n in zip(one.tensor.shape, two.tensor.shape, strict=True))
        )
    return Recording(values, [*made, *operations], first.inputs, first.outputs, shapes, first.picked)


def at(value: Any, batch: int) -> Any:
    """A number of a merged recording at one batch size."""
    if isinstance(value, Size):
        number = value.at(batch)
        return (
            int(number) if float(value.factor).is_integer() and float(value.offset).is_integer() else number
        )
    return value.at(batch) if isinstance(value, Share) else value


def _both(x: Any, y: Any, sizes: tuple[int, int], operation: Operation) -> Any:
    if isinstance(x, (list, tuple)) and isinstance(y, (list, tuple)):
        if len(x) != len(y):
            raise Differs(f"{operation.place} takes other sizes for {sizes[1]} images than for {sizes[0]}")
        return [_both(a, b, sizes, operation) for a, b in zip(x, y, strict=True)]
    if isinstance(x, Ref) or isinstance(y, Ref):
        if x != y:
            raise Differs(f"{operation.place} takes other tensors for {sizes[1]} images than for {sizes[0]}")
        return x
    try:
        return _number(x, y, sizes)
    except Differs:
        raise Differs(
            f"{operation.place} takes the number {x} for {sizes[0]} images and {y} for {sizes[1]}"
        ) from None


def _number(x: Any, y: Any, sizes: tuple[int, int], tolerance: float = 1e-12) -> Any:
    if type(x) is type(y) and (x == y or (isinstance(x, float) and math.isnan(x) and math.isnan(y))):
        return x
    if not isinstance(x, (int, float)) or not isinstance(y, (int, float)) or isinstance(x, bool):
        raise Differs(f"{x} and {y}")
    a, b = sizes
    if math.isclose(x * a, y * b, rel_tol=tolerance) and isinstance(x, float):
        return Share(x * a)
    factor = (y - x) / (b - a)
    offset = x - factor * a
    if isinstance(x, int) and factor.is_integer():
        return Size(int(factor), int(offset))
    if isinstance(x, int) or not (math.isfinite(factor) and math.isfinite(offset)):
        raise Differs(f"{x} and {y}")
    return Size(factor, offset)


def _equal(x: Tensor, y: Tensor) -> bool:
    return (
        x.shape == y.shape
        and x.dtype == y.dtype
        and bool(torch.equal(x, y) or (x.isnan() & y.isnan() | (x == y)).all())
    )


def _as_full(i: int, x: Tensor, y: Tensor, sizes: tuple[int, int]) -> Operation:
    """A number of the batch size that was made a tensor of no axes."""
    if x.dim() or y.dim():
        raise Differs(f"a tensor of shape {tuple(x.shape)} holds other values for {sizes[1]} images")
    number = _number(x.item(), y.item(), sizes, 1e-6)
    args: tuple[Any, ...] = ([], number, x.dtype, None, None, None)
    return Operation(torch.ops.aten.full.default, args, (i,), Place("full"))
