"""What people hand over as images: each is taken, or refused with the line that makes it right."""

import itertools
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, IterableDataset, Subset, TensorDataset

import vaewidgets as vw
from tests.data.plain_set import Items
from vaewidgets.data import ImageDataset
from vaewidgets.errors import DataError, ShapeError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (12, 8, 8), dtype=np.uint8)
ALL = {"test_fraction": 0}


def pixels(data):
    return data.train.images(slice(None))


# ------------------------------------------------------------------ D3: dict items, loaders, endless sets


def test_items_that_are_mappings_say_where_the_image_is():
    items = Items([{"image": v, "label": i % 3, "id": "a"} for i, v in enumerate(GREY)])
    data = ImageDataset(items, image_key="image", **ALL)
    assert torch.equal(data.train.images_u8(slice(None)), torch.from_numpy(GREY)[:, None])
    assert data.train.labels.tolist() == [i % 3 for i in range(12)]
    named = ImageDataset(items, image_key="image", label_key="id", **ALL)
    assert named.train.labels is None, "a text is no class"
    with pytest.raises(DataError, match=r"keys \['id', 'image', 'label'\].*image_key='image'\)"):
        ImageDataset(items)
    with pytest.raises(DataError, match=r"item 0 .* has no 'img': it has keys \['id', 'image', 'label'\]"):
        ImageDataset(items, image_key="img")


def test_tuples_in_another_order_and_pixel_values_of_hugging_face():
    swapped = Items([(i % 2, v, "x") for i, v in enumerate(GREY)])
    data = ImageDataset(swapped, image_key=1, label_key=0, **ALL)
    assert torch.equal(data.train.images_u8([3])[0, 0], torch.from_numpy(GREY[3]))
    assert data.train.labels.tolist() == [i % 2 for i in range(12)]
    values = Items([{"pixel_values": torch.from_numpy(v / 255).float(), "y": 1} for v in GREY])
    with pytest.raises(DataError, match=r"image_key='pixel_values'\)"):
        ImageDataset(values)
    assert (
        ImageDataset(values, image_key="pixel_values", label_key="y", **ALL).train.labels.tolist() == [1] * 12
    )


def test_the_data_set_of_a_loader_is_taken():
    items = Items([(v, i % 2) for i, v in enumerate(GREY)], classes=["even", "odd"])
    for loader in (
        DataLoader(items, 5, shuffle=True, drop_last=True),
        DataLoader(Subset(items, range(6)), 2),
    ):
        data = ImageDataset(loader, **ALL)
        n = len(loader.dataset)
        assert torch.equal(data.train.images_u8(slice(None)), torch.from_numpy(GREY[:n])[:, None])
        assert data.class_names == ("even", "odd")
    held_out = ImageDataset(DataLoader(items, 5), test=DataLoader(Subset(items, [1, 3]), 5))
    assert held_out.test.labels.tolist() == [1, 1]


class Endless(IterableDataset):
    def __init__(self):
        self.given = 0

    def __iter__(self):
        for image in itertools.cycle(torch.rand(3, 3, 64, 64)):
            self.given += 1
            yield {"image": image, "label": 0}


class Counted(IterableDataset):
    def __len__(self):
        return 12

    def __iter__(self):
        return iter(GREY)


def test_a_set_that_may_never_end_is_refused_before_much_is_read():
    for wrap in (lambda d: d, lambda d: DataLoader(d, 4)):
        endless = Endless()
        with pytest.raises(DataError, match=r"may never end.*list\(itertools\.islice\(dataset, \d+\)\)"):
            ImageDataset(wrap(endless), image_key="image")
        assert endless.given * 3 * 64 * 64 * 4 < 40e6
    some = list(itertools.islice(Endless(), 5))
    assert len(ImageDataset(some, image_key="image", **ALL).train) == 5
    assert len(ImageDataset(Counted(), **ALL).train) == 12


# ------------------------------------------------------------------ D4: names of parts


def test_names_of_classes_outlive_parts_of_parts_and_loaders():
    items = Items([(v, i % 2) for i, v in enumerate(GREY)], classes=["even", "odd"])
    parts = torch.utils.data.random_split(items, [8, 4], torch.Generator().manual_seed(0))
    for part in (Subset(items, [1, 2]), parts[1], ConcatDataset(parts), DataLoader(ConcatDataset(parts), 3)):
        assert ImageDataset(part, **ALL).class_names == ("even", "odd")


# ------------------------------------------------------------------ D5: channels, 16 bits, volumes, strips


@pytest.mark.parametrize("channels", [2, 4, 5, 12])
def test_any_number_of_channels_where_they_are_said(channels):
    x = RNG.integers(0, 256, (6, channels, 9, 7), dtype=np.uint8)
    with pytest.raises(ShapeError, match=r'no channel axis.*channels="first" for \(N, C, H, W\)'):
        ImageDataset(x)
    for data in (
        ImageDataset(x, channels="first", **ALL),
        ImageDataset(x.transpose(0, 2, 3, 1), channels="last", **ALL),
        ImageDataset(TensorDataset(torch.from_numpy(x), torch.arange(6)), channels="first", **ALL),
        ImageDataset(x, channels="first", memory_cap_bytes=0, **ALL),
    ):
        assert torch.equal(data.train.images_u8(slice(None)), torch.from_numpy(x))
        assert data.items.draw == "slices"
        assert f"drawn as {channels} grey planes side by side" in repr(data)
    assert ImageDataset(GREY).items is None


def test_volumes_are_their_planes():
    x = torch.rand(5, 1, 6, 9, 7)
    for source in (x, TensorDataset(x)):
        data = ImageDataset(source, **ALL)
        assert data.image_shape == (6, 9, 7)
        assert data.items.shape == (1, 6, 9, 7)
        assert torch.equal(pixels(data), x[:, 0])
        assert "1 x 6 x 9 x 7, drawn as 6 grey planes side by side" in repr(data)
    assert torch.equal(pixels(ImageDataset(x[:, 0], channels="first", **ALL)), x[:, 0])
    with pytest.raises(ShapeError, match="5 axes"):
        ImageDataset(x.expand(5, 2, 6, 9, 7))


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-1.0, 1.0)])
def test_sixteen_bits_are_kept(value_range):
    x = RNG.integers(0, 65536, (6, 9, 7)).astype(np.uint16)
    x[0, 0, :2] = 0, 65535
    lo, hi = value_range
    wanted = torch.from_numpy(lo + (hi - lo) * (x[:, None] / 65535)).float()
    for source in (
        x,
        x.astype(">u2"),
        torch.from_numpy(x),
        Items([Image.fromarray(v) for v in x]),
        Items([(torch.from_numpy(v), 1) for v in x]),
    ):
        data = ImageDataset(source, value_range=value_range, **ALL)
        assert torch.allclose(pixels(data), wanted, atol=1e-6, rtol=0)
        assert len(pixels(data).unique()) > 256
    for dark in (x // 16, Items([Image.fromarray(v) for v in x // 16])):
        with pytest.raises(DataError, match=r"16-bit images run up to 4095; .*/ 4095 for 12-bit"):
            ImageDataset(dark)


def test_a_folder_of_sixteen_bits(tmp_path):
    x = RNG.integers(0, 65536, (4, 9, 7)).astype(np.uint16)
    for i, image in enumerate(x):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    data = ImageDataset(tmp_path, **ALL)
    assert torch.allclose(pixels(data), torch.from_numpy(x[:, None] / 65535).float(), atol=1e-6, rtol=0)
    assert ImageDataset(tmp_path, size=5, **ALL).image_shape == (1, 5, 5)
    Image.fromarray(GREY[0][:, :7]).resize((7, 9)).save(tmp_path / "9.png")
    with pytest.raises(DataError, match=r"9\.png' has pixels of mode 'L', not 16-bit, as the others are"):
        ImageDataset(tmp_path)


def test_integers_beyond_eight_bits_get_their_exact_range():
    scan = RNG.integers(-1000, 3000, (6, 9, 7)).astype(np.int16)
    with pytest.raises(DataError, match="expected 8-bit pixels") as caught:
        ImageDataset(scan)
    low, high = map(int, re.search(r"value_range=\((-?\d+), (\d+)\)", str(caught.value)).groups())
    data = ImageDataset(scan.astype("float32"), value_range=(low, high), **ALL)
    assert (int(data.train.images_u8(slice(None)).min()), int(data.train.images_u8(slice(None)).max())) == (
        0,
        255,
    )


@pytest.mark.parametrize("shape", [(20, 100, 3), (20, 3, 100), (20, 1000, 12), (20, 50, 1)])
def test_series_are_not_taken_for_images_without_a_word(shape):
    x = np.zeros(shape, np.float32)
    for source in (x, torch.from_numpy(x), TensorDataset(torch.from_numpy(x))):
        with pytest.raises(ShapeError, match=r"or series of \d+ steps\?.*vw\.ArrayDataset\(x"):
            ImageDataset(source)
    assert ImageDataset(x[:, None], channels="first", **ALL).image_shape == (1, *shape[1:])
    with pytest.raises(ShapeError, match=r"vw\.ArrayDataset\(x\)"):
        ImageDataset(np.zeros((20, 30), np.float32))
    with pytest.raises(DataError, match=r"shape \(30,\).*vw\.ArrayDataset\(dataset\)"):
        ImageDataset(TensorDataset(torch.zeros(20, 30)))


def test_images_of_a_picture_file_may_be_thin():
    strips = Items([Image.fromarray(np.zeros((8, 64), np.uint8))] * 3)
    assert ImageDataset(strips, **ALL).image_shape == (1, 8, 64)


# ------------------------------------------------------------------ D6: the exact range


def advised(source, **options):
    """The value range that a message advises."""
    with pytest.raises(DataError, match="value_range=") as caught:
        ImageDataset(source, **options)
    found = re.findall(r"pass value_range=\(([-\d.e]+), ([-\d.e]+)\)", str(caught.value))
    return tuple(map(float, found[-1]))


def test_standardised_pixels_are_black_and_white_in_the_range_that_is_advised():
    x = torch.from_numpy(GREY / 255).float()
    x[11, 0, 0], x[11, 0, 1] = 0.0, 1.0  # the extremes are in the last image only
    x[:11] = x[:11].clamp(0.1, 0.9)
    standard = (x - 0.1307) / 0.3081
    for source in (standard, Items(list(standard[:, None])), Items([(v, 0) for v in standard.numpy()])):
        data = ImageDataset(source, value_range=advised(source), **ALL)
        u8 = data.train.images_u8(slice(None))
        assert torch.equal(u8, (x * 255).round().to(torch.uint8)[:, None])


def test_so_are_pixels_of_any_other_scale():
    for low, high in ((0.0, 300.0), (-7.25, 11.5), (0.5, 5.25)):
        x = torch.linspace(low, high, 3 * 64).reshape(3, 8, 8)
        data = ImageDataset(x, value_range=advised(x), **ALL)
        u8 = data.train.images_u8(slice(None))
        assert int(u8[-1, 0, -1, -1]) == 255
        assert int(u8.min()) == (0 if low <= 0 else round(low / high * 255))
    assert vw.ImageDataset(torch.rand(3, 8, 8)).value_range == (0.0, 1.0)
