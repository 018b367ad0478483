"""Originals over reconstructions for print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaewidgets.figures.palette import COLORS
from vaewidgets.figures.style import FONT_POINTS, Canvas, new_axes, new_figure, note
from vaewidgets.packing import unpack

__all__ = ["draw_grid", "grid_figure"]


def grid_figure(grid: Mapping[str, Any], *, size: tuple[float, float] | None = None) -> Figure:
    """Original images in the first row, one row of reconstructions for each run below.

    Parameters
    ----------
    grid : mapping
        The frame's "grid": originals (k, C, H, W) and rows of ``{"name", "images"}``, all uint8.
    size : tuple of float, optional
        Inches; by default as the images' shape asks.
    """
    rows, columns = 1 + len(grid["rows"]), max(1, grid["originals"]["shape"][0])
    height, width = grid["originals"]["shape"][2:]
    figure = new_figure(size or (6.4, 0.5 + 5.6 * rows * height / (columns * width)))
    draw_grid(figure, grid)
    return figure


def draw_grid(canvas: Canvas, grid: Mapping[str, Any]) -> None:
    """Draw into a figure or a part of one; see `grid_figure`."""
    names = ["original", *(str(row["name"]) for row in grid["rows"])]
    stacks = [unpack(grid["originals"]), *(unpack(row["images"]) for row in grid["rows"])]
    axes = new_axes(canvas)
    height = stacks[0].shape[2] + 1
    axes.imshow(_atlas(stacks), interpolation="nearest", vmin=0, vmax=255, aspect="equal")
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks(
        [(i + 0.5) * height for i in range(len(names))],
        [name.replace("$", r"\$") for name in names],
        fontsize=FONT_POINTS,
    )
    axes.set_anchor("W")
    axes.tick_params(length=0, labelcolor=COLORS["fg"])
    note(axes, "Images over their reconstructions, decoded from the posterior mean")


def _atlas(stacks: list[NDArray[Any]]) -> NDArray[np.uint8]:
    """All images side by side with a white pixel between them: uint8, shape (rows, columns, 3)."""
    strips = []
    for stack in stacks:
        rgb = stack if stack.shape[1] == 3 else np.repeat(stack[:, :1], 3, axis=1)
        padded = np.pad(rgb, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=255)
        strips.append(padded.transpose(2, 0, 3, 1).reshape(padded.shape[2], -1, 3))
    return np.concatenate(strips).astype(np.uint8)
