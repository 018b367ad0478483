"""What a run and the thread that it shares with others know of each other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from vaewidgets.engine.steps import Control, Steps

if TYPE_CHECKING:
    from vaewidgets.concurrency import BackgroundThread
    from vaewidgets.runs.gate import Loop
    from vaewidgets.runs.team import Team

__all__ = ["Player", "Turn", "Worker"]


class Player(Protocol):
    """A run that trains in turns."""

    @property
    def step(self) -> int:
        """Updates made."""
        ...

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        ...

    @property
    def steps_per_epoch(self) -> int | None:
        """Updates an epoch."""
        ...

    @property
    def team(self) -> Team | None:
        """With whom it takes its turns, if with anybody."""
        ...

    @property
    def evaluates(self) -> bool:
        """Whether an evaluation comes before its next step."""
        ...

    def may_step(self) -> bool:
        """As in `Control`."""
        ...

    def may_go_on(self) -> bool:
        """As in `Control`."""
        ...

    def flushed(self) -> None:
        """As in `Control`."""
        ...

    def stop(self) -> None:
        """End after the step under way. Returns at once."""
        ...

    def seconds_until_due(self) -> float:
        """Seconds until the run can use a turn; infinite while it is paused."""
        ...

    def serve(self) -> None:
        """Do what was asked for between two steps."""
        ...

    def take_turn(self, seconds: float, loop: Loop) -> bool:
        """Train for about so long in the calling thread; False when that was the last turn."""
        ...

    def turn(self, control: Control, loop: Loop) -> Steps[bool]:
        """A turn as long as `control` allows, halted before each update."""
        ...

    def give_up(self, loop: Loop, error: BaseException) -> None:
        """The thread has failed: end with that error."""
        ...


class Worker(Protocol):
    """A thread in which several runs train in turns."""

    def take(self, run: Player, loop: Loop) -> BackgroundThread:
        """Give a run turns until `take_turn` says that it has ended. Called with the run's lock held."""
        ...

    def wake(self) -> None:
        """Look again who can go on. Called with a run's lock held."""
        ...


class Turn:
    """Asked by the engine in a run's turn: it is over after so many seconds, but not before one step.

    A batch of an evaluation counts as a step.
    """

    def __init__(self, run: Control, seconds: float) -> None:
        self._run = run
        self._end = time.perf_counter() + seconds
        self._asked = False

    def may_step(self) -> bool:
        """Whether there is time for another step, and the run may take it."""
        return self._has_time() and self._run.may_step()

    def may_go_on(self) -> bool:
        """Whether there is time for another batch of an evaluation, and the run may go on."""
        return self._has_time() and self._run.may_go_on()

    def flushed(self) -> None:
        """Pass it on."""
        self._run.flushed()

    def _has_time(self) -> bool:
        if self._asked and time.perf_counter() >= self._end:
            return False
        self._asked = True
        return True
