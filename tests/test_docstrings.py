"""What users can reach says what it is; what is ours alone does so where its name does not."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

import vaewidgets as vw

ROOMS = [found.name for found in iter_modules(vw.__path__) if found.ispkg]


def public() -> Iterator[tuple[str, Any, type | None]]:
    """Public names of the package and its rooms, and members of their classes beside the class."""
    for owner in ("vaewidgets", *(f"vaewidgets.{room}" for room in ROOMS)):
        module = import_module(owner)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if not is_ours(value):
                continue
            yield f"{owner}.{name}", value, None
            if inspect.isclass(value):
                for base in inspect.getmro(value):
                    for member, kept in vars(base).items():
                        if not member.startswith("_") and is_ours(kept):
                            yield f"{owner}.{name}.{member}", kept, value


def is_ours(value: Any) -> bool:
    """Whether it is a class, a function or a property of this package."""
    if isinstance(value, property):
        value = value.fget
    named = inspect.isclass(value) or (inspect.isfunction(value) and value.__name__ != "<lambda>")
    return named and value.__module__.startswith("vaewidgets")


def is_documented(value: Any, owner: type | None, member: str) -> bool:
    """Whether it has a docstring of its own, or overrides a member that has one."""
    bases = () if owner is None else inspect.getmro(owner)
    return any(getattr(one, "__doc__", None) for one in (value, *(vars(base).get(member) for base in bases)))


def test_each_public_name_is_documented() -> None:
    found = [(name, is_documented(value, owner, name.rsplit(".", 1)[1])) for name, value, owner in public()]
    assert len(found) > 500
    assert [name for name, said in found if not said] == []


@pytest.mark.parametrize("name", ["vaewidgets.train", "vaewidgets.runs.Run.pause", "vaewidgets.Run.step"])
def test_it_looks_at_functions_methods_and_properties(name: str) -> None:
    assert name in {one for one, _, _ in public()}
