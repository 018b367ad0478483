"""torchvision's sets through their transforms: as fast as their arrays, never other values than theirs."""

import gzip
import shutil
import time
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset, random_split

from vaewidgets.data import ImageDataset, torch_sets

datasets = pytest.importorskip("torchvision.datasets")
v1 = pytest.importorskip("torchvision.transforms")
v2 = pytest.importorskip("torchvision.transforms.v2")

RNG = np.random.default_rng(0)
N = 600
DIGITS = torch.from_numpy(RNG.integers(0, 256, (N, 9, 7), dtype=np.uint8))
COLOURS = RNG.integers(0, 256, (N, 6, 5, 3), dtype=np.uint8)
LABELS = torch.arange(N) % 10
RANGE = {"value_range": (-3.0, 3.0), "test_fraction": 0}


def without_files(kind, data, targets, transform=None, target_transform=None):
    """One of torchvision's sets, of these images; its own __init__ looks for files."""
    made = object.__new__(kind)
    made.data, made.targets = data, targets
    made.transform, made.target_transform = transform, target_transform
    return made


def mnist(transform=None, kind=datasets.MNIST, **options):
    return without_files(kind, DIGITS, LABELS, transform, **options)


def cifar(transform=None):
    made = without_files(datasets.CIFAR10, COLOURS, LABELS.tolist(), transform)
    made.classes = [*"abcdefghij"]
    return made


def plainly(dataset):
    """Items one by one, as anybody would read them."""
    items = [dataset[i] for i in range(len(dataset))]
    images = [v[0] if isinstance(v[0], torch.Tensor) else torch.from_numpy(np.array(v[0])) for v in items]
    stack = torch.stack(images)
    if stack.ndim == 3:
        stack = stack[:, None]
    elif stack.shape[3] == 3:
        stack = stack.permute(0, 3, 1, 2)
    return stack, [v[1] for v in items]


@pytest.fixture
def asked(monkeypatch):
    """How often items of torchvision's sets are asked for."""
    count = Counter()
    for kind in (datasets.MNIST, datasets.CIFAR10):
        own = kind.__getitem__

        def counted(self, index, own=own):
            count["items"] += 1
            return own(self, index)

        monkeypatch.setattr(kind, "__getitem__", counted)
    return count


FAST = {
    "none": None,
    "ToTensor": v1.ToTensor(),
    "ToTensor and Normalize": v1.Compose([v1.ToTensor(), v1.Normalize((0.13,), (0.5,))]),
    "ToImage and ToDtype": v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]),
    "all of v2": v2.Compose(
        [
            v2.Compose([v2.Identity(), v2.ToImage()]),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.5,), (0.25,)),
            v2.ToPureTensor(),
        ]
    ),
    "8 bits": v1.PILToTensor(),
}


@pytest.mark.parametrize("transform", FAST.values(), ids=FAST)
@pytest.mark.parametrize("make", [mnist, cifar])
def test_known_transforms_of_pixels_are_read_at_once_and_exactly(make, transform, asked):
    images, labels = plainly(make(transform))
    asked.clear()
    data = ImageDataset(make(transform), **RANGE)
    assert asked["items"] < 60
    got = data.train.read(torch.arange(N))
    assert got.dtype == images.dtype
    assert torch.equal(got, images)
    assert data.train.labels.tolist() == labels


class Sometimes:
    """Another image once in a thousand calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        pixels = v1.functional.to_tensor(image)
        return 1 - pixels if self.calls % 1000 == 777 else pixels


def dark_only(image):
    pixels = v1.functional.to_tensor(image)
    return pixels * 0 if pixels.mean() < 0.43 else pixels


class Offset(v1.ToTensor):
    def __call__(self, image):
        return super().__call__(image) * 0.5


def hooked():
    module = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    module.transforms[1].register_forward_hook(lambda module, args, out: 1 - out)
    return module


SLOW = {
    "a function": lambda image: v1.functional.to_tensor(image) * 2 - 1,
    "not linear": v1.Compose([v1.ToTensor(), v1.Lambda(lambda x: (x > 0.5).float())]),
    "by what is in the image": dark_only,
    "once in a thousand": Sometimes,
    "of a subclass": Offset(),
    "with a hook": hooked,
    "of the neighbours": v1.Compose([v1.Pad(1), v1.GaussianBlur(3, 1.0), v1.ToTensor()]),
    "another size": v2.Compose([v2.Resize((4, 4)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]),
}


@pytest.mark.parametrize("transform", SLOW.values(), ids=SLOW)
def test_every_other_transform_is_asked_for_each_item(transform, asked):
    def make():
        made = transform() if transform in (Sometimes, hooked) else transform
        return mnist(made)

    data = make()
    images, labels = plainly(data)
    data = make()
    if isinstance(data.transform, Sometimes):
        data.transform.calls = -1  # the first item is looked at before
    asked.clear()
    got = ImageDataset(data, **RANGE).train
    assert asked["items"] >= N
    assert torch.equal(got.read(torch.arange(N)), images)
    assert got.labels.tolist() == labels


def test_a_random_transform_is_drawn_for_each_image():
    transform = v2.Compose([v2.RandomInvert(0.5), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    torch.manual_seed(0)
    got = ImageDataset(mnist(transform), **RANGE).train.read(torch.arange(N))
    plain = DIGITS[:, None] / 255
    inverted = ((got - plain).abs().amax((1, 2, 3)) > 1e-6).sum()
    assert 200 < inverted < 400


class Shifted(datasets.MNIST):
    """Whose items are others than its data say, from number 500 on."""

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return (image if index < 500 else 1 - image), label


class Named(datasets.MNIST):
    """Which adds nothing to how items are read."""


def test_a_subclass_is_believed_where_it_reads_items_in_its_own_way(asked):
    own = mnist(v1.ToTensor(), kind=Shifted)
    images, _ = plainly(own)
    assert torch.equal(ImageDataset(own, **RANGE).train.read(torch.arange(N)), images)
    asked.clear()
    ImageDataset(mnist(v1.ToTensor(), kind=Named), **RANGE)
    assert asked["items"] < 60


def test_labels_go_through_their_own_transform(asked):
    own = mnist(v1.ToTensor(), target_transform=lambda y: 9 - y)
    data = ImageDataset(own, **RANGE)
    assert asked["items"] < 60
    assert data.train.labels.tolist() == (9 - LABELS).tolist()
    assert data.class_names is None, "the names are those of the labels before"
    streamed = ImageDataset(own, memory_cap_bytes=0, **RANGE)
    assert streamed.train.labels is None, "nor are those labels these"
    plain = ImageDataset(mnist(v1.ToTensor()), memory_cap_bytes=0, **RANGE)
    assert plain.train.labels.tolist() == LABELS.tolist()


def test_parts_of_sets_are_as_fast_and_keep_their_names(asked):
    whole = cifar(v1.ToTensor())
    first, second = random_split(whole, [400, 200], torch.Generator().manual_seed(0))
    parts = {
        "split": first,
        "split again": Subset(first, [3, 3, -1, *range(20)]),
        "sum": ConcatDataset([second, Subset(whole, np.arange(30)), cifar(v1.ToTensor())]),
        "sum of layouts": ConcatDataset([cifar(v1.ToTensor()), cifar(FAST["ToImage and ToDtype"])]),
        "indices as a tensor": Subset(whole, torch.tensor([5, 2, 9])),
    }
    for what, part in parts.items():
        images, labels = plainly(part)
        asked.clear()
        data = ImageDataset(part, **RANGE)
        assert asked["items"] < 60, what
        assert torch.equal(data.train.read(torch.arange(len(part))), images), what
        assert data.train.labels.tolist() == labels, what
        assert data.class_names == tuple("abcdefghij"), what


class Items(Dataset):
    def __init__(self, n, classes=None):
        self.n, self.classes = n, classes

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return Image.fromarray(DIGITS[index].numpy()), index % 2


class Relabelled(Subset):
    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return image, 1 - label

    def __getitems__(self, indices):
        return [self[i] for i in indices]


def test_class_names_of_parts_of_anybodys_set():
    named, other = Items(20, ["even", "odd"]), Items(20, ["odd", "even"])
    for part in (
        Subset(named, [1, 5]),
        random_split(named, [12, 8])[1],
        ConcatDataset([named, named]),
        named + named,
    ):
        assert ImageDataset(part, test_fraction=0).class_names == ("even", "odd")
    for part in (ConcatDataset([named, other]), ConcatDataset([named, Items(20)]), Relabelled(named, [1, 5])):
        assert ImageDataset(part, test_fraction=0).class_names is None
    assert (
        ImageDataset(Subset(TensorDataset(torch.rand(6, 1, 4, 4)), [1, 2]), test_fraction=0).class_names
        is None
    )


def test_indices_that_are_none_are_torchs_to_refuse():
    with pytest.raises(IndexError):
        ImageDataset(Subset(Items(20), [3, 600]), test_fraction=0)


def test_an_array_changed_under_the_set_is_no_longer_known():
    own = mnist(v1.ToTensor())
    own.data = own.data.float()  # which PIL refuses, in its own words
    assert torch_sets.PixelTable.of(own) is None


@pytest.mark.slow
def test_mnist_through_transforms_in_two_seconds(tmp_path, data_root):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in (data_root / "MNIST" / "raw").glob("*.gz"):
        with gzip.open(file) as packed, open(raw / file.stem, "wb") as plain:
            shutil.copyfileobj(packed, plain)
    for name in ("ToImage and ToDtype", "ToTensor and Normalize"):
        source = datasets.MNIST(tmp_path, transform=FAST[name])
        start = time.thread_time()  # what other processes take is not counted
        data = ImageDataset(source, **RANGE)
        assert time.thread_time() - start < 2.0
        assert len(data.train) == 60_000
        assert data.class_names[0] == "0 - zero"


@pytest.mark.parametrize(
    "transform", [None, v1.Compose([v1.Pad(1), v1.ToTensor()])], ids=["8 bits", "floats"]
)
def test_other_items_are_read_by_processes_where_they_are_asked_for(transform, asked):
    own = mnist(transform, kind=Shifted) if transform else Items(N, ["even", "odd"])
    alone = ImageDataset(own, **RANGE)
    asked.clear()
    together = ImageDataset(own, num_workers=2, **RANGE)
    assert asked["items"] <= 1, "here only the first one, to see what they are"
    rows = torch.arange(N)
    assert torch.equal(together.train.read(rows), alone.train.read(rows))
    assert together.train.labels.tolist() == alone.train.labels.tolist()
    assert together.class_names == alone.class_names


class Table(Items):
    """Items as Hugging Face's `datasets` gives them: mappings, and what each key holds in `features`."""

    def __init__(self, n, **features):
        super().__init__(n)
        self.features = features

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return {"image": image, "label": label, "digit": label}


def test_class_names_of_a_table_are_those_of_its_label_column():
    table = Table(
        20,
        image=object(),
        label=SimpleNamespace(names=["even", "odd"]),
        digit=SimpleNamespace(names=["0", "1"]),
    )
    options = {"image_key": "image", "test_fraction": 0}
    assert ImageDataset(table, **options).class_names == ("even", "odd")
    assert ImageDataset(table, label_key="digit", **options).class_names == ("0", "1")
    assert ImageDataset(Table(20, label=object()), **options).class_names is None
    assert ImageDataset(Table(20, label=SimpleNamespace(names=["one"])), **options).class_names is None
