"""Checks of the options that models share: what, got, wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real

from torch import Tensor

from vaewidgets.errors import OptionError, ShapeError, did_you_mean

__all__ = ["check_images", "choice", "count", "counts", "image_size", "number"]


def image_size(image_shape: Sequence[int]) -> tuple[int, int, int]:
    """Read an image shape (C, H, W), each at least 1, or raise OptionError."""
    shape = tuple(image_shape) if isinstance(image_shape, Sequence) else ()
    if len(shape) != 3 or not all(isinstance(n, int) and n >= 1 for n in shape):
        raise OptionError(
            f"image_shape is {image_shape!r}; expected (channels, height, width), "
            "as in data.image_shape, e.g. (1, 28, 28)."
        )
    return shape


def count(name: str, value: object, at_least: int = 1) -> int:
    """Read a whole number of at least `at_least`, or raise OptionError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise OptionError(f"{name} is {value!r}; expected a whole number of at least {at_least}.")
    return value


def counts(name: str, values: Sequence[int], example: str = "(512, 256)") -> tuple[int, ...]:
    """Read a sequence of layer widths of at least 1 each, or raise OptionError."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise OptionError(f"{name} is {values!r}; expected a sequence of layer widths, such as {example}.")
    return tuple(count(f"{name}[{i}]", value) for i, value in enumerate(values))


def number(name: str, value: object, low: float, high: float, *, wanted: str) -> float:
    """Read a number with low <= value <= high, or raise OptionError saying what was `wanted`."""
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
        raise OptionError(f"{name} is {value!r}; expected {wanted}.")
    return float(value)


def choice(name: str, value: object, known: Iterable[str]) -> str:
    """Read one of the `known` names, or raise OptionError naming the nearest."""
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    hint = did_you_mean(value, names, 0.5)
    raise OptionError(f"{name} is {value!r}; known: {', '.join(names)}.{hint}")


def check_images(model: str, x: Tensor, image_shape: tuple[int, int, int]) -> None:
    """Refuse images (B, C, H, W) of another shape than the model's (ShapeError)."""
    if x.shape[1:] != image_shape:
        raise ShapeError(
            f"{model}.encode got images of shape {tuple(x.shape)}; this model wants "
            f"(batch, {', '.join(map(str, image_shape))}). Build it with the data's image_shape."
        )
