"""Beta as an axis for print: what a model is at one beta, and where that lies on the curve."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaewidgets.contract.packing import pack, unpack
from vaewidgets.contract.palette import COLORS
from vaewidgets.errors import DataError
from vaewidgets.figures.images import draw_rows
from vaewidgets.figures.scatter import draw_scatter
from vaewidgets.figures.style import DASHED, SMALL_POINTS, new_axes, new_figure, note, per_image
from vaewidgets.figures.units import LABELLED_DIMS

_LABEL_LETTERS = 32  # in a line


def axis_figure(
    frame: Mapping[str, Any],
    recon: NDArray[np.uint8],
    *,
    beta: float,
    size: tuple[float, float] = (9.0, 6.4),
) -> Figure:
    """Codes at the left, the rate–distortion curve and the units at the right, reconstructions below.

    Parameters
    ----------
    frame : mapping
        "axis" and "run".
    recon : ndarray of uint8, shape (m, C, H, W)
        The shown images, reconstructed at `beta`.
    beta : float

    Raises
    ------
    DataError
        If the frame holds no axis.
    """
    axis, run = frame.get("axis"), frame.get("run") or {}
    if axis is None:
        raise DataError("the frame holds no section 'axis'; of separate runs at least two must have a model.")
    at = _Between(axis["betas"], beta)
    figure = new_figure(size)
    above, below = figure.subfigures(2, 1, height_ratios=(4, 1.6), squeeze=False).ravel()
    left, right = above.subfigures(1, 2, squeeze=False).ravel()
    scatter = {
        "mode": "pca",
        "axes": axis["axes"],
        "points": pack(at(unpack(axis["points"])), "f32"),
        "labels": axis["labels"],
        "prior": axis["prior"],
    }
    draw_scatter(left, scatter, class_names=run.get("class_names"), compact=True)
    note(left.axes[0], f"β = {beta:.3g}: codes of {axis['points']['shape'][1]:,} images")
    grid = right.add_gridspec(2, 1, height_ratios=(3, 2))
    _draw_curve(new_axes(right, grid[0]), axis, at, beta)
    _draw_units(new_axes(right, grid[1]), at(unpack(axis["kl"])))
    rows = {"original": unpack(axis["originals"]), "reconstruction": recon}
    draw_rows(below, rows, items=run.get("items"))
    return figure


class _Between:
    """Values at a beta, from those at the betas around it: interpolated over log beta."""

    def __init__(self, betas: list[float], beta: float) -> None:
        self._places, self._at = np.log(betas), np.log(beta)

    def __call__(self, values: Any) -> NDArray[Any]:
        values = np.asarray(values, float)
        flat = values.reshape(len(values), -1)
        found = [np.interp(self._at, self._places, column) for column in flat.T]
        return np.array(found).reshape(values.shape[1:])


def _draw_curve(axes: Axes, axis: Mapping[str, Any], at: _Between, beta: float) -> None:
    rate, distortion = float(at(axis["rate"])), float(at(axis["distortion"]))
    axes.plot(axis["rate"], axis["distortion"], color=COLORS["off"], linewidth=1.5, marker=".", zorder=1)
    axes.margins(0.1)
    axes.autoscale_view()
    limits = axes.get_xlim(), axes.get_ylim()
    axes.axline(
        (rate, distortion), slope=-beta, color=COLORS["fg2"], linewidth=0.8, linestyle=DASHED, gid="slope"
    )
    axes.plot([rate], [distortion], "o", color=COLORS["accent"], markersize=7, zorder=2, gid="place")
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])
    axes.set_xlabel("rate: KL, nats per image")
    axes.set_ylabel("\n".join(textwrap.wrap(f"recon, {per_image(axis['unit'])}", _LABEL_LETTERS)))
    note(axes, f"Rate {rate:.3g} nats, distortion {distortion:.4g}; dashed: slope −β")


def _draw_units(axes: Axes, kl: NDArray[Any], delta: float = 0.01) -> None:
    order = np.argsort(-kl, kind="stable")
    colors = [COLORS["kl"] if value > delta else COLORS["off"] for value in kl[order]]
    axes.bar(range(len(kl)), kl[order], color=colors, width=0.8)
    if len(kl) <= LABELLED_DIMS // 2:  # of half the width
        axes.set_xticks(range(len(kl)), [str(i + 1) for i in order], fontsize=SMALL_POINTS)
    else:
        axes.set_xticks([])
    axes.set_ylabel("KL, nats", fontsize=SMALL_POINTS)
    axes.set_xlabel("latent dimension, largest KL first")
    note(axes, f"Active: {int((kl > delta).sum())} of {len(kl)} by KL > {delta:g} nats")
