"""The use of a codebook for print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaewidgets.contract.packing import unpack
from vaewidgets.contract.palette import COLORS
from vaewidgets.figures.style import DASHED, new_axes, new_figure, note, threshold


def codebook_figure(codes: Mapping[str, Any], *, size: tuple[float, float] = (6.4, 3.6)) -> Figure:
    """Share of the positions that each code has; below, perplexity and used codes, where counted twice.

    Parameters
    ----------
    codes : mapping
        The frame's "codes".
    """
    counts = unpack(codes["counts"]).astype(float)
    n = len(counts)
    history = codes["history"]
    step = unpack(history["step"])
    figure = new_figure(size)
    has_line = len(step) > 1  # of a short run there is one count, and no line to draw
    grid = figure.add_gridspec(1 + has_line, 1, height_ratios=(3, 2)[: 1 + has_line])
    above = new_axes(figure, grid[0])
    above.bar(
        np.arange(1, n + 1), np.sort(counts)[::-1] / counts.sum() * 100, width=0.8, color=COLORS["accent"]
    )
    threshold(above, 100 / n, "uniform")
    above.set_xlabel("code, by its use")
    above.set_ylabel("share of positions, %")
    dead = n - codes["n_used"]
    note(above, f"{codes['n_used']} of {n} codes used, {dead} dead; perplexity {codes['perplexity']:.1f}")
    if not has_line:
        return figure
    below = new_axes(figure, grid[1])
    below.plot(step, unpack(history["perplexity"]), color=COLORS["accent"], linewidth=1.3)
    below.plot(step, unpack(history["used"]), color=COLORS["fg3"], linewidth=1, linestyle=DASHED)
    below.set_ylim(0, n * 1.05)
    below.set_xlabel("step")
    below.set_ylabel("codes")
    note(below, "Perplexity (line) and used codes (dashed) over training")
    return figure
