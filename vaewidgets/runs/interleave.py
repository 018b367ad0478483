"""Training several runs in one thread, in slices of time, so that all their curves move together.

A slice is some tens of milliseconds: long enough that switching costs next to nothing, short enough that
every curve is seen to move. The next slice goes to the run that is furthest behind, counted in epochs, so
that a run with a large model gets more time and not fewer points; while one evaluates, the others go on. A
run that was paused or slowed down does not catch up.

Runs that differ in beta, seed or learning rate only can form a group, which shares its slices: their updates
are made as one batched step (`vaewidgets.engine.batched`).
"""

from __future__ import annotations

import contextlib
import math
import time
import weakref
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from vaewidgets.concurrency import MOMENT_SECONDS, BackgroundThread, Lock, Wakeup
from vaewidgets.engine.batched import BatchedStep
from vaewidgets.engine.engine import Engine
from vaewidgets.engine.steps import Control, Steps, exhaust
from vaewidgets.runs.background import TrainingRun
from vaewidgets.runs.gate import LONG_SECONDS, Loop
from vaewidgets.runs.openmp import ThreadTuner

SLICE_SECONDS = 0.03
HOLD_SECONDS = 5.0  # at most: who holds the slices may be interrupted before it can let go
# What a step costs beside its matrix products is shared well enough by so many runs, and one that is to halt
# waits for a step of its whole group.
MOST_IN_GROUP = 8


@dataclass
class _Entry:
    run: TrainingRun
    loop: Loop
    place: float  # epochs made since it joined, and what the others had made then
    stride: float  # epochs made in its last slice
    debt: float = 0.0  # epochs that its slices since its last step would have made, had it not evaluated
    is_quiet: bool = False  # it had its slice to put things in order before a long halt


@final
class Interleaver:
    """One daemon thread that trains runs in slices; it exists only while one of them has not ended."""

    def __init__(self, name: str, *, slice_seconds: float = SLICE_SECONDS, on_cpu: bool = True) -> None:
        self._name = name
        self._slice_seconds = slice_seconds
        self._on_cpu = on_cpu
        self._lock = Lock()  # taken with a run's lock held, never the other way round
        self._entries: list[_Entry] = []
        self._groups: weakref.WeakKeyDictionary[TrainingRun, Group] = weakref.WeakKeyDictionary()
        self._work: BackgroundThread | None = None
        self._wakeup = Wakeup()
        self._held_until = 0.0

    def add(self, run: TrainingRun, group: Group | None = None, note: str = "") -> None:
        """Train `run` here once it is started; `note` is added to `run.engine`. Before it is started."""
        run.interleave(self, note)
        if group is not None:
            self._groups[run] = group

    def take(self, run: TrainingRun, loop: Loop) -> BackgroundThread:
        """Give a run slices until its loop has ended. Called with the run's lock held."""
        with self._lock:
            # who joins late, or comes back, does not keep the others waiting until it has caught up
            place = min((entry.place for entry in self._entries), default=0.0)
            self._entries.append(_Entry(run, loop, place, stride=1.0 / run.steps_per_epoch))
            work = self._work
            if work is None:
                work = BackgroundThread(self._name, stop=self._stop_all)
                work.start(self._main, work)
                self._work = work
            self._wakeup.set()
            return work

    def wake(self) -> None:
        """Find out again which runs can go on. Called with a run's lock held."""
        self._wakeup.set()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Give no slice meanwhile, so that runs that are resumed one after another begin together."""
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
            self._give_slices()
        except BaseException as error:  # nobody waits for a run that gets no more slices
            with self._lock:
                entries, self._entries = self._entries, []
                self._work = None
            for entry in entries:
                entry.run.give_up(entry.loop, error)

    def _give_slices(self) -> None:
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
                    rounds.tuner.rest()
                    self._wakeup.wait(min(seconds, MOMENT_SECONDS))
                    continue
                rounds.note(entries, self._give_slice(chosen, entries))
        finally:
            rounds.tuner.rest()

    def _choose(self, entries: list[_Entry]) -> tuple[_Entry | None, float]:
        """Return whose slice is next, or None and the seconds until there may be one."""
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

    def _give_slice(self, chosen: _Entry, entries: list[_Entry]) -> int:
        """Give the chosen run, and those of its group that are ready, a slice; returns how many had one."""
        group, members = self._group_of(chosen.run), [chosen]
        if group is not None and not chosen.is_quiet:
            members = [e for e in entries if e is chosen or self._is_ready_in(group, e.run)]
        before = [entry.run.step for entry in members]
        if group is None or len(members) == 1:
            more = [exhaust(chosen.run.slice(_Slice(chosen.run, self._slice_seconds), chosen.loop))]
        else:
            more = group.run_slice([(entry.run, entry.loop) for entry in members], self._slice_seconds)
        for entry, step, goes_on in zip(members, before, more, strict=True):
            self._account(entry, step, goes_on)
        return len(members)

    def _group_of(self, run: TrainingRun) -> Group | None:
        """Return its group; None while it is slowed down, and would slow the others down."""
        return None if run.speed is not None else self._groups.get(run)

    def _is_ready_in(self, group: Group, run: TrainingRun) -> bool:
        return self._group_of(run) is group and run.seconds_until_due() <= 0

    def _account(self, entry: _Entry, before: int, goes_on: bool) -> None:
        run = entry.run
        if run.step > before:
            entry.stride = (run.step - before) / run.steps_per_epoch
            entry.place += entry.stride
            entry.debt = 0.0
        else:
            entry.debt += entry.stride
        if not goes_on:
            with self._lock:
                self._entries.remove(entry)


class _Rounds:
    """Tunes the threads by the pace of all runs together: a step of one takes longer than of another."""

    def __init__(self, on_cpu: bool) -> None:
        self.tuner = ThreadTuner(on_cpu)
        self._slices = 0

    def note(self, entries: list[_Entry], slices: int) -> None:
        """Count slices; once all had one, the round is measured."""
        self._slices += slices
        if self._slices >= len(entries):
            self._slices = 0
            runs = [entry.run for entry in entries]
            epoch = sum(run.epoch for run in runs) // len(runs)
            self.tuner.tick(sum(run.step for run in runs), epoch, tuple(map(id, runs)))


class _Slice:
    """Control of one run's slice: it ends after so many seconds, but not before one step.

    A batch of an evaluation counts as a step.
    """

    def __init__(self, run: Control, seconds: float) -> None:
        self._run = run
        self._end = time.perf_counter() + seconds
        self._asked = False

    def may_step(self) -> bool:
        return self._has_time() and self._run.may_step()

    def may_go_on(self) -> bool:
        return self._has_time() and self._run.may_go_on()

    def flushed(self) -> None:
        self._run.flushed()

    def _has_time(self) -> bool:
        if self._asked and time.perf_counter() >= self._end:
            return False
        self._asked = True
        return True


def form_groups(runs: Sequence[TrainingRun]) -> list[tuple[Group | None, str]]:
    """Return the group of each run and a note on it, or None and why it has no group."""
    alike: dict[Hashable, list[int]] = {}
    out: list[tuple[Group | None, str]] = [(None, run.why_not_batched or "") for run in runs]
    for i, run in enumerate(runs):
        if not out[i][1]:
            alike.setdefault(run.likeness, []).append(i)
    for found in alike.values():
        parts = math.ceil(len(found) / MOST_IN_GROUP)
        for k in range(parts):
            part = found[k::parts]
            if len(part) == 1:
                out[part[0]] = (None, "no other run differs from it in beta, seed and learning rate only")
                continue
            group = Group()
            for i in part:
                out[i] = (group, f"one batched model of {len(part)}")
    return [(group, note if group else f"in turns: {note}") for group, note in out]


@final
class Group:
    """Runs that share their slices, one batched step for all of them.

    A run that is at the end of an epoch evaluates by itself; the others wait for it, so that all go on to
    train on the same images, which are then gathered once. For the same reason one that is less than an epoch
    behind catches up first. One that is paused, slowed down or has ended has no part in a slice, and what the
    others compute does not depend on it.
    """

    def __init__(self) -> None:
        self._batched: BatchedStep | None = None

    def run_slice(self, members: Sequence[tuple[TrainingRun, Loop]], seconds: float) -> list[bool]:
        """Train for about so long; returns for each member whether there is more to do."""
        common = _Common(seconds, [run for run, _ in members])
        going = {i: run.slice(_MemberSlice(run, common), loop) for i, (run, loop) in enumerate(members)}
        more = [True] * len(members)
        made: dict[int, bool | BaseException] = {}
        while going:
            common.begin_round([members[i][0] for i in going])
            engines: dict[int, Engine] = {}
            for i, steps in list(going.items()):
                try:
                    engines[i] = _go_on(steps, made.get(i))
                except StopIteration as end:
                    more[i] = end.value
                    del going[i]
            made = self._step_together(engines)
        return more

    def _step_together(self, engines: dict[int, Engine]) -> dict[int, bool | BaseException]:
        """Make the updates of batches of one size: True for each, or what kept it from being made.

        The others make theirs themselves, and so do those whose model has got a hook meanwhile.
        """
        by_size: dict[int, list[int]] = {}
        for i, engine in engines.items():
            if engine.fused is not None:
                by_size.setdefault(len(engine.upcoming.batch), []).append(i)  # type: ignore[union-attr]
        made: dict[int, bool | BaseException] = {}
        for members in by_size.values():
            if len(members) > 1:
                made |= dict.fromkeys(members, self._make([engines[i] for i in members]))
        return made

    def _make(self, engines: list[Engine]) -> bool | BaseException:
        try:
            if self._batched is None or not self._batched.is_of(engines):
                self._batched = BatchedStep(engines)
            self._batched()
        except BaseException as error:  # belongs to the runs
            return error
        return True


def _go_on(steps: Steps[bool], made: bool | BaseException | None) -> Engine:
    return steps.throw(made) if isinstance(made, BaseException) else steps.send(made)


class _Common:
    """What the members of a group share in a slice: the time, and whether they wait for one of them."""

    def __init__(self, seconds: float, runs: Sequence[TrainingRun]) -> None:
        self.seconds = seconds
        self._end = time.perf_counter() + seconds
        self._rounds = 0
        self._may_step = True
        steps = [run.step for run in runs]
        is_near = 0 < max(steps) - min(steps) <= runs[0].steps_per_epoch
        self._level = max(steps) if is_near else None

    def begin_round(self, runs: Sequence[TrainingRun]) -> None:
        """Decide whether all may take a step, which keeps them together; none does while one evaluates."""
        one_evaluates = any(run.evaluates and run.seconds_until_due() <= 0 for run in runs)
        self._may_step = not one_evaluates and (self._rounds == 0 or time.perf_counter() < self._end)
        self._rounds += 1

    def allows_step(self, run: TrainingRun) -> bool:
        """Whether a run may take a step in this round."""
        return self._may_step and (self._level is None or run.step < self._level)


class _MemberSlice(_Slice):
    """Control of one member's slice: a step is allowed to all members or to none."""

    def __init__(self, run: TrainingRun, common: _Common) -> None:
        super().__init__(run, common.seconds)
        self._member = run
        self._common = common

    def may_step(self) -> bool:
        return self._common.allows_step(self._member) and self._member.may_step()
