"""Cells of a sweep on an executor: submitted, collected, and sent again where a worker was lost with them.

A process pool breaks as a whole when one of its processes is killed, and does not say which cell did it. So a
worker marks in a file that it has begun with a cell; after a break the cells that were begun are sent again
one at a time, in a new pool. Only a cell that was alone is charged for a break: one that kills its worker
each time ends as failed, and costs the others nothing but time.

Dask says which cells a lost worker held: the one that it worked at, which is charged, and those that waited
for it, which are not. What Dask never says is that no worker is left: its tasks wait for one, for ever.

Python waits at its end for what pools of threads and processes work at: cells are told to end before that.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - so that it is told to wait for its threads before we are
import contextlib
import logging
import os
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import final

from vaewidgets.concurrency import BackgroundThread
from vaewidgets.errors import CellError
from vaewidgets.sweeps.cell import Cell
from vaewidgets.sweeps.task import Outcome, Task, run_task

_POLL_SECONDS = 0.2
_BREAK_SECONDS = 30.0  # for the other futures of a broken pool to say so
_SAID_SECONDS = 10.0  # without any worker: one that was killed is started anew in less
_ALONE_SECONDS = 60.0  # without any worker, until a cluster that gets none by itself is given up
_UNBEGUN_MOST = 20  # workers lost before they began with a cell, which may be what they die of

_log = logging.getLogger("vaewidgets")


@final
class Remote:
    """Trains cells on an executor, from a thread of its own, which ends with the last cell.

    An executor stays the caller's: it is never shut down, and a process pool that breaks is replaced by one
    of fresh processes. A function makes executors, which are shut down here.
    """

    def __init__(
        self,
        executor: Executor | Callable[[], Executor],
        cells: Sequence[Cell],
        make_task: Callable[[Cell, int], Task],
        *,
        retries: int,
        stop_path: Path,
        at_end: Callable[[], None],
        name: str,
    ) -> None:
        self._renewed = None if isinstance(executor, Executor) else executor
        self._is_own = self._renewed is not None
        self._executor = executor if isinstance(executor, Executor) else executor()
        self.executor_name = type(self._executor).__name__
        self._most_begun = 1  # cells at once, when a pool broke
        self._marks: dict[Cell, Path] = {}
        self._make_task = make_task
        self._retries = retries
        self._stop_path = stop_path
        self._at_end = at_end
        self._waiting = deque(cells)
        self._suspects: deque[Cell] = deque()  # one of them may have broken the pool
        self._running: dict[Future[Outcome], Cell] = {}
        self._done: queue.SimpleQueue[Future[Outcome]] = queue.SimpleQueue()
        self._attempts: dict[Cell, int] = {}
        self._charged: dict[Cell, int] = {}  # workers lost with it beyond doubt
        self._had_workers = False
        self._alone_since: float | None = None
        self._said_alone = False
        self._stopping = False
        self._leaving = False
        self._thread = BackgroundThread(name, stop=self._leave)

    @property
    def lacks_workers(self) -> bool:
        """Whether cells wait for a cluster that has no worker."""
        return self._said_alone

    def start(self) -> None:
        _remotes.add(self)
        self._thread.start(self._main)

    def stop(self) -> None:
        """Send no more cells, take back those that no worker has begun, and tell the others to end.

        Returns at once.
        """
        self._stopping = True
        for future in list(self._running):  # now, before a worker takes the next one
            future.cancel()
        if self._thread.is_alive:
            self._stop_path.touch()

    def _leave(self) -> None:
        """Wait for no cell any more: the interpreter ends. Its end waits for the workers, where it must."""
        self._leaving = self._stopping = True

    def _leave_to_parent(self) -> None:
        """In a process that was forked off: the thread that waits for the cells is not here."""
        for cell in [*self._running.values(), *self._waiting, *self._suspects]:
            cell.becomes(
                "failed",
                CellError(
                    f"the cell {cell.name} belongs to another process, of which this one (pid "
                    f"{os.getpid()}) was forked off. Start a sweep in this process: vw.sweep."
                ),
            )
        self._thread.done.set()

    def join(self) -> None:
        if self._thread.thread is not threading.current_thread():
            self._thread.join()

    def _main(self) -> None:
        try:
            while True:
                if self._stopping:
                    self._take_back()
                else:
                    self._fill()
                if self._leaving:
                    break
                if not self._running and (self._stopping or not (self._waiting or self._suspects)):
                    break
                self._look_for_workers()
                with contextlib.suppress(queue.Empty):
                    self._settle(self._done.get(timeout=_POLL_SECONDS))
        except BaseException as error:  # nobody waits for a cell that will not come
            for cell in [*self._running.values(), *self._waiting, *self._suspects]:
                cell.becomes("failed", error)
        finally:
            if self._is_own:
                self._executor.shutdown(wait=False)
            self._at_end()

    def _fill(self) -> None:
        if self._suspects:  # alone
            if not self._running:
                self._submit(self._suspects)
            return
        while self._waiting and not self._stopping and self._submit(self._waiting):
            pass

    def _submit(self, source: deque[Cell]) -> bool:
        """Send the first of `source`, or say that it could not be sent."""
        cell = source.popleft()
        attempt = self._attempts.get(cell, 0)
        task = self._make_task(cell, attempt)
        self._marks[cell] = task.mark_path
        task.mark_path.unlink(missing_ok=True)
        try:
            future = self._executor.submit(run_task, task)
        except Exception as error:
            if not isinstance(error, BrokenExecutor):  # shut down, closed
                self._fail(cell, error)
            elif self._running or self._renew():  # those under way will say so, too
                source.appendleft(cell)
            else:
                self._fail(cell, error)
            return False
        self._attempts[cell] = attempt + 1
        cell.becomes("submitted")
        self._running[future] = cell
        future.add_done_callback(self._done.put)
        return True

    def _look_for_workers(self) -> None:
        """Say once that a cluster has no worker; CellError where none will come."""
        n = _n_workers(self._executor)
        self._had_workers |= bool(n)
        if n != 0 or not self._running or not self._had_workers:
            self._alone_since, self._said_alone = None, False
            return
        if self._alone_since is None:
            self._alone_since = time.monotonic()
        alone = time.monotonic() - self._alone_since
        if alone > _SAID_SECONDS and not self._said_alone:
            self._said_alone = True
            _log.warning(
                "%d cells of a sweep wait for a worker: the cluster has lost all that it had.",
                len(self._running),
            )
        if alone > _ALONE_SECONDS and not _gets_workers(self._executor):
            for future in self._running:
                future.cancel()
            raise CellError(
                f"no worker of the cluster is left, and none came within {_ALONE_SECONDS:g} s. Dask gives "
                "up a worker that is killed while it starts. Run the same sweep again on a new cluster; with "
                "folder=... what has finished is kept."
            )

    def _take_back(self) -> None:
        for future in list(self._running):
            future.cancel()
        for cell in (*self._waiting, *self._suspects):
            cell.becomes("stopped")
        self._waiting.clear()
        self._suspects.clear()

    def _settle(self, future: Future[Outcome]) -> None:
        cell = self._running.pop(future, None)
        if cell is None:  # settled with the pool that broke
            return
        error = _error_of(future)
        if error is None:
            cell.takes(future.result())
        elif isinstance(error, CancelledError) and self._stopping:
            cell.becomes("stopped")
        elif isinstance(error, BrokenExecutor):
            self._after_a_break(cell, error)
        elif _is_loss(error):
            self._after_a_loss(cell, error)
        else:
            self._fail(cell, error)

    def _after_a_break(self, cell: Cell, error: BaseException) -> None:
        victims = [cell]
        wait(self._running, timeout=_BREAK_SECONDS)
        for future, other in list(self._running.items()):
            if isinstance(_error_of(future) if future.done() else error, BrokenExecutor):
                del self._running[future]
                victims.append(other)
        begun = [victim for victim in victims if self._marks[victim].exists()]
        self._most_begun = max(self._most_begun, len(begun))
        suspects = begun or victims  # a worker that cannot read its task dies before it could mark it
        can_go_on = self._renew()
        for victim in reversed(victims):
            if not can_go_on:
                self._fail(victim, error)
            elif victim not in suspects:
                victim.becomes("waiting")
                self._waiting.appendleft(victim)
            elif len(suspects) == 1:
                self._charge(victim, error, self._suspects)
            else:
                victim.lost += 1
                victim.becomes("waiting")
                self._suspects.append(victim)

    def _after_a_loss(self, cell: Cell, error: BaseException) -> None:
        """Of a cell that Dask names as one that a lost worker held."""
        begun = self._marks[cell].exists()
        if begun or self._stopping or self._attempts[cell] > _UNBEGUN_MOST:
            self._charge(cell, error, self._waiting)
        else:
            cell.becomes("waiting")
            self._waiting.append(cell)

    def _charge(self, cell: Cell, error: BaseException, again: deque[Cell]) -> None:
        cell.lost += 1
        charged = self._charged[cell] = self._charged.get(cell, 0) + 1
        if self._stopping:
            cell.becomes("stopped")
        elif charged > self._retries:
            self._fail(cell, error)
        else:
            cell.becomes("waiting")
            again.append(cell)

    def _fail(self, cell: Cell, error: BaseException) -> None:
        if _is_loss(error):
            known = str(error).rstrip(".") or "no more is known"
            lost = CellError(
                f"the cell {cell.name} was lost with its worker {max(1, cell.lost)} time(s): "
                f"{type(error).__name__}: {known}. A worker that is killed has often run out of memory; one "
                "that cannot import the function that makes the models dies at once: put it in a module."
            )
            lost.__cause__ = error
            error = lost
        cell.becomes("failed", error)

    def _renew(self) -> bool:
        """Replace a broken executor, where that is known how."""
        old = self._executor
        if self._renewed is None and type(old) is not ProcessPoolExecutor:
            return False
        if self._is_own:
            old.shutdown(wait=False)
        if self._renewed is not None:
            self._executor = self._renewed()
        else:
            # not forked from this process, which has threads
            method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
            self._executor = ProcessPoolExecutor(self._most_begun, mp_context=get_context(method))
        self._is_own = True
        return True


_remotes: weakref.WeakSet[Remote] = weakref.WeakSet()


def _stop_all() -> None:
    for remote in list(_remotes):
        with contextlib.suppress(OSError):  # its folder is gone, or the disk is full
            remote.stop()


# `atexit` comes after Python has waited for the pools, which is what must not last. What is registered last
# is called first, and the pools have registered theirs when they were imported, above.
threading._register_atexit(_stop_all)  # type: ignore[attr-defined]


def _after_fork() -> None:
    for remote in list(_remotes):
        remote._leave_to_parent()
    _remotes.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _n_workers(executor: Executor) -> int | None:
    """Workers that a Dask client's cluster has now; None where no cluster is known."""
    info = getattr(_cluster_of(executor), "scheduler_info", None)
    return None if info is None else len(info["workers"])


def _gets_workers(executor: Executor) -> bool:
    """Whether a cluster that has no worker may get one: a local one that does not adapt does not."""
    cluster = _cluster_of(executor)
    is_local = any(kind.__name__ == "LocalCluster" for kind in type(cluster).__mro__)
    return not is_local or getattr(cluster, "_adaptive", None) is not None


def _cluster_of(executor: Executor) -> object:
    return getattr(getattr(executor, "_client", None), "cluster", None)


def _error_of(future: Future[Outcome]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        return error


def _is_loss(error: BaseException) -> bool:
    """Whether a worker was lost, not the cell at fault: also dask's errors, which need not be installed."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, BrokenExecutor | CancelledError) or bool(
        names & {"KilledWorker", "FutureCancelledError", "CommClosedError"}
    )
