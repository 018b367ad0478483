"""One thread in which the runs of a sweep train in turns, so that all their curves move together.

A turn is some tens of milliseconds: long enough that changing over costs next to nothing, short enough that
every curve is seen to move. It goes to the run that is furthest behind, counted in epochs, so that a run with
a large model gets more time and not fewer points; while one evaluates, the others go on. A run that was
paused or slowed down does not catch up.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from vaewidgets.concurrency import MOMENT_SECONDS, BackgroundThread, Wakeup
from vaewidgets.runs.gate import LONG_SECONDS, Loop
from vaewidgets.runs.pace import Pace
from vaewidgets.runs.turns import Player

__all__ = ["TURN_SECONDS", "Interleaver"]

TURN_SECONDS = 0.03
HOLD_SECONDS = 5.0  # at most: who holds it may be interrupted before it can let go


@dataclass
class _Entry:
    run: Player
    loop: Loop
    place: float  # epochs made since it joined, and what the others had made then
    stride: float  # epochs made in its last turn
    debt: float = 0.0  # what its turns since its last step would have brought, had it not evaluated
    is_quiet: bool = False  # it had its turn to put things in order before a long halt


@final
class Interleaver:
    """A `Worker`: one daemon thread, there only while it has runs that have not ended.

    Parameters
    ----------
    name : str
        Of the thread.
    turn_seconds : float
    on_cpu : bool
        Whether the runs train on the CPU, where torch's threads may spin or sleep (`Pace`).
    """

    def __init__(self, name: str, *, turn_seconds: float = TURN_SECONDS, on_cpu: bool = True) -> None:
        self._name = name
        self._turn_seconds = turn_seconds
        self._on_cpu = on_cpu
        self._lock = threading.Lock()  # taken with a run's lock held, never the other way round
        self._entries: list[_Entry] = []
        self._work: BackgroundThread | None = None
        self._wakeup = Wakeup()
        self._held_until = 0.0

    def take(self, run: Player, loop: Loop) -> BackgroundThread:
        """Give a run turns until `run.take_turn` says that it has ended."""
        with self._lock:
            # who joins late, or comes back, does not keep the others waiting until it has caught up
            place = min((entry.place for entry in self._entries), default=0.0)
            self._entries.append(_Entry(run, loop, place, stride=1.0 / (run.steps_per_epoch or 1)))
            work = self._work
            if work is None:
                work = BackgroundThread(self._name, stop=self._stop_all)
                work.start(self._main, work)
                self._work = work
            self._wakeup.set()
            return work

    def wake(self) -> None:
        """Look again who can go on."""
        self._wakeup.set()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Give no turn meanwhile, so that those that are resumed one after another begin together."""
        self._held_until = time.monotonic() + HOLD_SECONDS
        try:
            yield
        finally:
            self._held_until = 0.0
            self._wakeup.set()

    def _stop_all(self) -> None:
        """Stop its runs, at the end of the interpreter."""
        with self._lock:
            entries = list(self._entries)
        for entry in entries:
            entry.run.stop()

    def _main(self, work: BackgroundThread) -> None:
        with self._lock:
            if self._work is not work:  # who started it was interrupted
                return
        try:
            self._give_turns()
        except BaseException as error:  # nobody waits for a run that gets no more turns
            with self._lock:
                entries, self._entries = self._entries, []
                self._work = None
            for entry in entries:
                entry.run.give_up(entry.loop, error)

    def _give_turns(self) -> None:
        rounds = _Rounds(self._on_cpu)
        try:
            while True:
                with self._lock:
                    entries = list(self._entries)
                    if not entries:
                        self._work = None
                        return
                for entry in entries:
                    entry.run.serve()
                held = self._held_until - time.monotonic()
                chosen, seconds = (None, held) if held > 0 else self._choose(entries)
                if chosen is None:
                    rounds.rest()
                    self._wakeup.wait(min(seconds, MOMENT_SECONDS))
                    continue
                rounds.tell(entries, self._give_turn(chosen, entries))
        finally:
            rounds.rest()

    def _choose(self, entries: list[_Entry]) -> tuple[_Entry | None, float]:
        """Whose turn it is, or None and the seconds until it may be somebody's."""
        waits = [entry.run.seconds_until_due() for entry in entries]
        ready = [entry for entry, seconds in zip(entries, waits, strict=True) if seconds <= 0]
        front = min((entry.place for entry in ready), default=0.0)
        for entry, seconds in zip(entries, waits, strict=True):
            if seconds > 0:
                entry.place = max(entry.place, front)
            if seconds < LONG_SECONDS:
                entry.is_quiet = False
            elif not entry.is_quiet:
                entry.is_quiet = True
                return entry, 0.0
        if not ready:
            return None, min(waits, default=math.inf)
        return min(ready, key=lambda entry: entry.place + entry.debt), 0.0

    def _give_turn(self, chosen: _Entry, entries: list[_Entry]) -> int:
        """To the chosen run and its team; returns how many had one."""
        team = chosen.run.team
        ours = [chosen]
        if team is not None and not chosen.is_quiet:
            ours = [
                e for e in entries if e is chosen or (e.run.team is team and e.run.seconds_until_due() <= 0)
            ]
        before = [entry.run.step for entry in ours]
        if team is None or len(ours) == 1:
            more = [chosen.run.take_turn(self._turn_seconds, chosen.loop)]
        else:
            more = team.take_turn([(entry.run, entry.loop) for entry in ours], self._turn_seconds)
        for entry, step, goes_on in zip(ours, before, more, strict=True):
            self._account(entry, step, goes_on)
        return len(ours)

    def _account(self, entry: _Entry, before: int, goes_on: bool) -> None:
        run = entry.run
        if run.step > before:
            entry.stride = (run.step - before) / (run.steps_per_epoch or 1)
            entry.place += entry.stride
            entry.debt = 0.0
        else:
            entry.debt += entry.stride
        if not goes_on:
            with self._lock:
                self._entries.remove(entry)


class _Rounds:
    """The pace of all runs together, looked at once a round: a step of one takes longer than of another."""

    def __init__(self, on_cpu: bool) -> None:
        self._pace = Pace(on_cpu)
        self._turns = 0

    def tell(self, entries: list[_Entry], turns: int) -> None:
        """So many turns were taken."""
        self._turns += turns
        if self._turns >= len(entries):
            self._turns = 0
            runs = [entry.run for entry in entries]
            epoch = sum(run.epoch for run in runs) // len(runs)
            self._pace.tick(sum(run.step for run in runs), epoch, tuple(map(id, runs)))

    def rest(self) -> None:
        """Nobody can go on."""
        self._pace.rest()
