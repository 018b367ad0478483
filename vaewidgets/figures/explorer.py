"""A whole frame on one sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from vaewidgets.contract.palette import COLORS
from vaewidgets.errors import DataError
from vaewidgets.figures.curves import draw_curves, has_steps
from vaewidgets.figures.grid import draw_grid
from vaewidgets.figures.scatter import draw_scatter
from vaewidgets.figures.style import Canvas, literal, new_figure
from vaewidgets.figures.units import draw_units
from vaewidgets.figures.way import draw_way, mark_ends


def explorer_figure(frame: Mapping[str, Any], *, size: tuple[float, float] = (10.0, 6.4)) -> Figure:
    """Scatter at the left, curves and active units at the right, reconstructions below: what the frame holds.

    Parameters
    ----------
    frame : mapping
        Any of "run", "curves", "scatter", "units", "grid" and "way" (a decoded line; see `draw_way`);
        missing or None sections leave no gap.

    Raises
    ------
    DataError
        If the frame holds nothing to draw.
    """
    run = frame.get("run") or {}
    drawers = {
        "scatter": lambda canvas, part: draw_scatter(canvas, part, class_names=run.get("class_names")),
        "curves": lambda canvas, part: draw_curves(canvas, part, unit=run.get("unit", "")),
        "units": draw_units,
        "grid": lambda canvas, part: draw_grid(canvas, part, items=run.get("items")),
        "way": lambda canvas, part: draw_way(canvas, part, items=run.get("items")),
    }
    there = [name for name in drawers if frame.get(name) is not None]
    if "curves" in there and not has_steps(frame["curves"]):
        there.remove("curves")  # nothing has been trained yet
    if not there:
        raise DataError(f"the frame holds {sorted(frame)}; expected at least one of {', '.join(drawers)}.")
    figure = new_figure(size)
    if run:
        figure.suptitle(_title(run), fontsize=10, color=COLORS["fg"], x=0.01, ha="left")
    for name, canvas in _places(figure, there).items():
        drawers[name](canvas, frame[name])
        if name == "scatter" and frame.get("way") is not None:
            mark_ends(canvas.axes[0], frame["way"])
    return figure


def _places(figure: Figure, there: list[str]) -> dict[str, Canvas]:
    """A part of the figure for each section: rows, the first of two columns if both sides have something."""
    right = [name for name in ("curves", "units") if name in there]
    bottom = [name for name in ("grid", "way") if name in there]
    top = ["scatter"] if "scatter" in there else []
    count = bool(top or right) + bool(bottom)
    ratios = (figure.get_figheight() / len(bottom) - 1.2, 1.2) if count == 2 else None
    rows = figure.subfigures(count, 1, height_ratios=ratios, squeeze=False)[:, 0]
    places: dict[str, Canvas] = {}
    if bottom:
        places.update(zip(bottom, rows[-1].subfigures(len(bottom), 1, squeeze=False)[:, 0], strict=True))
    if not (top or right):
        return places
    sides = rows[0].subfigures(1, bool(top) + bool(right), squeeze=False)[0]
    places.update({name: sides[0] for name in top})
    if right:
        places.update(zip(right, sides[-1].subfigures(len(right), 1, squeeze=False)[:, 0], strict=True))
    return places


def _title(run: Mapping[str, Any]) -> str:
    parts = [str(run[key]) for key in ("name", "dataset") if run.get(key)]
    if run.get("step") == 0:
        parts.append("not trained yet")
    elif not run.get("epoch") and not run.get("epochs") and run.get("step"):
        parts.append(f"step {run['step']:,}")  # a loop that says nothing of epochs
    elif run.get("epoch") is not None:
        of = f" of {run['epochs']}" if run.get("epochs") else ""
        parts.append(f"epoch {run['epoch']}{of}")
    return literal(", ".join(parts))
