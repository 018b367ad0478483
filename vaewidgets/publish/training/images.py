"""A data set as it travels to a page that trains."""

from __future__ import annotations

import zlib

import numpy as np
import torch
from torch import Tensor

from vaewidgets.contract.packing import pack, pack_integers, pack_quantised
from vaewidgets.contract.sections import Packed
from vaewidgets.contract.training import TrainingData, TrainingSplit
from vaewidgets.data import ImageDataset
from vaewidgets.data.sample import spread_index
from vaewidgets.data.split import Split
from vaewidgets.errors import OptionError
from vaewidgets.publish.training.enlarged import shrunk

MOST_BYTES = 12_000_000  # of all images as they stand in a page: compressed, in base64
_TESTED = 5  # of so many training images one test image, at least `_LEAST_TESTED`
_LEAST_TESTED = 500
_CHUNK = 4096
_EXACT = 2**24  # whole numbers up to this one are float32


def training_data(
    data: ImageDataset, n_classes: int, n_images: int | None, n_test: int | None
) -> TrainingData:
    """Images and labels of a set, or of a part of it.

    Parameters
    ----------
    data : ImageDataset
    n_classes : int
        Of the model, where it is told classes.
    n_images, n_test : int, optional
        Take so many, spread over the split; by default all training images, and a fifth as many for tests.

    Raises
    ------
    OptionError
        If they would take more than `MOST_BYTES` in the page.
    """
    chosen = _chosen(len(data.train), n_images)
    train = _part(data.train, chosen)
    most_test = max(_LEAST_TESTED, len(train) // _TESTED) if n_test is None else n_test
    tested = None if data.test is None or n_test == 0 else _chosen(len(data.test), most_test)
    test = None if data.test is None or tested is None else _part(data.test, tested)
    n_tested = 0 if data.test is None else len(data.test)
    whole = [len(train), 0 if test is None else len(test)] == [len(data.train), n_tested]
    sent: TrainingData = {
        "name": data.name,
        "image_shape": list(data.image_shape),
        "value_range": list(data.value_range),
        "class_names": None if data.class_names is None else list(data.class_names),
        "n_classes": n_classes,
        "train": _sent(train),
        "test": None if test is None else _sent(test),
        "whole": whole,
        "places": None if whole else _places((tested, n_tested), (chosen, len(data.train))),
    }
    _check_size(sent, len(data.train))
    return sent


def _chosen(n: int, count: int | None) -> Tensor:
    """Which of n images travel."""
    if count is None or count >= n:
        return torch.arange(n)
    return torch.linspace(0, n - 1, count).round().to(torch.int64)


def _part(split: Split, index: Tensor) -> Split:
    return split if len(index) == len(split) else split.take(index)


def _places(*splits: tuple[Tensor | None, int]) -> Packed:
    """Where images of the page's sample stand in that of the run.

    Of each split those that travel, and its size.
    """
    places, begin = [], 0
    for chosen, n in splits:
        if chosen is not None:
            order = torch.empty(n, dtype=torch.int64)
            order[spread_index(n, n)] = torch.arange(n)
            places.append(begin + order[chosen[spread_index(len(chosen), len(chosen))]])
        begin += n
    return pack_integers(torch.cat(places).numpy())


def _sent(split: Split) -> TrainingSplit:
    parts = torch.arange(len(split)).split(_CHUNK)
    pixels = np.concatenate([split.read(part).numpy() for part in parts])
    small = shrunk(pixels) if pixels.dtype == np.uint8 else None
    return {
        "images": _packed(pixels) if small is None else pack(small[0]),
        "rest": None if small is None else pack(small[1]),
        "labels": None if split.labels is None else pack_integers(split.labels.numpy()),
    }


def _packed(pixels: np.ndarray) -> Packed:
    """Bytes as they are; whole numbers, such as counts, exactly; other floats in 16 bits each."""
    if pixels.dtype == np.uint8:
        return pack(pixels)
    is_whole = bool((np.abs(pixels) <= _EXACT).all() and (pixels == np.trunc(pixels)).all())
    return pack(pixels, "f32") if is_whole else pack_quantised(pixels)


def _check_size(sent: TrainingData, available: int) -> None:
    splits = [split for split in (sent["train"], sent["test"]) if split is not None]
    if sum(len(split["images"]["data"]) for split in splits) * 4 // 3 <= MOST_BYTES:
        return
    parts = [part for split in splits for part in (split["images"], split["rest"]) if part is not None]
    taken = sum(len(zlib.compress(part["data"], 6)) for part in parts) * 4 // 3
    if taken > MOST_BYTES:
        n = sent["train"]["images"]["shape"][0]
        fewer = max(2, int(n * MOST_BYTES / taken * 0.8))
        raise OptionError(
            f"the {n:,} images of {sent['name']!r} would take {taken / 1e6:.0f} MB of the page; expected at "
            f"most {MOST_BYTES / 1e6:.0f} MB. Let it train on a part of the {available:,}: "
            f"train=dict(n_images={fewer})."
        )
