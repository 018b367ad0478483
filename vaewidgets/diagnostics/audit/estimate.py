"""A number and its standard error, and when two of them agree."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

SIGMAS = 4.0  # standard errors that two estimates of one number may lie apart
# The images that are measured are not those that the loop saw: it may augment them, or see a part. So what is
# logged may also be off by a third of the way to the nearest other reading, a factor of 2.
SLACK = math.log(2.0) / 3


class Estimate(NamedTuple):
    """A mean and its standard error."""

    value: float
    error: float

    @property
    def is_sharp(self) -> bool:
        """Whether its noise reaches less than half of the way to a reading that is off by a factor of 2."""
        return math.isfinite(self.value) and SIGMAS * self.error <= (1 - math.sqrt(0.5)) * abs(self.value)

    def times(self, factor: float) -> Estimate:
        return Estimate(self.value * factor, self.error * abs(factor))

    def agrees(self, other: Estimate, *, slack: float = SLACK) -> bool:
        """Whether both are of one number, up to their noise and a factor of e^slack on `other`."""
        noise = SIGMAS * math.hypot(self.error, other.error)
        distance = abs(self.value - other.value) - noise
        return distance <= math.expm1(slack) * abs(other.value)


def mean_of(values: np.ndarray) -> Estimate:
    """Mean of independent values, one an image."""
    return Estimate(float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values))))


def end_of(values: np.ndarray) -> Estimate:
    """Where a series of noisy values is heading: a straight line's value one step after the last.

    The error is that of the fit, how far the fit to the newer half alone lies off, and one step's change.
    """
    whole, error = _one_step_on(values)
    half, _ = _one_step_on(values[len(values) // 2 :])
    return Estimate(whole, math.hypot(error, whole - half, slope_of(values)))


def _one_step_on(values: np.ndarray) -> tuple[float, float]:
    n = len(values)
    t = np.arange(n) - (n - 1) / 2
    slope = float(t @ values / (t @ t))
    rest = values - values.mean() - slope * t
    ahead = (n + 1) / 2
    spread = float(rest @ rest) / max(n - 2, 1)
    return float(values.mean() + slope * ahead), math.sqrt(spread * (1 / n + ahead**2 / float(t @ t)))


def slope_of(values: np.ndarray) -> float:
    """Change a step, of the straight line through the values."""
    t = np.arange(len(values)) - (len(values) - 1) / 2
    return float(t @ values / (t @ t))
