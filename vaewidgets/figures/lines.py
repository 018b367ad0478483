"""Lines and bars of plain numbers for print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vaewidgets.contract.palette import COLORS, class_color
from vaewidgets.figures.style import DASHED, SMALL_POINTS, label_ends, literal, new_axes, new_figure, note


def lines_figure(
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    xlabel: str,
    ylabel: str,
    caption: str = "",
    log: bool = False,
    marks: bool = False,
    size: tuple[float, float] = (6.4, 3.6),
) -> Figure:
    """Lines, each named at its right end.

    Parameters
    ----------
    lines : mapping of str to (x, y)
        A line whose name is that of a quantity ("recon", "kl train") has that quantity's hue.
    xlabel, ylabel : str
        With their units.
    caption : str
    log : bool
        A logarithmic y axis.
    marks : bool
        A dot at each value.
    """
    figure = new_figure(size)
    axes = new_axes(figure)
    ends: list[tuple[str, float, str]] = []
    for (name, (x, y)), color in zip(lines.items(), _colors(list(lines)), strict=True):
        axes.plot(x, y, color=color, linewidth=1.3, marker="o" if marks else None, markersize=3.5)
        finite = [value for value in np.asarray(y, float) if np.isfinite(value)]
        ends.append((name, finite[-1] if finite else np.nan, color))
    if log:
        axes.set_yscale("log")
    axes.margins(x=0.02)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    label_ends(axes, ends)
    if caption:
        note(axes, caption)
    return figure


def histograms_figure(
    values: Mapping[str, Any],
    *,
    xlabel: str,
    caption: str = "",
    size: tuple[float, float] = (6.4, 3.2),
) -> Figure:
    """Densities of several samples over one another, with N(0, 1) dashed.

    Parameters
    ----------
    values : mapping of str to array, shape (n,)
    xlabel : str
    caption : str
    """
    figure = new_figure(size)
    axes = new_axes(figure)
    grid = np.linspace(-4, 4, 200)
    for i, (name, sample) in enumerate(values.items()):
        flat = np.asarray(sample, float).ravel()
        axes.hist(
            flat, bins=80, range=(-4, 4), density=True, histtype="step", color=class_color(i), linewidth=1.2,
            label=literal(name),
        )  # fmt: skip
    axes.plot(
        grid, np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi), color=COLORS["fg"], linewidth=0.9,
        linestyle=DASHED, label="N(0, 1)",
    )  # fmt: skip
    axes.set_xlabel(xlabel)
    axes.set_ylabel("density")
    axes.legend(frameon=False, fontsize=SMALL_POINTS)
    if caption:
        note(axes, caption)
    return figure


def _colors(names: list[str]) -> list[str]:
    """The hue of each line's quantity; where two lines would share one, a hue a line."""
    hues = [next((COLORS[word] for word in name.split() if word in COLORS), "") for name in names]
    if "" in hues or len(set(hues)) < len(hues):
        return [class_color(i) for i in range(len(names))]
    return hues
