"""Threads and waiting where a KeyboardInterrupt may come at any instruction.

Python raises KeyboardInterrupt in the main thread between any two instructions, also inside
`threading.Condition`, `threading.Event`, `Thread.start` and `Thread.join`. These are written in Python:
interrupted in the middle, they leave an inner lock taken, and the next thread that needs it waits for ever.
What the main thread shares with a training thread is therefore built from what C code does in one go:

- ``with lock:`` on a plain `threading.Lock` or `RLock`, which an interrupt always releases;
- one assignment as the last act of a block under such a lock, so that half of it is as good as none of it;
- `queue.SimpleQueue` and `collections.deque`;
- the classes below, whose waiter can be interrupted anywhere without harm to whom it waits for.
"""

from __future__ import annotations

import _thread
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, final

__all__ = ["MOMENT_SECONDS", "Bell", "Latch", "Work"]

# Not every platform lets an interrupt through to a wait without end.
MOMENT_SECONDS = 0.5


@final
class Latch:
    """An event that happens once.

    Attributes
    ----------
    is_set : bool
        Whether it has happened.
    """

    def __init__(self) -> None:
        self.is_set = False
        self._closed = threading.Lock()
        self._closed.acquire()

    def set(self) -> None:
        """It has happened; all who wait go on."""
        if not self.is_set:
            self.is_set = True
            with contextlib.suppress(RuntimeError):  # two threads at once
                self._closed.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it, for `timeout` seconds at most; returns `is_set`."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set:
            left = MOMENT_SECONDS if end is None else min(MOMENT_SECONDS, end - time.monotonic())
            # An interrupt between these two lines keeps the other waiters for a moment, not for ever.
            if self._closed.acquire(timeout=max(0.0, left)):
                self._closed.release()
            elif end is not None and time.monotonic() >= end:
                break
        return self.is_set


@final
class Bell:
    """Wakes one waiting thread, now or when it next waits."""

    def __init__(self) -> None:
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()

    def ring(self) -> None:
        """Wake it."""
        if self._rings.empty():
            self._rings.put(None)

    def wait(self, seconds: float) -> None:
        """Wait until it rings, at most so long."""
        with contextlib.suppress(queue.Empty):
            self._rings.get(timeout=max(0.0, seconds))


@final
class Work:
    """A daemon thread that can be started by an interrupted thread: either it runs or nothing has happened.

    Whoever starts it remembers it next, and may be interrupted in between. So `target` first takes the lock
    under which it was started, and leaves if it is not the one that is remembered.

    Parameters
    ----------
    name : str

    Attributes
    ----------
    thread : Thread
    done : Latch
        Set when `target` has returned, or raised.
    """

    def __init__(self, name: str) -> None:
        self.done = Latch()
        self._started = Latch()
        self._error: BaseException | None = None
        self._target: Callable[..., None] | None = None
        self._args: tuple[Any, ...] = ()
        self.thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self, target: Callable[..., None], *args: Any) -> None:
        """Call ``target(*args)`` in the thread."""
        self._target, self._args = target, args
        # `Thread.start` waits for an event of the new thread: a thread that nobody interrupts does that.
        _thread.start_new_thread(self._start, ())
        self._started.wait()
        if self._error is not None:
            raise self._error

    @property
    def is_alive(self) -> bool:
        """Whether `target` has not returned yet."""
        return not self.done.is_set

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has gone; only of one that was started."""
        # An interrupted `Thread.join` takes the thread for one that has ended: this one has all but ended.
        if self.done.wait(timeout) and self.thread.is_alive():
            self.thread.join(timeout)

    def _start(self) -> None:
        try:
            self.thread.start()
        except BaseException as error:  # no more threads can be had: belongs to who asked
            self._error = error
        self._started.set()

    def _main(self) -> None:
        target, args = self._target, self._args
        self._target, self._args = (
            None,
            (),
        )  # what they hold is freed with the last call, not with this object
        try:
            if target is not None:
                target(*args)
        finally:
            del target, args
            self.done.set()
