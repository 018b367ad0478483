"""Batches, resident and streamed: the same pictures in the same order."""

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from vaewidgets.data import Batches, ImageDataset
from vaewidgets.errors import DataError, OptionError, ShapeError

N = 103
IMAGES = np.random.default_rng(1).integers(0, 256, (N, 6, 5), dtype=np.uint8)
IMAGES[:, 0, 0] = np.arange(N)  # each image carries its own number
SMALL = 300  # bytes: a tenth of the set


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbers(batches) -> list[int]:
    return [round(float(v) * 255) for x in batches for v in x[:, 0, 0, 0]]


class Items(Dataset):
    """A data set that counts what is pulled from it."""

    def __init__(self, images, labels=None):
        self.images, self.labels_, self.pulled = images, labels, 0

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        self.pulled += 1
        return self.images[i] if self.labels_ is None else (self.images[i], self.labels_[i])


# Python 3.12 warns of any fork in a process with threads, which torch has from its first operation on.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


@pytest.fixture(params=["resident", "streamed array", "streamed memory map", "streamed data set", "workers"])
def data(request, tmp_path):
    options = {"test_fraction": 0}
    if request.param == "resident":
        return ImageDataset(IMAGES, **options)
    assert IMAGES.nbytes > 10 * SMALL
    if request.param == "streamed memory map":
        np.save(tmp_path / "images.npy", IMAGES)
        return ImageDataset(
            np.load(tmp_path / "images.npy", mmap_mode="r"), memory_cap_bytes=SMALL, **options
        )
    if request.param == "streamed data set":
        return ImageDataset(Items(IMAGES), memory_cap_bytes=SMALL, **options)
    workers = 1 if request.param == "workers" else 0
    return ImageDataset(IMAGES, memory_cap_bytes=SMALL, num_workers=workers, **options)


def test_an_epoch_holds_each_image_once_in_a_new_order(data):
    batches = data.train.batches(10, device="cpu", generator=gen())
    assert len(batches) == 11
    first, second = numbers(batches), numbers(batches)
    assert sorted(first) == sorted(second) == list(range(N))
    assert first != second
    assert first != list(range(N))


def test_streamed_equals_resident(data):
    reference = ImageDataset(IMAGES, test_fraction=0).train.batches(16, device="cpu", generator=gen(5))
    batches = data.train.batches(16, device="cpu", generator=gen(5))
    for _ in range(2):
        pairs = list(zip(batches, reference, strict=True))
        assert len(pairs) == 7
        for x, y in pairs:
            assert x.dtype == torch.float32
            assert torch.equal(x, y)


def test_without_shuffle_the_order_is_that_of_the_set(data):
    assert numbers(data.train.batches(10, device="cpu", shuffle=False)) == list(range(N))


def test_drop_last(data):
    batches = data.train.batches(10, device="cpu", drop_last=True)
    assert len(batches) == 10
    assert [len(x) for x in batches] == [10] * 10
    assert [len(x) for x in data.train.batches(10, device="cpu")] == [10] * 10 + [3]


def test_generator_state_repeats_an_epoch(data):
    batches = data.train.batches(10, device="cpu", generator=gen(2))
    numbers(batches)
    state = batches.state_dict()
    second = numbers(batches)
    numbers(batches)
    batches.load_state_dict(state)
    assert numbers(batches) == second
    again = data.train.batches(10, device="cpu", generator=gen(99))
    again.load_state_dict(state)
    assert numbers(again) == second


def test_gather_and_permutation(data):
    batches = data.train.batches(10, device="cpu", generator=gen(4))
    order = batches.permutation()
    assert torch.equal(batches.gather(order[:4]), data.train.images(order[:4]))
    batches.generator.manual_seed(4)
    assert numbers(batches) == order.tolist()


def test_residency(data):
    batches = data.train.batches(10, device="cpu")
    assert isinstance(batches, Batches)
    assert batches.resident == data.train.resident
    kind = "resident" if batches.resident else "streamed"
    assert repr(batches) == f"Batches(11 of 10 images, {kind}, device='cpu')"
    assert ("streamed" in repr(data)) == (kind == "streamed")


def test_a_streamed_batch_leaves_the_global_generator_alone():
    data = ImageDataset(IMAGES, test_fraction=0, memory_cap_bytes=SMALL)
    batches = data.train.batches(10, device="cpu", generator=gen())
    state = torch.get_rng_state()
    numbers(batches)
    assert torch.equal(torch.get_rng_state(), state)


def test_by_default_manual_seed_decides_the_order():
    data = ImageDataset(IMAGES, test_fraction=0)

    def order() -> list[int]:
        torch.manual_seed(11)
        return numbers(data.train.batches(10, device="cpu"))

    assert order() == order()


def test_batches_may_be_kept_and_written_to():
    data = ImageDataset(IMAGES / 255, test_fraction=0)
    for shuffle in (True, False):
        batches = data.train.batches(10, device="cpu", generator=gen(), shuffle=shuffle)
        kept = list(batches)
        copies = [x.clone() for x in kept]
        for x in batches:
            x.zero_()
        assert all(torch.equal(a, b) for a, b in zip(kept, copies, strict=True))
        assert sorted(numbers(batches)) == list(range(N))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("cap", [2**20, SMALL], ids=["resident", "streamed"])
@pytest.mark.parametrize("on", ["cpu", "cuda"])
def test_cuda_batches_equal_those_of_the_cpu(cap, on):
    data = ImageDataset(IMAGES, test_fraction=0, memory_cap_bytes=cap)
    batches = data.train.batches(10, device="cuda", generator=torch.Generator(on).manual_seed(3))
    assert batches.resident == (cap > SMALL)
    seen = []
    for x in batches:
        assert x.device.type == "cuda"
        seen.append(x.cpu())
    order = torch.cat(seen)[:, 0, 0, 0].mul(255).round().long()
    assert sorted(order.tolist()) == list(range(N))
    torch.testing.assert_close(torch.cat(seen), data.train.images(order), atol=1e-7, rtol=0)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "8"])
def test_batch_size_is_checked(size):
    with pytest.raises(OptionError, match="batch_size is"):
        ImageDataset(IMAGES).train.batches(size, device="cpu")


def test_drop_last_may_not_leave_nothing():
    with pytest.raises(OptionError, match=r"only 103 images, so no batch is left.*batch_size=103"):
        ImageDataset(IMAGES, test_fraction=0).train.batches(104, device="cpu", drop_last=True)


# ------------------------------------------------------------------ larger than memory


def test_a_large_set_is_split_and_cut_without_being_read():
    items = Items(IMAGES, list(range(N)))
    data = ImageDataset(items, np.arange(N), memory_cap_bytes=SMALL, test_fraction=0.25)
    assert items.pulled == 1  # the first, for its shape
    assert not data.train.resident
    assert (len(data.train), len(data.test)) == (77, 26)
    small = data.subset(9)
    index = torch.tensor([8, 0, 3])
    assert small.train.images_u8(index)[:, 0, 0, 0].tolist() == small.train.labels[index].tolist()
    assert items.pulled == 4
    assert sorted(numbers(small.train.batches(4, device="cpu"))) == small.train.labels.tolist()


def test_labels_of_a_large_set_are_kept_where_they_are_cheap():
    items = Items(IMAGES, list(range(N)))
    assert ImageDataset(items, memory_cap_bytes=SMALL).train.labels is None
    items.targets = list(range(N))
    items.classes = [f"class {i}" for i in range(N)]
    data = ImageDataset(items, memory_cap_bytes=SMALL, test_fraction=0)
    assert data.train.labels.tolist() == list(range(N))
    assert data.class_names[3] == "class 3"


def test_faults_of_a_large_set_come_when_read_and_name_the_image():
    floats = IMAGES / 255
    floats[52, 2, 2] = np.nan
    array = ImageDataset(floats, memory_cap_bytes=SMALL, test_fraction=0)
    with pytest.raises(DataError, match="NaN pixel, the first in image 52 at channel 0, row 2, column 2"):
        numbers(array.train.batches(10, device="cpu"))
    items = ImageDataset(Items(floats), memory_cap_bytes=SMALL, test_fraction=0)
    with pytest.raises(DataError, match="NaN pixel, the first in image 52 at"):
        items.train.images([49, 52])
    mixed = [*IMAGES[:3], IMAGES[3, :4]]
    with pytest.raises(ShapeError, match=r"image 3 has shape \(1, 4, 5\), the first one \(1, 6, 5\)"):
        ImageDataset(Items(mixed), memory_cap_bytes=10, test_fraction=0).train.images([3])


def test_range_of_a_large_float_set_is_looked_at_early():
    with pytest.raises(DataError, match="8-bit pixels held as floats"):
        ImageDataset(IMAGES.astype(np.float32), memory_cap_bytes=SMALL)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("cap", [None, 100], ids=["resident", "streamed"])
def test_with_labels(shuffle, cap):
    images = torch.arange(25, dtype=torch.uint8).view(25, 1, 1, 1).expand(25, 1, 2, 2)
    options = {} if cap is None else {"memory_cap_bytes": cap // 2}
    data = ImageDataset(images.contiguous(), torch.arange(25) * 2, test_fraction=0, **options)
    assert data.train.resident == (cap is None)
    batches = data.train.batches(4, device="cpu", shuffle=shuffle, with_labels=True)
    seen = []
    for x, y in batches:
        assert y.dtype == torch.int64
        assert torch.equal((x[:, 0, 0, 0] * 255).round().long() * 2, y)
        seen += y.tolist()
        y.fill_(-1)  # a copy of one's own
    assert sorted(seen) == list(range(0, 50, 2))
    assert data.train.labels.tolist() == list(range(0, 50, 2))


def test_labels_that_are_not_there():
    data = ImageDataset(torch.rand(9, 1, 2, 2), test_fraction=0)
    with pytest.raises(DataError, match=r"has no labels, but batches with labels were asked for"):
        data.train.batches(4, device="cpu", with_labels=True)
