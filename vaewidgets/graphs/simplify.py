"""A recording without what its outputs do not need; what depends on nothing becomes a constant."""

from __future__ import annotations

from dataclasses import replace

import torch

from vaewidgets.graphs.batch import Recording, Share, Size
from vaewidgets.graphs.places import Place
from vaewidgets.graphs.recorder import Operation, Ref, Value, leaves
from vaewidgets.graphs.schemas import schema_of


def simplified(recording: Recording, *, keep_state: bool) -> Recording:
    """Drop dead operations and fold constants; with `keep_state` writes into parameters stay."""
    return _needed(_own_constants(_folded(recording)), keep_state=keep_state)


def _needed(recording: Recording, *, keep_state: bool) -> Recording:
    values = recording.values
    needed = set(recording.outputs)
    memories = {values[i].memory for i in needed}
    if keep_state:
        memories |= {value.memory for value in values if value.kind == "named"}
    kept: list[Operation] = []
    for operation in reversed(recording.operations):
        writes = any(values[i].memory in memories for i in operation.writes)
        if not writes and not any(i in needed for i in operation.outs):
            continue
        needed.update(operation.reads)
        memories.update(values[i].memory for i in operation.reads)
        kept.append(operation)
    return replace(recording, operations=kept[::-1])


def _folded(recording: Recording) -> Recording:
    """What depends on constants alone, and is nowhere written in place, as a constant."""
    values = list(recording.values)
    written = {values[i].memory for operation in recording.operations for i in operation.writes}
    constant = {i for i, v in enumerate(values) if v.kind == "constant" and v.memory not in written}
    later: list[Operation] = []
    folded: dict[int, Operation] = {}
    for operation in recording.operations:
        if _is_constant(operation, recording, constant, written):
            for out in operation.outs:
                if out is not None:
                    constant.add(out)
                    folded[out] = operation
        else:
            later.append(operation)
    wanted = [i for operation in later for i in operation.reads] + recording.outputs
    again: dict[int, Operation] = {}  # views and factories stay operations
    while wanted:
        i = wanted.pop()
        maker = folded.get(i)
        if maker is None or i in again or values[i].kind == "constant":
            continue
        if _stays(maker, values[i], values):
            again[i] = maker
            wanted += maker.reads
        else:
            values[i] = Value("constant", values[i].tensor, values[i].memory)
    first = [operation for operation in recording.operations if operation in _unique(again)]
    return replace(recording, values=values, operations=[*first, *later])


def _unique(again: dict[int, Operation]) -> list[Operation]:
    return list({id(operation): operation for operation in again.values()}.values())


def _is_constant(operation: Operation, recording: Recording, constant: set[int], written: set[int]) -> bool:
    outs = [i for i in operation.outs if i is not None]
    depends_on_batch = any(isinstance(leaf, (Size, Share)) for leaf in leaves(operation.args)) or any(
        isinstance(n, Size) for i in outs for n in recording.shapes[i]
    )
    return (
        not operation.writes
        and not depends_on_batch
        and all(i in constant for i in operation.reads)
        and all(recording.values[i].memory not in written for i in outs)
    )


def _stays(operation: Operation, value: Value, values: list[Value]) -> bool:
    """Whether an operation on constants is better kept: views and factories cost less than their results."""
    reads = list(operation.reads)
    if not reads:
        return operation.name != "empty"
    return any(values[i].memory == value.memory for i in reads)


def _own_constants(recording: Recording) -> Recording:
    """Constants that are written in place are copied first: the page keeps its own for the next run."""
    written = {recording.values[i].memory for operation in recording.operations for i in operation.writes}
    values, shapes = list(recording.values), list(recording.shapes)
    copies = []
    for i, value in enumerate(recording.values):
        if value.kind == "constant" and value.memory in written:
            values.append(replace(value, memory=-len(values)))
            shapes.append(shapes[i])
            values[i] = replace(value, kind="result")
            copies.append(_clone(len(values) - 1, i))
    return replace(recording, values=values, shapes=shapes, operations=[*copies, *recording.operations])


def _clone(source: int, out: int) -> Operation:
    overload = torch.ops.aten.clone.default
    assert len(schema_of(overload).names) == 2
    return Operation(overload, (Ref(source), None), (out,), Place("clone"))
