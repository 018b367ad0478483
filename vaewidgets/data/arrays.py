"""`ArrayDataset`: vectors, series, spectra, counts and tables."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from vaewidgets.checks import flag, number, random_seed, sequence
from vaewidgets.data.convert import as_labels, as_value_range, exact
from vaewidgets.data.dataset import ImageDataset, draw_test
from vaewidgets.data.items import array_items
from vaewidgets.data.set_items import DatasetSource
from vaewidgets.data.sources import opened_set
from vaewidgets.errors import DataError, ShapeError

_Part = tuple[Tensor, Tensor | None]  # items, and their labels


@final
class ArrayDataset(ImageDataset):
    """Vectors, series, spectra, counts or rows of a table, drawn as bars, lines or a heat map.

    In all else an `ImageDataset`: an item of shape (d,) is kept as an image (1, 1, d), one of shape (t, f) as
    (1, t, f), so that ``vw.MLPVAE(data.image_shape)`` and every diagnostic take it. A model of one's own is
    fed the items in the shape in which they were given.

    Parameters
    ----------
    x : array, tensor, DataFrame, torch Dataset or DataLoader
        Numbers, (N, d) or (N, t, f), or with a channel axis of one, (N, 1, t); kept as float32. A data set
        may hold (item, label) pairs.
    labels : array of int, shape (N,), optional
        The class of each item; by default those of the data set.
    draw : {"bars", "line", "heatmap"}, optional
        By default bars for vectors of at most 64 numbers, or with feature names; lines for longer ones and
        for series of at most 8 features; else a heat map. `repr` says which.
    channels : {"first", "last"}, optional
        Which axis of a series counts the lines: "last" for (N, t, f), "first" for (N, f, t), as Conv1d takes
        them. To be said where there are more features than steps.
    test : x or (x, labels), optional
        A test set. It takes the place of `test_fraction`.
    test_fraction : float
        Part of the items that is set aside for testing, 0 for none, drawn with `seed`.
    value_range : tuple of float, optional
        The fixed axis of every picture, and what values must lie in. By default from the least to the
        greatest value.
    standardize : bool
        Subtract each feature's mean over the training items and divide by its standard deviation (a constant
        feature becomes 0): for tables whose columns have different units. See `mean` and `std`.
    feature_names : sequence of str, optional
        Of the last axis, or of the lines of a series; by default the columns of a DataFrame.
    class_names : sequence of str, optional
        Names of the labels 0, 1, and so on.
    name : str
        What widgets and messages call the set.
    seed : int
        For the test split.

    Attributes
    ----------
    feature_names : tuple of str, or None
    mean, std : Tensor, float32, of an item's shape, or None
        What `standardize` used: ``item * data.std + data.mean`` is in the units of `x`.

    Raises
    ------
    DataError
        No item, NaN or infinite values, values outside `value_range`, no numbers, labels that do not fit.
    ShapeError
        Items of one number of axes too few or too many, or whose lines do not show.
    OptionError
        An option out of its range.
    """

    mean: Tensor | None = None
    std: Tensor | None = None

    def __init__(
        self,
        x: Any,
        labels: Any = None,
        *,
        draw: str | None = None,
        channels: str | None = None,
        test: Any = None,
        test_fraction: float = 1 / 6,
        value_range: tuple[float, float] | None = None,
        standardize: bool = False,
        feature_names: Any = None,
        class_names: Any = None,
        name: str = "items",
        seed: int = 0,
    ) -> None:
        test_fraction = number("test_fraction", test_fraction, 0, below=1)
        rows, own_labels, columns = _read_rows(x, "x")
        names = columns if feature_names is None else _as_names(feature_names)
        items = array_items(tuple(rows.shape[1:]), draw, channels, names)
        known = _known_labels(labels, own_labels, len(rows), "labels")
        train, held_out = (rows, known), _read_test(test, rows)
        if held_out is None:
            train_index, test_index = draw_test(len(rows), test_fraction, random_seed(seed))
            train = _taken(rows, known, train_index)
            held_out = None if test_index is None else _taken(rows, known, test_index)
        splits = [train] if held_out is None else [train, held_out]
        if flag("standardize", standardize):
            mean, std = train[0].mean(0), train[0].std(0, correction=0)
            varies = train[0].amax(0) > train[0].amin(0)
            self.mean, self.std = mean, torch.where(varies, std, torch.ones(()))
            splits = [((part - self.mean) / self.std, y) for part, y in splits]
        images = [(part.reshape(-1, *items.image_shape), y) for part, y in splits]
        super().__init__(
            *images[0],
            test=images[1] if len(images) > 1 else None,
            test_fraction=0,
            channels="first",
            value_range=_value_range(value_range, [part for part, _ in splits]),
            class_names=class_names,
            name=name,
        )
        self.items = items
        self.test_is_given = test is not None

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Names of the features, as given or from the columns of a DataFrame."""
        return None if self.items is None else self.items.names


def _as_names(names: Any) -> tuple[str, ...]:
    return tuple(map(str, sequence("feature_names", names, "names, one a feature")))


def _known_labels(given: Any, own: Tensor | None, n: int, what: str) -> Tensor | None:
    return own if given is None else as_labels(given, n, what, "item")


def _read_test(test: Any, train: Tensor) -> _Part | None:
    """The test items given, checked, and their labels."""
    if test is None:
        return None
    x, labels = test if isinstance(test, tuple) and len(test) == 2 else (test, None)
    rows, own_labels, _ = _read_rows(x, "test")
    if rows.shape[1:] != train.shape[1:]:
        raise ShapeError(
            f"the test items have shape {tuple(rows.shape[1:])}, the training items "
            f"{tuple(train.shape[1:])}; expected the same."
        )
    return rows, _known_labels(labels, own_labels, len(rows), "test labels")


def _taken(rows: Tensor, labels: Tensor | None, index: Tensor) -> _Part:
    return rows[index], None if labels is None else labels[index]


def _read_rows(x: Any, what: str) -> tuple[Tensor, Tensor | None, tuple[str, ...] | None]:
    """Items as a float32 tensor of their own, and the labels and feature names that came with them."""
    x = opened_set(x)
    labels: Tensor | None = None
    names: tuple[str, ...] | None = None
    if hasattr(x, "columns") and hasattr(x, "to_numpy"):
        names = tuple(map(str, x.columns))
        x = x.to_numpy()
    elif not hasattr(x, "dtype") and hasattr(x, "__getitem__") and not isinstance(x, list | tuple):
        items, found = zip(*DatasetSource(x).items(), strict=True) if len(x) else ((), ())
        _check_shapes(items, what)
        x = np.stack([np.asarray(item) for item in items]) if items else np.empty((0, 1))
        known = [one for one in found if one is not None]
        labels = as_labels(known, len(x), noun="item") if len(known) == len(x) else None
    return _as_rows(x, what), labels, names


def _check_shapes(items: tuple[Any, ...], what: str) -> None:
    for i, item in enumerate(items):
        if item.shape != items[0].shape:
            raise ShapeError(
                f"item {i} of {what} has shape {tuple(item.shape)}, the first one {tuple(items[0].shape)}; "
                "expected one shape. Cut or pad series to one length."
            )


def _as_rows(x: Any, what: str) -> Tensor:
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        x = x if x.is_complex() else x.float()  # numpy has no bfloat16
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ShapeError(
            f"{what} is a list of items of different shapes; expected one. Cut or pad series to one length."
        ) from error
    if array.dtype.kind not in "biuf":
        fix = {
            "c": f"Stack the two parts: np.stack([{what}.real, {what}.imag], -1).",
            "O": "Columns of text become numbers by pandas.get_dummies(frame, dtype=float).",
        }.get(array.dtype.kind, "Turn them into numbers first.")
        raise DataError(f"{what} holds values of type {array.dtype}; expected real numbers. {fix}")
    if array.ndim < 2:
        raise ShapeError(
            f"{what} has shape {array.shape}; expected (N, d) or (N, t, f), items along the first "
            f"axis. One number an item: {what}.reshape(-1, 1)."
        )
    if 0 in array.shape:
        raise DataError(
            f"{what} has shape {array.shape}: it is empty. Expected at least one item with a number."
        )
    with np.errstate(over="ignore"):
        rows = torch.tensor(array.astype(np.float32))
    bad = ~torch.isfinite(rows)
    if bool(bad.any()):
        first = tuple(bad.nonzero()[0].tolist())
        raise DataError(
            f"{what} holds {int(bad.sum())} values that are NaN or infinite (or beyond float32), the first "
            f"at {first}. Drop those items, or fill them in (numpy.nan_to_num)."
        )
    return rows


def _value_range(given: Any, parts: list[Tensor]) -> tuple[float, float]:
    """The range given, checked against the values, or theirs; of constants, half a unit to both sides."""
    low, high = min(float(part.min()) for part in parts), max(float(part.max()) for part in parts)
    if given is None:
        return (low, high) if low < high else (low - 0.5, high + 0.5)
    lo, hi = as_value_range(given)
    if low < lo or high > hi:
        raise DataError(
            f"items run from {low:.6g} to {high:.6g}, outside value_range=({lo:g}, {hi:g}). Leave that "
            f"out, or pass value_range=({exact(low)}, {exact(high)})."
        )
    return lo, hi
