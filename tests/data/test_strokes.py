"""Drawn digits: seeded, balanced, within range, and an image shows the factors that it was drawn from."""

import numpy as np
import pytest
import torch

from vaewidgets.data import load_dataset
from vaewidgets.data.strokes import STROKE_FACTOR_COUNTS, STROKE_FACTOR_NAMES, draw_strokes
from vaewidgets.data.strokes.curves import curve_matrix
from vaewidgets.data.strokes.pen import ink
from vaewidgets.data.strokes.styles import STYLES, styles_of
from vaewidgets.errors import OptionError


@pytest.fixture(scope="module")
def data():
    return load_dataset("strokes")


def pixels(split):
    return split.images_u8(slice(None))[:, 0].numpy()


def moments(images):
    """Mean place (index of a pixel) and covariance of the ink: x, y, xx, xy, yy, each (n,)."""
    share = images / images.sum(axis=(1, 2), keepdims=True)
    rows, columns = np.mgrid[: images.shape[1], : images.shape[2]]
    x, y = (share * columns).sum((1, 2)), (share * rows).sum((1, 2))
    dx, dy = columns - x[:, None, None], rows - y[:, None, None]
    return x, y, *((share * product).sum((1, 2)) for product in (dx * dx, dx * dy, dy * dy))


def test_a_set_by_name(data):
    assert repr(data) == "ImageDataset('strokes', 2000 train + 400 test images, 1 x 28 x 28, 10 classes)"
    assert (data.factor_names, data.factor_counts) == (STROKE_FACTOR_NAMES, STROKE_FACTOR_COUNTS)
    for split, n in ((data.train, 200), (data.test, 40)):
        assert torch.equal(split.labels, split.factors[:, 0])
        assert torch.bincount(split.labels).tolist() == [n] * 10
    images = pixels(data.train)
    assert (images.dtype, images.min(), images.max()) == (np.uint8, 0, 255)
    assert len(np.unique(np.concatenate([images, pixels(data.test)]), axis=0)) == 2400


def test_seeded_and_neither_split_depends_on_the_other(data):
    fewer = load_dataset("strokes", n_train=33)
    assert torch.equal(fewer.test.images_u8(slice(None)), data.test.images_u8(slice(None)))
    assert not torch.equal(data.train.factors[:400], data.test.factors)
    again = load_dataset("strokes", n_train=33, n_test=5, value_range=(-1, 1), size=(40, 30))
    assert torch.equal(again.factors, fewer.factors)
    assert again.image_shape == (1, 40, 30)
    assert float(again.train.images([0]).min()) == -1.0
    other = load_dataset("strokes", n_train=33, seed=1)
    assert other.name == "strokes (seed 1)", "a run file must not take one for the other"
    assert not torch.equal(other.factors, fewer.factors)
    with pytest.raises(OptionError, match="n_train is 0"):
        load_dataset("strokes", n_train=0)


def test_the_same_digits_on_every_machine(data):
    """Coarse figures, which rounding does not change; change them only when the digits are to change."""
    images = pixels(data.train) / 255
    assert images.mean() == pytest.approx(0.1268, abs=2e-4)
    thirds = images[:, :27, :27].reshape(-1, 3, 9, 3, 9).mean(axis=(0, 2, 4))
    np.testing.assert_allclose(
        thirds, [[0.0065, 0.1851, 0.0726], [0.0484, 0.4107, 0.1213], [0.0523, 0.2858, 0.0442]], atol=5e-4
    )
    assert data.factors.sum(dim=0).tolist() == [9000, 529, 24211, 24178, 24016, 24130]


def test_ink_and_place_are_those_of_mnist(data):
    # MNIST: mean of the pixels 0.1307; the ink's mean lies at pixel (14, 14), within a square of 20 x 20
    images = pixels(data.train)
    assert abs(images.mean() / 255 - 0.1307) < 0.006
    x, y, *_ = moments(images)
    assert np.abs([x.mean() - 14, y.mean() - 14]).max() < 0.05
    assert max(x.std(), y.std()) < 0.4
    high, wide = ((images.max(axis) > 127).sum(1) for axis in (2, 1))
    assert np.maximum(high, wide).max() <= 21


def test_an_image_shows_its_factors(data):
    images, factors = pixels(data.train), data.factors.numpy()
    _, _, xx, xy, yy = moments(images)
    inner = np.abs(np.diff(images / 255, axis=1)).sum((1, 2)) + np.abs(np.diff(images / 255, axis=2)).sum(
        (1, 2)
    )
    shown = {
        "slant": -xy / yy,
        "width": np.log((xx * yy - xy**2) / yy**2),  # whatever the slant
        "thickness": images.sum((1, 2)) / 255 / inner,  # area over outline
    }
    for name, values in shown.items():
        level = factors[:, STROKE_FACTOR_NAMES.index(name)]
        within = [
            np.corrcoef(values[rows], level[rows])[0, 1]
            for digit in range(10)
            if (name, digit) != ("width", 1)  # a straight line has none
            for rows in [factors[:, 0] == digit]
        ]
        assert np.mean(within) > 0.5, (name, within)


def test_one_factor_alone_does_what_it_says():
    row = np.array([[2, 0, 12, 12, 12, 12]])
    ends = {}
    for name, low, high in (("slant", 4, 20), ("width", 4, 20), ("thickness", 2, 22), ("turn", 2, 22)):
        two = np.repeat(row, 2, axis=0)
        two[:, STROKE_FACTOR_NAMES.index(name)] = low, high
        images = np.concatenate([draw_strokes(one[None], np.random.default_rng(5)) for one in two])
        _, _, xx, xy, yy = moments(images)
        ends[name] = {"lean": -xy / yy, "aspect": xx / yy, "ink": images.mean((1, 2))}
    assert ends["slant"]["lean"][1] - ends["slant"]["lean"][0] > 0.5, "to the right"
    assert ends["turn"]["lean"][1] - ends["turn"]["lean"][0] > 0.2, "clockwise"
    assert ends["width"]["aspect"][1] > 1.7 * ends["width"]["aspect"][0]
    assert ends["thickness"]["ink"][1] > 2 * ends["thickness"]["ink"][0]


def test_styles_are_whole():
    for digit in range(10):
        shares = [style.share for style in styles_of(digit)]
        assert sum(shares) == pytest.approx(1)
        assert len(shares) <= STROKE_FACTOR_COUNTS[1]
    for style in STYLES:
        assert style.shapes.ndim == 3, "all shapes of a style have as many points"
        assert style.strokes[-1][1] == style.shapes.shape[1] - 1
    assert {len(styles_of(digit)) for digit in (1, 2, 4, 7, 9)} <= {2, 3}


def test_a_curve_goes_through_its_points_and_keeps_lines_straight():
    points = np.array([[0.0, 0], [3, 1], [4, 5], [1, 7]])
    curve = curve_matrix(points, 4001) @ points
    for point in points:
        assert np.linalg.norm(curve - point, axis=1).min() < 2e-3
    line = np.outer(np.array([0, 1, 3, 4]), [2.0, 1.0])
    np.testing.assert_allclose(
        curve_matrix(line, 9) @ line, np.outer(np.linspace(0, 4, 9), [2.0, 1.0]), atol=1e-12
    )


@pytest.mark.parametrize("radius", [1.0, 1.8])
def test_the_pen_is_as_wide_as_it_is_said_to_be(radius):
    way = np.zeros((1, 40, 2), np.float32)
    way[0, :, 0], way[0, :, 1] = np.linspace(4, 24, 40), 14.5
    weights = np.full((1, 40), 20 / 39, np.float32)
    image = ink(way, weights, np.array([radius], np.float32), (28, 28), 1.0)[0] / 255
    assert image[:, 14].sum() == pytest.approx(2 * radius, rel=0.06)
    assert image[14, :2].max() == image[:6].max() == 0, "no ink far away"
    assert image[14, 14] == 1
