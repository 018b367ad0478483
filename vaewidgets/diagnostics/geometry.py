"""The geometry that a decoder gives to a plane of its latent space: magnification, ellipses, shortest paths.

A point p of the plane is decoded to an image f(p), whose pixels have an uncertainty sigma(p), small where
there are codes. Together they are one surface, (f(p), sqrt(D) sigma(p)) with D pixels. The length of a path
on it counts how much the image changes, and how much more or less certain it becomes. Its metric G = JᵀJ is
that of Arvanitidis, Hansen & Hauberg 2018 (arXiv:1710.11379), E[G] = J_fᵀJ_f + J_sigmaᵀJ_sigma, one sigma
for all pixels together.
`js/maths/geometry.js` computes the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Embed = Callable[[Array], Array]  # points of the plane (n, 2) to the surface (n, D + 1)

SEGMENTS = 30  # of a path
CENTRES = 64  # at most, of the precision
_MEANS = 10  # rounds of k-means
_FITS = 30  # rounds of the fit of weights
_WIDTH = 1.25  # of a kernel, times the mean distance of its codes: neighbours overlap to a level floor
_ROUNDS = 30  # steps that a relaxation may try
_RESTS = 1e-5  # of the energy: a step that gains less is the last one
_EPS = 1e-12
_NEIGHBOURS = [(dj, di) for dj in (-1, 0, 1) for di in (-1, 0, 1) if di or dj]


@dataclass(frozen=True, eq=False)
class Spread:
    """The pixels' uncertainty over a plane, an inverse radial basis function network.

    Attributes
    ----------
    centres : ndarray of float64, shape (k, 2)
    rates : ndarray of float64, shape (k,)
        Lambda of exp(-lambda |p - c|²).
    weights : ndarray of float64, shape (k,)
        Not negative; the sum of the kernels is near 1 at the codes, and 0 far from them.
    near, far : float
        Sigma at the codes and far from them, in pixel values.
    """

    centres: Array
    rates: Array
    weights: Array
    near: float
    far: float

    def sigma(self, points: ArrayLike) -> Array:
        """Standard deviation of a pixel at points (n, 2); shape (n,)."""
        cover = _kernels(np.asarray(points, dtype=float), self.centres, self.rates) @ self.weights
        least = 1 / max(self.far, _EPS) ** 2
        most = max(1 / max(self.near, _EPS) ** 2, least)
        return (least + (most - least) * cover) ** -0.5


def fit_spread(codes: ArrayLike, near: float, far: float) -> Spread:
    """Fit the precision 1 / sigma² to where the codes lie: 1 / near² at them, 1 / far² away from them.

    Parameters
    ----------
    codes : array_like, shape (n, 2)
        As seen on the plane.
    near : float
        What the decoder misses at a code, root mean square of a pixel.
    far : float
        What is taken for it where there is none. At most `near`: the same everywhere.
    """
    points = np.asarray(codes, dtype=float)
    points = points[np.isfinite(points).all(axis=1)]
    n = len(points)
    k = max(1, min(CENTRES, n // 8))
    centres = points[((np.arange(k) + 0.5) * n / k).astype(int)]
    for _ in range(_MEANS):
        nearest = _squares(points, centres).argmin(axis=1)
        count = np.bincount(nearest, minlength=k)
        sums = np.stack([np.bincount(nearest, points[:, axis], minlength=k) for axis in (0, 1)], axis=1)
        centres = np.where(count[:, None] > 0, sums / np.maximum(count, 1)[:, None], centres)
    far_off = np.sqrt(_squares(points, centres).min(axis=1))
    nearest = _squares(points, centres).argmin(axis=1)
    own = np.bincount(nearest, far_off, minlength=k) / np.maximum(np.bincount(nearest, minlength=k), 1)
    rates = 0.5 / (_WIDTH * np.maximum(np.maximum(own, far_off.mean()), _EPS)) ** 2
    seen = _kernels(points, centres, rates)
    # Non-negative least squares to 1 at each code (Lee & Seung 2001): a product changes no sign.
    weights = np.ones(k)
    target, gram = seen.sum(axis=0), seen.T @ seen
    for _ in range(_FITS):
        weights = weights * target / np.maximum(gram @ weights, _EPS)
    return Spread(centres, rates, weights, float(near), float(max(far, near)))


def cell_metric(surface: ArrayLike, side: tuple[float, float]) -> Array:
    """Metric of each cell of a lattice, from the surface at its corners.

    Parameters
    ----------
    surface : array_like, shape (rows + 1, columns + 1, D)
        The first row lowest.
    side : (float, float)
        Width and height of a cell.

    Returns
    -------
    ndarray of float64, shape (rows, columns, 3)
        G11, G12 and G22: exact where the surface is linear.
    """
    f = np.asarray(surface, dtype=float)
    a, b, c, d = f[:-1, :-1], f[:-1, 1:], f[1:, :-1], f[1:, 1:]
    across, up = (b - a + d - c) / (2 * side[0]), (c - a + d - b) / (2 * side[1])
    return np.stack([(across**2).sum(-1), (across * up).sum(-1), (up**2).sum(-1)], axis=-1)


def magnification(metric: Array) -> Array:
    """sqrt(det G): how much area a piece of the plane covers among images, from (..., 3) to (...)."""
    return np.sqrt(np.maximum(metric[..., 0] * metric[..., 2] - metric[..., 1] ** 2, 0))


def length(surface: ArrayLike) -> float:
    """Length of a path, (n, D): the sum of its steps."""
    return float(np.linalg.norm(np.diff(np.asarray(surface, dtype=float), axis=0), axis=1).sum())


def lattice_path(
    metric: Array, extent: tuple[float, float, float, float], a: ArrayLike, b: ArrayLike
) -> Array:
    """The shortest way from cell to neighbouring cell, of which there are eight (Dijkstra 1959).

    Parameters
    ----------
    metric : ndarray, shape (rows, columns, 3)
        Of `cell_metric`.
    extent : (x0, x1, y0, y1)
    a, b : array_like, shape (2,)

    Returns
    -------
    ndarray of float64, shape (SEGMENTS + 1, 2)
        From a to b through the middles of the cells between, at equal distances on the plane.
    """
    rows, columns = metric.shape[:2]
    x0, x1, y0, y1 = extent
    width, height = (x1 - x0) / columns, (y1 - y0) / rows

    def cell_of(point: Array) -> int:
        i = min(max(int((point[0] - x0) // width), 0), columns - 1)
        j = min(max(int((point[1] - y0) // height), 0), rows - 1)
        return j * columns + i

    start, end = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    first, last = cell_of(start), cell_of(end)
    before = _cells_before(metric, (width, height), first, last)
    cells = [last]
    while cells[-1] != first:
        cells.append(before[cells[-1]])
    middles = [(x0 + (c % columns + 0.5) * width, y0 + (c // columns + 0.5) * height) for c in cells[-2:0:-1]]
    return evenly(np.array([start, *middles, end]))


def _cells_before(metric: Array, side: tuple[float, float], first: int, last: int) -> list[int]:
    """Of each cell the one before it on the shortest way from the first, until the last is reached."""
    rows, columns = metric.shape[:2]
    flat = metric.reshape(-1, 3).tolist()
    far = [np.inf] * (rows * columns)
    before = [-1] * (rows * columns)
    far[first] = 0.0
    queue = [(0.0, first)]
    while queue:
        way, here = heapq.heappop(queue)
        if here == last:
            break
        if way > far[here]:
            continue
        j, i = divmod(here, columns)
        for dj, di in _NEIGHBOURS:
            if not (0 <= i + di < columns and 0 <= j + dj < rows):
                continue
            there = here + dj * columns + di
            g = [(p + q) / 2 for p, q in zip(flat[here], flat[there], strict=True)]
            u, v = di * side[0], dj * side[1]
            on = way + max(g[0] * u * u + 2 * g[1] * u * v + g[2] * v * v, 0.0) ** 0.5
            if on < far[there]:
                far[there], before[there] = on, here
                heapq.heappush(queue, (on, there))
    return before


def evenly(path: ArrayLike, segments: int = SEGMENTS) -> Array:
    """Points at equal distances along a line of several pieces; shape (segments + 1, 2)."""
    points = np.asarray(path, dtype=float)
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.linspace(0, way[-1], segments + 1)
    return np.stack([np.interp(at, way, points[:, axis]) for axis in (0, 1)], axis=1)


def relax(embed: Embed, start: ArrayLike, step: float) -> Array:
    """Move a path's inner points until its energy, the sum of its squared steps, is least: a geodesic.

    Gauss-Newton with Levenberg's damping. Each point knows its neighbours alone, so that a round solves a
    chain of 2 by 2 blocks. The energy never rises.

    Parameters
    ----------
    embed : callable
        From points of the plane (n, 2) to the surface (n, D).
    start : array_like, shape (n + 1, 2)
    step : float
        Of the forward differences.
    """
    path = np.array(start, dtype=float)
    values = np.asarray(embed(path), dtype=float)
    energy = float((np.diff(values, axis=0) ** 2).sum())
    damping, slopes = 1e-3, None
    for _ in range(_ROUNDS):
        if slopes is None:
            inner = path[1:-1]
            beside = np.concatenate([inner + np.array([step, 0]), inner + np.array([0, step])])
            moved = np.asarray(embed(beside), dtype=float)
            slopes = (moved.reshape(2, len(inner), -1) - values[1:-1]).transpose(1, 2, 0) / step  # (n, D, 2)
        tried = path.copy()
        tried[1:-1] += _chain_step(slopes, np.diff(values, axis=0), damping)
        found = np.asarray(embed(tried), dtype=float)
        less = energy - float((np.diff(found, axis=0) ** 2).sum())
        if less > 0:
            path, values, slopes = tried, found, None
            energy, damping = energy - less, max(damping / 4, 1e-7)
            if less < _RESTS * energy:
                break
        else:
            damping *= 8
            if damping > 1e4:
                break
    return path


def geodesic(embed: Embed, starts: list[Array], step: float) -> Array:
    """The shortest of some paths between two points and of what they relax to; shape (n + 1, 2).

    With the straight path among `starts`, it is never longer than that.
    """
    paths = [*starts, *(relax(embed, start, step) for start in starts)]
    return min(paths, key=lambda path: length(embed(path)))


def _chain_step(slopes: Array, steps: Array, damping: float) -> Array:
    """Solve for the move of each inner point: (n, 2) from J (n, D, 2) and the steps (n + 1, D)."""
    gradient = np.einsum("kdi,kd->ki", slopes, steps[:-1] - steps[1:])
    own = 2 * np.einsum("kdi,kdj->kij", slopes, slopes)
    next_one = -np.einsum("kdi,kdj->kij", slopes[:-1], slopes[1:])
    own += damping * max(np.trace(own, axis1=1, axis2=2).mean() / 2, _EPS) * np.eye(2)
    n = len(own)
    right = -gradient
    for k in range(1, n):
        factor = next_one[k - 1].T @ np.linalg.inv(own[k - 1])
        own[k] -= factor @ next_one[k - 1]
        right[k] -= factor @ right[k - 1]
    move = np.zeros((n, 2))
    for k in range(n - 1, -1, -1):
        rest = right[k] - (next_one[k] @ move[k + 1] if k < n - 1 else 0)
        move[k] = np.linalg.solve(own[k], rest)
    return move


def _squares(points: Array, centres: Array) -> Array:
    return ((points[:, None] - centres[None]) ** 2).sum(axis=2)


def _kernels(points: Array, centres: Array, rates: Array) -> Array:
    return np.exp(-rates * _squares(points, centres))
