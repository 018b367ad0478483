"""How an operation is written for the page, where all numbers are floats: names, arguments, JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from vaewidgets.graphs.batch import Share, Size
from vaewidgets.graphs.recorder import Operation, Ref
from vaewidgets.graphs.schemas import schema_of

Dtypes = Sequence[torch.dtype]
_NO_NUMBERS = (torch.dtype, torch.layout, torch.device, torch.memory_format, torch.Generator)
_LOGICAL = {"bitwise_and": "logical_and", "bitwise_or": "logical_or", "bitwise_xor": "logical_xor"}


def in_page(operation: Operation, dtypes: Dtypes) -> tuple[str, list[Any]]:
    """Name and arguments for the page; `dtypes` are those of all tensors by number."""
    name, args = operation.name, list(operation.args)
    kinds = [dtypes[ref.id] for ref in args if isinstance(ref, Ref)]
    stem, tail = (name.removesuffix("_"), "_" if name.endswith("_") else "")
    if stem == "_to_copy":
        name, args = _converted(args, kinds[0])
    elif stem in _LOGICAL and kinds[0] == torch.bool:
        name = _LOGICAL[stem] + tail
    elif stem == "bitwise_not" and kinds[0] == torch.bool:
        name = "logical_not" + tail
    elif stem == "add" and kinds == [torch.bool, torch.bool]:
        name, args = "logical_or" + tail, args[:2]
    elif name == "sort" and "stable" in schema_of(operation.overload).names:
        args = [args[0], *args[2:]]
    elif name.endswith("empty_strided"):
        name = name.removesuffix("_strided")
        args = args[: 2 if name.startswith("new") else 1]
    args = [None if isinstance(arg, _NO_NUMBERS) else arg for arg in args]
    while args and args[-1] is None:
        args.pop()
    return name, args


def _converted(args: list[Any], source: torch.dtype) -> tuple[str, list[Any]]:
    target = args[1] or source
    if target == torch.bool and source != torch.bool:
        return "ne", [args[0], 0]
    whole = not target.is_floating_point
    return ("trunc" if whole and source.is_floating_point else "clone"), [args[0]]


def encoded(value: Any) -> Any:
    """An argument as JSON."""
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    for kind, write in _WRITE.items():
        if isinstance(value, kind):
            return write(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {"n": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    return value


_WRITE: dict[type, Callable[[Any], Any]] = {
    Ref: lambda ref: {"t": ref.id},
    Size: lambda size: {"b": [size.factor, size.offset]},
    Share: lambda share: {"per": share.number},
}
