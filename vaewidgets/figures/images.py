"""Images in rows for print: one labelled strip a row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaewidgets.contract.palette import COLORS
from vaewidgets.errors import ShapeError
from vaewidgets.figures.style import FONT_POINTS, Canvas, literal, new_axes, new_figure, note

Stack = NDArray[np.uint8]


def rows_figure(
    rows: Mapping[str, Stack], *, caption: str = "", size: tuple[float, float] | None = None
) -> Figure:
    """One row of images for each name.

    Parameters
    ----------
    rows : mapping of str to ndarray of uint8, shape (k, C, H, W)
        The same k and image shape in every row; C is 1 or 3.
    caption : str
        One line above.
    """
    stacks = list(rows.values())
    k, _, height, width = stacks[0].shape
    figure = new_figure(size or (6.4, 0.5 + 5.6 * len(stacks) * height / (max(1, k) * width)))
    draw_rows(figure, rows, caption=caption)
    return figure


def draw_rows(canvas: Canvas, rows: Mapping[str, Stack], *, caption: str = "") -> None:
    """Draw into a figure or a part of one; see `rows_figure`."""
    stacks = list(rows.values())
    if len({stack.shape for stack in stacks}) != 1 or stacks[0].ndim != 4:
        shapes = ", ".join(str(stack.shape) for stack in stacks)
        raise ShapeError(f"rows of shapes {shapes}; expected the same (k, C, H, W) for all.")
    axes = new_axes(canvas)
    height = stacks[0].shape[2] + 1
    axes.imshow(_atlas(stacks), interpolation="nearest", vmin=0, vmax=255, aspect="equal")
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xticks([])
    names = [literal(name) for name in rows]
    axes.set_yticks([(i + 0.5) * height for i in range(len(names))], names, fontsize=FONT_POINTS)
    axes.set_anchor("W")
    axes.tick_params(length=0, labelcolor=COLORS["fg"])
    if caption:
        note(axes, caption)


def tiles_figure(images: Stack, *, caption: str = "", size: tuple[float, float] = (5.0, 5.2)) -> Figure:
    """A sheet of images without names: the decoded plane.

    Parameters
    ----------
    images : ndarray of uint8, shape (rows, columns, C, H, W)
    caption : str
    """
    figure = new_figure(size)
    draw_rows(figure, {" " * i: row for i, row in enumerate(images)}, caption=caption)
    return figure


def _atlas(stacks: list[Stack]) -> Stack:
    """All images side by side with a white pixel between them: uint8, shape (rows, columns, 3)."""
    strips = []
    for stack in stacks:
        rgb = stack if stack.shape[1] == 3 else np.repeat(stack[:, :1], 3, axis=1)
        padded = np.pad(rgb, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=255)
        strips.append(padded.transpose(2, 0, 3, 1).reshape(padded.shape[2], -1, 3))
    return np.concatenate(strips).astype(np.uint8)
