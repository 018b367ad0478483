"""What pages fetch on hosts that show nothing that a thread sends, such as Google Colab (colabtools#3373).

There a view asks for news several times a second, and what is new goes out while its question is handled.
While a cell keeps the kernel busy no question is handled: then `run.log` and `run.wait`, which that cell
calls, let the main thread send.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_this = threading.local()


class News:
    """Which live keys have changed since a page last fetched them.

    Attributes
    ----------
    number : int
        How often any has.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self.number = 0
        self._changed = dict.fromkeys(keys, 0)

    def note(self, keys: Iterable[str]) -> int:
        self.number += 1
        self._changed.update(dict.fromkeys(keys, self.number))
        return self.number

    def since(self, number: int) -> list[str]:
        """Return what has changed since then; all for a page that is ahead, of a kernel before this one."""
        if number > self.number:
            number = -1
        return [key for key, changed in self._changed.items() if changed > number]


@contextmanager
def request() -> Iterator[None]:
    """While a message of the page is handled: what is sent belongs to it."""
    before, _this.handles = getattr(_this, "handles", False), True
    try:
        yield
    finally:
        _this.handles = before


def may_send() -> bool:
    """Whether a host that drops what threads send would show what is sent now."""
    return threading.current_thread() is threading.main_thread() or getattr(_this, "handles", False)
