"""Active units for print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaewidgets.contract.packing import unpack
from vaewidgets.contract.palette import COLORS
from vaewidgets.figures.style import SMALL_POINTS, Canvas, new_figure, note, stacked, threshold

BURDA_INPUTS = 500
LABELLED_DIMS = 40  # above this many, numbers below the bars run into each other


def units_figure(units: Mapping[str, Any], *, size: tuple[float, float] = (6.4, 3.6)) -> Figure:
    """KL and Var(mu) of each latent dimension, largest KL first, both thresholds dashed, both counts above.

    Parameters
    ----------
    units : mapping
        The frame's "units": kl (d), var_mu (d), delta, var_threshold, n.
    """
    figure = new_figure(size)
    draw_units(figure, units)
    return figure


def draw_units(canvas: Canvas, units: Mapping[str, Any]) -> None:
    """Draw into a figure or a part of one; see `units_figure`."""
    kl, var_mu = unpack(units["kl"]), unpack(units["var_mu"])
    order = np.argsort(-np.nan_to_num(kl, nan=-np.inf), kind="stable")
    above, below = stacked(canvas, (3, 2))
    _bars(above, kl[order], float(units["delta"]), COLORS["kl"], "KL, nats")
    _bars(below, var_mu[order], float(units["var_threshold"]), COLORS["var"], "Var(μ)")
    if len(kl) <= LABELLED_DIMS:
        below.set_xticks(range(len(kl)), [str(i + 1) for i in order], fontsize=SMALL_POINTS)
    else:
        below.set_xticks([])
    below.set_xlabel("latent dimension, largest KL first")
    by_kl, by_var = int((kl > units["delta"]).sum()), int((var_mu > units["var_threshold"]).sum())
    text = f"Active: {by_kl} of {len(kl)} by KL, {by_var} by variance; {units['n']:,} images"
    if units["n"] < BURDA_INPUTS:
        text += f" (the variance wants {BURDA_INPUTS})"
    note(above, text)


def _bars(axes: Axes, values: NDArray[Any], limit: float, color: str, name: str) -> None:
    """On a log axis, since a dead unit's KL lies orders of magnitude below a live one's."""
    floor = limit / 100 if limit > 0 else 1e-4
    colors = [color if value > limit else COLORS["off"] for value in values]
    heights = np.maximum(np.nan_to_num(values), floor * 1.3)
    axes.bar(range(len(values)), heights - floor, bottom=floor, color=colors, width=0.8)
    axes.set_yscale("log")
    axes.set_ylim(floor, 2 * max(float(heights.max(initial=floor)), 2 * limit, 10 * floor))
    axes.set_ylabel(name)
    if limit > 0:
        threshold(axes, limit, f"{limit:g}")
