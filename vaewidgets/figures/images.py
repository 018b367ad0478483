"""Items in rows for print: one labelled strip a row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaewidgets.contract.palette import COLORS
from vaewidgets.contract.sections import Items
from vaewidgets.errors import ShapeError
from vaewidgets.figures.items import Form, Stack, draw_vectors, is_vector, tile_size, to_rgb
from vaewidgets.figures.style import FONT_POINTS, Canvas, literal, new_axes, new_figure, note

_GAP = 0.12  # between tiles of bars and lines, in their units


def rows_figure(
    rows: Mapping[str, Stack],
    *,
    caption: str = "",
    items: Form = None,
    size: tuple[float, float] | None = None,
) -> Figure:
    """One row of images for each name.

    Parameters
    ----------
    rows : mapping of str to ndarray of uint8, shape (k, C, H, W)
        The same k and image shape in every row; of images C is 1 or 3.
    caption : str
        One line above.
    items : mapping, optional
        How the items are drawn, where they are no images: "items" of a frame's run.
    """
    stacks = list(rows.values())
    high, wide = tile_size(stacks[0], items)
    figure = new_figure(size or (6.4, 0.5 + 5.6 * len(stacks) * high / (max(1, len(stacks[0])) * wide)))
    draw_rows(figure, rows, caption=caption, items=items)
    return figure


def draw_rows(canvas: Canvas, rows: Mapping[str, Stack], *, caption: str = "", items: Form = None) -> None:
    """Draw into a figure or a part of one; see `rows_figure`."""
    stacks = list(rows.values())
    if len({stack.shape for stack in stacks}) != 1 or stacks[0].ndim != 4:
        shapes = ", ".join(str(stack.shape) for stack in stacks)
        raise ShapeError(f"rows of shapes {shapes}; expected the same (k, C, H, W) for all.")
    axes = new_axes(canvas)
    if items is not None and is_vector(items):
        height = _draw_vector_rows(axes, stacks, items)
    else:
        height = tile_size(stacks[0], items)[0] + 1
        axes.imshow(_atlas(stacks, items), interpolation="nearest", vmin=0, vmax=255, aspect="equal")
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xticks([])
    names = [literal(name) for name in rows]
    axes.set_yticks([(i + 0.5) * height for i in range(len(names))], names, fontsize=FONT_POINTS)
    axes.set_anchor("W")
    axes.tick_params(length=0, labelcolor=COLORS["fg"])
    if caption:
        note(axes, caption)


def tiles_figure(
    images: Stack, *, caption: str = "", items: Form = None, size: tuple[float, float] = (5.0, 5.2)
) -> Figure:
    """A sheet of images without names: the decoded plane.

    Parameters
    ----------
    images : ndarray of uint8, shape (rows, columns, C, H, W)
    caption : str
    items : mapping, optional
        As in `rows_figure`.
    """
    figure = new_figure(size)
    draw_rows(figure, {" " * i: row for i, row in enumerate(images)}, caption=caption, items=items)
    return figure


def _atlas(stacks: list[Stack], items: Form) -> Stack:
    """All images side by side with a white pixel between them: uint8, shape (rows, columns, 3)."""
    strips = []
    for stack in stacks:
        padded = np.pad(to_rgb(stack, items), ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=255)
        strips.append(padded.transpose(1, 0, 2, 3).reshape(padded.shape[1], -1, 3))
    return np.concatenate(strips).astype(np.uint8)


def _draw_vector_rows(axes: Axes, stacks: list[Stack], items: Items) -> float:
    """Tiles of bars or lines, the first row uppermost; returns the height of a row."""
    high, wide = (side + _GAP for side in tile_size(stacks[0], items))
    row, column = np.divmod(np.arange(len(stacks) * len(stacks[0])), len(stacks[0]))
    corners = np.stack(
        [column * wide, (row + 1) * high - _GAP, (column + 1) * wide - _GAP, row * high], axis=1
    )
    draw_vectors(axes, np.concatenate(stacks), items, corners)
    axes.set_xlim(0, len(stacks[0]) * wide)
    axes.set_ylim(len(stacks) * high, 0)
    axes.set_aspect("equal")
    return high
