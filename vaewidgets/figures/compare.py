"""Several runs side by side for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaewidgets.contract.packing import unpack
from vaewidgets.contract.palette import COLORS
from vaewidgets.errors import DataError
from vaewidgets.figures.classes import draw_legend
from vaewidgets.figures.curves import runs_curves_figure
from vaewidgets.figures.images import rows_figure
from vaewidgets.figures.scatter import draw_scatter
from vaewidgets.figures.style import SMALL_POINTS, literal, new_axes, new_figure, note, per_image

Part = Mapping[str, Any]


def compare_figure(
    frame: Part,
    *,
    show: str = "recon",
    log: bool = False,
    smoothing: float = 0.0,
    quantity: str | None = None,
    size: tuple[float, float] = (8.0, 5.0),
) -> Figure:
    """One of the views of a comparison.

    Parameters
    ----------
    frame : mapping
        "compare" and the first run's sections; those of the other runs in "others".
    show : {"recon", "samples", "latent", "curves", "rate"}
    log, smoothing, quantity
        Of the curves; see `runs_curves_figure`.

    Raises
    ------
    DataError
        If no run has what is to be shown.
    """
    parts = [frame, *frame.get("others", ())]
    if show == "curves":
        return runs_curves_figure(parts, log=log, smoothing=smoothing, quantity=quantity, size=size)
    if show == "latent":
        return _latent_figure(parts, size)
    if show == "rate":
        return rate_figure(parts, size=size)
    rows = {} if show == "samples" else {"original": unpack(frame["compare"]["originals"])}
    rows |= _rows(parts, show)
    if not rows:
        raise DataError("no run has a prior to draw from: these are autoencoders.")
    caption = (
        "Decoded samples from the prior, the same for every run"
        if show == "samples"
        else "Originals (top) and reconstructions from z = μ + σ·ε, the same ε for each run"
    )
    return rows_figure(rows, caption=caption, items=(frame.get("run") or {}).get("items"))


def _label(part: Part, i: int) -> str:
    return str((part.get("setting") or {}).get("label") or (part.get("run") or {}).get("name") or f"run {i}")


def _rows(parts: Sequence[Part], show: str) -> dict[str, NDArray[Any]]:
    found = {}
    for i, part in enumerate(parts):
        images = (part.get("pictures") or {}).get(show)
        if images is not None:
            found[_label(part, i)] = unpack(images)
    return found


def _latent_figure(parts: Sequence[Part], size: tuple[float, float]) -> Figure:
    """A scatter for each run, on one scale."""
    there = [(i, part) for i, part in enumerate(parts) if part.get("scatter") is not None]
    if not there:
        raise DataError("the frame holds no latent space; expected the section 'scatter'.")
    columns = min(len(there), 4)
    figure = new_figure(size)
    cells = figure.subfigures(-(-len(there) // columns), columns, squeeze=False).ravel()
    names = (parts[0].get("run") or {}).get("class_names")
    labels = there[0][1]["scatter"].get("labels")
    if labels is not None:
        draw_legend(figure, unpack(labels), names)
    for cell, (i, part) in zip(cells, there, strict=False):
        draw_scatter(cell, part["scatter"], class_names=names, compact=True)
        note(cell.axes[0], literal(_label(part, i)))
    limits = np.array([(*cell.axes[0].get_xlim(), *cell.axes[0].get_ylim()) for cell in cells[: len(there)]])
    for cell in cells[: len(there)]:
        cell.axes[0].set_aspect("equal", adjustable="box")
        cell.axes[0].set_xlim(limits[:, 0].min(), limits[:, 1].max())
        cell.axes[0].set_ylim(limits[:, 2].min(), limits[:, 3].max())
    return figure


def rate_figure(parts: Sequence[Part], *, size: tuple[float, float] = (6.4, 4.0)) -> Figure:
    """Runs in the rate–distortion plane, with standard errors over the images.

    Raises
    ------
    DataError
        If no run has a rate.
    """
    there = [(_label(part, i), part["rate"]) for i, part in enumerate(parts) if part.get("rate")]
    if not there:
        raise DataError("no run has a posterior variance, so none has a rate.")
    figure = new_figure(size)
    axes = new_axes(figure)
    rates, distortions = ([one[key] for _, one in there] for key in ("rate", "distortion"))
    axes.plot(rates, distortions, color=COLORS["off"], linewidth=1, zorder=1)
    for text, one in there:
        axes.errorbar(
            one["rate"], one["distortion"], xerr=one["rate_error"], yerr=one["distortion_error"],
            fmt="o", color=COLORS["accent"], markersize=5, elinewidth=0.8, zorder=2,
        )  # fmt: skip
        axes.annotate(
            literal(text), (one["rate"], one["distortion"]), xytext=(6, 5),
            textcoords="offset points", fontsize=SMALL_POINTS, color=COLORS["fg"],
        )  # fmt: skip
    axes.margins(0.15)
    axes.set_xlabel("rate: KL, nats per image")
    axes.set_ylabel(f"distortion: recon, {per_image(there[0][1]['unit'])}")
    note(axes, f"Rate (information sent) against distortion (error), over {there[0][1]['n']} images")
    return figure
