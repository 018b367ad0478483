"""How a tile of one item is drawn, as `js/draw/items.js` draws it in the page."""

from __future__ import annotations

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from numpy.typing import NDArray

from vaewidgets.contract.palette import COLORS, class_color
from vaewidgets.contract.sections import Items

Stack = NDArray[np.uint8]
Form = Items | None  # None: grey or color images

_TILE = (3.0, 4.0)  # proportions of bars and lines: height, width
_PAD = 0.07  # of a tile's height, above and below a line
_BACKGROUND = "#f0f0f0"


def is_vector(items: Form) -> bool:
    """Whether an item is bars or lines; else it is pixels."""
    return items is not None and items["draw"] in ("bars", "line")


def tile_size(stack: Stack, items: Form) -> tuple[float, float]:
    """Height and width of one tile: pixels, or the proportions of bars and lines."""
    if is_vector(items):
        return _TILE
    height, width = to_rgb(stack[:1], items).shape[1:3]
    return height, width


def to_rgb(stack: Stack, items: Form) -> Stack:
    """Items that are pixels as colors: uint8 (k, C, H, W) to (k, height, width, 3)."""
    k, channels, height, width = stack.shape
    if items is not None and items["draw"] == "heatmap":
        colors: Stack = colormaps["cividis"](stack[:, 0], bytes=True)[..., :3]
        return colors
    if items is not None and items["draw"] == "slices":
        across = math.ceil(math.sqrt(channels))
        down = -(-channels // across)
        planes = np.full((k, down * across, height, width), 255, np.uint8)
        planes[:, :channels] = stack
        sheet = planes.reshape(k, down, across, height, width).transpose(0, 1, 3, 2, 4)
        return np.repeat(sheet.reshape(k, down * height, across * width, 1), 3, axis=3)
    return (
        np.repeat(stack[:, :1], 3, axis=1).transpose(0, 2, 3, 1)
        if channels != 3
        else stack.transpose(0, 2, 3, 1)
    )


def draw_vectors(axes: Axes, stack: Stack, items: Items, corners: NDArray[np.float64]) -> None:
    """Draw bars or lines into boxes of the axes.

    Parameters
    ----------
    stack : ndarray of uint8, shape (k, C, H, W)
        0 to 255 over the items' range.
    corners : ndarray, shape (k, 4)
        Left, bottom, right and top of each box; the bottom is where the least value stands, whichever way
        the axis runs.
    """
    left, bottom, right, top = (side[:, None, None] for side in corners.T)
    box = np.stack([left, bottom, right, bottom, right, top, left, top], axis=-1).reshape(-1, 4, 2)
    axes.add_collection(PolyCollection(list(box), facecolors=_BACKGROUND, edgecolors="none"), autolim=False)

    def place(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return bottom + (top - bottom) * (_PAD + (1 - 2 * _PAD) * value)

    values = _lines(stack, items) / 255  # (k, lines, count)
    low, high = items["range"]
    zero = np.full_like(left, np.clip(-low / (high - low), 0, 1))
    base = place(zero)
    ends = np.concatenate([np.stack([x, base], axis=-1) for x in (left, right)], axis=2)
    axes.add_collection(LineCollection(list(ends[:, 0]), colors=COLORS["fg3"], linewidths=0.4), autolim=False)
    count = values.shape[2]
    if items["draw"] == "bars":
        width = (right - left) / count
        x = left + width * np.arange(count)
        y, floor = place(values), np.broadcast_to(base, values.shape)
        sides = [(x, floor), (x + 0.9 * width, floor), (x + 0.9 * width, y), (x, y)]
        bars = np.stack([np.stack(side, axis=-1) for side in sides], axis=-2).reshape(-1, 4, 2)
        axes.add_collection(
            PolyCollection(list(bars), facecolors=COLORS["accent"], edgecolors="none"), autolim=False
        )
        return
    x = np.broadcast_to(left + (right - left) * np.linspace(0, 1, count), (len(values), 1, count))
    for i in range(values.shape[1]):
        points = np.stack([x[:, 0], place(values[:, i : i + 1])[:, 0]], axis=-1)
        color = COLORS["accent"] if values.shape[1] == 1 else class_color(i)
        axes.add_collection(LineCollection(list(points), colors=color, linewidths=0.6), autolim=False)


def _lines(stack: Stack, items: Items) -> NDArray[np.float64]:
    """The values of each line or the bars, shape (k, lines, count), as they travel."""
    rows = stack.reshape(len(stack), *items["shape"]).astype(np.float64)
    if rows.ndim == 2:
        return rows[:, None]
    return rows if items["channels"] == "first" else rows.transpose(0, 2, 1)
