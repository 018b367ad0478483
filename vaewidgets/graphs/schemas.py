"""Schemas of ATen operations: their arguments in order, which of them they write."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

Overload = Any  # torch._ops.OpOverload, which torch does not export

_MISSING = object()


@dataclass(frozen=True)
class Schema:
    """What an operation takes."""

    name: str  # without namespace and overload
    names: tuple[str, ...]
    defaults: tuple[Any, ...]
    positional: int  # the arguments behind these are by keyword
    written: tuple[int, ...]
    view: Overload | None = (
        None  # of an operation that only changes shape and strides of its tensor: as a view
    )

    def writes(self, args: Sequence[Any]) -> tuple[int, ...]:
        """Positions of the arguments that it changes."""
        if self.name == "native_batch_norm":  # which its schema does not say
            return (3, 4) if args[5] and args[3] is not None else ()
        return self.written

    def split(self, args: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments as they are passed in Python."""
        behind = zip(self.names[self.positional :], args[self.positional :], strict=True)
        return list(args[: self.positional]), dict(behind)


@functools.cache
def schema_of(overload: Overload) -> Schema:
    """Read the schema of an overload."""
    schema = overload._schema
    arguments = schema.arguments
    name = schema.name.partition("::")[2]
    changes_view = torch.Tag.inplace_view in overload.tags
    names = tuple(argument.name for argument in arguments)
    return Schema(
        name=name,
        names=names,
        defaults=tuple(a.default_value if a.has_default_value() else _MISSING for a in arguments),
        positional=sum(not argument.kwarg_only for argument in arguments),
        written=()
        if changes_view
        else tuple(i for i, a in enumerate(arguments) if a.alias_info is not None and a.alias_info.is_write),
        view=_functional(name, names) if changes_view else None,
    )


def _functional(name: str, names: tuple[str, ...]) -> Overload:
    """The overload without the underscore that takes the same arguments."""
    packet = getattr(torch.ops.aten, name.removesuffix("_"))
    overloads = (getattr(packet, overload) for overload in packet.overloads())
    return next(o for o in overloads if tuple(a.name for a in o._schema.arguments) == names)


def filled(overload: Overload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """All arguments in the order of the schema, defaults filled in."""
    schema = schema_of(overload)
    behind = range(len(args), len(schema.names))
    return [*args, *(kwargs.get(schema.names[i], schema.defaults[i]) for i in behind)]
