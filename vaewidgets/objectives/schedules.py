"""How the weight of the KL term changes with the step.

A schedule is called with the step, counted from 0, and returns beta for that step's update.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, final

from vaewidgets.checks import number, whole
from vaewidgets.errors import OptionError


class Schedule(ABC):
    """A weight, at least 0, for each step."""

    kind: ClassVar[str] = ""  # as run files name it; empty for what they cannot hold
    reads_terms: ClassVar[bool] = False  # whether beta follows from the terms of the steps before

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Weight at `step` (counted from 0)."""

    @abstractmethod
    def describe(self) -> str:
        """Say in a few words what the schedule does."""

    def scored(self, step: int) -> float:
        """Weight that a test set is scored with after the update at `step`: by default that of the update."""
        return self(step)

    def to_dict(self) -> dict[str, Any] | None:
        """Plain values to rebuild it from (`schedule_from_dict`); None if that is impossible."""
        return {"kind": self.kind, **vars(self)} if self.kind else None

    def after(self, recon: float, kl: float) -> Schedule:
        """The schedule of the next step, when the step now made had these terms."""
        return self


@final
@dataclass(frozen=True)
class Constant(Schedule):
    """The same weight at every step.

    Parameters
    ----------
    value : float
        At least 0.
    """

    kind = "constant"
    value: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _weight("beta", self.value))

    def __call__(self, step: int) -> float:
        return self.value

    def describe(self) -> str:
        """Say in a few words what the schedule does."""
        return f"{self.value:g}"


@final
@dataclass(frozen=True)
class LinearWarmup(Schedule):
    """From `start` to `end` in a straight line over `steps` steps, then `end`.

    References
    ----------
    Bowman et al. 2016, arXiv:1511.06349 (KL annealing).
    """

    kind = "linear_warmup"
    start: float = 0.0
    end: float = 1.0
    steps: int = 1000

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _weight("start", self.start))
        object.__setattr__(self, "end", _weight("end", self.end))
        object.__setattr__(self, "steps", whole("steps", self.steps, 1))

    def __call__(self, step: int) -> float:
        """Weight at `step`: `start` at 0, `end` from `steps` on."""
        if step >= self.steps:
            return self.end
        return self.start + (self.end - self.start) * (step / self.steps)

    def describe(self) -> str:
        """Say in a few words what the schedule does."""
        return f"{self.start:g} to {self.end:g} over {self.steps} steps"


@final
@dataclass(frozen=True)
class Cyclical(Schedule):
    """Repeated warm-ups: in each period a line from `start` to `end`, then `end` for the rest.

    Parameters
    ----------
    start, end : float
        At least 0.
    period : int
        Steps a cycle.
    rise : float
        Share of the period that the line takes, above 0 and at most 1.

    References
    ----------
    Fu et al. 2019, arXiv:1903.10145.
    """

    kind = "cyclical"
    start: float = 0.0
    end: float = 1.0
    period: int = 1000
    rise: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _weight("start", self.start))
        object.__setattr__(self, "end", _weight("end", self.end))
        object.__setattr__(self, "period", whole("period", self.period, 1))
        object.__setattr__(self, "rise", number("rise", self.rise, above=0, most=1))

    def __call__(self, step: int) -> float:
        share = (step % self.period) / (self.period * self.rise)
        return self.start + (self.end - self.start) * min(1.0, share)

    def describe(self) -> str:
        """Say in a few words what the schedule does."""
        return f"{self.start:g} to {self.end:g}, again every {self.period} steps"


_GOLDEN = (math.sqrt(5) - 1) / 2


@final
@dataclass(frozen=True)
class LogUniform(Schedule):
    """Another weight at each step, spread evenly over the logarithm of a range.

    For a model that is conditioned on beta, such as `MultiRateVAE`, and so learns all of them at once. The
    test set is scored at the geometric middle.

    Parameters
    ----------
    least, most : float
        Ends of the range, above 0.

    Notes
    -----
    Step n stands at the fraction of n times the golden ratio: steps in a row cover the range without gaps or
    clusters, which independent draws would have, and a run that goes on needs no state.

    Examples
    --------
    >>> beta = LogUniform(0.1, 10)
    >>> [round(beta(step), 2) for step in range(4)], round(beta.scored(3), 2)
    ([1.0, 0.17, 2.97, 0.51], 1.0)
    """

    kind = "log_uniform"
    least: float = 0.1
    most: float = 10.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "least", number("least", self.least, above=0))
        object.__setattr__(self, "most", number("most", _weight("most", self.most), above=self.least))

    def __call__(self, step: int) -> float:
        return self._at((0.5 + step * _GOLDEN) % 1.0)

    def scored(self, step: int) -> float:
        return self._at(0.5)

    def _at(self, share: float) -> float:
        low, high = math.log(self.least), math.log(self.most)
        return math.exp(low + share * (high - low))

    def describe(self) -> str:
        """Say in a few words what the schedule does."""
        return f"{self.least:g} to {self.most:g}, another at each step"


@final
@dataclass(frozen=True)
class Custom(Schedule):
    """Any function of the step.

    Parameters
    ----------
    function : callable
        Takes the step (int, from 0), returns a weight of at least 0.
    """

    function: Callable[[int], float]

    def __post_init__(self) -> None:
        self(0)

    def __call__(self, step: int) -> float:
        """Weight at `step`; OptionError when the function raises, or gives something else than a weight."""
        try:
            value = self.function(step)
        except Exception as error:
            raise OptionError(
                f"beta({step}) raised {type(error).__name__}: {error}; expected a weight of at least 0 at "
                "every step. Mend the function of the step that beta was set to."
            ) from error
        return _weight(f"beta({step})", value)

    def describe(self) -> str:
        """Say in a few words what the schedule does."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return "a function" if name == "<lambda>" else f"{name}(step)"


def as_schedule(beta: float | Callable[[int], float] | Schedule) -> Schedule:
    """Read a number, a function of the step, or a schedule as a schedule.

    Raises
    ------
    OptionError
        If it is none of them, negative, or not finite.
    """
    if isinstance(beta, Schedule):
        return beta
    if isinstance(beta, Real) or not callable(beta):
        return Constant(beta)
    return Custom(beta)


_LARGEST = 1e30  # beyond, products overflow in float32


def _weight(name: str, value: object) -> float:
    fix = " (or, for beta, a function of the step or a schedule such as LinearWarmup(0, 1, steps=2000))"
    weight = number(name, value, 0, also=fix)
    return number(name, weight, 0, _LARGEST)
