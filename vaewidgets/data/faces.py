"""Drawn faces, where the video of one is not at hand: one face that turns, nods, smiles, talks and blinks."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaewidgets.data.factors import Factored, check_factors, choose_factors, split_factors

FACE_FACTOR_NAMES = ("turn", "nod", "smile", "mouth", "eyes", "light", "tongue")
FACE_FACTOR_COUNTS = (9, 7, 7, 4, 3, 5, 2)
N_TRAIN, N_TEST = 1_600, 320
SIZE = (28, 20)
_TONGUE_SHARE = 0.02  # of the images: rare, as in the video
_GRAIN = 0.02  # standard deviation of a pixel's noise
_SOFT = 0.45  # width of an edge, in pixels of the default size


def make_faces(n_train: int | None, n_test: int | None, seed: int, size: tuple[int, int] | None) -> Factored:
    """Draw a train and a test split of different combinations of factors, 1,600 and 320 images by default.

    Without the tongue there are 26,460 combinations. `seed` chooses the combinations, who puts the tongue
    out, and the grain.
    """
    n_train = N_TRAIN if n_train is None else n_train
    n_test = N_TEST if n_test is None else n_test
    poses, random = choose_factors("faces", FACE_FACTOR_COUNTS[:-1], n_train, n_test, seed)
    tongue = random.random(len(poses)) < _TONGUE_SHARE
    factors = np.column_stack([poses, tongue]).astype(np.int64)
    clean = draw_faces(factors, size or SIZE).astype(np.float32)
    grain = 255 * _GRAIN * random.standard_normal(clean.shape, dtype=np.float32)
    pixels = np.clip(np.rint(clean + grain), 0, 255).astype(np.uint8)
    return split_factors(pixels, factors, n_train)


def draw_faces(factors: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Draw one face, uint8 (height, width), for each row of factors (N, 7). Nothing is random here.

    The factors are turn 0–8 (left to right), nod 0–6 (up to down), smile 0–6 (frown to smile), mouth 0–3
    (closed to open), eyes 0–2 (shut to open), light 0–4 (from the left to from the right), tongue 0–1.
    """
    factors = np.asarray(factors)
    check_factors(factors, FACE_FACTOR_NAMES, FACE_FACTOR_COUNTS)
    height, width = size
    # Coordinates in pixels of the default size, the middle of the image at 0: (1, H, W).
    across = ((np.arange(width) + 0.5) / width - 0.5)[None, None, :] * SIZE[1]
    down = ((np.arange(height) + 0.5) / height - 0.5)[None, :, None] * SIZE[0]
    parts = [
        _face(rows, across.astype(np.float32), down.astype(np.float32))
        for rows in np.array_split(factors, -(-len(factors) // 512) or 1)
    ]
    return np.rint(255 * np.clip(np.concatenate(parts), 0, 1)).astype(np.uint8)


def _face(factors: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Brightness from 0 to 1, painted from the back to the front."""
    turn, nod, smile, mouth, eyes, light, tongue = (
        column[:, None, None].astype(np.float32) / max(1, count - 1)
        for column, count in zip(factors.T, FACE_FACTOR_COUNTS, strict=True)
    )
    turn, nod, smile, light = (2 * value - 1 for value in (turn, nod, smile, light))
    # The head moves a little, what lies in front of its axis moves more.
    hx, hy, fx, fy = 0.7 * turn, 0.6 * nod, 2.25 * turn, 1.7 * nod
    image = np.full(np.broadcast_shapes(turn.shape, x.shape, y.shape), 0.42, np.float32)
    image = _over(image, _ellipse(x - hx, y - hy + 1.5, 8.6, 11.6), 0.12)  # hair
    shade = 0.70 + 0.10 * light * (x - hx) / 7 + 0.04 * nod
    image = _over(image, _ellipse(x - 0.5 * fx, y - hy - 1.2, 7.0, 10.4), shade)  # skin
    for side in (-1, 1):
        ex, ey = fx + 3.2 * side, fy - 2.0
        image = _over(image, _ellipse(x - ex, y - ey, 1.9, 0.5 + 0.7 * eyes), 0.20)
        image = _over(image, _ellipse(x - ex, y - ey + 2.6 - 0.4 * eyes, 2.3, 0.55), 0.30)  # brow
    image = _over(image, _ellipse(x - 1.15 * fx, y - fy - 1.4, 0.9, 2.2), 0.76)  # nose
    mx, my = x - 1.05 * fx, y - fy - 6.0
    bend = my + 0.075 * smile * (mx * mx - 5)  # corners up, middle down
    half = 3.3 + 0.5 * smile
    image = _over(image, _ellipse(mx, bend, half, 0.65 + 1.15 * mouth), 0.24)
    out = _over(image, _ellipse(mx, bend - 1.3, 1.5, 1.9), 0.86)
    return np.asarray(np.where(tongue > 0, out, image), dtype=np.float32)


def _ellipse(u: np.ndarray, v: np.ndarray, a: Any, b: Any) -> np.ndarray:
    """How much of a pixel the ellipse covers, softly; half-axes `a` across, `b` down."""
    norm = np.sqrt((u / a) ** 2 + (v / b) ** 2) + 1e-6
    slope = np.sqrt((u / a**2) ** 2 + (v / b**2) ** 2) / norm + 1e-6
    return np.asarray(1 / (1 + np.exp(np.clip((norm - 1) / slope / _SOFT, -30, 30))))


def _over(image: np.ndarray, cover: np.ndarray, brightness: Any) -> np.ndarray:
    return np.asarray(image + cover * (brightness - image))
