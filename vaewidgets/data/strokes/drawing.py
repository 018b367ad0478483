"""Drawn digits that look handwritten: pen strokes whose style, slant, width, thickness and turn are known."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from vaewidgets.checks import random_seed, whole
from vaewidgets.data.factors import Factored, check_factors
from vaewidgets.data.strokes.curves import curve_matrix
from vaewidgets.data.strokes.pen import ink
from vaewidgets.data.strokes.styles import Style, styles_of

STROKE_FACTOR_NAMES = ("digit", "style", "slant", "width", "thickness", "turn")
STROKE_FACTOR_COUNTS = (10, 3, 25, 25, 25, 25)
N_TRAIN, N_TEST = 2_000, 400
SIZE = 28

# Least and greatest value of the factors with 25 levels, of which those in the middle are most frequent.
_SLANT = (-0.45, 0.75)  # tangent of the angle to the right
_WIDTH = (0.82, 1.6)  # of the style's own
_THICKNESS = (0.55, 1.95)  # radius of the pen, in pixels of 28 x 28
_TURN = (-0.18, 0.18)  # radians, clockwise
_SPREAD = 4.2  # standard deviation of the levels
_BOX = 20.0  # the larger side of each digit, its ink included, in pixels of 28 x 28
_POINTS = 48  # of each digit's way
_MIX = 0.7  # of the Dirichlet distribution of how much of each shape: below 1, so that one prevails
_TREMOR = 0.26  # standard deviation of a control point's jitter, in units of the styles
_WANDER = 0.6  # the same, of what neighbouring control points share
_ALONG = 7.0  # how far along the line they share it
_PRESSURE = 0.22  # standard deviation of the pressure's logarithm


def make_strokes(
    n_train: int | None, n_test: int | None, seed: int, size: tuple[int, int] | None
) -> Factored:
    """Draw a train and a test split, 2,000 and 400 images by default, with as many of each digit as can be.

    Neither split depends on how many images the other has.
    """
    random_seed(seed)
    images, tables = [], []
    for part, (name, n, default) in enumerate((("n_train", n_train, N_TRAIN), ("n_test", n_test, N_TEST))):
        random = np.random.default_rng([seed, part])
        factors = _chosen(whole(name, default if n is None else n, 1), random)
        images.append(torch.from_numpy(draw_strokes(factors, random, size or (SIZE, SIZE))))
        tables.append(torch.from_numpy(factors))
    return Factored(images[0], images[1], tables[0], tables[1])


def _chosen(n: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Factors of `n` digits: each digit as often, its styles by their shares, the rest around the middle."""
    levels = STROKE_FACTOR_COUNTS[-1]
    factors = np.empty((n, len(STROKE_FACTOR_NAMES)), np.int64)
    factors[:, 0] = random.permutation(np.arange(n) % 10)
    for digit in range(10):
        mine = factors[:, 0] == digit
        shares = [style.share for style in styles_of(digit)]
        factors[mine, 1] = random.choice(len(shares), mine.sum(), p=shares)
    drawn = (levels - 1) / 2 + _SPREAD * random.standard_normal((n, factors.shape[1] - 2))
    factors[:, 2:] = np.clip(np.rint(drawn), 0, levels - 1)
    return factors


def draw_strokes(
    factors: NDArray[np.int64], random: np.random.Generator, size: tuple[int, int] = (SIZE, SIZE)
) -> NDArray[np.uint8]:
    """Draw one digit, uint8 (height, width), for each row of factors (N, 6).

    The factors are digit 0-9, style (its number among the styles of this digit), slant 0-24 (left to right),
    width 0-24 (narrow to wide), thickness 0-24 (fine to bold) and turn 0-24 (against the clock to with it).
    What else a hand does, where exactly it goes and how hard it presses, is drawn from `random`.
    """
    factors = np.asarray(factors)
    check_factors(factors, STROKE_FACTOR_NAMES, STROKE_FACTOR_COUNTS)
    unit = min(size) / SIZE
    way = np.empty((len(factors), _POINTS, 2), np.float32)
    down = np.empty((len(factors), _POINTS - 1), bool)
    for digit in range(10):
        for number, style in enumerate(styles_of(digit)):
            mine = np.flatnonzero((factors[:, 0] == digit) & (factors[:, 1] == number))
            way[mine], down[mine] = _written(style, len(mine), random), _prepared(style)[2]
    radius = _value(factors, 4, _THICKNESS)
    way = _placed(_bent(way, factors), radius)
    weights = _lengths(way, down) * _pressure(len(way), random)
    middle = (way * weights[:, :, None]).sum(1, keepdims=True) / weights.sum(1)[:, None, None]
    way = (way - middle + 0.5) * unit + np.array([size[1] / 2, size[0] / 2], np.float32)
    return ink(way, weights * unit, radius * unit, size, unit)


def _written(style: Style, n: int, random: np.random.Generator) -> NDArray[np.float32]:
    """The pen's way for `n` digits of one style, upright and in the styles' units, (n, _POINTS, 2)."""
    matrix, jitter, _ = _prepared(style)
    mix = random.dirichlet([_MIX] * len(style.shapes), n)
    controls = np.tensordot(mix, style.shapes, 1)
    controls += jitter @ random.standard_normal(controls.shape)
    return (matrix @ controls).astype(np.float32)


@cache
def _prepared(style: Style) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """What makes a style's way out of its control points.

    Returns the matrix from control points to the way, (_POINTS, k); a factor of the covariance of the control
    points' jitter, (k, k); and whether the pen is down between each point and the next, (_POINTS - 1,).
    """
    points = style.shapes.mean(axis=0)
    strokes = [points[first : last + 1] for first, last in style.strokes]
    lengths = np.array([np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes])
    ends = np.rint(np.cumsum(lengths) / lengths.sum() * _POINTS).astype(int)
    matrix, down = np.zeros((_POINTS, len(points))), np.ones(_POINTS - 1, bool)
    for (first, last), stroke, start, end in zip(style.strokes, strokes, [0, *ends[:-1]], ends, strict=True):
        matrix[start:end, first : last + 1] = curve_matrix(stroke, end - start)
    down[ends[:-1] - 1] = False
    away = np.linalg.norm(points[:, None] - points[None], axis=2)
    covariance = _WANDER**2 * np.exp(-0.5 * (away / _ALONG) ** 2) + _TREMOR**2 * np.eye(len(points))
    return matrix, np.linalg.cholesky(covariance), down


def _bent(way: NDArray[np.float32], factors: NDArray[np.int64]) -> NDArray[np.float32]:
    """Make it wide or narrow, slanted and turned, as the factors say."""
    slant, width, turn = (_value(factors, i, span) for i, span in ((2, _SLANT), (3, _WIDTH), (5, _TURN)))
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x, y = way[:, :, 0], way[:, :, 1]
    leaning = width[:, None] * x - slant[:, None] * y
    return np.stack([cos * leaning - sin * y, sin * leaning + cos * y], axis=2)


def _placed(way: NDArray[np.float32], radius: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale it so that its ink just fits into a square of _BOX pixels."""
    extent = (way.max(axis=1) - way.min(axis=1)).max(axis=1)
    return way * ((_BOX - 2 * radius) / extent)[:, None, None]


def _lengths(way: NDArray[np.float32], down: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Length of line that each point stands for, (n, _POINTS): half of the way to both neighbours."""
    gaps = np.linalg.norm(np.diff(way, axis=1), axis=2) * down
    lengths = np.zeros(way.shape[:2], np.float32)
    lengths[:, :-1] += gaps / 2
    lengths[:, 1:] += gaps / 2
    return lengths


def _pressure(n: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Pressure of the pen along the way, about 1: a straight line between a few draws, (n, _POINTS)."""
    knots = np.linspace(0, 1, 5)
    share = np.maximum(0, 1 - np.abs(np.linspace(0, 1, _POINTS)[None] - knots[:, None]) * 4)
    return np.exp(_PRESSURE * random.standard_normal((n, 5)) @ share).astype(np.float32)


def _value(factors: NDArray[np.int64], column: int, span: tuple[float, float]) -> NDArray[np.float32]:
    """Values of a factor, evenly from the least to the greatest."""
    level = factors[:, column] / (STROKE_FACTOR_COUNTS[column] - 1)
    return (span[0] + (span[1] - span[0]) * level).astype(np.float32)
