"""One look for all figures, set piece by piece: the user's rcParams and pyplot stay untouched.

Only matplotlib's object-oriented interface is used, so a figure can be drawn off the main thread.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from vaewidgets.concurrency import Lock
from vaewidgets.contract.palette import COLORS
from vaewidgets.errors import OptionError

Canvas = Figure | SubFigure

FONT_POINTS = 8.0
SMALL_POINTS = 7.0
DASHED = (0, (4, 3))
_DPI = (200, 150, 120, 100, 80, 60, 40)
_PAD_INCHES = 0.08
_WHITE = np.uint32(0xFFFFFFFF)  # red, green, blue, opaque
_render = Lock()  # matplotlib's font and text caches are shared between figures


def new_figure(size: tuple[float, float]) -> Figure:
    """A white figure of `size` inches, laid out so that nothing overlaps."""
    figure = Figure(figsize=size, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_axes(canvas: Canvas, position: Any = 111, **options: Any) -> Axes:
    """Axes without a box: left and bottom lines only, quiet ticks."""
    axes = canvas.add_subplot(position, facecolor="none", **options)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set(color=COLORS["fg3"], linewidth=0.6)
    axes.tick_params(colors=COLORS["fg2"], labelsize=SMALL_POINTS, width=0.6, length=3, which="major")
    axes.tick_params(which="minor", length=0)
    for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
        text.set(color=COLORS["fg"], fontsize=FONT_POINTS)
    return axes


def stacked(canvas: Canvas, ratios: tuple[float, float]) -> tuple[Axes, Axes]:
    """Two axes, one above the other, with one x axis."""
    grid = canvas.add_gridspec(2, 1, height_ratios=ratios)
    above = new_axes(canvas, grid[0])
    below = new_axes(canvas, grid[1], sharex=above)
    above.tick_params(labelbottom=False)
    return above, below


def literal(text: str) -> str:
    """Text as it is: a dollar sign must not start a formula."""
    return text.replace("$", r"\$")


def label_ends(axes: Axes, ends: Sequence[tuple[str, float, str]]) -> None:
    """Write texts at the right ends of lines, moved apart where lines end close together.

    Each has a text, its line's last value (what is not finite is left out), and a color.
    """
    shown = [end for end in ends if math.isfinite(end[1])]
    to_axes = axes.transData + axes.transAxes.inverted()
    x = axes.get_xlim()[1]
    heights = [float(to_axes.transform((x, value))[1]) for _, value, _ in shown]
    for (text, _, color), height in zip(shown, spread(heights, 0.07), strict=True):
        axes.annotate(
            literal(text), (1, height), xycoords="axes fraction", xytext=(3, 0), textcoords="offset points",
            va="center", ha="left", fontsize=SMALL_POINTS, color=color,
        )  # fmt: skip


def note(axes: Axes, text: str) -> None:
    """One line above the axes that says what is seen."""
    axes.set_title(text, loc="left", fontsize=FONT_POINTS, color=COLORS["fg"], pad=6)


def per_image(unit: str) -> str:
    """Unit of a loss on an axis, such as "nats per image"; as `perImage` in the page."""
    if unit == "BCE on grey pixels":
        return "binary cross-entropy (grey pixels), per image"
    return f"{unit} per image".strip()


def threshold(axes: Axes, value: float, text: str) -> None:
    """A dashed line across, with its value at the right."""
    axes.axhline(value, color=COLORS["fg2"], linewidth=0.8, linestyle=DASHED, gid="threshold")
    axes.annotate(
        text, (1, value), xycoords=("axes fraction", "data"), xytext=(2, 0), textcoords="offset points",
        va="center", ha="left", fontsize=SMALL_POINTS, color=COLORS["fg2"],
    )  # fmt: skip


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Positions as close to `values` as may be, in their order, at least `gap` apart."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    placed = [values[i] for i in order]
    for _ in range(20):
        for a in range(len(placed) - 1):
            overlap = gap - (placed[a + 1] - placed[a])
            if overlap > 1e-9:
                placed[a] -= overlap / 2
                placed[a + 1] += overlap / 2
    result = [math.nan] * len(values)
    for position, i in zip(placed, order, strict=True):
        result[i] = position
    return result


def figure_pixels(figure: Figure, dpi: int) -> np.ndarray:
    """Draw a figure, without the white margins round all that it holds: (height, width, 3) from 0 to 255."""
    canvas, before = FigureCanvasAgg(figure), figure.dpi
    with _render:
        figure.dpi = dpi
        try:
            canvas.draw()
            pixels = np.array(canvas.buffer_rgba())
        finally:
            figure.dpi = before
    is_ink = pixels.view(np.uint32)[..., 0] != _WHITE  # one number for each pixel: a tenth of the time
    down, across = (_span(np.any(is_ink, axis=axis), round(_PAD_INCHES * dpi)) for axis in (1, 0))
    return pixels[down, across, :3]


def _span(is_ink: Any, pad: int) -> slice:
    """From the first to the last True, and `pad` more on both sides."""
    places = np.flatnonzero(is_ink)
    return slice(max(places[0] - pad, 0), places[-1] + 1 + pad) if len(places) else slice(None)


def figure_png(figure: Figure, max_bytes: int, *, dpi: int = _DPI[0]) -> bytes:
    """Draw a figure as a PNG of at most `max_bytes`, as sharp as that allows: `dpi` down to 40 dots an inch.

    Raises
    ------
    OptionError
        If even the coarsest is larger.
    """
    smallest = 0
    for dots in [step for step in _DPI if step <= dpi]:
        buffer = io.BytesIO()
        with _render:
            figure.savefig(buffer, format="png", dpi=dots, facecolor="white", metadata={"Software": None})
        smallest = buffer.tell()
        if smallest <= max_bytes:
            return buffer.getvalue()
    raise OptionError(
        f"max_bytes={max_bytes} is too small: at {_DPI[-1]} dots an inch the figure takes {smallest} bytes. "
        "Allow that many, or make the figure smaller."
    )
