"""Where a loop of the user's own runs: in which process, of how many, and in which thread."""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import threading
import weakref
from collections.abc import Callable
from typing import final

from torch import distributed

from vaewidgets.concurrency import BackgroundThread, Latch
from vaewidgets.runs.gate import Loop

_LOOK_SECONDS = 0.25
BELONGS = "belongs to another process"

_log = logging.getLogger("vaewidgets")


def ranks() -> tuple[int, int]:
    """Rank of this process and how many there are, as torch.distributed or its launcher has it."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    try:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        return 0, 1


@final
class LoopPlace:
    """Says which calls of `log` are another process's, and when the thread of a loop has gone.

    Attributes
    ----------
    is_forked : bool
        Whether this is a copy of the run in a process that was forked off.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.is_forked = False
        self._logged_elsewhere = mmap.mmap(-1, 1)  # one byte that processes forked off share
        self._has_said = False
        self._end_watch = Latch()

    def is_elsewhere(self) -> bool:
        """Whether what is logged here is recorded nowhere; a forked process says so once."""
        if not self.is_forked:
            return ranks()[0] > 0
        if not self._has_said:
            self._has_said = True
            self._logged_elsewhere[0] = 1
            _log.warning(
                "%s", f"{self._name} {BELONGS}: what this one (pid {os.getpid()}) logs is not shown."
            )
        return True

    @property
    def words(self) -> str:
        """What is to be known of several processes; empty of a single one."""
        rank, size = ranks()
        if size < 2:
            return ""
        return f"rank {rank} of {size}, of which rank 0 alone is recorded and drawn"

    @property
    def warning(self) -> str | None:
        """Why nothing comes from the loop; None while nothing is wrong."""
        if ranks()[0] > 0:
            return f"this is {self.words}: what this process logs is not shown."
        if self._logged_elsewhere[0]:
            return (
                f"a process that was forked off logs to {self._name}, which {BELONGS}, so nothing of it is "
                'shown. Train in this process: in Lightning Trainer(strategy="auto", devices=1), with '
                "accelerate.notebook_launcher num_processes=1."
            )
        return None

    def watch(self, loop: Loop | None, gone: Callable[[Loop], None]) -> None:
        """Call the bound method `gone` once the calling thread, which begins `loop`, has ended.

        The main thread is not watched: it ends with the process, and a notebook says where a cell ends.
        """
        thread = threading.current_thread()
        self.unwatch()
        if loop is None or thread is threading.main_thread():
            return
        end = self._end_watch = Latch()
        watcher = BackgroundThread("vaewidgets-loop-watch", stop=end.set)
        with contextlib.suppress(RuntimeError):  # no more threads can be had, and the loop goes on without
            watcher.start(_watch, thread, end, loop, weakref.WeakMethod(gone))

    def unwatch(self) -> None:
        """The loop has ended."""
        self._end_watch.set()


def _watch(
    thread: threading.Thread, end: Latch, loop: Loop, gone: weakref.WeakMethod[Callable[[Loop], None]]
) -> None:
    while thread.is_alive() and gone() is not None:
        if end.wait(_LOOK_SECONDS):
            return
    call = gone()
    if call is not None:
        call(loop)
