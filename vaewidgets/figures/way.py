"""Images decoded along a line of the latent plane, from A to B."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib import patheffects
from matplotlib.axes import Axes

from vaewidgets.contract.packing import unpack
from vaewidgets.contract.palette import COLORS
from vaewidgets.figures.images import draw_rows
from vaewidgets.figures.items import Form
from vaewidgets.figures.style import FONT_POINTS, Canvas


def draw_way(canvas: Canvas, way: Mapping[str, Any], *, items: Form = None) -> None:
    """Draw the strip: "images" of `way`, uint8, shape (k, C, H, W)."""
    caption = "Decoded images along the line from A to B"
    draw_rows(canvas, {"A": unpack(way["images"])}, caption=caption, items=items)
    axes = canvas.axes[0]
    axes.annotate(
        "B", (1, 0.5), xycoords="axes fraction", xytext=(4, 0), textcoords="offset points",
        va="center", fontsize=FONT_POINTS, color=COLORS["fg"],
    )  # fmt: skip


def mark_ends(axes: Axes, way: Mapping[str, Any]) -> None:
    """Draw A and B on the plane, at "ends" of `way`, shape (2, 2)."""
    ends = unpack(way["ends"])
    axes.plot(*ends.T, color=COLORS["fg2"], linewidth=0.9, linestyle=(0, (1, 2)), zorder=4)
    for letter, (x, y) in zip("AB", ends.tolist(), strict=True):
        # an open ring: the name of the class stands in it
        ring: dict[str, Any] = {
            "markerfacecolor": "none",
            "markeredgecolor": COLORS["accent"],
            "markeredgewidth": 1.6,
        }
        axes.plot(x, y, "o", markersize=17, zorder=5, **ring)
        text = axes.annotate(
            letter, (x, y), xytext=(12, 9), textcoords="offset points", ha="center", va="center", zorder=6,
            color=COLORS["accent"], fontsize=FONT_POINTS + 1, fontweight="bold", gid="end",
        )  # fmt: skip
        text.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground="white")])
