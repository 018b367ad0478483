"""`load_dataset`: the real sets by their published figures, and what happens where they are missing."""

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from vaewidgets.data import load_dataset
from vaewidgets.data import named as named_module
from vaewidgets.errors import DataError, DatasetNotFoundError, OptionError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VAEWIDGETS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def no_data(monkeypatch):
    monkeypatch.delenv("VAEWIDGETS_DATA", raising=False)


def write_idx(path, array, compress=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if compress else content)


def write_set(root, folder="MNIST", compress=True, n=30):
    rng = np.random.default_rng(0)
    suffix = ".gz" if compress else ""
    for part, count in (("train", n), ("t10k", n // 3)):
        raw = root / folder / "raw"
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        write_idx(raw / f"{part}-images-idx3-ubyte{suffix}", images, compress)
        write_idx(raw / f"{part}-labels-idx1-ubyte{suffix}", np.arange(count, dtype=np.uint8) % 10, compress)


def counts(split):
    return torch.bincount(split.labels).tolist()


# ------------------------------------------------------------------ digits


def test_digits_are_those_of_scikit_learn(no_data):
    from sklearn.datasets import load_digits

    bunch = load_digits()
    data = load_dataset("digits", size=8)
    assert data.image_shape == (1, 8, 8)
    assert (len(data.train), len(data.test)) == (1442, 355)
    test = np.zeros(1797, bool)
    for digit in range(10):
        test[np.flatnonzero(bunch.target == digit)[4::5]] = True
    for split, chosen in ((data.train, ~test), (data.test, test)):
        assert split.labels.tolist() == bunch.target[chosen].tolist()
        np.testing.assert_allclose(
            split.images(slice(None))[:, 0].numpy() * 16, bunch.images[chosen], atol=0.5 / 255 * 16 + 1e-6
        )
    assert data.class_names == tuple("0123456789")


def test_digits_do_without_the_file_beside_scikit_learn(no_data, monkeypatch):
    quick = named_module._digits_table()
    monkeypatch.setattr(named_module.importlib.util, "find_spec", lambda name: None)
    np.testing.assert_array_equal(named_module._digits_table(), quick)


def test_digits_test_split_is_stratified_and_ignores_the_seed(no_data):
    data, other = load_dataset("digits"), load_dataset("digits", seed=5)
    assert data.image_shape == (1, 28, 28)
    assert data.train.dtype == torch.uint8
    for train, test in zip(counts(data.train), counts(data.test), strict=True):
        assert test == (train + test) // 5
    assert torch.equal(data.test.images_u8(slice(None)), other.test.images_u8(slice(None)))
    assert data.train.images(slice(None)).mean().item() == pytest.approx(0.305, abs=0.002)


def test_digits_enlarged_equal_pillows_resizing(no_data):
    large, native = load_dataset("digits"), load_dataset("digits", size=8)
    for image, small in zip(large.test.images_u8([0, 9, 99]), native.test.images_u8([0, 9, 99]), strict=True):
        reference = Image.fromarray(small[0].numpy()).resize((28, 28), Image.Resampling.BILINEAR)
        assert (image[0].int() - torch.from_numpy(np.array(reference)).int()).abs().max() <= 1
    assert repr(large) == "ImageDataset('digits', 1442 train + 355 test images, 1 x 28 x 28, 10 classes)"


def test_counts_are_drawn_by_seed(no_data):
    a = load_dataset("digits", n_train=100, n_test=50, seed=1)
    b = load_dataset("digits", n_train=100, n_test=50, seed=1)
    c = load_dataset("digits", n_train=100, n_test=50, seed=2)
    assert (len(a.train), len(a.test)) == (100, 50)
    assert torch.equal(a.train.images_u8(slice(None)), b.train.images_u8(slice(None)))
    assert a.train.labels.tolist() != c.train.labels.tolist()
    with pytest.raises(OptionError, match="n_train is 5000; expected a whole number from 1 to 1442"):
        load_dataset("digits", n_train=5000)
    with pytest.raises(OptionError, match="n_test is 0"):
        load_dataset("digits", n_test=0)


def test_value_range_and_size_pass_through(no_data):
    data = load_dataset("digits", size=(10, 12), value_range=(-1, 1))
    x = data.train.images(slice(None))
    assert x.shape[1:] == (1, 10, 12)
    assert x.min() == -1


# ------------------------------------------------------------------ names


@pytest.mark.parametrize("name", ["MNIST", "fashion_mnist", "Fashion MNIST"])
def test_names_are_forgiving(name, tmp_path):
    write_set(tmp_path, "MNIST")
    write_set(tmp_path, "FashionMNIST")
    assert load_dataset(name, root=tmp_path).name in ("mnist", "fashion-mnist")


@pytest.mark.parametrize(("name", "near"), [("minst", "mnist"), ("digit", "digits"), ("frey-faces", "frey")])
def test_unknown_name_gets_the_nearest(name, near):
    with pytest.raises(OptionError, match=rf"unknown data set '{name}'; expected one of .* mean '{near}'\?"):
        load_dataset(name)


def test_a_name_near_nothing():
    with pytest.raises(OptionError, match=r"unknown data set 'xyz'; expected one of [^?]*'faces'\.$"):
        load_dataset("xyz")


# ------------------------------------------------------------------ where files are looked for


def test_archives_are_read_in_place_from_a_read_only_root(tmp_path, monkeypatch, own_cache):
    root = tmp_path / "data"
    write_set(root)
    before = sorted(p.name for p in root.rglob("*"))
    monkeypatch.setenv("VAEWIDGETS_DATA", str(root))
    for folder in (root / "MNIST" / "raw", root / "MNIST", root):
        folder.chmod(0o555)
    try:
        data = load_dataset("mnist")
    finally:
        for folder in (root, root / "MNIST", root / "MNIST" / "raw"):
            folder.chmod(0o755)
    assert len(data.train) == 30
    assert sorted(p.name for p in root.rglob("*")) == before
    assert not own_cache.exists()


def test_the_cache_and_unpacked_files_do_too(no_data, own_cache):
    write_set(own_cache, compress=False)
    assert len(load_dataset("mnist").train) == 30


def test_missing_set_without_download(no_data, own_cache):
    with pytest.raises(DatasetNotFoundError) as caught:
        load_dataset("mnist", download=False)
    text = str(caught.value)
    for part in (
        str(own_cache / "MNIST" / "raw"),
        "train-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
        "download=True",
        "VAEWIDGETS_DATA",
    ):
        assert part in text


def test_missing_set_without_a_network(no_data, own_cache, monkeypatch):
    def fail(self):
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr(datasets.MNIST, "download", fail)
    for name, folder in (("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")):
        with pytest.raises(DatasetNotFoundError) as caught:
            load_dataset(name)
        text = str(caught.value)
        assert str(own_cache / folder / "raw") in text
        assert "Error downloading" in text
        assert f"torchvision.datasets.{folder}" in text
        assert isinstance(caught.value.__cause__, RuntimeError)


def test_download_goes_into_root_or_the_cache(no_data, own_cache, tmp_path, monkeypatch):
    def fetch(self):
        if not (Path(self.raw_folder) / "train-images-idx3-ubyte").exists():
            write_set(Path(self.root), type(self).__name__, compress=False)

    monkeypatch.setattr(datasets.MNIST, "download", fetch)
    # The stand-in has written too few images for torchvision's own reader, which is not what is under test.
    monkeypatch.setattr(datasets.MNIST, "_load_data", lambda self: (torch.empty(0), torch.empty(0)))
    assert len(load_dataset("mnist").train) == 30
    assert (own_cache / "MNIST" / "raw").is_dir()
    assert load_dataset("fashion-mnist", root=tmp_path / "mine").class_names[9] == "ankle boot"
    assert (tmp_path / "mine" / "FashionMNIST" / "raw").is_dir()


def test_frey_is_not_fetched(no_data, own_cache):
    with pytest.raises(DatasetNotFoundError, match=r"frey_rawface\.mat.*no known licence.*roweis") as caught:
        load_dataset("frey")
    assert str(own_cache / "frey") in str(caught.value)


def test_damaged_files_are_named(no_data, tmp_path):
    write_set(tmp_path)
    file = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    whole = file.read_bytes()
    for content in (
        whole[: len(whole) // 2],
        b"<html>not found</html>",
        gzip.compress(b"\0\0\x08\x03 too short"),
    ):
        file.write_bytes(content)
        with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz' is .*Delete it and fetch it again"):
            load_dataset("mnist", root=tmp_path)
    write_idx(file, np.zeros((9, 28, 28), np.uint8))
    with pytest.raises(DataError, match="do not belong together"):
        load_dataset("mnist", root=tmp_path)
    frey = tmp_path / "frey" / "frey_rawface.mat"
    frey.parent.mkdir()
    frey.write_bytes(b"short")
    with pytest.raises(DataError, match="has 5 bytes; expected 1100584"):
        load_dataset("frey", root=tmp_path)


# ------------------------------------------------------------------ the real files


@pytest.mark.parametrize(
    ("name", "mean", "std"), [("mnist", 0.1307, 0.3081), ("fashion-mnist", 0.2860, 0.3530)]
)
def test_published_figures(data_root, name, mean, std):
    data = load_dataset(name, root=data_root, download=False)
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    assert counts(data.test) == ([1000] * 10 if name == "fashion-mnist" else counts(data.test))
    assert sum(counts(data.train)) == 60_000
    assert len(data.class_names) == 10
    x = data.train.images(slice(None))
    assert x.mean().item() == pytest.approx(mean, abs=5e-5)
    assert x.std().item() == pytest.approx(std, abs=5e-5)


def test_first_labels_of_mnist_and_fashion(data_root):
    assert load_dataset("mnist", root=data_root).train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    fashion = load_dataset("fashion-mnist", root=data_root)
    assert fashion.class_names[int(fashion.train.labels[0])] == "ankle boot"


def test_frey_is_split_by_time(data_root):
    data = load_dataset("frey", root=data_root)
    assert data.image_shape == (1, 28, 20)
    assert (len(data.train), len(data.test)) == (1638, 327)
    assert data.train.labels is None
    assert data.class_names is None
    frames = np.fromfile(data_root / "frey" / "frey_rawface.mat", np.uint8)[184:].reshape(1965, 28, 20)
    assert (frames.min(), frames.max()) == (8, 238)
    np.testing.assert_array_equal(data.train.images_u8(slice(None))[:, 0].numpy(), frames[:1638])
    np.testing.assert_array_equal(data.test.images_u8(slice(None))[:, 0].numpy(), frames[1638:])
    assert repr(data) == "ImageDataset('frey', 1638 train + 327 test images, 1 x 28 x 20)"


def test_torchvision_reads_the_same(data_root, tmp_path):
    shutil.copytree(data_root / "MNIST", tmp_path / "MNIST")
    reference = datasets.MNIST(tmp_path, train=False, download=True)
    data = load_dataset("mnist", root=data_root)
    assert torch.equal(data.test.images_u8(slice(None))[:, 0], reference.data)
    assert torch.equal(data.test.labels, reference.targets)
