"""The aggregate posterior against N(0, I), and a prior fitted to the codes, for print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse
from numpy.typing import NDArray

from vaewidgets.contract.palette import COLORS, class_color
from vaewidgets.contract.texts import percent
from vaewidgets.diagnostics.learned_prior import GaussianMixture, Holes, PriorCodes, log_aggregate
from vaewidgets.figures.images import draw_rows
from vaewidgets.figures.items import Form, Stack
from vaewidgets.figures.style import DASHED, FONT_POINTS, new_axes, new_figure, note

Array = NDArray[Any]
_REACH = 2.45  # holes are shaded where 95 % of N(0, I) are


def learned_prior_figure(
    codes: PriorCodes,
    holes: Holes,
    fitted: GaussianMixture,
    *,
    plane: Array,
    draws: Array,
    is_hole: Array,
    labels: Array | None,
    rows: Mapping[str, Stack],
    shares: Mapping[str, float],
    items: Form = None,
    size: tuple[float, float],
) -> Figure:
    """Map, likelihood of the held-out codes, and decoded samples of both priors.

    Parameters
    ----------
    codes, holes, fitted
        Of `vaewidgets.diagnostics`.
    plane : ndarray, shape (2 or 1, latent_dim)
        Directions that the map shows.
    draws : ndarray, shape (m, latent_dim)
        From N(0, I); `is_hole`, (m,): which fall into holes.
    labels : ndarray of int, shape (images,), optional
        Class indices of all images.
    rows : mapping of str to ndarray of uint8, shape (k, C, H, W)
        Decoded samples by the name of their prior; `shares` of its draws in holes.
    items : mapping, optional
        As in `rows_figure`.
    """
    figure = new_figure(size)
    above, below = figure.subfigures(2, 1, height_ratios=(3, 1.5), squeeze=False)[:, 0]
    left, right = above.subfigures(1, 2, width_ratios=(1.25, 1), squeeze=False)[0]
    flat = np.zeros((2, codes.mu.shape[1]))
    flat[: len(plane)] = plane
    axes = new_axes(left)
    known = [-1] * len(codes) if labels is None else labels[codes.images].tolist()
    colors = [class_color(label) for label in known]
    if codes.mu.shape[1] == 2:
        _shade_holes(axes, codes, holes)
    x, y = flat @ codes.mu.T
    axes.scatter(x, y, c=colors, s=7, linewidths=0, alpha=0.7)
    x, y = flat @ draws[is_hole].T
    axes.scatter(x, y, c=COLORS["fg"], s=10, marker="x", linewidths=0.7, gid="holes")
    _draw_priors(axes, fitted, flat)
    _name_axes(axes, codes.mu.shape[1])
    _draw_likelihood(new_axes(right), fitted)
    named = {f"{name}\n{percent(shares[name])} in holes": images for name, images in rows.items()}
    most = "at most " if holes.is_upper else ""
    caption = f"Decoded samples; KL(q(z) ‖ N(0, I)) is {most}{holes.kl:.2f} nats per image"
    draw_rows(below, named, caption=caption, items=items)
    return figure


def _shade_holes(axes: Axes, codes: PriorCodes, holes: Holes) -> None:
    """Where the prior expects codes and hardly any are, as in js/widgets/learned_prior/map.js."""
    ticks = np.linspace(-_REACH, _REACH, 60)
    u, v = np.meshgrid(ticks, ticks)
    log = log_aggregate(codes, np.stack([u.ravel(), v.ravel()], 1), holes.smoothing).reshape(u.shape)
    log[np.hypot(u, v) > _REACH] = np.inf
    axes.contourf(
        u, v, (log < holes.threshold).astype(float), levels=(0.5, 1), colors=[COLORS["fg"]], alpha=0.18
    )


def _draw_priors(axes: Axes, fitted: GaussianMixture, flat: Array) -> None:
    """Circles of N(0, I) at 1 and 2 sigma, an ellipse of 1 sigma for each Gaussian."""
    dashed: dict[str, Any] = {"linestyle": DASHED, "color": COLORS["fg"], "linewidth": 0.9}
    for radius in (1, 2):
        axes.add_patch(Circle((0, 0), radius, fill=False, **dashed))
    for mean, covariance in zip(fitted.means, fitted.covariances, strict=True):
        values, vectors = np.linalg.eigh(flat @ covariance @ flat.T)
        long, short = 2 * np.sqrt(np.maximum(values[::-1], 0))
        angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
        center = (float(mean @ flat[0]), float(mean @ flat[1]))
        axes.add_patch(Ellipse(center, long, short, angle=angle, fill=False, color=COLORS["accent"]))
    axes.autoscale_view()
    axes.set_aspect("equal", adjustable="datalim")


def _name_axes(axes: Axes, d: int) -> None:
    names = ("z₁", "z₂" if d == 2 else "") if d <= 2 else ("principal direction 1", "principal direction 2")
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    note(axes, "Codes; ×: prior samples in holes; ellipses: fitted")


def _draw_likelihood(axes: Axes, fitted: GaussianMixture) -> None:
    steps = np.arange(len(fitted.log_likelihood))
    axes.plot(steps, fitted.log_likelihood, color=COLORS["accent"])
    axes.axhline(fitted.normal_log_likelihood, color=COLORS["fg2"], linestyle=DASHED, linewidth=0.9)
    axes.annotate(
        "N(0, I)", (1, fitted.normal_log_likelihood), xycoords=("axes fraction", "data"), xytext=(0, 2),
        textcoords="offset points", ha="right", va="bottom", fontsize=FONT_POINTS, color=COLORS["fg2"],
    )  # fmt: skip
    axes.margins(y=0.12)
    axes.set_xlabel("steps of EM")
    note(axes, f"ln p of held-out codes, nats ({fitted.gain:+.2f})")
