"""Weights of the KL term that follow from what is measured: one sets a term, and beta follows."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

from vaewidgets.checks import number
from vaewidgets.objectives.schedules import Schedule

_LEAST, _MOST = math.log(1e-4), math.log(1e4)  # of beta


@dataclass(frozen=True, kw_only=True)
class Controller(Schedule):
    """Proportional-integral control of beta, on a logarithmic scale: one setting serves 2 and 200 nats.

    Parameters
    ----------
    integral, error : float
        State: sum of the errors so far times the rate, and the newest error. Left out at the start of a run.
    """

    reads_terms = True
    rate: ClassVar[float]  # of the integral, a step
    most_error: ClassVar[float]  # the first steps, far from any target, must not decide the next hundred
    first: ClassVar[float]  # beta of step 0

    integral: float = 0.0
    error: float = 0.0

    def __post_init__(self) -> None:
        for name in ("integral", "error"):
            object.__setattr__(self, name, number(name, getattr(self, name)))

    @abstractmethod
    def error_of(self, recon: float, kl: float) -> float:
        """Above 0 where beta is too small."""

    def __call__(self, step: int) -> float:
        """Weight in force, between 1e-4 and 1e4; the step does not matter."""
        return math.exp(_inside(math.log(self.first) + self.integral + self.error, _LEAST, _MOST))

    def after(self, recon: float, kl: float) -> Self:
        """The controller of the next step, when the step now made had these terms (nats an image)."""
        if not (math.isfinite(recon) and math.isfinite(kl)):
            return self
        error = _inside(self.error_of(recon, kl), -self.most_error, self.most_error)
        start = math.log(self.first)
        integral = _inside(self.integral + self.rate * error, _LEAST - start, _MOST - start)
        return replace(self, integral=integral, error=error)


@final
@dataclass(frozen=True)
class TargetKL(Controller):
    """Beta that holds the KL at a target: the KL is what one sets.

    Parameters
    ----------
    kl : float
        Nats an image, above 0, of all dimensions together.

    Notes
    -----
    Each step waits for the terms of the step before, which an accelerator need not do otherwise. In a loop of
    your own call `after` yourself: ``beta = beta.after(recon.item(), kl.item())``.

    References
    ----------
    Shao et al. 2020, arXiv:2004.05988 (ControlVAE), there with beta itself in place of its logarithm.

    Examples
    --------
    >>> beta = TargetKL(20)
    >>> round(beta(0), 3), beta.after(recon=100.0, kl=30.0)(1) > beta(0)
    (0.1, True)
    """

    kind = "target_kl"
    rate = 0.05
    most_error = 0.5
    first = 0.1  # small: what is learned first needs room

    kl: float

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "kl", number("kl", self.kl, above=0, most=1e6))

    def error_of(self, recon: float, kl: float) -> float:
        """Logarithm of the KL over its target."""
        return math.log(max(kl, 1e-9) / self.kl)

    def describe(self) -> str:
        """Say in a few words what the schedule does."""
        return f"KL held at {self.kl:g} nats"


@final
@dataclass(frozen=True)
class GECO(Controller):
    """Beta as large as the reconstruction allows: the smallest KL at which recon meets a constraint.

    Parameters
    ----------
    recon : float
        The largest recon that will do, in its unit an image.

    Notes
    -----
    The paper weighs recon by a multiplier; beta is its inverse, and the gradient the same up to that factor.
    As for `TargetKL`, each step waits for the terms of the step before.

    References
    ----------
    Rezende & Viola 2018, arXiv:1810.00597, algorithm 1.
    """

    kind = "geco"
    rate = 0.1
    most_error = 0.5
    first = 1.0

    recon: float

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "recon", number("recon", self.recon, -1e9, 1e9))

    def error_of(self, recon: float, kl: float) -> float:
        """How far recon is below its constraint, in tenths of that."""
        return 10 * (self.recon - recon) / max(abs(self.recon), 1.0)

    def describe(self) -> str:
        """Say in a few words what the schedule does."""
        return f"recon held at {self.recon:g}"


def _inside(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)
