"""Checks of arguments: each returns the plain Python value, or raises an OptionError.

Scalars of numpy and of torch pass as the numbers that they hold; a bool is no number.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from vaewidgets.errors import OptionError, ShapeError, did_you_mean

if TYPE_CHECKING:
    from torch import Tensor

_MOST_SHOWN = 200  # letters of a value in a message

T = TypeVar("T")


def whole(
    name: str, value: object, least: int | None = None, most: int | None = None, *, also: str = ""
) -> int:
    """Return a whole number of the range.

    Parameters
    ----------
    name : str
        The argument, as its caller wrote it.
    value : object
        What was passed.
    least, most : int, optional
        The range, ends included.
    also : str, optional
        The rest of the message, e.g. ", or None for no end".

    Raises
    ------
    OptionError
    """
    plain = _plain(value)
    if is_whole(plain, least, most):
        return int(plain)
    raise _error(name, value, f"a whole number{_range(least, most)}{also}")


def random_seed(value: object) -> int:
    """Return the argument `seed`: what torch's generators and run files hold."""
    return whole("seed", value, 0, 2**63 - 1)


def number(
    name: str,
    value: object,
    least: float | None = None,
    most: float | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
    also: str = "",
) -> float:
    """Return a finite number of the range; `above` and `below` are ends that are not part of it."""
    plain = _plain(value)
    if is_number(plain, least, most) and _is_inside(plain, above, below):
        return float(plain)
    raise _error(name, value, f"{_span(least, most, above, below)}{also}")


def wholes(
    name: str,
    values: object,
    least: int | None = None,
    most: int | None = None,
    *,
    count: int | None = None,
    also: str = "",
) -> tuple[int, ...]:
    """Return a sequence of whole numbers of the range, `count` of them where it is given."""
    many = "whole numbers" if count is None else f"{count} whole numbers"
    plain = sequence(name, values, f"{many}{_range(least, most)}{also}", count=count)
    return tuple(whole(f"{name}[{i}]", one, least, most, also=also) for i, one in enumerate(plain))


def sequence(name: str, values: Any, expected: str, *, count: int | None = None) -> Sequence[Any]:
    """Return a sequence, of `count` values where that is given; an array or a tensor as a list."""
    plain = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(plain, Sequence) and not isinstance(plain, str | bytes) and count in (None, len(plain)):
        return plain
    raise _error(name, values, expected)


def image_size(shape: object) -> tuple[int, int, int]:
    also = ": (channels, height, width), as in data.image_shape, e.g. (1, 28, 28)"
    channels, height, width = wholes("image_shape", shape, 1, count=3, also=also)
    return channels, height, width


def flag(name: str, value: object, *, also: str = "") -> bool:
    plain = _plain(value)
    if isinstance(plain, bool):
        return plain
    raise _error(name, value, f"True or False{also}")


def one_of(name: str, value: object, known: Iterable[T], *, also: str = "") -> T:
    """Return one of the `known` values; the message names the nearest."""
    choices = list(known)
    plain = _plain(value)
    if plain is None or isinstance(plain, str | int | float):
        for choice in choices:
            if plain == choice and isinstance(plain, bool) == isinstance(choice, bool):
                return choice
    names = ", ".join(map(repr, choices))
    hint = did_you_mean(plain, map(str, choices)) if isinstance(plain, str) else ""
    raise OptionError(f"{_error(name, value, f'one of {names}{also}')}{hint}")


def instance(name: str, value: object, kind: type[T], expected: str) -> T:
    """Return an object of a class; `expected` is what the message calls it."""
    if isinstance(value, kind):
        return value
    raise OptionError(f"{name} is of type {type(value).__name__}; expected {_ended(expected)}")


def text(name: str, value: object) -> str:
    return instance(name, value, str, "a text")


def path(name: str, value: object) -> Path:
    """Return a path, of which `~` is the user's folder."""
    if isinstance(value, str | os.PathLike):
        try:
            return Path(value).expanduser()
        except RuntimeError as error:
            raise _error(name, value, "a path without ~: there is no such home folder here") from error
    raise _error(name, value, "a path")


def check_generator(generator: object) -> None:
    """Raise an OptionError unless it is a `torch.Generator`, or None for torch's global one."""
    from torch import Generator

    if generator is not None:
        instance("generator", generator, Generator, "a torch.Generator, or None for torch's global one")


def tensor(name: str, value: object, *axes: str) -> Tensor:
    """Return a tensor; with the names of its axes, one of that many, none of which is empty."""
    from torch import Tensor

    found = instance(name, value, Tensor, "a torch.Tensor")
    if axes and (found.ndim != len(axes) or 0 in found.shape):
        shape = f"({', '.join(axes)})"
        raise ShapeError(f"{name} has shape {tuple(found.shape)}; expected {shape}, each at least 1.")
    return found


def is_whole(value: object, least: int | None = None, most: int | None = None) -> TypeGuard[int]:
    if isinstance(value, bool) or not isinstance(value, Integral):
        return False
    return (least is None or int(value) >= least) and (most is None or int(value) <= most)


def is_number(value: object, least: float | None = None, most: float | None = None) -> TypeGuard[float]:
    """Whether `value` is a finite number of the range."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        return False
    return (least is None or float(value) >= least) and (most is None or float(value) <= most)


def shown(value: object) -> str:
    """Write a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _is_inside(value: Any, above: float | None, below: float | None) -> bool:
    return (above is None or value > above) and (below is None or value < below)


def _plain(value: Any) -> Any:
    """Return what a scalar of numpy or torch holds; other values as they are."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def _range(least: int | None, most: int | None) -> str:
    if least is None:
        return "" if most is None else f" of at most {most}"
    return f" of at least {least}" if most is None else f" from {least} to {most}"


def _span(least: float | None, most: float | None, above: float | None, below: float | None) -> str:
    """Say in words which numbers are of a range."""
    if least is not None and most is not None:
        return f"a number from {least:g} to {most:g}"
    ends = {"above": above, "of at least": least, "below": below, "at most": most}
    match [f"{word} {end:g}" for word, end in ends.items() if end is not None]:
        case []:
            return "a finite number"
        case [one]:
            return f"a finite number {'of ' * (most is not None)}{one}"
        case both:
            return f"a number {' and '.join(both)}"


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _error(name: str, value: object, expected: str) -> OptionError:
    return OptionError(f"{name} is {shown(value)}; expected {_ended(expected)}")
