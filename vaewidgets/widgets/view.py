"""What a reader turns, chooses and points at in the page, as one small JSON dict."""

from __future__ import annotations

import json
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vaewidgets.errors import OptionError

if TYPE_CHECKING:
    from vaewidgets.widgets.live import LiveWidget

__all__ = ["SHARED", "View"]

# What all widgets of one run show alike; the same list stands in js/lib/view.js.
SHARED = ("hover", "selected", "classes", "color", "time")
MAX_BYTES = 1_000_000


class View:
    """Values by key, and how often Python has set them.

    Pages take over what Python sets (`set_number` rises) and ignore their own echo.

    Parameters
    ----------
    keys : tuple of str
        The keys that it holds for several widgets; none for a widget's own.
    """

    def __init__(self, keys: tuple[str, ...] = ()) -> None:
        self._keys = keys
        self._widgets: weakref.WeakSet[LiveWidget] = weakref.WeakSet()
        self.values: dict[str, Any] = {}
        self.set_number = 0

    @property
    def widgets(self) -> list[LiveWidget]:
        """The widgets that show it."""
        return list(self._widgets)

    def share(self, widget: LiveWidget) -> None:
        """Show it in `widget` too."""
        self._widgets.add(widget)

    def leave(self, widget: LiveWidget) -> None:
        """Show it in `widget` no more."""
        self._widgets.discard(widget)

    def holds(self, key: str) -> bool:
        """Whether `key` is one of those that are shared by it."""
        return key in self._keys

    def set(self, values: Mapping[str, Any]) -> None:
        """Set values from Python."""
        self.values.update(values)
        self.set_number += 1

    @staticmethod
    def check(values: Any) -> dict[str, Any]:
        """Return `values` as a dict of plain JSON, or raise an `OptionError`."""
        if not isinstance(values, Mapping):
            raise OptionError(f"view got {type(values).__name__}; wanted a dict, such as the one it gives.")
        try:
            text = json.dumps(dict(values), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise OptionError(f"view holds what is no JSON ({error}); wanted plain values.") from error
        if len(text) > MAX_BYTES:
            raise OptionError(f"view is {len(text):,} bytes of JSON; wanted at most {MAX_BYTES:,}.")
        return dict(json.loads(text))
