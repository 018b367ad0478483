"""Runs that share a thread and go from step to step together, their updates made in one go."""

from __future__ import annotations

import math
import time
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, final

from vaewidgets.engine.batched import BatchedStep, likeness, why_alone
from vaewidgets.engine.steps import Steps
from vaewidgets.runs.turns import Player, Turn

if TYPE_CHECKING:
    from vaewidgets.engine.engine import Engine
    from vaewidgets.runs.gate import Loop

__all__ = ["MOST", "Team", "form_teams"]

# What a step costs beside its products is shared well enough by so many, and one that is to halt waits for a
# step of all of them.
MOST = 8


def form_teams(engines: Sequence[Engine]) -> list[tuple[Team | None, str]]:
    """Say of each engine with whom it goes from step to step, and in a few words why, or why with nobody."""
    alike: dict[Hashable, list[int]] = {}
    out: list[tuple[Team | None, str]] = [(None, why_alone(engine) or "") for engine in engines]
    for i, engine in enumerate(engines):
        if not out[i][1]:
            alike.setdefault(likeness(engine), []).append(i)
    for group in alike.values():
        parts = math.ceil(len(group) / MOST)
        for k in range(parts):
            part = group[k::parts]
            if len(part) == 1:
                out[part[0]] = (None, "no other run differs from it in beta, seed and learning rate only")
                continue
            team = Team()
            for i in part:
                out[i] = (team, f"one batched model of {len(part)}")
    return out


@final
class Team:
    """Gives its runs one turn together.

    A run that is at the end of an epoch evaluates by itself; the others wait for it, so that all go on to
    train on the same images, which are then gathered once. For the same reason one that is less than an epoch
    behind catches up first. One that is paused, slowed down or has ended is no part of a turn, and what the
    others compute does not depend on it.
    """

    def __init__(self) -> None:
        self._batched: BatchedStep | None = None

    def take_turn(self, players: Sequence[tuple[Player, Loop]], seconds: float) -> list[bool]:
        """Train for about so long; whether there is more to do, for each of them."""
        common = _Common(seconds, [run for run, _ in players])
        going = {i: run.turn(_TurnOf(run, common), loop) for i, (run, loop) in enumerate(players)}
        more = [True] * len(players)
        made: dict[int, bool | BaseException] = {}
        while going:
            common.begin_round([players[i][0] for i in going])
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

        The others make theirs themselves, and so do those that have got a hook since the team was formed.
        """
        by_size: dict[int, list[int]] = {}
        for i, engine in engines.items():
            if engine.fused is not None:
                by_size.setdefault(len(engine.upcoming.batch), []).append(i)  # type: ignore[union-attr]
        made: dict[int, bool | BaseException] = {}
        for group in by_size.values():
            if len(group) > 1:
                made |= dict.fromkeys(group, self._make([engines[i] for i in group]))
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
    """What the runs of one turn share: the time, and whether they wait for one of them."""

    def __init__(self, seconds: float, runs: Sequence[Player]) -> None:
        self.seconds = seconds
        self._end = time.perf_counter() + seconds
        self._rounds = 0
        self._may_step = True
        steps = [run.step for run in runs]
        is_near = 0 < max(steps) - min(steps) <= (runs[0].steps_per_epoch or 1)
        self._level = max(steps) if is_near else None

    def begin_round(self, runs: Sequence[Player]) -> None:
        """All are asked for a step, and are told the same: so they stay together.

        In a round in which one of them evaluates nobody steps.
        """
        one_evaluates = any(run.evaluates and run.seconds_until_due() <= 0 for run in runs)
        self._may_step = not one_evaluates and (self._rounds == 0 or time.perf_counter() < self._end)
        self._rounds += 1

    def allows_step(self, run: Player) -> bool:
        """Whether a run may take a step in this round."""
        return self._may_step and (self._level is None or run.step < self._level)


class _TurnOf(Turn):
    """One run's turn among others: a step is allowed to all of them or to none."""

    def __init__(self, player: Player, common: _Common) -> None:
        super().__init__(player, common.seconds)
        self._player = player
        self._common = common

    def may_step(self) -> bool:
        """Whether all may take another step, and the run, too."""
        return self._common.allows_step(self._player) and self._player.may_step()
