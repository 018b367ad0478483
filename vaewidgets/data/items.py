"""`Items`, how the items of a data set are drawn that are no grey or color images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from vaewidgets.checks import one_of
from vaewidgets.errors import OptionError, ShapeError

Draw = Literal["slices", "bars", "line", "heatmap"]
Channels = Literal["first", "last"]

ARRAY_DRAWS = ("bars", "line", "heatmap")
_MOST_BARS = 64  # a longer vector is drawn as a line, where nobody says how
_MOST_LINES = 8  # a series of more features is drawn as a heat map, where nobody says how


@dataclass(frozen=True)
class Items:
    """How an item is drawn, and the shape in which a model of the user's own takes it.

    Attributes
    ----------
    draw : {"slices", "bars", "line", "heatmap"}
        "slices": each channel of an image, or plane of a volume, as a grey image; "bars": one for each
        number; "line": one line, or one for each channel; "heatmap": a cell for each number.
    shape : tuple of int
        As given by the user, without the axis of the items.
    channels : {"first", "last"}
        Which axis of a series of two axes counts the lines.
    names : tuple of str, or None
        Of the features: the last axis, or the first one of a series with its channels first.
    """

    draw: Draw
    shape: tuple[int, ...]
    channels: Channels = "last"
    names: tuple[str, ...] | None = None

    @property
    def drawn_shape(self) -> tuple[int, ...]:
        """`shape` without axes of one entry: (d,), (rows, columns), or the image's (C, H, W)."""
        return self.shape if self.draw == "slices" else squeezed(self.shape)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) in which our models and `Split` have an item: the same numbers in the same order."""
        inner = self.drawn_shape[-3:]
        first, second, third = (1,) * (3 - len(inner)) + inner
        return first, second, third

    def describe(self) -> str:
        """Say in a few words how an item is drawn."""
        size = " x ".join(map(str, self.shape))
        lines = 1 if len(self.drawn_shape) == 1 else self.drawn_shape[0 if self.channels == "first" else -1]
        how = {
            "slices": f"{self.image_shape[0]} grey planes side by side",
            "bars": "bars",
            "line": f"{lines} line{'s' if lines > 1 else ''}",
            "heatmap": "a heat map",
        }
        return f"{size}, drawn as {how[self.draw]}"


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` without axes of one entry; of an item of one number, (1,)."""
    return tuple(n for n in shape if n > 1) or (1,)


def array_items(
    shape: tuple[int, ...], draw: str | None, channels: str | None, names: tuple[str, ...] | None
) -> Items:
    """Settle how an item of `shape` is drawn.

    Raises
    ------
    OptionError
        If `draw` or `channels` is another word, or does not fit the shape.
    ShapeError
        If an item has more than two axes, or which of two counts the lines does not show.
    """
    one_of("draw", draw, (None, *ARRAY_DRAWS))
    one_of("channels", channels, (None, "first", "last"))
    inner = squeezed(shape)
    if len(inner) > 2:
        raise ShapeError(
            f"an item has shape {shape}, {len(inner)} axes; expected (d,) for vectors or (t, f) for "
            'series. Images or volumes: vw.ImageDataset(x, channels="first", value_range=(lowest, highest)). '
            "Else join axes: x.reshape(len(x), t, f)."
        )
    if draw is None:
        draw = _usual_draw(inner, names)
    if draw == "bars" and len(inner) == 2:
        raise OptionError(
            f'draw is "bars", but an item has shape {shape}, two axes; expected (d,). Pass draw="line" or '
            'draw="heatmap", or flatten: x.reshape(len(x), -1).'
        )
    if draw == "line" and len(inner) == 2 and channels is None and inner[0] < inner[1]:
        t, f = inner
        raise ShapeError(
            f"an item has shape {shape}: {f} lines of {t} steps, or {t} lines of {f} steps? Say which: "
            f'channels="last" for {f} lines, channels="first" for {t}.'
        )
    items = Items(cast(Draw, draw), shape, cast(Channels, channels or "last"), names)
    _check_names(items)
    return items


def _usual_draw(shape: tuple[int, ...], names: tuple[str, ...] | None) -> str:
    if len(shape) == 1:
        return "bars" if names is not None or shape[0] <= _MOST_BARS else "line"
    return "line" if min(shape) <= _MOST_LINES else "heatmap"


def _check_names(items: Items) -> None:
    shape, names = items.drawn_shape, items.names
    n = shape[0 if items.draw == "line" and items.channels == "first" else -1]
    if names is not None and len(names) != n:
        raise OptionError(
            f"{len(names)} feature_names for items of shape {items.shape}; expected {n}, one a feature."
        )
