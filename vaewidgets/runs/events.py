"""Listeners of a run, called when something about it is new."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import final

from vaewidgets.concurrency import Lock

_MOST_NESTED = 2

_log = logging.getLogger("vaewidgets")


@final
class Events:
    """Calls its listeners, in the thread that notifies."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listeners: tuple[Callable[[], None], ...] = ()

    def add_listener(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback()` at each `notify`; returns a function that removes it."""
        with self._lock:
            self._listeners = (*self._listeners, callback)

        def remove() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not callback)

        return remove

    def notify(self) -> None:
        """Call all listeners. An exception of one is logged: it must not end the training.

        A listener may cause news itself, by a request for a snapshot. The listeners hear of that, too, but
        not of what it causes in turn: that would never end.
        """
        if self._depth() > _MOST_NESTED:
            return
        for callback in self._listeners:
            try:
                callback()
            except Exception:
                _log.exception("a listener of the run raised")

    def _depth(self) -> int:
        """Calls of `notify` under way in this thread; a counter could be left wrong by an interrupt."""
        own, depth, frame = Events.notify.__code__, 0, inspect.currentframe()
        while frame is not None:
            depth += frame.f_code is own and frame.f_locals["self"] is self
            frame = frame.f_back
        return depth
