"""Units over time: when each latent dimension came to life, and when it died."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vaewidgets.contract.texts import dim_name
from vaewidgets.errors import OptionError, ShapeError


@dataclass(frozen=True, repr=False, eq=False)
class UnitLives:
    """What became of each unit.

    Attributes
    ----------
    born_at, died_at : tuple of (int or None), one a unit
        Steps of the records at which its KL was first above the threshold, and from which on it never was
        again. None where that did not happen: a unit that never lived has neither, one that is alive did not
        die.
    delta : float
        The threshold, in nats.
    steps : tuple of int
        When the units were looked at; a death is known no finer than that.
    """

    born_at: tuple[int | None, ...]
    died_at: tuple[int | None, ...]
    delta: float
    steps: tuple[int, ...]

    @property
    def dead(self) -> tuple[int, ...]:
        """Units that lived and died, in the order of their deaths."""
        died = [(step, j) for j, step in enumerate(self.died_at) if step is not None]
        return tuple(j for _, j in sorted(died))

    @property
    def never_alive(self) -> tuple[int, ...]:
        """Units whose KL was never above the threshold."""
        return tuple(j for j, step in enumerate(self.born_at) if step is None)

    def __repr__(self) -> str:
        dims = len(self.born_at)
        alive = dims - len(self.dead) - len(self.never_alive)
        text = f"UnitLives({alive} of {dims} units alive at step {self.steps[-1]}, KL > {self.delta:g} nats"
        if self.dead:
            text += "; died: " + ", ".join(f"{dim_name(j)} at step {self.died_at[j]}" for j in self.dead)
        if self.never_alive:
            text += "; never alive: " + ", ".join(dim_name(j) for j in self.never_alive)
        return text + ")"


def unit_lives(steps: Sequence[int], kl: Any, *, delta: float = 0.01) -> UnitLives:
    """Read births and deaths from the KL of each unit over training.

    Parameters
    ----------
    steps : sequence of int, shape (t,)
        Growing.
    kl : array, shape (t, latent_dim)
        Mean KL of each unit at these steps, in nats.
    delta : float
        Alive means above it.

    Raises
    ------
    ShapeError
        If the lengths differ or there is no record.
    OptionError
        If the steps do not grow.
    """
    values = np.asarray(kl, np.float64)
    when = np.asarray(steps, np.int64)
    if values.ndim != 2 or 0 in values.shape or when.shape != (len(values),):
        raise ShapeError(
            f"got steps of shape {when.shape} and kl of shape {values.shape}; expected (t,) and "
            "(t, latent_dim)."
        )
    if (np.diff(when) <= 0).any():
        raise OptionError("steps must grow: each record needs a later step than the one before.")
    above = values > delta
    born: list[int | None] = []
    died: list[int | None] = []
    for unit in above.T:
        alive = np.flatnonzero(unit)
        born.append(int(when[alive[0]]) if len(alive) else None)
        died.append(int(when[alive[-1] + 1]) if len(alive) and alive[-1] + 1 < len(when) else None)
    return UnitLives(tuple(born), tuple(died), float(delta), tuple(when.tolist()))
