"""Originals over their reconstructions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vaewidgets.errors import OptionError
from vaewidgets.training import Run, Snapshot
from vaewidgets.widgets.base import STATIC, RunWidget
from vaewidgets.widgets.state import Sample, grid_state

__all__ = ["ReconstructionGrid"]


class ReconstructionGrid(RunWidget):
    """A row of originals over a row of reconstructions, decoded from the posterior means.

    Parameters
    ----------
    run : Run
    images : int or sequence of int, default 10
        How many images, spread over the sample, or which (numbers below 2,000 of test images first,
        topped up with training images).
    """

    _esm = STATIC / "reconstruction_grid.js"

    def __init__(self, run: Run, *, images: int | Sequence[int] = 10) -> None:
        self._images = images
        self._sample: Sample | None = None
        super().__init__(run)

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> dict[str, Any]:
        if self._sample is None:
            self._sample = Sample(self.run.data, 2000)
            self._index = pick_images(self._sample, self._images)
        return {"grid": grid_state(self._sample, self._index, snapshot, run.name)}


def pick_images(sample: Sample, images: int | Sequence[int]) -> np.ndarray:
    """Return the numbers of the images to show: one of each class in turn where there are labels."""
    n = len(sample)
    if not isinstance(images, int):
        index = np.asarray(images, np.int64)
        if index.ndim != 1 or len(index) == 0 or index.min() < 0 or index.max() >= n:
            raise OptionError(f"images is {list(images)!r}; wanted numbers from 0 to {n - 1}, at least one.")
        return index
    if images < 1:
        raise OptionError(f"images is {images}; wanted at least 1.")
    count = min(images, n)
    if sample.labels is None:
        return np.linspace(0, n - 1, count).round().astype(np.int64)
    rank = np.zeros(n, np.int64)  # how many of its class come before it
    for label in np.unique(sample.labels):
        members = np.flatnonzero(sample.labels == label)
        rank[members] = np.arange(len(members))
    return np.lexsort((sample.labels, rank))[:count]
