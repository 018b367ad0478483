"""Threads that end before the interpreter does.

A daemon thread that is inside torch when Python finalizes is unwound through C++ frames, and the process
aborts (exit code 134 or 139). So every thread of this package is started here. When the interpreter is about
to end, all of them are asked to end and waited for, without a time limit: a forward pass under way cannot be
cut off.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, final

__all__ = ["BackgroundThread", "Exiting", "is_exiting", "leave_if_exiting"]

_log = logging.getLogger("vaewidgets")
_lock = threading.Lock()
_exiting = False


class Exiting(BaseException):
    """Unwinds a thread that may stop halfway because the interpreter ends; see `leave_if_exiting`."""


@final
class BackgroundThread(threading.Thread):
    """A daemon thread that the interpreter waits for at its end.

    Parameters
    ----------
    target : callable
        Called in the thread with `args`.
    name : str
    stop : callable, optional
        Called at the end of the interpreter, in the main thread, to ask the thread to end. It must not block.
        Without it the thread is waited for until it ends by itself.
    may_leave : bool
        Whether `leave_if_exiting` ends the thread halfway: nothing is lost with its result.
    """

    def __init__(
        self,
        target: Callable[..., None],
        *,
        name: str,
        args: tuple[Any, ...] = (),
        stop: Callable[[], None] | None = None,
        may_leave: bool = False,
    ) -> None:
        super().__init__(target=target, args=args, name=name, daemon=True)
        self.may_leave = may_leave
        self._ask = stop

    def start(self) -> None:
        """Start it.

        Raises
        ------
        RuntimeError
            If the interpreter is about to end.
        """
        with _lock:
            if _exiting:
                raise RuntimeError(f"the thread {self.name!r} cannot start: the interpreter is about to end.")
            super().start()
            _threads.add(self)

    def run(self) -> None:
        """Run the target; keep nothing alive afterwards."""
        try:
            super().run()
        except Exiting:
            pass
        finally:
            self._ask = None

    def ask_to_end(self) -> None:
        """Call `stop`; a fault in it is written to the log."""
        ask = self._ask
        if ask is None:
            return
        try:
            ask()
        except Exception:  # the others must be asked all the same
            _log.warning("the thread %r could not be asked to end", self.name, exc_info=True)


_threads: weakref.WeakSet[BackgroundThread] = weakref.WeakSet()


def is_exiting() -> bool:
    """Whether the interpreter is about to end: no more threads can be started."""
    return _exiting


def leave_if_exiting() -> None:
    """End the calling thread, if it may be ended halfway and the interpreter is about to end.

    Called between two slices of long work. Elsewhere than in a thread that was started with `may_leave` it
    does nothing, so that a user's own exit handlers can still compute.
    """
    thread = threading.current_thread()
    if _exiting and isinstance(thread, BackgroundThread) and thread.may_leave:
        raise Exiting


@atexit.register
def _end_all() -> None:
    global _exiting
    with _lock:
        _exiting = True
    try:
        while threads := [thread for thread in list(_threads) if thread.is_alive()]:
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
    """After a fork the child has none of its parent's threads, and may have got the lock locked."""
    global _lock
    _lock = threading.Lock()
    _threads.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
