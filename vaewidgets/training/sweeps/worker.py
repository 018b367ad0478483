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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from vaewidgets.at_exit import BackgroundThread
from vaewidgets.training.control import LONG_SECONDS, MOMENT_SECONDS
from vaewidgets.training.pace import Pace
from vaewidgets.training.turns import Player

__all__ = ["TURN_SECONDS", "Interleaver"]

TURN_SECONDS = 0.03


@dataclass
class _Entry:
    run: Player
    done: threading.Event
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
        self._thread: threading.Thread | None = None
        self._awake = threading.Event()
        self._is_held = False

    def take(self, run: Player, done: threading.Event) -> threading.Thread:
        """Give a run turns until `run.take_turn` says that it has ended."""
        with self._lock:
            # who joins late, or comes back, does not keep the others waiting until it has caught up
            place = min((entry.place for entry in self._entries), default=0.0)
            self._entries.append(_Entry(run, done, place, stride=1.0 / (run.steps_per_epoch or 1)))
            if self._thread is None:
                self._thread = BackgroundThread(self._main, name=self._name, stop=self._stop_all)
                self._thread.start()
            self._awake.set()
            return self._thread

    def wake(self) -> None:
        """Look again who can go on."""
        self._awake.set()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Give no turn meanwhile, so that those that are resumed one after another begin together."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            self._awake.set()

    def _stop_all(self) -> None:
        """Stop its runs, at the end of the interpreter."""
        with self._lock:
            entries = list(self._entries)
        for entry in entries:
            entry.run.stop()

    def _main(self) -> None:
        rounds = _Rounds(self._on_cpu)
        try:
            while True:
                self._awake.clear()
                with self._lock:
                    entries = list(self._entries)
                    if not entries:
                        self._thread = None
                        return
                chosen, seconds = (None, math.inf) if self._is_held else self._choose(entries)
                if chosen is None:
                    rounds.rest()
                    self._awake.wait(min(seconds, MOMENT_SECONDS))
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
            more = [chosen.run.take_turn(self._turn_seconds, chosen.done)]
        else:
            more = team.take_turn([(entry.run, entry.done) for entry in ours], self._turn_seconds)
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
