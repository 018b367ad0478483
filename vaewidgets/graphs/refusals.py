"""Why the page cannot run a recording, with the layer and the user's line."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from vaewidgets.graphs.batch import Recording, Size
from vaewidgets.graphs.operations import is_known, limit
from vaewidgets.graphs.page_form import in_page
from vaewidgets.graphs.places import Place
from vaewidgets.graphs.recorder import Operation, Ref

_EXACT = 2**24  # float32 holds each whole number up to it
_DATA_SIZED = frozenset({"nonzero", "masked_select", "unique", "unique_consecutive", "_unique2"})


def refusal(recording: Recording, *, training: bool = False) -> str | None:
    """Find what the page cannot run in an encoder or decoder; None if there is nothing.

    With `training` the operations of backward passes count as known.
    """
    used = {i for operation in recording.operations for i in operation.reads}
    found = _first(recording, functools.partial(_reason, training=training), _beyond_float)
    if found is not None:
        return found
    for i, value in enumerate(recording.values):
        if value.kind == "draw" and (i in used or i in recording.outputs):
            return (
                f"the page cannot run {value.place}: it draws random numbers, also in eval mode. Return the "
                "mean, or draw outside of the function."
            )
    return None


def too_large(recording: Recording) -> str | None:
    """Say which operation has whole numbers that the page cannot hold; None if there is none."""
    return _first(recording, _beyond_float)


def _first(recording: Recording, *checks: Callable[[Operation, Recording], str | None]) -> str | None:
    """What the first operation that fails a check is refused for."""
    for operation in recording.operations:
        for check in checks:
            reason = check(operation, recording)
            if reason is not None:
                return f"the page cannot run {operation.place}: {reason}."
    return None


def _beyond_float(operation: Operation, recording: Recording) -> str | None:
    """Whole numbers are float32 in the page: larger ones would silently be others there."""
    for i in (*operation.reads, *(out for out in operation.outs if out is not None)):
        tensor = recording.values[i].tensor
        if (
            tensor.is_floating_point()
            or tensor.is_complex()
            or tensor.dtype == torch.bool
            or not tensor.numel()
        ):
            continue
        largest = max(int(tensor.max()), -int(tensor.min()))
        if largest > _EXACT:
            return (
                f"it has the whole number {largest:,}, and the page holds them exactly up to {_EXACT:,}; "
                "compute with floats, or with smaller numbers"
            )
    return None


def picks_by_mask(place: Place) -> str:
    """Say that ``x[mask]`` is used for more than to be put back."""
    return (
        f"the page cannot run {place}: it picks by a mask, whose size depends on the data; use torch.where."
    )


def _reason(operation: Operation, recording: Recording, *, training: bool) -> str | None:
    values = recording.values
    if any(values[i].kind == "named" for i in operation.writes):
        return "it changes a parameter or buffer in place"
    if operation.name in _DATA_SIZED:
        return f"{operation.name} makes a tensor whose size depends on the data"
    if operation.name == "native_batch_norm" and operation.args[5] and _of_the_batch(operation, recording):
        return "it normalises by the batch's own statistics, also in eval mode"
    dtypes = [value.tensor.dtype for value in values]
    name, _ = in_page(operation, dtypes)
    if not is_known(name, training=training):
        return (
            f"{name} has no counterpart there. Write it by others: the documentation lists the operations "
            "that the page knows"
        )
    complex_ones = [i for i in (*operation.reads, *operation.outs) if i is not None and dtypes[i].is_complex]
    if complex_ones:
        return "it computes with complex numbers"
    return limit(name, operation.args, lambda ref: (dtypes[ref.id], values[ref.id].tensor.dim()))


def _of_the_batch(operation: Operation, recording: Recording) -> bool:
    """Whether the first axis of the input counts images (instance norm has them on the second)."""
    x = operation.args[0]
    return isinstance(x, Ref) and bool(recording.shapes[x.id]) and isinstance(recording.shapes[x.id][0], Size)
