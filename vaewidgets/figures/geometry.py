"""A decoder's geometry for print: the magnified plane with three paths, and the paths decoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from vaewidgets.contract.packing import pack
from vaewidgets.contract.palette import COLORS
from vaewidgets.figures.images import draw_rows
from vaewidgets.figures.scatter import draw_scatter
from vaewidgets.figures.style import FONT_POINTS, new_figure, note

_GROUND = LinearSegmentedColormap.from_list("ground", ["#ffffff", "#8d979f"])
_LINES: dict[str, dict[str, Any]] = {
    "lerp": {"color": COLORS["fg"], "linestyle": (0, (4, 3)), "linewidth": 1.2},
    "slerp": {"color": COLORS["fg"], "linestyle": (0, (1, 2)), "linewidth": 1.2},
    "geodesic": {"color": COLORS["accent"], "linewidth": 2.2},
}


def geometry_figure(
    run: Mapping[str, Any], scene: Mapping[str, Any], *, size: tuple[float, float] = (9.0, 4.2)
) -> Figure:
    """The plane at the left, a strip of images for each path at the right.

    Parameters
    ----------
    run : mapping
        The frame's "run".
    scene : mapping
        codes (n, 2), labels, axes, center of the prior (or None), extent (x0, x1, y0, y1), magnification
        (rows, columns), and by name paths (n, 2) and images, uint8, (k, C, H, W).
    """
    figure = new_figure(size)
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.15), squeeze=False)[0]
    prior = None if scene["center"] is None else {"center": scene["center"].tolist(), "radii": [1, 2]}
    scatter = {
        "mode": "direct",
        "axes": list(scene["axes"]),
        "points": pack(scene["codes"], "f32"),
        "labels": scene["labels"],
        "prior": prior,
    }
    draw_scatter(left, scatter, class_names=run.get("class_names"))
    axes = left.axes[0]
    x0, x1, y0, y1 = scene["extent"]
    ground = np.log(np.maximum(scene["magnification"], 1e-30))
    low, high = np.percentile(ground, [2, 98])
    axes.imshow(
        ground, extent=(x0, x1, y0, y1), origin="lower", cmap=_GROUND, vmin=low, vmax=max(high, low + 1e-6),
        interpolation="bilinear", zorder=-1,
    )  # fmt: skip
    for name, path in scene["paths"].items():
        axes.plot(*np.asarray(path).T, zorder=5, **_LINES[name])
    for letter, at in zip("AB", np.asarray(scene["paths"]["lerp"])[[0, -1]], strict=True):
        axes.plot(*at, "o", markersize=11, color=COLORS["accent"], zorder=6)
        axes.annotate(letter, at, ha="center", va="center", color="white", fontsize=FONT_POINTS, zorder=7)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xlim(x0, x1)
    axes.set_ylim(y0, y1)
    note(axes, "Darker: a step changes the image more")
    draw_rows(right, scene["images"], items=run.get("items"))
    return figure
