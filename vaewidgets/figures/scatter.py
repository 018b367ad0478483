"""The latent scatter for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from numpy.typing import NDArray

from vaewidgets.contract.packing import unpack
from vaewidgets.contract.palette import COLORS, MISSING, class_color
from vaewidgets.contract.texts import percent, subscript
from vaewidgets.figures.classes import anchor, class_name, draw_legend, named_classes
from vaewidgets.figures.style import FONT_POINTS, SMALL_POINTS, Canvas, literal, new_axes, new_figure, note


def scatter_figure(
    scatter: Mapping[str, Any],
    *,
    class_names: Sequence[str] | None = None,
    size: tuple[float, float] = (5.0, 5.0),
) -> Figure:
    """Posterior means on the latent plane, colored by class, with the prior's dashed circles.

    Parameters
    ----------
    scatter : mapping
        The frame's "scatter": mode, axes, explained, points (n, 2), labels (class indices), values, prior.
    class_names : sequence of str, optional
        What the classes are called, by index; by default their indices.
    """
    figure = new_figure(size)
    draw_scatter(figure, scatter, class_names=class_names)
    return figure


def draw_scatter(
    canvas: Canvas,
    scatter: Mapping[str, Any],
    *,
    class_names: Sequence[str] | None = None,
    compact: bool = False,
) -> None:
    """Draw into a figure or a part of one; see `scatter_figure`. `compact`: no class names, no legend."""
    axes = new_axes(canvas)
    points = unpack(scatter["points"])
    labels = None if scatter.get("labels") is None else unpack(scatter["labels"])
    values = None if scatter.get("values") is None else unpack(scatter["values"]).reshape(-1)
    line = scatter["mode"] == "line"
    if line and labels is not None:
        points = np.stack(
            [points[:, 0], labels], axis=1
        )  # a row a class: one dimension leaves the other free
    known = np.isfinite(points).all(axis=1)
    points, labels = points[known], None if labels is None else labels[known]
    _draw_points(canvas, axes, points, labels, None if values is None else values[known])
    if values is not None and scatter.get("value_name"):
        canvas.axes[-1].set_ylabel(literal(str(scatter["value_name"])), fontsize=SMALL_POINTS)
    _draw_prior(axes, scatter.get("prior"), line=line)
    if labels is not None and not line and not compact:
        _label_classes(axes, points, labels, class_names)
        if values is None:
            draw_legend(canvas, labels, class_names)
    _name_axes(axes, scatter)
    if line:
        shown = [] if labels is None else np.unique(labels).tolist()
        axes.set_yticks(shown, [class_name(label, class_names) for label in shown])
        axes.set_ylabel("class" if shown else "")
    else:
        axes.set_aspect("equal", adjustable="datalim")
    note(axes, f"{len(points):,} images where the encoder puts them; dashed: the prior's 1 and 2 σ")


def _draw_points(
    canvas: Canvas,
    axes: Axes,
    points: NDArray[Any],
    labels: NDArray[Any] | None,
    values: NDArray[Any] | None,
) -> None:
    area = float(np.clip(12000 / max(len(points), 1), 1.5, 16.0))  # points²: fewer points, larger dots
    common: dict[str, Any] = {"s": area, "linewidths": 0, "alpha": 0.75, "rasterized": len(points) > 2000}
    if values is not None:
        known = np.isfinite(values)
        drawn = axes.scatter(points[known, 0], points[known, 1], c=values[known], cmap="cividis", **common)
        if not known.all():
            axes.scatter(points[~known, 0], points[~known, 1], color=MISSING, **common)
            entry = f"no value ({(~known).sum():,})"
            dot = Line2D([], [], marker="o", linestyle="none", markersize=4, color=MISSING)
            canvas.legend([dot], [entry], loc="outside lower center", fontsize=SMALL_POINTS, frameon=False)
        bar = canvas.colorbar(drawn, ax=axes, shrink=0.6)
        bar.ax.tick_params(labelsize=SMALL_POINTS, colors=COLORS["fg2"])
        return
    if labels is None:
        colors: list[str] | str = COLORS["recon"]
    else:
        apart = set(named_classes(labels)[0])
        table = {label: class_color(label if label in apart else -1) for label in np.unique(labels).tolist()}
        colors = [table[label] for label in labels.tolist()]
    axes.scatter(points[:, 0], points[:, 1], c=colors, **common)


def _draw_prior(axes: Axes, prior: Mapping[str, Any] | None, *, line: bool) -> None:
    if prior is None:
        return
    dashed: dict[str, Any] = {"linestyle": (0, (4, 3)), "linewidth": 0.9, "color": COLORS["fg"]}
    x, y = prior["center"]
    for radius in prior["radii"]:
        if line:
            for side in (-1, 1):
                axes.axvline(x + side * radius, gid="prior", **dashed)
        else:
            axes.add_patch(Circle((x, y), radius, fill=False, gid="prior", **dashed))
    if not line:
        reach = 1.05 * max(prior["radii"])
        axes.update_datalim([(x - reach, y - reach), (x + reach, y + reach)])
        axes.autoscale_view()


def _label_classes(
    axes: Axes, points: NDArray[Any], labels: NDArray[Any], names: Sequence[str] | None
) -> None:
    """Write each class's name where it is densest, unless it covers another: the legend has them all."""
    outline: list[patheffects.AbstractPathEffect] = [
        patheffects.withStroke(linewidth=2.5, foreground="white")
    ]
    size = FONT_POINTS + 1
    width, height = (side / axes.figure.dpi * 72 for side in axes.bbox.size)
    span = np.ptp(axes.dataLim.get_points(), axis=0)
    unit = max(span[0] / width, span[1] / height, 1e-12)  # data units a point: one scale for both axes
    written: list[tuple[float, float, float]] = []
    for index in named_classes(labels)[0]:
        x, y = anchor(points[labels == index]).tolist()
        text = class_name(index, names)
        half = 0.35 * size * len(text) * unit
        if any(abs(x - u) < half + w and abs(y - v) < 1.2 * size * unit for u, v, w in written):
            continue
        written.append((x, y, half))
        drawn = axes.text(
            x, y, text, color=COLORS["fg"], fontsize=size, fontweight="bold", ha="center", va="center",
            gid="class",
        )  # fmt: skip
        drawn.set_path_effects(outline)


def _name_axes(axes: Axes, scatter: Mapping[str, Any]) -> None:
    shares = scatter.get("explained")
    names = [
        subscript(name) if shares is None else f"{name} ({percent(share)} of the variance)"
        for name, share in zip(scatter["axes"], shares or (0.0, 0.0), strict=True)
    ]
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
