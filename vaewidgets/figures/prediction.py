"""An exercise for print: the question, the possible answers and, once revealed, the true one."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaewidgets.contract.packing import pack, unpack
from vaewidgets.contract.palette import COLORS
from vaewidgets.figures.scatter import draw_scatter
from vaewidgets.figures.style import FONT_POINTS, literal, new_figure, note

_LINE = 0.27  # inches
_LETTERS = 14.0  # an inch, at the size of the text


def prediction_figure(
    exercise: Mapping[str, Any],
    answer: Any,
    *,
    revealed: bool,
    right: bool | None,
    size: tuple[float, float] | None = None,
) -> Figure:
    """The question with its possible answers; the truth only where it is revealed.

    Parameters
    ----------
    exercise : mapping
        kind, question, what belongs to the kind (see `vaewidgets.widgets.prediction.exercise`),
        truth, because.
    answer : optional
        What was answered, None: nothing.
    revealed, right : bool
        Whether the truth is to be seen; whether the answer is right.
    """
    if exercise["kind"] == "place" and exercise["map"] is not None:
        return _place(exercise, answer, revealed=revealed, right=right, size=size or (5.0, 5.2))
    lines = _lines(exercise, answer, revealed=revealed)
    width = size[0] if size else 6.4
    letters = max(int(width * _LETTERS), 20)
    question = textwrap.wrap(literal(exercise["question"]), letters)
    rows: list[tuple[str, str, bool]] = [(text, COLORS["fg"], True) for text in question]
    rows.append(("", COLORS["fg"], False))
    for text, color in lines + _verdict(exercise, revealed=revealed, right=right):
        wrapped = textwrap.wrap(literal(text), letters, subsequent_indent="    ")
        rows += [(part, color, False) for part in wrapped or [""]]
    figure = new_figure(size or (width, max(_LINE * (len(rows) + 1), 1.0)))
    axes = figure.add_subplot(facecolor="none")
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows), 0)
    for i, (text, color, is_question) in enumerate(rows):
        axes.text(
            0, i + 0.5, text, color=color, va="center", ha="left",
            fontsize=FONT_POINTS + (1.5 if is_question else 1),
            fontweight="bold" if is_question else "normal",
        )  # fmt: skip
    return figure


def _lines(exercise: Mapping[str, Any], answer: Any, *, revealed: bool) -> list[tuple[str, str]]:
    truth = exercise["truth"] if revealed else None
    fg, good = COLORS["fg"], COLORS["beta"]
    match exercise["kind"]:
        case "choices":
            return [
                (f"{'●' if text == answer else '○'}  {text}", good if revealed and text == truth else fg)
                for text in exercise["choices"]
            ]
        case "order":
            by = [(exercise["order_by"], COLORS["fg2"])] if exercise["order_by"] else []
            items = answer or exercise["order"]
            mine = [(f"{i}.  {item}", fg) for i, item in enumerate(items, 1)]
            true = [(f"{i}.  {item}", good) for i, item in enumerate(truth or [], 1)]
            return by + mine + ([("true:", good), *true] if true else [])
        case "between":
            low, high = exercise["between"]
            unit = f" {exercise['unit']}" if exercise["unit"] else ""
            said = "…" if answer is None else f"{answer:g}"
            lines = [(f"from {low:g} to {high:g}{unit}:  {said}{unit}", fg)]
            return lines + ([(f"true: {truth:.4g}{unit}", good)] if truth is not None else [])
        case _:
            return [("The codes appear here when the run has ended.", COLORS["fg2"])]


def _verdict(exercise: Mapping[str, Any], *, revealed: bool, right: bool | None) -> list[tuple[str, str]]:
    if not revealed:
        return []
    lines = [("", COLORS["fg"]), ("Right." if right else "Not quite.", COLORS["beta" if right else "fg"])]
    return lines + ([(exercise["because"], COLORS["fg"])] if exercise["because"] else [])


def _place(
    exercise: Mapping[str, Any], answer: Any, *, revealed: bool, right: bool | None, size: tuple[float, float]
) -> Figure:
    figure = new_figure(size)
    codes = exercise["map"]
    points, labels = unpack(codes["points"]), unpack(codes["labels"])
    shown = np.full(len(labels), True) if revealed else labels != exercise["label"]
    scatter = {
        "mode": "direct",
        "axes": ["z₁", "z₂"],
        "points": pack(points[shown], "f32"),
        "labels": pack(labels[shown], "i32"),
        "prior": codes["prior"],
    }
    draw_scatter(figure, scatter, class_names=exercise["class_names"])
    axes = figure.axes[0]
    if revealed:
        axes.plot(*zip(answer, exercise["truth"], strict=True), color=COLORS["accent"], linewidth=1.5)
    if answer is not None:
        _question_mark(axes, answer)
    end = (" Right." if right else " Not quite.") if revealed else ""
    width = max(int(size[0] * _LETTERS), 20)
    note(axes, textwrap.fill(literal(exercise["question"]) + end, width))
    return figure


def _question_mark(axes: Axes, place: Any) -> None:
    axes.plot(*place, "o", markersize=13, color=COLORS["accent"], gid="answer")
    axes.annotate(
        "?", place, ha="center", va="center", color="white", fontsize=FONT_POINTS, fontweight="bold"
    )
