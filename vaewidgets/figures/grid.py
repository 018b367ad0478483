"""Originals over reconstructions for print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaewidgets.contract.packing import unpack
from vaewidgets.figures.images import draw_rows, rows_figure
from vaewidgets.figures.items import Form
from vaewidgets.figures.style import Canvas

_CAPTION = "Originals (top) and reconstructions, decoded from the posterior mean"


def grid_figure(
    grid: Mapping[str, Any], *, items: Form = None, size: tuple[float, float] | None = None
) -> Figure:
    """Original images in the first row, one row of reconstructions for each run below.

    Parameters
    ----------
    grid : mapping
        The frame's "grid": originals (k, C, H, W) and rows of ``{"name", "images"}``, all uint8.
    items : mapping, optional
        How the items are drawn, where they are no images: "items" of the frame's "run".
    """
    return rows_figure(_rows(grid), caption=_CAPTION, items=items, size=size)


def draw_grid(canvas: Canvas, grid: Mapping[str, Any], *, items: Form = None) -> None:
    """Draw into a figure or a part of one; see `grid_figure`."""
    draw_rows(canvas, _rows(grid), caption=_CAPTION, items=items)


def _rows(grid: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    rows = {"original": unpack(grid["originals"])}
    for row in grid["rows"]:
        name = str(row["name"])
        while name in rows:  # two runs may bear one name
            name += " "
        rows[name] = unpack(row["images"])
    return rows
