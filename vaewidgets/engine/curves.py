"""A curve of bounded size from a series of any length: min–max buckets, filled as it grows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """A series, drawn by at most so many points.

    Attributes
    ----------
    step : ndarray of float64, shape (n,)
        Mean step of each bucket; the step itself while a bucket holds one value.
    mean, low, high : ndarray of float64, shape (n,)
        Mean, smallest and largest value of each bucket.
    """

    step: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Buckets:
    """Min–max buckets of equal width: when all are full, neighbours merge and the width doubles.

    Each value is touched once, and a doubling happens log2(n) times, so that a value costs O(1) amortised
    and a curve O(max_points), however long the series.
    """

    def __init__(self, max_points: int) -> None:
        self._capacity = max(2, max_points - max_points % 2)
        self._width = 1  # values a bucket
        self._n = 0  # values so far
        # rows: sum of steps, sum of values, smallest, largest
        self._table = np.zeros((4, self._capacity))
        self._table[2:] = [[np.inf], [-np.inf]]

    def extend(self, steps: np.ndarray, values: np.ndarray) -> None:
        """Add values in order of steps; those that are not finite are left out."""
        known = np.isfinite(values)
        if not known.all():
            steps, values = steps[known], values[known]
        steps, values = steps.astype(np.float64), values.astype(np.float64)
        while self._n + len(values) > self._capacity * self._width:
            self._halve()
        if not len(values):
            return
        bucket = (self._n + np.arange(len(values))) // self._width
        starts = np.concatenate(([0], np.flatnonzero(np.diff(bucket)) + 1))
        into = slice(bucket[0], bucket[-1] + 1)
        table = self._table
        table[0, into] += np.add.reduceat(steps, starts)
        table[1, into] += np.add.reduceat(values, starts)
        table[2, into] = np.minimum(table[2, into], np.minimum.reduceat(values, starts))
        table[3, into] = np.maximum(table[3, into], np.maximum.reduceat(values, starts))
        self._n += len(values)

    def curve(self) -> Curve:
        n = -(-self._n // self._width)
        count = np.full(n, float(self._width))
        if n:
            count[-1] = self._n - (n - 1) * self._width
        table = self._table[:, :n]
        return Curve(table[0] / count, table[1] / count, table[2].copy(), table[3].copy())

    def _halve(self) -> None:
        half = self._capacity // 2
        table = self._table
        table[:2, :half] = table[:2].reshape(2, half, 2).sum(2)
        table[2, :half] = table[2].reshape(half, 2).min(1)
        table[3, :half] = table[3].reshape(half, 2).max(1)
        table[:2, half:] = 0
        table[2, half:], table[3, half:] = np.inf, -np.inf
        self._width *= 2
