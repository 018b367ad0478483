"""OpenMP's threads on a CPU: given back when idle, and spinning or sleeping, whichever trains faster.

This module alone knows of them; the rest of the package calls `release_cores` and `ThreadTuner`. Measured by
``tests/benchmarks/bench_training.py`` and ``bench_live.py``; the numbers are in ``docs/speed.md``.

Each thread that runs a parallel operation of torch gets a set of OpenMP threads of its own, one for each
core, and keeps it. GNU's OpenMP, which torch's wheels for Linux bring, lets a set spin between two operations
only while all sets of the process together have no more threads than there are cores; beyond that each
operation waits for sleeping threads to wake. Two things follow:

- An idle set slows training down: that of the notebook's main thread took an epoch of a small MLP on two
  cores from 2.2 to 3.8 s, and giving it back brought 2.2 s again (`release_cores`).
- An idle set is also a switch. Spinning is fastest on an idle machine. Where another process wants a core (a
  browser that draws what is being trained is enough), one thread of the set waits for a core while another
  burns its time: a step took 70 to 1,100 ms, against 12 to 30 when the threads sleep. Which is faster now is
  found out by trying both (`ThreadTuner`).
"""

from __future__ import annotations

import ctypes
import functools
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import torch

from vaewidgets.concurrency import BackgroundThread, Latch, Lock

WINDOW_STEPS = 10
WINDOW_SECONDS = 0.1
SHORT_EPOCH_SECONDS = 1.0  # epochs shorter than this are measured whole, evaluation and all,
WINDOW_EPOCHS = 4  # and so many at a time
TRY_SECONDS = 1.0  # the other way is tried again after so long at least,
TRY_SHARE = 20.0  # and after so many times what the last trial took; twice as long after each that showed
TRY_AT_LEAST_EVERY = 30.0  # spinning to be faster, but not longer than this
_BETTER = 0.9  # of the pace of the preferred way, for the other one to be preferred
_HOPELESS = 2.0  # times that pace, for a trial to end early
_CHANGED = 1.5  # times the usual pace, for a trial at once
_SOFT = 1  # omp_pause_soft: the threads are made again when they are wanted


def release_cores() -> None:
    """Give back the OpenMP threads of the calling thread, after torch operations beside a run that trains.

    Without GNU's OpenMP nothing is done.
    """
    pause = _pause_function()
    if pause is not None:
        pause(_SOFT)  # refused, without harm, inside a parallel region


def has_gnu_openmp() -> bool:
    """Whether torch's threads are those of GNU's OpenMP."""
    return _pause_function() is not None


@functools.cache
def _pause_function() -> Callable[[int], int] | None:
    """`omp_pause_resource_all` (OpenMP 5.0) of the library that torch has loaded."""
    only_if_loaded = getattr(os, "RTLD_NOLOAD", None)
    if only_if_loaded is None:
        return None
    for path in sorted((Path(torch.__file__).parent / "lib").glob("libgomp*.so*")):
        try:
            function = ctypes.CDLL(str(path), mode=only_if_loaded).omp_pause_resource_all
        except (OSError, AttributeError):
            continue
        function.argtypes, function.restype = [ctypes.c_int], ctypes.c_int
        return function
    return None


def can_choose() -> bool:
    """Whether an idle set makes the difference: GNU's OpenMP, and about as many threads as cores."""
    n = torch.get_num_threads()
    if not has_gnu_openmp() or n < 2:
        return False
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return n <= cores < 2 * n - 1


class IdleThreads:
    """An idle set of OpenMP threads, owned by a thread of its own: while it exists, waiting sets sleep."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._owner: tuple[BackgroundThread, Latch] | None = None  # the thread, and what ends it

    def set(self, wanted: bool) -> None:
        """Make the set, or remove it."""
        owner = self._owner
        if wanted and (owner is None or owner[1].is_set):
            ready, end = Latch(), Latch()
            with self._lock:
                thread = BackgroundThread("vaewidgets-idle-threads", stop=end.set)
                thread.start(self._idle, thread, ready, end)
                self._owner = (thread, end)
            ready.wait()
        elif not wanted and owner is not None:
            thread, end = owner
            end.set()
            thread.join()
            self._owner = None

    def _idle(self, thread: BackgroundThread, ready: Latch, end: Latch) -> None:
        with self._lock:
            if self._owner is None or self._owner[0] is not thread:  # who started it was interrupted
                return
        torch.zeros(1 << 20).add_(1)  # large enough to be parallel
        ready.set()
        end.wait()
        release_cores()


class Chooser:
    """Decides by the pace of training between two ways to run: False (at first) or True.

    It prefers one way and tries the other now and then, at once when the pace drops; whichever trains faster
    is preferred from then on. `switch` is called with the new way.
    """

    def __init__(
        self, switch: Callable[[bool], None], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._switch = switch
        self._clock = clock
        self.way = False  # in force
        self._preferred = False
        self.usual: float | None = None  # seconds a step in the preferred way
        self._next_try = 0.0
        self._failed_trials = 0
        self._epochs_are_short = False
        self._epoch_began: tuple[float, int] | None = None  # seconds, epoch
        self._window: tuple[float, int, int, object] | None = None  # seconds, step, epoch, stretch

    def forget_window(self) -> None:
        """Measure anew: time has passed in which no step was taken."""
        self._window = self._epoch_began = None

    def tick(self, step: int, epoch: int, stretch: object) -> None:
        """Note the steps and epochs that are done.

        Another epoch means that time went into something else than steps; another `stretch` (a pause, other
        runs) discards the window.
        """
        now = self._clock()
        if self._window is None or self._window[3] != stretch:
            self._epoch_began = (now, epoch)
            self._window = (now, step, epoch, stretch)
            return
        is_new_kind = self._note_epoch(now, epoch)
        began, first_step, first_epoch, _ = self._window
        epochs = epoch - first_epoch
        if is_new_kind or (epochs and not self._epochs_are_short):
            self._window = (now, step, epoch, stretch)
            return
        seconds, steps = now - began, step - first_step
        if steps < 1 or seconds < WINDOW_SECONDS:
            return
        pace = seconds / steps
        is_trial = self.way != self._preferred
        hopeless = is_trial and self.usual is not None and pace > _HOPELESS * self.usual
        few_steps = steps < WINDOW_STEPS and seconds < WINDOW_STEPS * WINDOW_SECONDS
        few_epochs = self._epochs_are_short and epochs < WINDOW_EPOCHS
        if (few_steps or few_epochs) and not hopeless:
            return
        if is_trial:
            self._end_trial(pace, now, seconds)
        else:
            self._end_window(pace, now)
        self._window = (now, step, epoch, stretch)

    def _note_epoch(self, now: float, epoch: int) -> bool:
        """Find out whether epochs are short, so that no window fits between two evaluations.

        Returns whether that has changed: earlier measurements then do not compare.
        """
        assert self._epoch_began is not None
        began, before = self._epoch_began
        if epoch == before:
            return False
        self._epoch_began = (now, epoch)
        are_short = (now - began) / (epoch - before) < SHORT_EPOCH_SECONDS
        if are_short == self._epochs_are_short:
            return False
        self._epochs_are_short = are_short
        self.usual = None
        if self.way != self._preferred:  # nothing to compare the trial with
            self._go(self._preferred)
        return True

    def _end_trial(self, pace: float, now: float, seconds: float) -> None:
        if self.usual is None or pace < _BETTER * self.usual:
            self._preferred, self.usual = self.way, pace
            self._failed_trials = 0
        else:
            self._go(self._preferred)
            # A busy machine may be idle again at any moment; that sleeping does not pay when idle stays true.
            self._failed_trials += not self._preferred
        wait = max(TRY_SECONDS, TRY_SHARE * seconds) * 2 ** min(self._failed_trials, 10)
        self._next_try = now + min(wait, max(TRY_AT_LEAST_EVERY, TRY_SHARE * seconds))

    def _end_window(self, pace: float, now: float) -> None:
        changed = self.usual is None or pace > _CHANGED * self.usual
        self.usual = pace
        if changed:
            self._failed_trials = 0
        if changed or now >= self._next_try:
            self._go(not self._preferred)

    def _go(self, way: bool) -> None:
        self.way = way
        self._switch(way)


class ThreadTuner:
    """Lets OpenMP's threads spin or sleep for one loop, or for several in one thread."""

    def __init__(self, on_cpu: bool) -> None:
        self._on_cpu = on_cpu
        self._idle = IdleThreads()
        self._chooser: Chooser | None = None
        self._rests = True
        # a loop that is garbage-collected in mid-run takes its idle threads along
        weakref.finalize(self, self._idle.set, False)

    def tick(self, step: int, epoch: int, stretch: object) -> None:
        """Note, in the loop's thread, that `step` steps are done; see `Chooser.tick`."""
        if self._chooser is None:
            if not (self._on_cpu and can_choose()):
                return
            self._chooser = Chooser(self._idle.set)
        if self._rests:  # go on in the way that was faster
            self._rests = False
            self._idle.set(self._chooser.way)
        self._chooser.tick(step, epoch, stretch)

    def rest(self) -> None:
        """Release all threads, in the loop's thread: no step follows for a while, or ever."""
        if self._chooser is not None:
            self._chooser.forget_window()
        self._rests = True
        self._idle.set(False)
        release_cores()
