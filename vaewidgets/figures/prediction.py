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
from vaewidgets.figures.text_rows import letters_of, text_figure


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
    rows = [(exercise["question"], "fg", True), ("", "fg", False)]
    rows += [(*line, False) for line in _lines(exercise, answer, revealed=revealed)]
    rows += [(*line, False) for line in _verdict(exercise, revealed=revealed, right=right)]
    return text_figure(rows, size=size)


def _lines(exercise: Mapping[str, Any], answer: Any, *, revealed: bool) -> list[tuple[str, str]]:
    truth = exercise["truth"] if revealed else None
    fg, good = "fg", "beta"
    match exercise["kind"]:
        case "choices":
            return [
                (f"{'●' if text == answer else '○'}  {text}", good if revealed and text == truth else fg)
                for text in exercise["choices"]
            ]
        case "order":
            by = [(exercise["order_by"], "fg2")] if exercise["order_by"] else []
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
            return [("The codes appear here when the run has ended.", "fg2")]


def _verdict(exercise: Mapping[str, Any], *, revealed: bool, right: bool | None) -> list[tuple[str, str]]:
    if not revealed:
        return []
    lines = [("", "fg"), ("Right." if right else "Not quite.", "beta" if right else "fg")]
    return lines + ([(exercise["because"], "fg")] if exercise["because"] else [])


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
    note(axes, textwrap.fill(literal(exercise["question"]) + end, letters_of(size[0])))
    return figure


def _question_mark(axes: Axes, place: Any) -> None:
    axes.plot(*place, "o", markersize=13, color=COLORS["accent"], gid="answer")
    axes.annotate(
        "?", place, ha="center", va="center", color="white", fontsize=FONT_POINTS, fontweight="bold"
    )
