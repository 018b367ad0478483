"""Let torch's threads spin between two operations, or sleep: whichever trains faster at the moment.

GNU's OpenMP, which torch's wheels for Linux bring, lets a team of as many threads as there are cores spin
while it waits for its next operation. That is the fastest way on an idle machine. Where anything else wants
a core (a browser that draws what is being trained is enough), one of the team is always waiting for a thread
that has lost its core and another one burns the time: on two cores with one busy process a step of a small
MLP took 70 to 1,100 ms, against 12 to 30 when the threads sleep. When all teams of a process together have
more threads than there are cores, OpenMP lets them sleep. So an idle second team is a switch, and measuring
tells how to set it.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable

import torch

from vaewidgets.concurrency import BackgroundThread, Latch
from vaewidgets.runs.threads import has_gnu_openmp, release_idle_team

__all__ = ["Chooser", "Pace", "SecondTeam", "can_choose"]

WINDOW_STEPS = 10
WINDOW_SECONDS = 0.1
SHORT_EPOCH_SECONDS = 1.0  # epochs shorter than this are measured whole, evaluation and all,
WINDOW_EPOCHS = 4  # and so many at a time
TRY_SECONDS = 1.0  # the other way is tried again after so long at least,
TRY_SHARE = 20.0  # and after so many times what the last trial took; twice as long after each that showed
TRY_AT_LEAST_EVERY = 30.0  # spinning to be faster, but not longer than this
_BETTER = 0.9  # of the pace at home, for the other way to become home
_HOPELESS = 2.0  # times the pace at home, for a trial to end early
_CHANGED = 1.5  # times the usual pace at home, for a trial at once


def can_choose() -> bool:
    """Whether a second team makes the difference: GNU's OpenMP, and about as many threads as cores."""
    n = torch.get_num_threads()
    if not has_gnu_openmp() or n < 2:
        return False
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return n <= cores < 2 * n - 1


class SecondTeam:
    """An idle OpenMP team, in a thread of its own, whose being there makes all teams sleep when they wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idling: tuple[BackgroundThread, Latch] | None = None  # the thread, and what ends it

    def set(self, wanted: bool) -> None:
        """Have it, or not."""
        idling = self._idling
        if wanted and (idling is None or idling[1].is_set):
            ready, end = Latch(), Latch()
            with self._lock:
                work = BackgroundThread("vaewidgets-idle-team", stop=end.set)
                work.start(self._idle, work, ready, end)
                self._idling = (work, end)
            ready.wait()
        elif not wanted and idling is not None:
            work, end = idling
            end.set()
            work.join()
            self._idling = None

    def _idle(self, work: BackgroundThread, ready: Latch, end: Latch) -> None:
        with self._lock:
            if self._idling is None or self._idling[0] is not work:  # who started it was interrupted
                return
        torch.zeros(1 << 20).add_(1)  # large enough to be shared by a team
        ready.set()
        end.wait()
        release_idle_team()


class Chooser:
    """Decides by the pace of training which of two ways it is to run: False (at first) or True.

    At home in one way, it tries the other now and then, and at once when the pace drops; what trains faster
    becomes home.

    Parameters
    ----------
    switch : callable
        Called with the new way.
    clock : callable
        Returns seconds.
    """

    def __init__(
        self, switch: Callable[[bool], None], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._switch = switch
        self._clock = clock
        self._now = False  # the way it runs
        self._home = False
        self._usual: float | None = None  # seconds a step at home
        self._next_try = 0.0
        self._in_vain = 0
        self._epochs_are_short = False
        self._epoch_began: tuple[float, int] | None = None  # seconds, epoch
        self._window: tuple[float, int, int, object] | None = None  # seconds, step, epoch, stretch

    @property
    def way(self) -> bool:
        """The way it is to run now."""
        return self._now

    def forget_window(self) -> None:
        """Measure anew: time has passed in which no step was taken."""
        self._window = self._epoch_began = None

    def tick(self, step: int, epoch: int, stretch: object) -> None:
        """Tell that `step` steps are done.

        Parameters
        ----------
        step : int
        epoch : int
            Epochs done: something else than steps took time when it changes.
        stretch : object
            A window is given up when it changes (a pause, other runs).
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
        is_trial = self._now != self._home
        hopeless = is_trial and self._usual is not None and pace > _HOPELESS * self._usual
        few_steps = steps < WINDOW_STEPS and seconds < WINDOW_STEPS * WINDOW_SECONDS
        few_epochs = self._epochs_are_short and epochs < WINDOW_EPOCHS
        if (few_steps or few_epochs) and not hopeless:
            return
        if is_trial:
            self._end_trial(pace, now, seconds)
        else:
            self._look_at_home(pace, now)
        self._window = (now, step, epoch, stretch)

    def _note_epoch(self, now: float, epoch: int) -> bool:
        """Find out whether epochs are short: then none leaves room for a window between two evaluations.

        Returns
        -------
        bool
            Whether that has changed: what was measured before does not compare.
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
        self._usual = None
        if self._now != self._home:  # a trial has nothing to be held against
            self._go(self._home)
        return True

    def _end_trial(self, pace: float, now: float, seconds: float) -> None:
        if self._usual is None or pace < _BETTER * self._usual:
            self._home, self._usual = self._now, pace
            self._in_vain = 0
        else:
            self._go(self._home)
            # A machine may be idle again at any moment; that sleeping does not pay on an idle one stays so.
            self._in_vain += not self._home
        wait = max(TRY_SECONDS, TRY_SHARE * seconds) * 2 ** min(self._in_vain, 10)
        self._next_try = now + min(wait, max(TRY_AT_LEAST_EVERY, TRY_SHARE * seconds))

    def _look_at_home(self, pace: float, now: float) -> None:
        changed = self._usual is None or pace > _CHANGED * self._usual
        self._usual = pace
        if changed:
            self._in_vain = 0
        if changed or now >= self._next_try:
            self._go(not self._home)

    def _go(self, way: bool) -> None:
        self._now = way
        self._switch(way)


class Pace:
    """What a loop that trains, or several in one thread, has of this: told of its steps, it sets the way.

    Parameters
    ----------
    on_cpu : bool
        Whether torch's threads on the CPU are what it waits for.
    """

    def __init__(self, on_cpu: bool) -> None:
        self._on_cpu = on_cpu
        self._team = SecondTeam()
        self._chooser: Chooser | None = None
        self._rests = True
        # a loop that is forgotten in mid-run takes its idle team along
        weakref.finalize(self, self._team.set, False)

    def tick(self, step: int, epoch: int, stretch: object) -> None:
        """Tell, in the thread of the loop, that `step` steps are done; see `Chooser.tick`."""
        if self._chooser is None:
            if not (self._on_cpu and can_choose()):
                return
            self._chooser = Chooser(self._team.set)
        if self._rests:  # go on as it went best
            self._rests = False
            self._team.set(self._chooser.way)
        self._chooser.tick(step, epoch, stretch)

    def rest(self) -> None:
        """Tell, in the thread of the loop, that no step will be taken for a while, or never again.

        Its threads are given back: another loop's would sleep between any two operations on their account.
        """
        if self._chooser is not None:
            self._chooser.forget_window()
        self._rests = True
        self._team.set(False)
        release_idle_team()
