"""Threads and waiting that an interrupt cannot break, and that end before the interpreter does.

Python raises KeyboardInterrupt in the main thread between any two instructions, also inside
`threading.Condition`, `threading.Event`, `Thread.start` and `Thread.join`. These are written in Python:
interrupted in the middle, they leave an inner lock taken, and the next thread that needs it waits for ever.
What the main thread shares with another is therefore built from what C code does in one go:

- ``with lock:`` on a `Lock` of this module, which an interrupt always releases;
- one assignment as the last act of a block under such a lock, so that half of it is as good as none of it;
- `queue.SimpleQueue` and `collections.deque`;
- the classes below, whose waiter can be interrupted anywhere without harm to whom it waits for.

A daemon thread that is inside torch when Python finalizes is unwound through C++ frames, and the process
aborts (exit code 134 or 139). So every thread of this package is a `BackgroundThread`: when the interpreter
is about to end, all of them are asked to end and waited for, without a time limit, since a forward pass
under way cannot be cut off.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import logging
import os
import queue
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, final

# Not every platform lets an interrupt through to a wait without end.
MOMENT_SECONDS = 0.5

_log = logging.getLogger("vaewidgets")

# Not a WeakSet: what it calls for a lock that is freed is written in Python, and swallows an interrupt.
_locks: set[weakref.ref[Lock]] = set()


@final
class Lock(_thread.RLock):  # type: ignore[misc]  # final as mypy has it, not as it is
    """A reentrant lock whose ``with`` an interrupt can neither lose nor leave half done.

    All locks of the package are made of it. Python looks for signals where a call ends. From 3.14 on that is
    also between `threading.Lock.__enter__`, which has taken the lock, and the block that would release it:
    the interrupted thread keeps it for ever (python/cpython#148874). Here `__enter__` is a Python function
    whose last call is within its own ``try``, and nothing looks for signals where a Python function returns.
    `__exit__` stays the one that is written in C: it releases before a signal is looked for.

    A process that is forked off while another thread has the lock finds it free.
    """

    def __init__(self) -> None:
        _locks.add(weakref.ref(self, _locks.discard))

    def __enter__(self) -> bool:  # type: ignore[override]  # takes no arguments where `with` calls it
        try:
            return self.acquire()
        except BaseException:
            try:  # noqa: SIM105 - a context manager that is written in Python can be interrupted itself
                self.release()
            except RuntimeError:  # it was interrupted while it waited
                pass
            raise


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
class Wakeup:
    """Wakes one waiting thread, now or when it next waits."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        if self._calls.empty():
            self._calls.put(None)

    def wait(self, seconds: float) -> None:
        """Wait until it is set, at most so long."""
        with contextlib.suppress(queue.Empty):
            self._calls.get(timeout=max(0.0, seconds))


class Exiting(BaseException):
    """Unwinds a thread that may stop halfway because the interpreter ends; see `leave_if_exiting`."""


@final
class BackgroundThread:
    """A daemon thread that the interpreter waits for at its end.

    A thread that is interrupted can start it: either it runs or nothing has happened. Whoever starts it
    remembers it next, and may be interrupted in between; so where that matters `target` first takes the lock
    under which it was started, and leaves if it is not the one that is remembered.

    Parameters
    ----------
    name : str
    stop : callable, optional
        Called at the end of the interpreter, in the main thread, to ask the thread to end. It must not block.
        Without it the thread is waited for until it ends by itself.
    may_leave : bool
        Whether `leave_if_exiting` ends the thread halfway: nothing is lost with its result.

    Attributes
    ----------
    thread : Thread
    done : Latch
        Set when the target has returned, or raised.
    """

    def __init__(self, name: str, *, stop: Callable[[], None] | None = None, may_leave: bool = False) -> None:
        self.done = Latch()
        self._started = Latch()
        self._error: BaseException | None = None
        self._stop = stop
        self._may_leave = may_leave
        self._call: tuple[Callable[..., None], tuple[Any, ...]] | None = None
        self.thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self, target: Callable[..., None], *args: Any) -> None:
        """Call ``target(*args)`` in the thread.

        Raises
        ------
        RuntimeError
            If the interpreter is about to end, or no more threads can be had.
        """
        with _lock:
            if _is_exiting:
                name = self.thread.name
                raise RuntimeError(f"the thread {name!r} cannot start: the interpreter is about to end.")
            self._call = (target, args)
            # `Thread.start` waits for an event of the new thread: a thread that nobody interrupts does that.
            _thread.start_new_thread(self._start, ())
            _starting.add(self)
        self._started.wait()
        if self._error is not None:
            raise self._error

    @property
    def is_alive(self) -> bool:
        return not self.done.is_set

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has gone; only of one that was started."""
        # An interrupted `Thread.join` takes the thread for one that has ended: this one has all but ended.
        if self.done.wait(timeout) and self.thread.is_alive():
            self.thread.join(timeout)

    def ask_to_end(self) -> None:
        """Call `stop`; a fault in it is written to the log."""
        stop = self._stop
        if stop is None:
            return
        try:
            stop()
        except Exception:  # the others must be asked all the same
            _log.warning("the thread %r could not be asked to end", self.thread.name, exc_info=True)

    def _start(self) -> None:
        with _lock:
            _running.add(self)
            _starting.discard(self)
        try:
            self.thread.start()
        except BaseException as error:  # no more threads can be had: belongs to who asked
            self._error = error
            with _lock:
                _running.discard(self)
        self._started.set()

    def _main(self) -> None:
        call, self._call = self._call, None  # what it holds is freed with the last call, not with this object
        _this.may_leave = self._may_leave
        try:
            if call is not None:
                call[0](*call[1])
        except Exiting:
            pass
        finally:
            del call
            self._stop = None
            with _lock:
                _running.discard(self)
            self.done.set()


_lock = Lock()
_is_exiting = False
_starting: set[BackgroundThread] = set()
_running: set[BackgroundThread] = set()
_this = threading.local()


def leave_if_exiting() -> None:
    """End the calling thread, if it may be ended halfway and the interpreter is about to end.

    Called between two slices of long work. Elsewhere than in a thread that was made with `may_leave` it does
    nothing, so that a user's own exit handlers can still compute.
    """
    if _is_exiting and getattr(_this, "may_leave", False):
        raise Exiting


@atexit.register
def _end_all() -> None:
    global _is_exiting
    with _lock:
        _is_exiting = True
    try:
        while _starting:  # a matter of microseconds
            time.sleep(0.001)
        while threads := list(_running):
            for thread in threads:
                thread.ask_to_end()
            for thread in threads:
                thread.join()
    except KeyboardInterrupt:
        # A person who does not want to wait. To go on beside a thread inside torch would abort.
        sys.stdout.flush()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)


def _forget_threads() -> None:
    """After a fork the child has none of its parent's threads: what they had locked would stay so."""
    for lock in [reference() for reference in _locks]:
        if lock is not None and not lock._is_owned():  # type: ignore[attr-defined]  # by the thread that forks: it releases it
            lock._at_fork_reinit()  # type: ignore[attr-defined]
    _starting.clear()
    _running.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
