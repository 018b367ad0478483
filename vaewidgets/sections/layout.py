"""t-SNE of a widget's points, in a thread of its own: it takes seconds, and must not block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from vaewidgets.concurrency import BackgroundThread, Lock, leave_if_exiting
from vaewidgets.contract.packing import pack_quantised
from vaewidgets.diagnostics import tsne
from vaewidgets.sections.state import explain


class Layout:
    """The newest t-SNE of one widget; asked for the same step again it does nothing.

    Parameters
    ----------
    done : callable
        Told, in the thread, that `state` is new.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._lock = Lock()
        self._wanted: tuple[int, Tensor] | None = None
        self._thread: BackgroundThread | None = None
        self._step: int | None = None
        self.state: dict[str, Any] | None = None

    def ask(self, step: int, mu: Tensor) -> None:
        """Have it computed for the means of `step`, unless it is (any thread; returns at once)."""
        with self._lock:
            if step == self._step:
                return
            self._wanted = (step, mu)
            before = self.state or {}
            self.state = {**before, "busy": step, "error": None}
            if self._thread is None:
                thread = BackgroundThread("vaewidgets-tsne", may_leave=True)
                thread.start(self._work, thread)
                self._thread = thread
            self._step = step

    def _work(self, thread: BackgroundThread) -> None:
        while True:
            leave_if_exiting()
            with self._lock:
                if self._thread is not thread:  # who started it was interrupted
                    return
                wanted, self._wanted = self._wanted, None
                if wanted is None:
                    self._thread = None
                    return
            step, mu = wanted
            try:
                found = {
                    "step": step,
                    "points": pack_quantised(tsne(mu).numpy()),
                    "mu": pack_quantised(mu.numpy()),
                    "error": None,
                }
            except Exception as error:
                found = {**(self.state or {}), "error": explain(error)}
            with self._lock:
                self.state = {**found, "busy": self._wanted[0] if self._wanted else None}
            self._done()
