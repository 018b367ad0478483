"""One image under the microscope, for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse

from vaewidgets.contract.palette import COLORS, class_color
from vaewidgets.figures.images import draw_rows
from vaewidgets.figures.items import Form, Stack
from vaewidgets.figures.style import DASHED, FONT_POINTS, SMALL_POINTS, Canvas, new_axes, new_figure, note

_REACH = 0.42  # of the longest arrow, as a share of the picture; as in js/widgets/elbo_microscope/plane.js
_CALM = 2.0  # nats for each unit of z: pulls of this size are half as long
_ROWS = 10


def microscope_figure(
    found: Mapping[str, Any],
    *,
    images: Mapping[str, Stack],
    items: Mapping[str, Form],
    unit: str,
    size: tuple[float, float] = (9.6, 3.6),
) -> Figure:
    """What an image costs, pixel by pixel and dimension by dimension, and what pulls its mean where.

    Parameters
    ----------
    found : mapping
        mu, sigma, shift, spread, of_recon, of_kl (d,); balance (d,) or None; recon, beta, kl, loss; points
        (n, d) and classes (n,) or None; names (d,) and dims, the two dimensions that are shown.
    images : mapping of str to ndarray of uint8, shape (1, C, H, W)
        From left to right.
    items : mapping
        How each of them is drawn.
    unit : str
        Of recon.
    """
    figure = new_figure(size)
    left, middle, right = figure.subfigures(1, 3, width_ratios=(0.62, 1.3, 1.25), squeeze=False)[0]
    places = left.subfigures(len(images), 1, squeeze=False)[:, 0]
    for place, (name, image) in zip(places, images.items(), strict=True):
        draw_rows(place, {" ": image}, caption=name, items=items[name])
    _draw_plane(middle, found)
    _draw_dimensions(right, found, unit)
    return figure


def _draw_plane(canvas: Canvas, found: Mapping[str, Any]) -> None:
    """The posterior under the prior, and the two arrows."""
    axes = new_axes(canvas)
    dims = list(found["dims"])
    mu, sigma = _on_plane(found["mu"], dims), _on_plane(found["sigma"], dims)
    points = np.stack([_on_plane(point, dims) for point in found["points"]])
    classes = found["classes"]
    colors = COLORS["fg3"] if classes is None else [class_color(int(c)) for c in classes]
    axes.scatter(points[:, 0], points[:, 1], s=3, c=colors, alpha=0.35, linewidths=0, gid="points")
    for radius in (1, 2):
        axes.add_patch(Circle((0, 0), radius, fill=False, edgecolor=COLORS["fg2"], linewidth=0.7, ls=DASHED))
    ellipse = Ellipse(mu, 2 * sigma[0], 2 * sigma[1], facecolor=COLORS["accent"], alpha=0.35, gid="posterior")
    axes.add_patch(ellipse)
    pulls = {name: _on_plane(found[name], dims) for name in ("of_recon", "of_kl")}
    longest = max(float(np.hypot(*pull)) for pull in pulls.values())
    side = float(np.ptp(np.vstack([points, [mu], [(-2, -2), (2, 2)]]), axis=0).max())
    scale = _REACH * side / (longest + _CALM * max(found["beta"], 1e-3))
    for name, color, text in (("of_recon", "recon", "recon"), ("of_kl", "kl", "β·KL")):
        u, v = (float(m + scale * p) for m, p in zip(mu, pulls[name], strict=True))
        style = {"arrowstyle": "-|>", "color": COLORS[color], "linewidth": 2.2, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (u, v), mu, arrowprops=style, gid=name)
        axes.annotate(
            f"{text} {np.linalg.norm(found[name]):.3g}", (u, v), fontsize=FONT_POINTS, color=COLORS[color],
            xytext=(0, 5 if v >= mu[1] else -5), textcoords="offset points",
            fontweight="bold", ha="center", va="bottom" if v >= mu[1] else "top",
        )  # fmt: skip
    axes.plot(*mu, "o", color=COLORS["fg"], markersize=4)
    if found["balance"] is not None:
        axes.plot(*_on_plane(found["balance"], dims), "x", color=COLORS["loss"], markersize=7, gid="balance")
    axes.set_aspect("equal")
    axes.set_xlabel(found["names"][dims[0]])
    axes.set_ylabel(found["names"][dims[1]] if len(dims) > 1 else "")
    note(axes, "−∂/∂μ, nats for each unit of z; × where they cancel")


def _on_plane(values: Sequence[float], dims: Sequence[int]) -> tuple[float, float]:
    return float(values[dims[0]]), float(values[dims[1]]) if len(dims) > 1 else 0.0


def _draw_dimensions(canvas: Canvas, found: Mapping[str, Any], unit: str) -> None:
    """KL of each dimension as shift and spread; both pulls on it."""
    shift, spread = np.asarray(found["shift"]), np.asarray(found["spread"])
    shown = np.argsort(-(shift + spread), kind="stable")[:_ROWS]
    names = [found["names"][j] for j in shown]
    above, below = (new_axes(part) for part in canvas.subfigures(2, 1, squeeze=False)[:, 0])
    rows = np.arange(len(shown))
    above.barh(rows, shift[shown], color=COLORS["kl"], height=0.6, gid="shift", label="shift μ²/2")
    above.barh(
        rows, spread[shown], left=shift[shown], color=COLORS["kl"], alpha=0.45, height=0.6, gid="spread",
        label="spread (σ²−1−ln σ²)/2",
    )  # fmt: skip
    above.legend(fontsize=SMALL_POINTS, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    above.set_xlabel("KL, nats")
    recon, kl = f"recon {found['recon']:.4g}", f"β {found['beta']:g} · KL {found['kl']:.3g}"
    words = f"loss {found['loss']:.4g} = {recon} + {kl}\n{unit}"
    above.set_title(words, loc="left", fontsize=FONT_POINTS, color=COLORS["fg"], pad=18)
    for name, color, offset in (("of_recon", "recon", -0.17), ("of_kl", "kl", 0.17)):
        values = np.asarray(found[name])[shown]
        below.barh(rows + offset, values, height=0.3, color=COLORS[color], gid=f"{name} by dimension")
    below.axvline(0, color=COLORS["fg3"], linewidth=0.6)
    below.set_xlabel("pull on μ, nats for each unit of z")
    for axes in (above, below):
        _name_rows(axes, names)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
