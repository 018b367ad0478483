"""A tour for print: the texts of its stops."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from vaewidgets.figures.text_rows import text_figure


def tour_figure(texts: Sequence[str], stop: int, *, size: tuple[float, float] | None = None) -> Figure:
    """The texts one below the other, numbered; the one at `stop` is in bold."""
    rows = [(f"{i + 1}.  {text}", "fg" if i == stop else "fg2", i == stop) for i, text in enumerate(texts)]
    return text_figure(rows or [("No stops yet.", "fg2", False)], size=size)
