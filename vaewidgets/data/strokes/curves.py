"""Smooth curves as matrices, since the points of a curve are linear in its control points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def curve_matrix(points: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Weights of the control points in each of `n` points of the natural cubic spline through them, (n, k).

    The parameter is the chord length between `points`, (k, 2), so that the curve does not overshoot where
    control points lie close together. Other control points give another curve with the same matrix.
    """
    k = len(points)
    knots = np.concatenate([[0], np.cumsum(np.maximum(np.hypot(*np.diff(points, axis=0).T), 1e-3))])
    at = np.linspace(0, knots[-1], n)
    if k == 2:
        share = at / knots[-1]
        return np.column_stack([1 - share, share])
    gaps = np.diff(knots)
    # Second derivatives M of the spline solve `left @ M = right @ values`, with none at the ends.
    left, right = np.eye(k), np.zeros((k, k))
    for i in range(1, k - 1):
        before, after = gaps[i - 1], gaps[i]
        left[i, i - 1 : i + 2] = before, 2 * (before + after), after
        right[i, i - 1 : i + 2] = 6 / before, -6 / before - 6 / after, 6 / after
    bends = np.linalg.solve(left, right)
    piece = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, k - 2)
    gap = gaps[piece][:, None]
    near = (knots[piece + 1] - at)[:, None] / gap
    far = 1 - near
    values = np.eye(k)
    return (
        near * values[piece]
        + far * values[piece + 1]
        + gap**2 / 6 * ((near**3 - near) * bends[piece] + (far**3 - far) * bends[piece + 1])
    )
