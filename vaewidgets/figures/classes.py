"""Classes in figures: where their names stand, and the legend; as the page does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from vaewidgets.contract.palette import COLORS, class_color
from vaewidgets.figures.style import SMALL_POINTS, Canvas, literal

MOST_NAMED = 20  # classes with a color of their own; the same number stands in js/maths/classes.js
_MOST_MEMBERS = 100  # as in js/maths/statistics.js
_LONGEST_NAME = 24


def named_classes(labels: NDArray[Any]) -> tuple[list[int], int]:
    """Indices of the classes that are named and colored apart, and how many others there are.

    All where there are few, else the most frequent ones.
    """
    values, counts = np.unique(labels[labels >= 0], return_counts=True)
    named = np.sort(values[np.argsort(-counts, kind="stable")[:MOST_NAMED]])
    return named.tolist(), len(values) - len(named)


def anchor(points: NDArray[Any]) -> NDArray[Any]:
    """Return the point of a class, (n, 2), around which it is densest; its mean may lie outside of it."""
    members = points[:: max(1, -(-len(points) // _MOST_MEMBERS))].astype(np.float64)
    width = members.var(axis=0).sum() / 9 or 1.0
    apart = np.square(members[:, None] - members[None]).sum(axis=-1)
    chosen: NDArray[Any] = members[(1 / (1 + np.square(apart / width))).sum(axis=1).argmax()]
    return chosen


def class_name(index: int, names: Sequence[str] | None) -> str:
    """Names of data sets are text: a dollar sign must not start a formula."""
    name = names[index] if names is not None and 0 <= index < len(names) else str(index)
    shown = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    return literal(shown)


def draw_legend(canvas: Canvas, labels: NDArray[Any], names: Sequence[str] | None) -> None:
    """Draw which color is which class below the plot: an entry a class, the others together at the end."""
    named, others = named_classes(labels)
    entries = [(class_name(index, names), class_color(index)) for index in named]
    if others:
        entries.append((f"other ({others:,} class{'es' if others > 1 else ''})", COLORS["fg3"]))
    if not entries:
        return
    dots = [Line2D([], [], marker="o", linestyle="none", markersize=4, color=color) for _, color in entries]
    texts = [text for text, _ in entries]
    longest = max(map(len, texts))
    canvas.legend(
        dots, texts, loc="outside lower center", ncols=max(1, min(len(texts), 10, 60 // (longest + 3))),
        fontsize=SMALL_POINTS, labelcolor=COLORS["fg2"], frameon=False, handletextpad=0.2, columnspacing=1.0,
    )  # fmt: skip
