"""Where a training stands: the epoch under way, and the state of a whole engine, its weights left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.data.batches import Batches
from vaewidgets.objectives import TERMS, Schedule

_NO_SUMS = (0.0, 0.0, 0.0, 0.0)
_SUMMED = ("recon", "kl", "loss", "images")  # the order in run files


@dataclass
class EngineState:
    """Where a training stands, its weights left out. The names are those of `Engine` and `EpochUnderWay`."""

    step: int
    epoch: int
    epochs: int | None
    steps_per_epoch: int
    position: int
    epoch_sums: tuple[float, ...]
    schedule: Schedule
    lr: float
    optimizer: dict[str, Tensor]
    noise: Tensor
    order: Tensor


class EpochUnderWay:
    """The batches of an epoch, which can be gone back to, and the sums of what was measured on them.

    Attributes
    ----------
    position : int
        Batches taken.
    order_state : Tensor
        Of the generator, as it was when the epoch began.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.begin()

    def begin(self, position: int = 0, sums: Sequence[float] = _NO_SUMS) -> None:
        """Begin an epoch, or go on with one: the generator is as it was when that began."""
        self.position = position
        self._sums = np.array(sums)
        self.order_state = self._batches.state_dict()["generator"]
        self._iterator: Iterator[Any] | None = None
        if position:
            self._batches.permutation()  # leaves the generator where this epoch's order left it

    def rewind(self) -> None:
        """Draw the order again before the next batch, which is the same all the same."""
        self._iterator = None

    def next_batch(self) -> Any:
        """Indices where the images lie on the device, else the batch."""
        if self._iterator is None:
            self._batches.load_state_dict({"generator": self.order_state})
            self._iterator = self._rest()
        return next(self._iterator)

    def _rest(self) -> Iterator[Any]:
        """Batches from `position` on: later ones, too, in the order that the epoch began with."""
        batches, size = self._batches, self._batches.batch_size
        if not (batches.resident or self.position):
            yield from batches
            return
        order = batches.permutation()
        for i in range(self.position, len(batches)):
            index = order[i * size : (i + 1) * size]
            yield index if batches.resident else batches.gather_batch(index)

    def gather(self, batch: Any) -> tuple[Tensor, Tensor | None]:
        """Images of what `next_batch` returned, and their labels where the model takes such."""
        if self._batches.resident:
            batch = self._batches.gather_batch(batch)
        return batch if self._batches.with_labels else (batch, None)

    def add(self, terms: dict[str, np.ndarray], images: np.ndarray) -> None:
        """Count the terms of some steps, by name, shape (n,) each, and their batches' sizes."""
        images = images.astype(np.float64)
        self._sums += [images.sum() if name == "images" else terms[name] @ images for name in _SUMMED]

    def sums(self) -> tuple[float, ...]:
        """Sums over images so far, in the order of run files."""
        return tuple(self._sums.tolist())

    def means(self) -> dict[str, float]:
        """Means over the images so far, by "train_" and the term's name."""
        sums = dict(zip(_SUMMED, self._sums, strict=True))
        return {f"train_{name}": sums[name] / sums["images"] for name in TERMS}


def stream_seed(seed: int, stream: int) -> int:
    """Seed of one of a run's three random streams; no two runs or streams share one."""
    return (3 * seed + stream) % 2**63


def evaluation_seed(seed: int) -> int:
    """Seed of the noise that a run is evaluated with."""
    return stream_seed(seed, 2)


def set_state(generator: torch.Generator, state: Tensor, otherwise: int) -> None:
    """Put a generator where another one was; seed it where that was of another kind of device."""
    try:
        generator.set_state(state)
    except (RuntimeError, TypeError):
        generator.manual_seed(otherwise)
