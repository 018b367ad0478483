"""Classes are the label values that occur, whatever they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vaewidgets import ImageDataset, load_dataset
from vaewidgets.data import classes as module
from vaewidgets.data.classes import OTHER, find_classes
from vaewidgets.errors import DataError

IMAGES = np.random.default_rng(0).random((12, 1, 4, 4)).astype("f4")


def labelled(values: list[int], **options: object) -> ImageDataset:
    return ImageDataset(IMAGES, np.resize(np.array(values), 12), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [[3, 8], [7, 100_000], [1990, 2023], [-5, 0, 2], [2**62 + 1, 2**62 + 2, -(2**63), 2**63 - 1]],
)
def test_classes_are_the_values_that_occur(values: list[int]) -> None:
    data = labelled(values)
    assert data.classes is not None
    assert data.classes.values.tolist() == sorted(values)
    assert data.classes.names == tuple(map(str, sorted(values)))
    assert f", {len(values)} classes)" in repr(data)
    index = data.classes.index(data.train.labels)
    assert data.classes.values[index].tolist() == data.train.labels.tolist()
    assert data.classes.index([123]).tolist() == [-1]
    assert data.classes.name(123) == "123"


def test_all_splits_count() -> None:
    data = ImageDataset(IMAGES, np.full(12, 4), test=(IMAGES, np.full(12, 9)))
    assert data.classes is not None
    assert data.classes.values.tolist() == [4, 9]
    alone = ImageDataset(IMAGES[:3], [0, 0, 1], test_fraction=0)
    assert "2 classes" in repr(alone)
    assert "1 class)" in repr(labelled([1]))
    assert ImageDataset(IMAGES).classes is None


def test_names_are_those_of_the_labels() -> None:
    data = labelled([3, 8], class_names=[f"digit {i}" for i in range(10)])
    assert data.classes is not None
    assert data.classes.names == ("digit 3", "digit 8")
    assert data.classes.name(8) == "digit 8"
    negative = labelled([-1, 0], class_names=["cat"]).classes
    assert negative is not None
    assert negative.names == ("-1", "cat")
    digits = load_dataset("digits")
    assert digits.classes is not None
    assert digits.classes.names == tuple("0123456789")
    assert digits.classes.index([0, 9, 4]).tolist() == [0, 9, 4]


def test_a_subset_counts_anew() -> None:
    data = ImageDataset(IMAGES, np.arange(12) * 10, test_fraction=0)
    assert data.classes is not None
    few = data.subset(3)
    assert few.classes is not None
    assert (len(data.classes), len(few.classes)) == (12, 3)


def test_labels_of_booleans_and_of_unsigned_numbers() -> None:
    yes = ImageDataset(IMAGES, torch.arange(12) % 2 == 0)
    assert yes.classes is not None
    assert yes.classes.values.tolist() == [0, 1]
    with pytest.raises(DataError, match="below 2\\*\\*63"):
        ImageDataset(IMAGES, np.full(12, 2**64 - 1, np.uint64))


def test_beyond_a_number_of_classes_the_rarer_ones_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CLASSES", 3)
    labels = np.array([5, 5, 5, 7, 7, 1, 1, 9, 11])
    found = find_classes([labels], None)
    assert found.values.tolist() == [1, 5, 7]
    assert found.names == ("1", "5", "7", OTHER)
    assert found.index([9, 5, 11]).tolist() == [3, 1, 3]
    assert found.name(9) == OTHER
