"""The weight of the KL term in a loop of the user's own: logged, or read from the run and turned."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from vaewidgets.errors import OptionError
from vaewidgets.objectives import Constant, Schedule, as_schedule
from vaewidgets.runs.run import Run


class LoopBeta(Run):
    """A run as far as its beta is the user's own loop's."""

    def __init__(self, **what: Any) -> None:
        super().__init__(**what)
        self._schedule: Schedule = Constant(1.0)
        self._beta_read: float | None = None  # what the loop got when it last read `beta`
        self._beta_logged: float | None = None

    def _beta_of_step(self, logged: float | None) -> float | None:
        """The beta to record with a step: the one that is logged with it, else the one that was read."""
        if logged is None:
            return self._beta_read
        with contextlib.suppress(TypeError, ValueError, RuntimeError):  # else it is said where it is recorded
            self._beta_logged = float(logged)
        return logged

    @property
    def beta(self) -> float:
        """Weight of the KL term, for the loop to read in each step; from then on widgets offer to turn it."""
        beta = self._beta_read = self._schedule(self.step)
        return beta

    @beta.setter
    def beta(self, beta: float | Callable[[int], float] | Schedule) -> None:
        schedule = as_schedule(beta)
        if schedule.reads_terms:
            raise OptionError(
                f"run.beta got {type(schedule).__name__}, which needs recon and kl of each step. In a loop "
                f"of your own hand them to it: beta = vw.{type(schedule).__name__}(...), then in each step "
                "loss = recon + beta(step) * kl, beta = beta.after(recon.item(), kl.item())."
            )
        self._schedule = schedule
        self._events.notify()

    @property
    def current_beta(self) -> float:
        if self._beta_read is None and self._beta_logged is not None:
            return self._beta_logged
        return super().current_beta

    @property
    def scored_beta(self) -> float:
        return self.current_beta

    @property
    def beta_description(self) -> str:
        if self._beta_read is None:
            return "in your loop" if self._beta_logged is None else f"{self._beta_logged:g}"
        return self._schedule.describe()

    @property
    def beta_is_controllable(self) -> bool:
        """Whether the loop reads `run.beta`."""
        return self._beta_read is not None
