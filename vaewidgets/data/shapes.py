"""Procedural images whose every factor of variation is known: one white shape on black."""

from __future__ import annotations

import math

import numpy as np

from vaewidgets.data.factors import Factored, check_factors, choose_factors, split_factors

SHAPE_NAMES = ("ellipse", "square", "heart")
FACTOR_NAMES = ("shape", "scale", "rotation", "x", "y")
FACTOR_COUNTS = (3, 6, 8, 16, 16)
N_TRAIN, N_TEST = 10_000, 2_000
SIZE = 32

# In halves of the image's width or height, whichever is less: the image reaches from -1 to 1.
_SMALLEST, _LARGEST = 0.22, 0.42  # half the width of the upright square
_FARTHEST = 1 - _LARGEST * math.sqrt(2)  # a turned square still lies within the image
_ASPECT = 0.55  # of the ellipse
_CHUNK = 512  # images drawn at once, so that memory stays bounded


def make_shapes(n_train: int | None, n_test: int | None, seed: int, size: tuple[int, int] | None) -> Factored:
    """Draw a train and a test split of different combinations of factors, 10,000 and 2,000 images by default.

    Together there are 36,864 combinations. The same seed and counts choose the same ones at every size.
    """
    n_train = N_TRAIN if n_train is None else n_train
    n_test = N_TEST if n_test is None else n_test
    factors, _ = choose_factors("shapes", FACTOR_COUNTS, n_train, n_test, seed)
    return split_factors(draw_shapes(factors, size or (SIZE, SIZE)), factors, n_train)


def draw_shapes(factors: np.ndarray, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """Draw one anti-aliased image, uint8 (height, width), for each row of factors (N, 5).

    The factors are shape 0–2 (ellipse, square, heart), scale 0–5, rotation 0–7 (0° to 78.75°, clockwise), x
    0–15 (left to right), y 0–15 (top to bottom). Over a quarter of a turn no two rotations of any of the
    three shapes look alike, so that an image tells its factors. A pixel's value is the part of it that the
    shape covers, taken from the distance of its centre to the shape's edge. Nothing is random here.
    """
    factors = np.asarray(factors)
    check_factors(factors, FACTOR_NAMES, FACTOR_COUNTS)
    height, width = size
    unit = min(height, width) / 2
    # Pixel centres, (1, H, W), relative to the middle.
    across = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / unit)[None, None, :]
    down = ((np.arange(height, dtype=np.float32) + 0.5 - height / 2) / unit)[None, :, None]
    images = np.empty((len(factors), height, width), dtype=np.uint8)
    for start in range(0, len(factors), _CHUNK):
        rows = factors[start : start + _CHUNK]
        distance = _distance(rows, across, down)
        cover = np.clip(0.5 - distance * unit, 0.0, 1.0)  # the distance in pixels, over one pixel
        images[start : start + _CHUNK] = np.rint(cover * 255.0)
    return images


def _distance(factors: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Distance of each pixel's centre to the edge, negative inside, (n, H, W)."""
    kind, scale, rotation, x, y = (column[:, None, None] for column in factors.T)
    radius = _spread(scale, 1, _SMALLEST, _LARGEST)
    angle = (rotation / FACTOR_COUNTS[2] * (math.pi / 2)).astype(np.float32)
    dx = across - _spread(x, 3, -_FARTHEST, _FARTHEST)
    dy = down - _spread(y, 4, -_FARTHEST, _FARTHEST)
    cos, sin = np.cos(angle), np.sin(angle)
    # In the shape's own frame, in units of its size.
    u, v = (cos * dx + sin * dy) / radius, (cos * dy - sin * dx) / radius
    out = np.empty(u.shape, dtype=np.float32)
    for i, edge in enumerate((_ellipse, _square, _heart)):
        mine = kind[:, 0, 0] == i
        out[mine] = edge(u[mine], v[mine])
    return out * radius


def _spread(index: np.ndarray, factor: int, low: float, high: float) -> np.ndarray:
    """Values of a factor, evenly from `low` to `high`."""
    return (low + (high - low) * index / (FACTOR_COUNTS[factor] - 1)).astype(np.float32)


def _ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """To first order: g / |grad g| of g = sqrt((u/a)² + (v/b)²) - 1; exact at the edge, where it counts."""
    a, b = 1.2, 1.2 * _ASPECT
    norm = np.sqrt((u / a) ** 2 + (v / b) ** 2)
    slope = np.sqrt((u / a**2) ** 2 + (v / b**2) ** 2)
    return (norm - 1) * norm / np.maximum(slope, 1e-6) - np.where(norm < 1e-3, b, 0)


def _square(u: np.ndarray, v: np.ndarray, half: float = 1.0) -> np.ndarray:
    du, dv = np.abs(u) - half, np.abs(v) - half
    outside = np.hypot(np.maximum(du, 0), np.maximum(dv, 0))
    return outside + np.minimum(np.maximum(du, dv), 0)


def _heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A square on its tip, and a disc on each of its two upper sides."""
    half = 0.62
    middle = v - 0.2  # so that it is about as far to the top as to the tip
    p, q = (u + middle) * math.sqrt(0.5), (middle - u) * math.sqrt(0.5)
    right, left = np.hypot(p, q + half), np.hypot(p + half, q)
    return np.minimum(_square(p, q, half), np.minimum(right, left) - half)
