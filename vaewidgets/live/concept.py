"""What all widgets share that show an idea and need no run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from vaewidgets.checks import number, shown
from vaewidgets.errors import OptionError
from vaewidgets.live.widget import LiveWidget

Check = Callable[[str, Any], object]


class ConceptWidget(LiveWidget):
    """A picture of an idea, drawn in the page from its `view` alone (abstract).

    A subclass overrides `_content` with what the page needs to start from, and lists in `_keys` what can be
    turned, with a check for each. What the reader turns comes back as `view`.

    Parameters
    ----------
    start : mapping
        What each of the keys is at first.
    """

    _keys: ClassVar[Mapping[str, Check]] = {}

    def __init__(self, start: Mapping[str, Any] | None = None, **traits: Any) -> None:
        self._start = dict(start or {})
        for key, value in self._start.items():
            self._check_turn(key, value)
        super().__init__(**traits)

    def _content(self) -> dict[str, Any]:
        return {}

    @classmethod
    def _known_keys(cls) -> tuple[str, ...]:
        return tuple(cls._keys)

    def _check_view(self, key: str, value: Any) -> None:
        self._keys[key](key, value)

    def _before_open(self) -> None:
        self._own_view.values.update(self._start)
        self._show()

    def _show(self) -> None:
        ack = self._obeyed
        self._publish_frame({"error": self._fault, **self._content()}, ack=ack)

    def __repr__(self) -> str:
        """Stable: no address."""
        return f"{type(self).__name__}()"


def pairs(least: Sequence[float], most: Sequence[float], count: int) -> Check:
    """Make a check for a list of at most `count` pairs of numbers in their ranges."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, list | tuple) or len(value) > count:
            raise OptionError(f"{name} is {shown(value)}; expected at most {count} pairs of numbers.")
        for pair in value:
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise OptionError(f"{name} holds {shown(pair)}; expected pairs of numbers.")
            for part, low, high in zip(pair, least, most, strict=True):
                number(name, part, low, high)

    return check
