"""The card game for print: where the cards lie in the bottleneck, and the loss by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from vaewidgets.contract.palette import COLORS, class_color
from vaewidgets.figures.style import FONT_POINTS, new_axes, new_figure, note


def game_figure(
    last: Mapping[str, Any], score: Sequence[int], *, dimensions: int, size: tuple[float, float] = (7.2, 3.2)
) -> Figure:
    """Codes of the cards in the last round; wrong guesses of each round. Before the first, what is played.

    Parameters
    ----------
    last : mapping
        bottleneck, cards and codes: pairs of a card and its numbers.
    score : sequence of int
        Wrong guesses by round.
    dimensions : int
        Numbers in a code.
    """
    if not score:
        return _start_figure(last, dimensions, size)
    figure = new_figure(size)
    grid = figure.add_gridspec(1, 2, width_ratios=(3, 2))
    plane, losses = new_axes(figure, grid[0]), new_axes(figure, grid[1])
    bits = last["bottleneck"] == "bits"
    taken: dict[tuple[float, ...], int] = {}
    for card, code in last["codes"]:
        place = tuple(code)
        level = taken.get(place, 0)  # cards with one code stand on each other
        taken[place] = level + 1
        x = sum(bit << (dimensions - 1 - i) for i, bit in enumerate(code)) if bits else code[0]
        y = code[1] + 0.12 * level if last["bottleneck"] == "two" else float(level)
        plane.plot(x, y, "o", markersize=13, color=class_color(card), gid="card")
        plane.annotate(
            str(card),
            (x, y),
            ha="center",
            va="center",
            color="white",
            fontsize=FONT_POINTS,
            fontweight="bold",
        )
    plane.margins(0.2)
    if last["bottleneck"] == "two":
        plane.set_xlabel("first number")
        plane.set_ylabel("second number")
        plane.yaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        plane.set_xlabel("the bits" if bits else "the number")
        plane.set_yticks([])
    plane.xaxis.set_major_locator(MaxNLocator(integer=True))
    if bits:
        plane.set_xticks(range(2**dimensions), [f"{i:0{dimensions}b}" for i in range(2**dimensions)])
        plane.set_xlim(-0.5, 2**dimensions - 0.5)
    note(plane, "Where the cards lie in the bottleneck")
    rounds = range(1, len(score) + 1)
    losses.bar(rounds, score, color=COLORS["loss"], width=0.7)
    losses.set_xticks(list(rounds))
    losses.set_ylim(0, max([len(last["cards"]), *score]))
    losses.yaxis.set_major_locator(MaxNLocator(integer=True))
    losses.set_xlabel("round")
    losses.set_ylabel("wrong guesses")
    note(losses, "Loss by round")
    return figure


def _start_figure(game: Mapping[str, Any], dimensions: int, size: tuple[float, float]) -> Figure:
    """Cards, a code and a guess: what a round goes through."""
    figure = new_figure(size)
    axes = figure.add_subplot(facecolor="none")
    axes.set_axis_off()
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 44)
    axes.set_aspect("equal")
    unit = "bit" if game["bottleneck"] == "bits" else "number"
    stages = (
        (0, game["cards"], "1. The encoder sees a card"),
        (50, ["?"] * dimensions, f"2. and writes {dimensions} {unit}{'s' * (dimensions > 1)}."),
        (80, ["?"], "3. The decoder guesses."),
    )
    for left, texts, words in stages:
        axes.text(left, 36, words, ha="left", va="center", color=COLORS["fg"], fontsize=FONT_POINTS + 1)
        for i, text in enumerate(texts):
            x, y = left + 8 * (i % 5), 19 - 12 * (i // 5)
            color = COLORS["bg2"] if text == "?" else class_color(text)
            axes.add_patch(FancyBboxPatch((x + 0.5, y), 6, 9, boxstyle="round,pad=0.3", color=color, lw=0))
            ink = COLORS["fg2"] if text == "?" else "white"
            axes.text(
                x + 3.5, y + 4.5, str(text), ha="center", va="center", color=ink, fontsize=12,
                fontweight="bold", gid="card",
            )  # fmt: skip
    for left in (44, 73):
        axes.annotate(
            "", (left + 4, 24), (left, 24), arrowprops={"arrowstyle": "-|>", "color": COLORS["fg3"]}
        )
    note(axes, "BottleneckGame: run the cell to play")
    return figure
