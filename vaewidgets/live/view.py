"""What a reader turns, chooses and points at in the page, as one small JSON dict."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from vaewidgets.errors import OptionError

if TYPE_CHECKING:
    from vaewidgets.live.widget import LiveWidget

# What all widgets of one run show alike; the same list stands in js/host/view.js.
SHARED = ("hover", "selected", "classes", "color", "time")
MAX_BYTES = 1_000_000  # of all values together, as JSON
MAX_NAME = 100


MOST_NUMBER = 2**53  # up to which the page counts exactly


class ViewValues(dict[str, Any]):
    """What `widget.view` returns: a copy, of which nothing can be changed by mistake."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({key: _copied(value) for key, value in values.items()})

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise OptionError(
            "widget.view is a copy, and changing it would change nothing; assign instead: "
            'widget.view = {"log": True} sets what it holds and leaves the rest.'
        )

    __setitem__ = __delitem__ = update = setdefault = pop = popitem = clear = _refuse

    def __ior__(self, values: Any) -> Any:  # type: ignore[misc]
        """``widget.view |= {...}`` assigns."""
        return {**self, **values}

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied or pickled it is a plain dict."""
        return dict, (dict(self),)


def _copied(value: Any) -> Any:
    if isinstance(value, list):
        return [_copied(one) if isinstance(one, list | dict) else one for one in value]
    return {key: _copied(one) for key, one in value.items()} if isinstance(value, dict) else value


_COMMON: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "hover": ("the numbers of a latent vector", lambda value: is_list(value, int | float)),
    "selected": (
        "numbers of points, from 0",
        lambda value: is_list(value, int) and min(value, default=0) >= 0,
    ),
    "classes": ("labels", lambda value: is_list(value, int | str)),
    "color": ("the name of what colors the points", lambda value: is_list([value], str)),
    "time": ("a step, from 0", lambda value: is_list([value], int) and value >= 0),
    "label": ("the number of a class, from 0", lambda value: is_list([value], int) and value >= 0),
}


def check_common(key: str, value: Any) -> None:
    """Raise an `OptionError` if `value` cannot be a key that means the same in all widgets of a run."""
    if value is not None and key in _COMMON and not _COMMON[key][1](value):
        raise OptionError(f"{key} is {_short(value)}; expected {_COMMON[key][0]}, or None.")


def is_list(value: Any, kind: Any) -> bool:
    """Whether `value` is a list of numbers up to 2⁵³, or of short texts, as `kind` says."""
    return isinstance(value, list) and all(isinstance(one, kind) and _is_small(one) for one in value)


def _is_small(one: Any) -> bool:
    if isinstance(one, str):
        return len(one) <= MAX_NAME
    return not isinstance(one, bool) and abs(one) <= MOST_NUMBER


def _exact(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MOST_NUMBER:
        raise OptionError(f"view holds {_short(text)}; expected whole numbers up to 2⁵³, as a page counts.")
    return int(text)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}..."


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
        self.pages: dict[str, str] = {}  # where each was turned, if it was not set by Python
        self.set_number = 0

    @property
    def widgets(self) -> list[LiveWidget]:
        return list(self._widgets)

    def share(self, widget: LiveWidget) -> None:
        self._widgets.add(widget)

    def leave(self, widget: LiveWidget) -> None:
        self._widgets.discard(widget)

    def holds(self, key: str) -> bool:
        """Whether `key` is one of those that are shared by it."""
        return key in self._keys

    def set(self, values: Mapping[str, Any]) -> None:
        self.values.update(values)
        for key in values:
            self.pages.pop(key, None)
        self.set_number += 1

    def turn(self, key: str, value: Any, page: str, *, is_news: bool) -> None:
        """Keep what was turned in a page; `is_news` to others, which have to take it over."""
        self.values[key] = value
        self.pages[key] = page
        self.set_number += is_news

    def check_room(self, values: Mapping[str, Any]) -> None:
        """Raise an `OptionError` if with these values the whole would be too large."""
        size = sum(len(json.dumps(value)) for value in {**self.values, **values}.values())
        if size > MAX_BYTES:
            raise OptionError(
                f"the view would be {size:,} bytes of JSON with {', '.join(values)}; expected at most "
                f"{MAX_BYTES:,}."
            )

    @staticmethod
    def check(values: Any) -> dict[str, Any]:
        """Return `values` as a dict of plain JSON, or raise an `OptionError`."""
        if not isinstance(values, Mapping):
            raise OptionError(f"view got {type(values).__name__}; expected a dict, such as the one it gives.")
        try:
            text = json.dumps(dict(values), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise OptionError(f"view holds what is no JSON ({error}); expected plain values.") from error
        if len(text) > MAX_BYTES:
            raise OptionError(f"view is {len(text):,} bytes of JSON; expected at most {MAX_BYTES:,}.")
        return dict(json.loads(text, parse_int=_exact))
