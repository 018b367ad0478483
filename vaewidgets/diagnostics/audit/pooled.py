"""What all looks together say of one reading, and of two of them.

A look by itself tells two readings apart only where they differ by more than its noise. A reading that is
right lies within the noise of each look, on both sides; one that fits a few looks by chance does not stay
near as the model learns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from vaewidgets.diagnostics.audit.estimate import SIGMAS, SLACK, Estimate

_MOST_EACH = SIGMAS**2  # of one look, so that a single odd one decides nothing
_MOST_ON_AVERAGE = 4.0  # of 96 loops read as they are, the largest was 3.5
DECISIVE = 40.0  # as a log of odds of 20
_NO_WORSE = _MOST_EACH / 2

Pair = tuple[Estimate, Estimate]  # logged, and as a reading has it


class Misfit(NamedTuple):
    """Squared distances in standard errors, summed over so many looks."""

    value: float
    looks: int

    @property
    def is_small(self) -> bool:
        """Whether these looks may be of this reading."""
        return self.value <= _MOST_ON_AVERAGE * self.looks + _NO_WORSE

    def is_decisive_against(self, other: Misfit) -> bool:
        """Whether what fits so much better than `other`, at the same looks, is not better by chance."""
        return other.value - self.value >= DECISIVE

    def is_worse_than(self, other: Misfit) -> bool:
        return self.value > other.value + _NO_WORSE


def misfit(pairs: Iterable[Pair], *, slack: float = 0.0) -> Misfit:
    """How far a reading is off at some looks, up to one factor of e^±slack that they all have in common.

    Other images than the loop's have another KL and recon, but not now more and now less.
    """
    values = [
        (logged.value, ours.value, logged.error, ours.error)
        for logged, ours in pairs
        if math.isfinite(logged.value) and math.isfinite(ours.value)
    ]
    if not values:
        return Misfit(0.0, 0)
    logged, ours, error, own_error = np.array(values).T
    factors = np.exp(np.linspace(-slack, slack, 33))[:, None] if slack else np.ones((1, 1))
    noise = np.maximum(np.hypot(error, factors * own_error), 1e-6 * np.abs(ours) + 1e-12)
    z = (logged - factors * ours) / noise
    return Misfit(float(np.minimum(z**2, _MOST_EACH).sum(1).min()), len(values))


def differ(ours: Iterable[tuple[Estimate, Estimate]]) -> bool:
    """Whether two readings are further apart than other images of the same data might make them."""
    ratios = [math.log(a.value / b.value) for a, b in ours if a.value > 0 and b.value > 0]
    return bool(ratios) and math.sqrt(sum(one**2 for one in ratios) / len(ratios)) > SLACK
