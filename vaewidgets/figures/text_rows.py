"""Rows of text as a figure: exercises and tours in print."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure

from vaewidgets.contract.palette import COLORS
from vaewidgets.figures.style import FONT_POINTS, literal, new_figure

_LINE = 0.27  # inches
_LETTERS = 14.0  # an inch, at the size of the text


def letters_of(width: float) -> int:
    """How many letters of text fit on a line of so many inches."""
    return max(int(width * _LETTERS), 20)


def text_figure(rows: Sequence[tuple[str, str, bool]], *, size: tuple[float, float] | None = None) -> Figure:
    """Rows of text, wrapped.

    Parameters
    ----------
    rows : sequence of (str, str, bool)
        The text, its color, and whether it is bold; such a row is a little larger.
    size : (width, height), optional
        In inches; 6.4 wide by default, and as high as the text.
    """
    width = size[0] if size else 6.4
    lines = [
        (line, color, is_bold)
        for text, color, is_bold in rows
        for line in textwrap.wrap(
            literal(text), letters_of(width), subsequent_indent="" if is_bold else "    "
        )
        or [""]
    ]
    figure = new_figure(size or (width, max(_LINE * (len(lines) + 1), 1.0)))
    axes = figure.add_subplot(facecolor="none")
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(lines), 0)
    for i, (text, color, is_bold) in enumerate(lines):
        axes.text(
            0, i + 0.5, text, color=COLORS[color], va="center", ha="left",
            fontsize=FONT_POINTS + (1.5 if is_bold else 1), fontweight="bold" if is_bold else "normal",
        )  # fmt: skip
    return figure
