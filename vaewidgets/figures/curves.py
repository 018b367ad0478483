"""Training curves for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaewidgets.contract.packing import unpack
from vaewidgets.contract.palette import COLORS
from vaewidgets.figures.style import Canvas, label_ends, new_axes, new_figure, note, per_image, stacked
from vaewidgets.objectives import TERMS

_MOST_TOGETHER = 4  # runs of which all quantities are drawn
_DASHES: tuple[Any, ...] = ("-", (0, (6, 2.5)), (0, (2, 2)), (0, (7, 2, 1.5, 2)))
_LIGHTEST = 0.42


def smooth(step: NDArray[Any], values: NDArray[Any], memory: float) -> NDArray[np.float64]:
    """Exponential mean of a curve over its steps, unbiased from the start; the same as in the page.

    Parameters
    ----------
    step, values : ndarray, shape (n,)
        Steps rise. Values that are not finite are passed over.
    memory : float
        Steps after which a value counts 1/e; 0 leaves the curve as it is.
    """
    out = np.array(values, np.float64)
    if not memory > 0 or not len(out):
        return out
    total = weight = 0.0
    before = 2 * step[0] - step[1] if len(step) > 1 else step[0] - 1
    for i, value in enumerate(values):
        keep = float(np.exp((before - step[i]) / memory))
        if np.isfinite(value):
            total = keep * total + (1 - keep) * value
            weight = keep * weight + (1 - keep)
            before = step[i]
        if weight > 0:
            out[i] = total / weight
    return out


def runs_curves_figure(
    parts: Sequence[Mapping[str, Any]],
    *,
    log: bool = False,
    smoothing: float = 0.0,
    quantity: str | None = None,
    size: tuple[float, float] = (6.4, 3.6),
) -> Figure:
    """Curves of one run, as `curves_figure`, or of several: a panel for each quantity, or for one alone.

    Parameters
    ----------
    parts : sequence of mapping
        For each run "curves", and if known "run" and "setting".
    log : bool
        A logarithmic axis for the losses; refused, with a word in the caption, where one is below 0.
    smoothing : float
        Memory of an exponential mean, in steps; the raw curve stays, faint.
    quantity : {"loss", "recon", "kl"}, optional
        Show this one alone. More than four runs show the loss by default.
    """
    unit = str((parts[0].get("run") or {}).get("unit", ""))
    figure = new_figure(size)
    if len(parts) == 1:
        draw_curves(figure, parts[0]["curves"], unit=unit, log=log, smoothing=smoothing, quantity=quantity)
        return figure
    names = [quantity] if quantity else ["loss"] if len(parts) > _MOST_TOGETHER else list(TERMS)
    grid = figure.add_gridspec(1, len(names))
    for i, name in enumerate(names):
        axes = new_axes(figure, grid[i])
        refused = _draw_runs(axes, parts, name, log=log, smoothing=smoothing)
        axes.set_xlabel("step")
        axes.set_ylabel(per_image("nats" if name == "kl" else unit))
        note(axes, f"{'KL' if name == 'kl' else name}{refused}")
    return figure


def _draw_runs(
    axes: Axes, parts: Sequence[Mapping[str, Any]], name: str, *, log: bool, smoothing: float
) -> str:
    """One quantity of all runs: its hue, a dash and a lightness each, dots for the test set.

    Returns why the axis is linear where a logarithmic one was wanted.
    """
    color = COLORS[name]
    ends: list[tuple[str, float, str]] = []
    for i, part in enumerate(parts):
        alpha = 1 - i / (len(parts) - 1) * (1 - _LIGHTEST)
        for one in part["curves"]["series"]:
            if one["name"] != name or not one["mean"]["shape"][0]:
                continue
            step, mean = unpack(one["step"]), unpack(one["mean"])
            if one["split"] == "test":
                axes.plot(step, mean, "o", color=color, alpha=alpha, markersize=2.2)
                continue
            if smoothing > 0:
                axes.plot(step, mean, color=color, linewidth=0.7, alpha=0.3 * alpha)
                mean = smooth(step, mean, smoothing)
            dash = _DASHES[i % len(_DASHES)]
            axes.plot(step, mean, color=color, linewidth=1.2, alpha=alpha, linestyle=dash)
            text = str((part.get("setting") or {}).get("label", f"run {i + 1}"))
            ends.append((f"{text}: {_last(mean):.4g}", _last(mean), color))
    refused = _scale(axes, log=log)
    label_ends(axes, ends)
    return refused


def _scale(axes: Axes, *, log: bool) -> str:
    """Set the axis; returns why it is linear where a logarithmic one was wanted, as the page says it."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines] or [np.empty(0)])
    refused = ""
    if log and (values < 0).any():
        refused = " (linear: values below 0 have no logarithm)"
    elif log and len(values) and not (values > 0).any():
        refused = " (linear: no value is above 0)"
    if log and not refused:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.margins(x=0.02)
    return refused


def has_steps(curves: Mapping[str, Any]) -> bool:
    """Whether there is anything to draw."""
    return any(one["mean"]["shape"][0] for one in curves["series"])


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
    """
    figure = new_figure(size)
    draw_curves(figure, curves, unit=unit, log=log)
    return figure


def draw_curves(
    canvas: Canvas,
    curves: Mapping[str, Any],
    *,
    unit: str = "",
    log: bool = False,
    smoothing: float = 0.0,
    quantity: str | None = None,
) -> None:
    """Draw into a figure or a part of one; see `curves_figure` and `runs_curves_figure`."""
    series = [one for one in curves["series"] if quantity is None or one["name"] in (quantity, "beta")]
    betas = [one for one in series if one["name"] == "beta"]
    varies = any(np.ptp(unpack(one["mean"])) > 0 for one in betas if one["mean"]["shape"][0])
    if varies:
        axes, below = stacked(canvas, (4, 1))
        for one in betas:
            below.step(
                unpack(one["step"]), unpack(one["mean"]), where="post", color=COLORS["beta"], linewidth=1.2
            )
        below.set_ylabel("β", color=COLORS["beta"])
        below.set_ylim(bottom=0)
    else:
        axes = below = new_axes(canvas)
    ends: dict[str, float] = {}
    for one in series:
        if one["name"] in TERMS and one["mean"]["shape"][0]:
            _draw_series(axes, one, ends, smoothing)
    refused = _scale(axes, log=log)
    below.set_xlabel("step")
    axes.set_ylabel(per_image(unit))
    label_ends(axes, [(f"{name} {value:.4g}", value, COLORS[name]) for name, value in ends.items()])
    note(axes, _caption(series, betas, varies=varies) + refused)


def _caption(series: list[Any], betas: list[Any], *, varies: bool) -> str:
    words = ["Losses while training"]
    if any(one["split"] == "test" for one in series):
        words.append("(dots: test set)")
    if betas and not varies and betas[0]["mean"]["shape"][0]:
        words.append(f"at β = {float(unpack(betas[0]['mean'])[-1]):g}")
    return " ".join(words)


def _draw_series(axes: Axes, one: Mapping[str, Any], ends: dict[str, float], smoothing: float) -> None:
    color = COLORS[one["name"]]
    step, mean = unpack(one["step"]), unpack(one["mean"])
    if one["split"] == "test":
        axes.plot(step, mean, "o", color=color, markersize=3, markerfacecolor="white", markeredgewidth=0.9)
        ends.setdefault(one["name"], _last(mean))
        return
    if smoothing > 0:
        axes.plot(step, mean, color=color, linewidth=0.7, alpha=0.3)
        mean = smooth(step, mean, smoothing)
    axes.plot(step, mean, color=color, linewidth=1.2)
    if one.get("low") is not None and one.get("high") is not None:
        axes.fill_between(step, unpack(one["low"]), unpack(one["high"]), color=color, alpha=0.15, linewidth=0)
    ends[one["name"]] = _last(mean)


def _last(values: NDArray[Any]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if len(finite) else float("nan")
