"""Old import paths, which work for one release: each name comes from the room that holds it now."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any


def moved(old: str, *rooms: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of the module `old`, whose names are now in `rooms`."""

    def find(name: str) -> Any:
        for room in rooms:
            module = import_module(f"vaewidgets.{room}")
            if name in module.__all__:
                where = f"vaewidgets.{room}"
                warnings.warn(
                    f"{old}.{name} moved to {where}.{name}. The old path works for one more release.",
                    DeprecationWarning,
                    stacklevel=2,
                )
                return getattr(module, name)
        raise AttributeError(f"module {old!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted(name for room in rooms for name in import_module(f"vaewidgets.{room}").__all__)

    return find, names
