"""Vectors, series, spectra, counts and tables as a data set."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

import vaewidgets as vw
from vaewidgets.errors import DataError, OptionError, ShapeError
from vaewidgets.sweeps.data import read_data, write_data

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(60, 30))
SERIES = RNG.normal(size=(60, 100, 3))
COUNTS = RNG.poisson(3.0, (60, 90))


@pytest.mark.parametrize(
    ("x", "options", "image_shape", "drawn", "how"),
    [
        (VECTORS, {}, (1, 1, 30), (30,), "30, drawn as bars"),
        (COUNTS, {}, (1, 1, 90), (90,), "90, drawn as 1 line"),
        (COUNTS, {"draw": "bars"}, (1, 1, 90), (90,), "90, drawn as bars"),
        (SERIES, {}, (1, 100, 3), (100, 3), "100 x 3, drawn as 3 lines"),
        (SERIES, {"draw": "heatmap"}, (1, 100, 3), (100, 3), "100 x 3, drawn as a heat map"),
        (SERIES.repeat(4, axis=2), {}, (1, 100, 12), (100, 12), "100 x 12, drawn as a heat map"),
        (COUNTS[:, None], {}, (1, 1, 90), (90,), "1 x 90, drawn as 1 line"),
        (SERIES.swapaxes(1, 2), {"channels": "first"}, (1, 3, 100), (3, 100), "3 x 100, drawn as 3 lines"),
        (VECTORS, {"draw": "heatmap"}, (1, 1, 30), (30,), "30, drawn as a heat map"),
        (VECTORS[:, :1], {}, (1, 1, 1), (1,), "1, drawn as bars"),
    ],
)
def test_items_keep_their_order_and_say_how_they_are_drawn(x, options, image_shape, drawn, how):
    data = vw.ArrayDataset(x, test_fraction=0, **options)
    assert data.image_shape == image_shape
    assert data.items.shape == x.shape[1:]
    assert data.items.drawn_shape == drawn
    assert how in repr(data)
    kept = data.train.images(slice(None))
    assert torch.equal(kept.reshape(x.shape), torch.from_numpy(x).float())


def test_the_axis_is_that_of_the_values_and_nothing_is_cut_off():
    counts = vw.ArrayDataset(COUNTS)
    assert counts.value_range == (float(COUNTS.min()), float(COUNTS.max()))
    tiles = counts.train.images_u8(slice(None)).double() / 255 * COUNTS.max()
    exact = counts.train.images(slice(None)).double()
    assert float((tiles - exact).abs().max()) <= COUNTS.max() / 510 + 1e-6
    assert vw.ArrayDataset(np.full((4, 3), 7.0)).value_range == (6.5, 7.5)
    assert vw.ArrayDataset(VECTORS, value_range=(-9, 9)).value_range == (-9.0, 9.0)
    with pytest.raises(DataError, match=r"outside value_range=\(0, 1\)\. .* value_range=\(-[\d.]+, [\d.]+\)"):
        vw.ArrayDataset(VECTORS, value_range=(0, 1))


def test_standardized_columns_are_those_of_the_training_items():
    table = VECTORS * np.geomspace(1e-3, 1e3, 30) + np.arange(30)
    table[:, 4] = 2.5
    data = vw.ArrayDataset(table, standardize=True)
    train = data.train.images(slice(None)).reshape(-1, 30)
    assert torch.allclose(train.mean(0), torch.zeros(30), atol=1e-4)
    wanted = torch.ones(30)
    wanted[4] = 0
    assert torch.allclose(train.std(0, correction=0), wanted, atol=1e-4)
    back = train * data.std + data.mean
    scale = torch.from_numpy(table.std(0)).float().clamp_min(1e-3)
    apart = ((back[:, None] - torch.from_numpy(table).float()) / scale).abs().amax(2)
    assert float(apart.amin(1).max()) < 1e-3, "each is one of the rows given"
    assert vw.ArrayDataset(table).mean is None


def test_labels_names_and_a_test_set():
    labels = np.arange(60) % 3
    data = vw.ArrayDataset(VECTORS, labels, class_names=["a", "b", "c"], name="spectra", seed=4)
    assert (len(data.train), len(data.test), data.class_names) == (50, 10, ("a", "b", "c"))
    assert not data.test_is_given
    rows = {tuple(row): label for row, label in zip(VECTORS.astype(np.float32).tolist(), labels, strict=True)}
    for split in (data.train, data.test):
        for row, label in zip(
            split.images(slice(None)).flatten(1).tolist(), split.labels.tolist(), strict=True
        ):
            assert rows[tuple(row)] == label
    given = vw.ArrayDataset(VECTORS[:40], labels[:40], test=(VECTORS[40:], labels[40:]))
    assert given.test_is_given
    assert given.test.labels.tolist() == labels[40:].tolist()
    assert given.subset(7).items is given.items
    assert isinstance(given.subset(7), vw.ArrayDataset)
    with pytest.raises(ShapeError, match=r"test items have shape \(29,\), the training items \(30,\)"):
        vw.ArrayDataset(VECTORS, test=VECTORS[:, 1:])
    with pytest.raises(DataError, match="7 labels for 60 items; expected one label an item"):
        vw.ArrayDataset(VECTORS, labels[:7])


class Frame:
    """What a DataFrame of pandas or polars offers."""

    def __init__(self, columns):
        self.columns = list(columns)
        self._values = np.array(list(columns.values()), None if "name" not in columns else object).T

    def __len__(self):
        return len(self._values)

    def to_numpy(self):
        return self._values


class Pairs(Dataset):
    def __init__(self, n=20, odd=None):
        self.n, self.odd = n, odd

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError(i)
        return torch.full((6 if i == self.odd else 5, 2), float(i)), i % 4


def test_tables_and_data_sets_bring_names_and_labels():
    frame = Frame({"height": [1.0, 2.0, 3.0], "age": [4, 5, 6]})
    table = vw.ArrayDataset(frame, test_fraction=0)
    assert table.feature_names == ("height", "age")
    assert table.items.draw == "bars"
    pairs = vw.ArrayDataset(Pairs(), test_fraction=0)
    assert pairs.items.shape == (5, 2)
    assert pairs.train.labels.tolist() == [i % 4 for i in range(20)]
    tensors = TensorDataset(torch.from_numpy(VECTORS), torch.arange(60))
    for source in (tensors, DataLoader(tensors, 8, shuffle=True)):
        data = vw.ArrayDataset(source, test_fraction=0)
        assert data.train.labels.tolist() == list(range(60))
        assert torch.equal(data.train.images([3]).flatten(), torch.from_numpy(VECTORS[3]).float())
    lists = vw.ArrayDataset([[1, 2, 3], [4, 5, 6]], test_fraction=0, feature_names=["x", "y", "z"])
    assert lists.train.images([1]).flatten().tolist() == [4, 5, 6]


@pytest.mark.parametrize(
    ("x", "options", "error", "words"),
    [
        (np.zeros(9), {}, ShapeError, r"shape \(9,\); expected \(N, d\).*x\.reshape\(-1, 1\)"),
        (np.zeros((0, 9)), {}, DataError, "it is empty"),
        (np.zeros((9, 2, 3, 4)), {}, ShapeError, r"3 axes; .*vw\.ImageDataset\(x, channels"),
        (
            np.zeros((9, 3, 50)),
            {"draw": "line"},
            ShapeError,
            r'50 lines of 3 steps, or 3 lines.*channels="first"',
        ),
        (SERIES, {"draw": "bars"}, OptionError, r'two axes; expected \(d,\)\. Pass draw="line"'),
        (VECTORS, {"draw": "bar"}, OptionError, r"draw is 'bar'.*bars"),
        (VECTORS, {"feature_names": ["a"]}, OptionError, "1 feature_names for items of shape .* expected 30"),
        (VECTORS, {"feature_names": "abc"}, OptionError, "feature_names"),
        (VECTORS, {"standardize": 2}, OptionError, "standardize"),
        (VECTORS + 0j, {}, DataError, r"complex128; expected real numbers\. Stack the two parts"),
        (np.array([["a"], ["b"]]), {}, DataError, "expected real numbers"),
        (Frame({"age": [1, 2], "name": ["x", "y"]}), {}, DataError, r"pandas\.get_dummies"),
        ([[1, 2], [3]], {}, ShapeError, "different shapes.*Cut or pad"),
        (Pairs(odd=3), {}, ShapeError, r"item 3 of x has shape \(6, 2\), the first one \(5, 2\)"),
        (
            np.where(VECTORS > 2.4, np.nan, VECTORS),
            {},
            DataError,
            r"NaN or infinite .* first at \(\d+, \d+\)",
        ),
        (np.full((4, 4), 1e300), {}, DataError, "beyond float32"),
    ],
)
def test_what_is_refused_says_the_line_to_write(x, options, error, words):
    with pytest.raises(error, match=words):
        vw.ArrayDataset(x, **options)


def model_of(data):
    return vw.MLPVAE(data.image_shape, latent_dim=2, hidden=(8,), likelihood="squared_error")


def test_it_is_trained_evaluated_and_saved_as_images_are(tmp_path):
    data = vw.ArrayDataset(VECTORS, standardize=True, name="vectors")
    torch.manual_seed(0)
    run = vw.train(model_of(data), data, epochs=2, batch_size=16, autosave=False).wait(progress=False)
    same = [part.images(slice(None)) for part in (data.train, data.test)]
    torch.manual_seed(0)
    images = vw.ImageDataset(same[0], test=same[1], value_range=data.value_range)
    other = vw.train(model_of(images), images, epochs=2, batch_size=16, autosave=False).wait(progress=False)
    assert np.array_equal(run.history["loss"], other.history["loss"])
    assert run.evaluate("test") == other.evaluate("test")
    run.save(tmp_path / "run.safetensors")
    again = vw.load_run(tmp_path / "run.safetensors", data=data)
    assert again.evaluate("test") == run.evaluate("test")


def test_a_worker_of_a_sweep_gets_the_same_items(tmp_path):
    data = vw.ArrayDataset(SERIES, np.arange(60) % 2, feature_names=["x", "y", "z"], seed=3)
    write_data(data, tmp_path / "set")
    there = read_data(tmp_path / "set")
    assert (there.items, there.value_range, there.image_shape) == (
        data.items,
        data.value_range,
        data.image_shape,
    )
    for part, given in ((there.train, data.train), (there.test, data.test)):
        assert torch.equal(part.images(slice(None)), given.images(slice(None)))
        assert torch.equal(part.labels, given.labels)


@pytest.mark.parametrize(
    ("x", "options", "words"),
    [
        (
            COUNTS,
            {"likelihood": "bernoulli"},
            r'wants values in .*"squared_error", or "poisson" for counts\.',
        ),
        (VECTORS, {"likelihood": "bernoulli"}, r'Use likelihood="squared_error"\.'),
        (VECTORS, {"likelihood": "gaussian"}, r'Build it with output="identity"\.$'),
    ],
)
def test_a_model_of_another_range_is_advised_what_numbers_can_do(x, options, words):
    data = vw.ArrayDataset(x)
    with pytest.raises(DataError, match=words):
        vw.train(vw.MLPVAE(data.image_shape, **options), data, batch_size=16)
