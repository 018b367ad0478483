"""Controls of a run: pause, resume, stop, and settings that take effect at the next step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from vaewidgets.checks import whole
from vaewidgets.engine.recorder import Recorder
from vaewidgets.errors import OptionError
from vaewidgets.objectives import Schedule, as_schedule
from vaewidgets.runs.events import Events
from vaewidgets.runs.gate import Gate, Status


class Controlled(ABC):
    """A run as far as it is controlled. Settings that a subclass does not take are refused."""

    _gate: Gate
    _events: Events
    _recorder: Recorder
    _schedule: Schedule
    _stoppable: tuple[Status, ...] = ("created", "running", "paused")

    @property
    def status(self) -> Status:
        """One of "created", "running", "paused", "stopped", "finished" and "failed"."""
        return self._gate.status

    @property
    @abstractmethod
    def step(self) -> int:
        """Updates made."""

    @property
    @abstractmethod
    def epoch(self) -> int:
        """Epochs completed."""

    @property
    def epochs(self) -> int | None:
        """Epochs to train in all; None if that is open. May be set at any time where `train` trains it."""
        return None

    @epochs.setter
    def epochs(self, epochs: int | None) -> None:
        self._refuse("epochs")

    @property
    def beta(self) -> float:
        """Weight of the KL term at the next step. Set a number, a function of the step, or a schedule."""
        return self.current_beta

    @beta.setter
    def beta(self, beta: float | Callable[[int], float] | Schedule) -> None:
        self._schedule = as_schedule(beta)
        self._events.notify()

    @property
    def current_beta(self) -> float:
        """Weight of the KL term in force now."""
        try:
            return self._schedule(self.step)
        except Exception:  # a function of the user's; training raises it, a widget must not
            return self._recorder.last("beta") or 0.0

    @property
    def scored_beta(self) -> float:
        """Weight that a test set is scored with as it is now: where beta goes on, that of the last update."""
        try:
            return self._schedule.scored(max(self.step - 1, 0))
        except Exception:
            return self.current_beta

    @property
    def beta_description(self) -> str:
        """The schedule of beta in a few words."""
        return self._schedule.describe()

    @property
    def beta_is_controllable(self) -> bool:
        """Whether setting `beta` has an effect."""
        return True

    @property
    def lr(self) -> float | None:
        """Learning rate at the next step, as far as known. May be set where `lr_is_controllable`."""
        return self._recorder.last("lr")

    @lr.setter
    def lr(self, lr: float) -> None:
        self._refuse("lr")

    @property
    def lr_is_controllable(self) -> bool:
        """Whether setting `lr` has an effect."""
        return False

    @property
    def speed(self) -> float | None:
        """Epochs a second at most; None for full speed. May be set at any time where `train` trains it."""
        return None

    @speed.setter
    def speed(self, speed: float | None) -> None:
        self._refuse("speed")

    def _refuse(self, name: str) -> None:
        raise OptionError(f"{self!r} is trained by your own loop, which alone decides its {name}.")

    def pause(self) -> None:
        """Halt before the next step. Returns at once."""
        self._gate.change("paused", "running")
        self._events.notify()

    def resume(self) -> None:
        """Start, or go on: after a pause, a stop, a failure, or the end once `epochs` was raised.

        Returns at once. A loop of the user's own goes on after a pause only.

        Raises
        ------
        OptionError
            If there is nothing left to train, or the run has diverged or was closed.
        DataError
            If the run was loaded from a file without what it needs to go on.
        """
        self._go(None)

    def advance(self, n: int = 1) -> None:
        """Train `n` steps, then pause. Returns at once; on a run that is advancing, `n` more."""
        self._go(whole("n", n, 1, also=", the steps to take"))

    @abstractmethod
    def _go(self, steps: int | None) -> None: ...

    def stop(self) -> None:
        """End before the next step. Returns at once; `resume` can take it up again."""
        self._gate.change("stopped", *self._stoppable)
        self._events.notify()

    def add_listener(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback()` when there is something new: values, a status, a snapshot.

        It is called from any thread and must be quick. Returns a function that removes it.
        """
        return self._events.add_listener(callback)
