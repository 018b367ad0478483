"""Drawn shapes: their factors tell them, and the drawing is what geometry says."""

import itertools
import math

import numpy as np
import pytest
import torch

from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.data.shapes import FACTOR_COUNTS, FACTOR_NAMES, draw_shapes
from vaewidgets.errors import DataError, OptionError


def test_a_set_by_name():
    data = load_dataset("shapes", n_train=300, n_test=50)
    assert repr(data) == "ImageDataset('shapes', 300 train + 50 test images, 1 x 32 x 32, 3 classes)"
    assert data.factor_names == FACTOR_NAMES
    assert data.factor_counts == FACTOR_COUNTS
    assert data.factors is data.train.factors
    assert data.factors.dtype == torch.int64
    assert data.factors.shape == (300, 5)
    assert data.test.factors.shape == (50, 5)
    assert torch.equal(data.train.labels, data.factors[:, 0]), "the shape is the class"
    assert data.class_names == ("ellipse", "square", "heart")
    drawn = draw_shapes(data.factors.numpy())
    assert np.array_equal(data.train.images_u8(slice(None))[:, 0].numpy(), drawn)


def test_seeded_and_the_same_choice_at_every_size():
    first = load_dataset("shapes", n_train=40, n_test=10, seed=3)
    again = load_dataset("shapes", n_train=40, n_test=10, seed=3, size=(20, 26), value_range=(-1, 1))
    other = load_dataset("shapes", n_train=40, n_test=10, seed=4)
    assert torch.equal(first.factors, again.factors)
    assert again.image_shape == (1, 20, 26)
    assert float(again.train.images([0]).min()) == -1.0
    assert not torch.equal(first.factors, other.factors)
    assert first.name != other.name, "a run file must not take one for the other"


def test_no_combination_is_drawn_twice_and_factors_are_independent():
    data = load_dataset("shapes", size=8)
    assert (len(data.train), len(data.test)) == (10_000, 2_000)
    rows = torch.cat([data.factors, data.test.factors])
    assert len(torch.unique(rows, dim=0)) == len(rows)
    for i, count in enumerate(FACTOR_COUNTS):
        share = np.bincount(rows[:, i], minlength=count) / len(rows)
        assert np.abs(share - 1 / count).max() < 5 * math.sqrt(1 / count / len(rows))
    correlation = np.corrcoef(rows.numpy().T) - np.eye(5)
    assert np.abs(correlation).max() < 0.04


def test_an_image_tells_its_factors():
    # all at one place, and all places of one shape
    still = itertools.product(range(3), range(6), range(8), [7], [9])
    moved = itertools.product([2], [1], [3], range(16), range(16))
    for rows in (still, moved):
        images = draw_shapes(np.array(list(rows)))
        assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


@pytest.mark.parametrize("size", [(32, 32), (24, 40), (64, 64)])
def test_areas_are_those_of_the_geometry(size):
    unit = min(size) / 2
    for scale, half in ((0, 0.22), (5, 0.42)):
        side = half * unit
        wanted = {
            0: math.pi * (1.2 * side) * (1.2 * 0.55 * side),
            1: (2 * side) ** 2,
            2: (1.24 * side) ** 2 + math.pi * (0.62 * side) ** 2,  # a square and two half discs
        }
        for kind, area in wanted.items():
            rows = np.array([[kind, scale, rotation, 7, 8] for rotation in range(8)])
            covered = draw_shapes(rows, size).sum(axis=(1, 2)) / 255.0
            np.testing.assert_allclose(covered, area, rtol=0.04)


def test_x_goes_right_y_goes_down_and_all_lies_within():
    def centre(x, y):
        image = draw_shapes(np.array([[1, 2, 0, x, y]]))[0].astype(float)
        total = image.sum()
        return (image.sum(0) @ np.arange(32) / total, image.sum(1) @ np.arange(32) / total)

    step = 2 * (1 - 0.42 * math.sqrt(2)) / 15 * 16
    assert centre(0, 7)[0] == pytest.approx(15.5 - 7.5 * step, abs=0.05)
    assert centre(15, 7)[0] == pytest.approx(15.5 + 7.5 * step, abs=0.05)
    assert centre(7, 15)[1] == pytest.approx(15.5 + 7.5 * step, abs=0.05)
    corners = np.array([[k, 5, 4, x, y] for k in range(3) for x in (0, 15) for y in (0, 15)])
    images = draw_shapes(corners, (64, 64))
    inner = draw_shapes(np.array([[k, 5, 4, 7, 7] for k in range(3) for _ in range(4)]), (64, 64))
    np.testing.assert_allclose(images.sum((1, 2)), inner.sum((1, 2)), rtol=0.02)


def test_subsets_keep_their_factors():
    data = load_dataset("shapes", n_train=60, n_test=20, size=12)
    part = data.subset(7, seed=1)
    assert np.array_equal(
        draw_shapes(part.factors.numpy(), (12, 12)), part.train.images_u8(slice(None))[:, 0].numpy()
    )
    assert part.factor_names == FACTOR_NAMES
    assert torch.equal(part.test.factors, data.test.factors)


def test_own_factors():
    images = np.zeros((6, 4, 4), np.uint8)
    data = ImageDataset(images, test_fraction=0)
    assert data.factors is None
    assert data.factor_names is None
    table = np.arange(12).reshape(6, 2) % 3
    own = data.with_factors(("hue", "size"), (3, 3), table)
    assert own.factors.tolist() == table.tolist()
    assert data.factors is None, "the set itself stays as it is"
    with pytest.raises(
        DataError, match=r"train factors have shape \(6, 2\).*expected whole numbers, \(6, 3\)"
    ):
        data.with_factors(("a", "b", "c"), (3, 3, 3), table)
    with pytest.raises(DataError, match=r"outside 0 to below their counts, \(3, 2\)"):
        data.with_factors(("a", "b"), (3, 2), table)
    with pytest.raises(DataError, match="1 factor names and 2 counts"):
        data.with_factors(("a",), (3, 3), table)
    with pytest.raises(DataError, match=r"are test factors and no test images"):
        data.with_factors(("a", "b"), (3, 3), table, table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_train": 36_000, "n_test": 1_000}, r"n_train \+ n_test is 37,000.*36,864 combinations"),
        ({"n_train": 0}, "n_train is 0; expected a whole number of at least 1"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(OptionError, match=message):
        load_dataset("shapes", **options)


def test_bad_factors():
    with pytest.raises(OptionError, match="factor 'scale' runs from 6 to 6; expected 0 to 5"):
        draw_shapes(np.array([[0, 6, 0, 0, 0]]))
    with pytest.raises(OptionError, match=r"shape \(1, 4\).*expected whole numbers, \(N, 5\)"):
        draw_shapes(np.zeros((1, 4), int))
    with pytest.raises(OptionError, match=r"unknown data set 'shape'.*Did you mean 'shapes'"):
        load_dataset("shape")
