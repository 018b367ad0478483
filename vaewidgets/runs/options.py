"""Checks of what a person passes in: each says what, got, wanted."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from numbers import Real
from typing import Any

from vaewidgets.data import ImageDataset
from vaewidgets.errors import DataError, OptionError, did_you_mean
from vaewidgets.objectives import traits

__all__ = [
    "check_counts",
    "check_data",
    "check_epochs",
    "check_labels",
    "check_lr",
    "check_output",
    "check_seconds",
    "check_speed",
    "check_steps",
    "refuse_unknown",
]


def check_epochs(epochs: object) -> int | None:
    """Return a number of epochs; OptionError if it is not one."""
    if epochs is None:
        return None
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise OptionError(f"epochs is {epochs!r}; expected a whole number of at least 1, or None for no end.")
    return epochs


def check_lr(lr: object) -> float:
    """Return a learning rate; OptionError if it is not one."""
    if isinstance(lr, bool) or not isinstance(lr, Real) or not math.isfinite(lr) or lr <= 0:
        raise OptionError(f"lr is {lr!r}; expected a finite number above 0, such as 1e-3.")
    return float(lr)


def check_speed(speed: object) -> float | None:
    """Return a speed; OptionError if it is not one."""
    if speed is None:
        return None
    if isinstance(speed, bool) or not isinstance(speed, Real) or not math.isfinite(speed) or speed <= 0:
        raise OptionError(f"speed is {speed!r}; expected epochs a second, above 0, or None for full speed.")
    return float(speed)


def check_steps(n: object) -> int:
    """Return a number of steps; OptionError if it is not one."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise OptionError(f"advance got n={n!r}; expected a whole number of steps, at least 1.")
    return n


def refuse_unknown(function: Callable[..., Any], unknown: dict[str, Any]) -> None:
    """OptionError for keywords that a function does not know, with the nearest one that it does."""
    if not unknown:
        return
    known = [name for name in inspect.signature(function).parameters if name != "unknown"]
    name = next(iter(unknown))
    hint = did_you_mean(name, known, 0.5) or f" It takes: {', '.join(known)}."
    raise OptionError(f"{function.__name__} has no option {name!r}.{hint}")


def check_data(data: object) -> None:
    """OptionError unless it is an `ImageDataset`."""
    if not isinstance(data, ImageDataset):
        raise OptionError(
            f"data is of type {type(data).__name__}; expected an ImageDataset. Make one: "
            "vw.ImageDataset(images, labels), or vw.load_dataset('mnist')."
        )


def check_counts(data: ImageDataset, batch_size: object, seed: object, eval_every: object) -> None:
    """OptionError unless these are whole numbers in their range."""
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("seed", seed, 0),
        ("eval_every", eval_every, 0),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise OptionError(f"{name} is {value!r}; expected a whole number of at least {least}.")
    n = len(data.train)
    if batch_size > n:  # type: ignore[operator]
        raise OptionError(
            f"batch_size is {batch_size}, but {data.name!r} has {n} training images; expected at most {n}."
        )


def check_seconds(seconds: object) -> float:
    """Return the seconds between two autosaves; OptionError if they are none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise OptionError(f"autosave_seconds is {seconds!r}; expected a number of seconds above 0.")
    return float(seconds)


# function on the decoder's mean -> what it can reach
_REACH = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


def check_output(model: Any, data: ImageDataset) -> None:
    """DataError where the images lie beyond what the decoder's last function can reach."""
    output = traits(model).output
    if not isinstance(output, str) or output not in _REACH:
        return
    (low, high), (lo, hi) = _REACH[output], data.value_range
    if lo < low or hi > high:
        fits = 'output="tanh"' if (low, high) == (0.0, 1.0) and lo >= -1 and hi <= 1 else 'output="identity"'
        raise DataError(
            f"{type(model).__name__} ends in a {output}, which reaches {low:g} to {high:g}; {data.name!r} "
            f"has value_range=({lo:g}, {hi:g}). Build it with {fits}, or load the data with "
            f"value_range=({low:g}, {high:g})."
        )


def check_labels(model: Any, data: ImageDataset) -> None:
    """DataError where a model takes classes and the data have none, or more than it knows."""
    if not traits(model).takes_labels:
        return
    name, labels = type(model).__name__, data.train.labels
    if labels is None:
        raise DataError(
            f"{name} takes labels, but {data.name!r} has none. Give them, vw.ImageDataset(images, labels), "
            "or train a model that does without."
        )
    known, least, largest = getattr(model, "n_classes", None), int(labels.min()), int(labels.max())
    if least < 0:  # -1 is how such a model is told no class
        raise DataError(
            f"{data.name!r} has labels from {least}, but {name} takes classes counted from 0. Number them: "
            "class_names, labels = numpy.unique(labels, return_inverse=True)."
        )
    if isinstance(known, int) and largest >= known:
        raise DataError(
            f"{data.name!r} has labels up to {largest}, but this {name} has {known} classes; expected at "
            f"least {largest + 1}. Build it with n_classes={largest + 1}."
        )
