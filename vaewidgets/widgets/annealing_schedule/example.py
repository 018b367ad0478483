"""An example whose terms answer to beta, for schedules that follow the terms; example.js computes the same.

Its rate-distortion curve is recon(KL) = 71 + 135 exp(-KL / 9.4): of the size of MNIST's in nats an image,
with 206 nats where the KL is 0 and 25 nats of KL at beta 1. At each step the KL goes a fiftieth of the way
to where the curve has the slope -beta, the optimum of recon + beta KL.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from vaewidgets.objectives import Schedule

LEAST_RECON, SPAN, SCALE = 71.0, 135.0, 9.4
LAG_STEPS = 50
MOST_STEPS = 5000  # it has settled long before


class Answer(NamedTuple):
    """Beta, recon and KL of each step, of `MOST_STEPS` at most: they stay where they are then."""

    beta: list[float]
    recon: list[float]
    kl: list[float]


def answer(schedule: Schedule, steps: int) -> Answer:
    """What the example does in so many steps of a schedule that follows its terms."""
    out = Answer([], [], [])
    kl = 0.0
    for step in range(min(steps, MOST_STEPS) + 1):
        beta = schedule(step)
        recon = recon_at(kl)
        for values, value in zip(out, (beta, recon, kl), strict=True):
            values.append(value)
        schedule = schedule.after(recon, kl)
        kl += (kl_at(beta) - kl) / LAG_STEPS
    return out


def recon_at(kl: float) -> float:
    """The least recon at this KL, in nats."""
    return LEAST_RECON + SPAN * math.exp(-kl / SCALE)


def kl_at(beta: float) -> float:
    """The KL, in nats, at which recon + beta KL is least."""
    return max(0.0, SCALE * math.log(SPAN / (SCALE * beta)))
