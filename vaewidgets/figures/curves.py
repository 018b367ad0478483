"""Training curves for print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaewidgets.figures.palette import COLORS
from vaewidgets.figures.style import SMALL_POINTS, Canvas, new_axes, new_figure, note, spread
from vaewidgets.packing import unpack

__all__ = ["curves_figure", "draw_curves"]

_LOSSES = ("loss", "recon", "kl")


def curves_figure(
    curves: Mapping[str, Any], *, unit: str = "", log: bool = False, size: tuple[float, float] = (6.4, 3.6)
) -> Figure:
    """Loss, recon and kl against the step: lines for training, dots for the test set.

    Beta has its own axes below if it changes.

    Parameters
    ----------
    curves : mapping
        ``{"series": [{"name", "split", "step", "mean", "low", "high"}, ...]}``, arrays packed.
    unit : str
        Of the losses, for the axis ("nats").
    log : bool
        A logarithmic axis for the losses.
    size : tuple of float
        Inches.
    """
    figure = new_figure(size)
    draw_curves(figure, curves, unit=unit, log=log)
    return figure


def draw_curves(canvas: Canvas, curves: Mapping[str, Any], *, unit: str = "", log: bool = False) -> None:
    """Draw into a figure or a part of one; see `curves_figure`."""
    series = list(curves["series"])
    betas = [one for one in series if one["name"] == "beta"]
    varies = any(np.ptp(unpack(one["mean"])) > 0 for one in betas if one["mean"]["shape"][0])
    if varies:
        grid = canvas.add_gridspec(2, 1, height_ratios=(4, 1))
        axes = new_axes(canvas, grid[0])
        below = new_axes(canvas, grid[1], sharex=axes)
        axes.tick_params(labelbottom=False)
        for one in betas:
            below.step(
                unpack(one["step"]), unpack(one["mean"]), where="post", color=COLORS["beta"], linewidth=1.2
            )
        below.set_ylabel("beta", color=COLORS["beta"])
        below.set_ylim(bottom=0)
    else:
        axes = below = new_axes(canvas)
    ends: dict[str, float] = {}
    for one in series:
        if one["name"] in _LOSSES and one["mean"]["shape"][0]:
            _draw_series(axes, one, ends)
    if log:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.margins(x=0.02)
    below.set_xlabel("step")
    axes.set_ylabel(f"per image, {unit}" if unit else "per image")
    _label_ends(axes, ends)
    note(axes, _caption(series, betas, varies=varies))


def _caption(series: list[Any], betas: list[Any], *, varies: bool) -> str:
    words = ["Losses while training"]
    if any(one["split"] == "test" for one in series):
        words.append("(dots: test set)")
    if betas and not varies and betas[0]["mean"]["shape"][0]:
        words.append(f"at beta = {float(unpack(betas[0]['mean'])[-1]):g}")
    return " ".join(words)


def _draw_series(axes: Axes, one: Mapping[str, Any], ends: dict[str, float]) -> None:
    color = COLORS[one["name"]]
    step, mean = unpack(one["step"]), unpack(one["mean"])
    if one["split"] == "test":
        axes.plot(step, mean, "o", color=color, markersize=3, markerfacecolor="white", markeredgewidth=0.9)
        ends.setdefault(one["name"], _last(mean))
        return
    axes.plot(step, mean, color=color, linewidth=1.2)
    if one.get("low") is not None and one.get("high") is not None:
        axes.fill_between(step, unpack(one["low"]), unpack(one["high"]), color=color, alpha=0.15, linewidth=0)
    ends[one["name"]] = _last(mean)


def _last(values: NDArray[Any]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if len(finite) else float("nan")


def _label_ends(axes: Axes, ends: Mapping[str, float]) -> None:
    """Name each line at its right end, moved apart where lines end close together."""
    names = [name for name, value in ends.items() if np.isfinite(value)]
    if not names:
        return
    to_axes = axes.transData + axes.transAxes.inverted()
    x = axes.get_xlim()[1]
    heights = [float(to_axes.transform((x, ends[name]))[1]) for name in names]
    for name, height in zip(names, spread(heights, 0.07), strict=True):
        axes.annotate(
            f"{name} {ends[name]:.4g}", (1, height), xycoords="axes fraction", xytext=(3, 0),
            textcoords="offset points", va="center", ha="left", fontsize=SMALL_POINTS, color=COLORS[name],
        )  # fmt: skip
