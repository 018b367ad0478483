"""The list of what the widgets let a reader do: one entry for each ability, acted on the real control."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.book import Shown

__all__ = ["ABILITIES", "ability"]

Act = Callable[[Shown], None]
ABILITIES: list[Any] = []


def ability(widget: str, name: str) -> Callable[[Act], Act]:
    """List what a widget lets one do, in the order of the files."""

    def add(act: Act) -> Act:
        ABILITIES.append(pytest.param(widget, act, id=f"{widget}: {name}"))
        return act

    return add
