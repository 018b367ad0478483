"""A verdict for print."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from vaewidgets.contract.palette import COLORS
from vaewidgets.figures.style import FONT_POINTS, literal, new_axes, new_figure, note


def diagnosis_figure(diagnosis: Mapping[str, Any], *, size: tuple[float, float] = (6.4, 3.6)) -> Figure:
    """The verdict with its evidence and advice; below, from when to when each unit lived.

    Parameters
    ----------
    diagnosis : mapping
        The frame's "diagnosis".
    """
    figure = new_figure(size)
    lives = diagnosis.get("lives")
    grid = figure.add_gridspec(2 if lives else 1, 1, height_ratios=(2, 1) if lives else None)
    axes = new_axes(figure, grid[0])
    axes.set_axis_off()
    columns = int(size[0] * 17)
    words = [("•", text) for text in diagnosis["evidence"]] + [("try:", text) for text in diagnosis["advice"]]
    words += [("note:", text) for text in diagnosis["notes"]]
    lines = "\n".join(
        textwrap.fill(f"{mark} {text}", columns, subsequent_indent="   ") for mark, text in words
    )
    axes.text(0, 0.98, diagnosis["verdict"], fontsize=14, weight="bold", va="top", color=COLORS["fg"])
    axes.text(0, 0.78, literal(lines), fontsize=FONT_POINTS, va="top", color=COLORS["fg"])
    note(axes, f"What the run is doing, at step {diagnosis['step']:,}")
    if lives:
        below = new_axes(figure, grid[1])
        for row, unit in enumerate(lives["units"]):
            if unit["born"] is not None:
                end = lives["last"] if unit["died"] is None else unit["died"]
                color = COLORS["kl"] if unit["died"] is None else COLORS["off"]
                below.plot([unit["born"], end], [row, row], color=color, linewidth=2, solid_capstyle="butt")
        below.set_yticks([])
        below.invert_yaxis()
        below.set_xlim(lives["first"], max(lives["last"], lives["first"] + 1))
        below.set_xlabel("step")
        note(
            below,
            f"Units alive: KL > {lives['delta']:g} nats; {lives['dead']} died, {lives['never']} never active",
        )
    return figure
