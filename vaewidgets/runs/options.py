"""Checks of the arguments of `train`, `attach` and `load_run`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from vaewidgets.adapters import try_training_pass
from vaewidgets.checks import instance, number, random_seed, text, whole
from vaewidgets.data import ImageDataset
from vaewidgets.errors import DataError, OptionError, did_you_mean
from vaewidgets.objectives import traits
from vaewidgets.objectives.base import class_name


def check_epochs(epochs: object) -> int | None:
    """Return a number of epochs, or None for no end."""
    return None if epochs is None else whole("epochs", epochs, 1, also=", or None for no end")


def check_name(name: object) -> None:
    """OptionError unless it is a text, or None for the default."""
    if name is not None:
        text("name", name)


def check_lr(lr: object) -> float:
    return number("lr", lr, above=0, also=", such as 1e-3")


def check_speed(speed: object) -> float | None:
    """Return a speed in epochs a second, or None for full speed."""
    also = " (epochs a second), or None for full speed"
    return None if speed is None else number("speed", speed, above=0, also=also)


def refuse_unknown(
    function: Callable[..., Any], given: Iterable[str], *, handed_on: Iterable[str] = ()
) -> None:
    """OptionError for a keyword that a function does not know, with the nearest one that it does.

    `handed_on` are the keywords that it hands on to another.
    """
    parameters = inspect.signature(function).parameters.values()
    unnamed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_KEYWORD)
    known = [*(p.name for p in parameters if p.kind not in unnamed), *handed_on]
    unknown = [name for name in given if name not in known]
    if not unknown:
        return
    name = unknown[0]
    hint = did_you_mean(name, known, 0.5) or f" It takes: {', '.join(known)}."
    raise OptionError(f"{function.__name__} has no option {name!r}.{hint}")


def check_data(data: object) -> None:
    """OptionError unless it is an `ImageDataset`."""
    fix = "Make one: vw.ImageDataset(images, labels), or vw.load_dataset('mnist')"
    instance("data", data, ImageDataset, f"an ImageDataset. {fix}")


def check_counts(
    data: ImageDataset, batch_size: object, seed: object, eval_every: object
) -> tuple[int, int, int]:
    """Return the batch size, the seed and the epochs between two evaluations."""
    counts = whole("batch_size", batch_size, 1), random_seed(seed), whole("eval_every", eval_every, 0)
    n = len(data.train)
    if counts[0] > n:
        raise OptionError(
            f"batch_size is {batch_size}, but {data.name!r} has {n} training images; expected at most {n}."
        )
    return counts


# function on the decoder's mean -> what it can reach
_REACH = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


def check_output(model: Any, data: ImageDataset) -> None:
    """DataError where the images lie beyond what the decoder's last function can reach."""
    output = traits(model).output
    if not isinstance(output, str) or output not in _REACH:
        return
    (low, high), (lo, hi) = _REACH[output], data.value_range
    if low <= lo and hi <= high:
        return
    if hasattr(model, "convention"):  # not built here: what it ends in was seen
        fix = "Change what its decode ends in"
        meant = '; or, if it is meant so, say output="mean"'
    else:
        fits = 'output="tanh"' if (low, high) == (0.0, 1.0) and lo >= -1 and hi <= 1 else 'output="identity"'
        fix, meant = f"Build it with {fits}", ""
    # numbers that are no pixels have the range that they have
    load = f", or load the data with value_range=({low:g}, {high:g})" if data.holds_images else ""
    raise DataError(
        f"{class_name(model)} ends in a {output}, which reaches {low:g} to {high:g}; {data.name!r} "
        f"has value_range=({lo:g}, {hi:g}). {fix}{load}{meant}."
    )


def check_last_batch(model: Any, data: ImageDataset, batch_size: int, *, drop_last: bool) -> None:
    """OptionError where an epoch ends in a batch of one image that the model cannot be trained on.

    BatchNorm has no variance of one image. The model is tried, on a copy, only where there is such a batch.
    """
    n = len(data.train)
    if batch_size > 1 and (drop_last or n % batch_size != 1):
        return
    labels = data.train.labels
    fault = try_training_pass(
        model,
        data.train.images([0]),
        labels[:1] if labels is not None and traits(model).takes_labels else None,
    )
    if fault is None:
        return
    if batch_size == 1:
        what, fix = "batch_size is 1", "Use batch_size=2 or more."
    else:
        what = (
            f"{data.name!r} has {n} training images, so that with batch_size={batch_size} the last batch of "
        )
        what += "an epoch has one"
        fix = "Pass drop_last=True, or another batch_size."
    raise OptionError(
        f"{what}, and {class_name(model)} cannot be trained on one image: {type(fault).__name__}: {fault}. "
        f"{fix}"
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
    if least < 0:  # -1 stands for no class
        raise DataError(
            f"{data.name!r} has labels from {least}, but {name} takes classes counted from 0. Number them: "
            "class_names, labels = numpy.unique(labels, return_inverse=True)."
        )
    if isinstance(known, int) and largest >= known:
        raise DataError(
            f"{data.name!r} has labels up to {largest}, but this {name} has {known} classes; expected at "
            f"least {largest + 1}. Build it with n_classes={largest + 1}."
        )
