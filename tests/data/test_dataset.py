"""`ImageDataset`: what it takes, what it makes of it, and what it refuses."""

import re

import numpy as np
import pytest
import torch

from vaewidgets.data import ImageDataset
from vaewidgets.errors import DataError, OptionError, ShapeError

RNG = np.random.default_rng(7)
GREY = RNG.integers(0, 256, (12, 6, 5), dtype=np.uint8)
COLOR = RNG.integers(0, 256, (12, 6, 5, 3), dtype=np.uint8)


def whole(data: ImageDataset) -> torch.Tensor:
    return data.train.images(slice(None))


# ------------------------------------------------------------------ forms and layouts


@pytest.mark.parametrize(
    ("images", "shape"),
    [
        (GREY, (1, 6, 5)),
        (GREY[..., None], (1, 6, 5)),
        (GREY[:, None], (1, 6, 5)),
        (COLOR, (3, 6, 5)),
        (COLOR.transpose(0, 3, 1, 2), (3, 6, 5)),
        (torch.from_numpy(COLOR), (3, 6, 5)),
        (GREY[:, ::-1], (1, 6, 5)),
        (GREY.tolist(), (1, 6, 5)),
    ],
    ids=["NHW", "NHW1", "N1HW", "NHWC", "NCHW", "tensor", "negative stride", "list"],
)
def test_layouts_become_channels_first(images, shape):
    data = ImageDataset(images, test_fraction=0)
    assert data.image_shape == shape
    assert data.n_pixels == np.prod(shape)
    assert data.train.dtype == torch.uint8
    array = np.asarray(images)
    if array.ndim == 3:
        array = array[:, None]
    elif array.shape[-1] in (1, 3):
        array = array.transpose(0, 3, 1, 2)
    assert torch.equal(data.train.images_u8(slice(None)), torch.from_numpy(array.astype(np.uint8)))


def test_a_side_of_one_pixel_settles_where_the_channels_are():
    assert ImageDataset(np.zeros((4, 1, 3, 3), np.uint8)).image_shape == (1, 3, 3)
    assert ImageDataset(np.zeros((4, 3, 3, 1), np.uint8)).image_shape == (1, 3, 3)
    with pytest.raises(ShapeError, match="Say which"):
        ImageDataset(np.zeros((4, 1, 28, 1), np.uint8))


def test_both_ends_could_be_channels():
    images = np.zeros((4, 3, 6, 3), np.uint8)
    with pytest.raises(ShapeError, match=r'axis 1 \(3\) and axis 3 \(3\).*channels="first"'):
        ImageDataset(images)
    assert ImageDataset(images, channels="first").image_shape == (3, 6, 3)
    assert ImageDataset(images, channels="last").image_shape == (3, 3, 6)


def test_pixels_map_to_the_value_range_exactly():
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    for lo, hi in [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-0.5, 0.5), (0.1, 0.7)]:
        data = ImageDataset(ramp, test_fraction=0, value_range=(lo, hi))
        x = whole(data)
        assert x.dtype == torch.float32
        assert x.min().item() == np.float32(lo)
        assert x.max().item() == pytest.approx(hi, abs=1e-7)
        expected = lo + np.arange(256) / 255 * (hi - lo)
        np.testing.assert_allclose(x.flatten().numpy(), expected, atol=3e-5 if hi > 1 else 3e-7)
        torch.testing.assert_close(data.to_unit(x).flatten(), torch.arange(256) / 255, atol=1e-6, rtol=0)
        assert torch.equal(data.train.images_u8(slice(None)).flatten(), torch.arange(256, dtype=torch.uint8))


def test_unit_range_equals_torchvision():
    from torchvision.transforms.functional import to_tensor

    x = whole(ImageDataset(GREY, test_fraction=0))
    assert torch.equal(x[3], to_tensor(GREY[3]))


def test_floats_stay_floats():
    images = RNG.random((5, 4, 4))
    data = ImageDataset(images, test_fraction=0)
    assert data.train.dtype == torch.float32
    np.testing.assert_array_equal(whole(data)[:, 0].numpy(), images.astype(np.float32))
    np.testing.assert_array_equal(data.train.images_u8([1])[0, 0].numpy(), np.round(images[1] * 255))


def test_float_range_that_is_not_the_unit_one():
    data = ImageDataset(np.linspace(-1, 1, 16, dtype=np.float32).reshape(1, 4, 4), value_range=(-1, 1))
    assert data.train.images_u8([0]).flatten()[[0, -1]].tolist() == [0, 255]
    assert data.to_unit(whole(data)).flatten()[[0, -1]].tolist() == [0.0, 1.0]


def test_rounding_past_the_border_is_cut_off():
    images = np.full((2, 2, 2), 1.000001, np.float32)
    assert whole(ImageDataset(images, test_fraction=0)).max().item() == 1.0


def test_booleans_are_black_and_white():
    data = ImageDataset(np.eye(4, dtype=bool)[None], test_fraction=0)
    assert torch.equal(whole(data)[0, 0], torch.eye(4))


def test_small_integers_of_another_type_are_8_bit_pixels():
    data = ImageDataset(GREY.astype(np.int64), test_fraction=0)
    assert data.train.dtype == torch.uint8


def test_the_data_are_not_the_users_memory():
    for images in (GREY.copy(), RNG.random((6, 4, 4)).astype(np.float32), torch.rand(6, 1, 4, 4)):
        data = ImageDataset(images, test_fraction=0)
        before = whole(data)
        images[:] = 0
        assert torch.equal(whole(data), before)
        whole(data).zero_()
        next(iter(data.train.batches(2, device="cpu", shuffle=False))).zero_()
        assert torch.equal(whole(data), before)


def test_resize():
    data = ImageDataset(GREY, size=(12, 10), test_fraction=0)
    assert data.image_shape == (1, 12, 10)
    assert data.train.dtype == torch.uint8
    assert ImageDataset(GREY, size=8).image_shape == (1, 8, 8)
    flat = ImageDataset(np.full((3, 4, 4), 77, np.uint8), size=9, test_fraction=0)
    assert set(flat.train.images_u8(slice(None)).flatten().tolist()) == {77}
    with pytest.raises(OptionError, match="size is 0"):
        ImageDataset(GREY, size=0)


# ------------------------------------------------------------------ splits


def test_test_split_is_drawn_by_seed_and_partitions_the_set():
    images = np.arange(60, dtype=np.uint8).reshape(60, 1, 1).repeat(4, 1).repeat(4, 2)
    labels = np.arange(60)
    a, b, c = (ImageDataset(images, labels, seed=s) for s in (0, 0, 1))
    assert (len(a.train), len(a.test)) == (50, 10)
    assert torch.equal(a.test.labels, b.test.labels)
    assert not torch.equal(a.test.labels, c.test.labels)
    assert sorted([*a.train.labels.tolist(), *a.test.labels.tolist()]) == list(range(60))
    # labels travel with their images
    assert torch.equal(a.test.images_u8(slice(None))[:, 0, 0, 0].long(), a.test.labels)
    assert ImageDataset(images, test_fraction=0).test is None


def test_given_test_set():
    data = ImageDataset(GREY, np.zeros(12, int), test=(GREY[:5], [1, 1, 1, 1, 2]))
    assert (len(data.train), len(data.test)) == (12, 5)
    assert data.test.labels.tolist() == [1, 1, 1, 1, 2]
    assert ImageDataset(GREY, test=GREY[:3]).test.labels is None


def test_subset_keeps_labels_with_images_and_the_test_set():
    images = np.arange(60, dtype=np.uint8).reshape(60, 1, 1).repeat(4, 1).repeat(4, 2)
    data = ImageDataset(images, np.arange(60), test_fraction=0.5)
    small = data.subset(7, seed=3)
    assert len(small.train) == 7
    assert small.test is data.test
    assert torch.equal(small.train.images_u8(slice(None))[:, 0, 0, 0].long(), small.train.labels)
    assert torch.equal(small.train.labels, data.subset(7, seed=3).train.labels)
    assert not torch.equal(small.train.labels, data.subset(7, seed=4).train.labels)
    assert len(data.train) == 30
    for n in (0, 31, 2.0, True):
        with pytest.raises(OptionError, match="expected a whole number from 1 to 30"):
            data.subset(n)


def test_split_by_name():
    data = ImageDataset(GREY, test_fraction=0)
    assert data.split("train") is data.train
    with pytest.raises(OptionError, match=r"no split 'test'; it has .train.\..*test_fraction=1/6"):
        data.split("test")
    with pytest.raises(OptionError, match='no split \'valid\'; it has "train" and "test"'):
        ImageDataset(GREY).split("valid")


@pytest.mark.parametrize(
    "index",
    [torch.tensor([3, 1, 3]), np.array([3, 1, 3]), [3, 1, 3], torch.tensor([3, 1, -9])],
    ids=["tensor", "array", "list", "negative"],
)
def test_index_forms(index):
    data = ImageDataset(GREY, test_fraction=0)
    expected = torch.from_numpy(GREY[np.asarray(index)])[:, None]
    assert torch.equal(data.train.images_u8(index), expected)


def test_index_mask_slice_and_errors():
    train = ImageDataset(GREY, test_fraction=0).train
    mask = np.zeros(12, bool)
    mask[[2, 5]] = True
    assert torch.equal(train.images_u8(mask), torch.from_numpy(GREY[mask])[:, None])
    assert torch.equal(train.images_u8(slice(9, None, -4)), torch.from_numpy(GREY[9::-4].copy())[:, None])
    assert train.images([]).shape == (0, 1, 6, 5)
    with pytest.raises(IndexError, match="runs from 3 to 12, but there are 12"):
        train.images([3, 12])
    with pytest.raises(ShapeError, match=r"One image is images\(\[7\]\)"):
        train.images(7)


def test_repr_is_stable_and_says_what_it_is():
    data = ImageDataset(COLOR, np.arange(12) % 3, name="toy", class_names=["a", "b", "c"])
    assert repr(data) == "ImageDataset('toy', 10 train + 2 test images, 3 x 6 x 5, 3 classes)"
    assert repr(data.train) == "Split(10 images, 3 x 6 x 5)"


# ------------------------------------------------------------------ bad input

NAN = np.zeros((4, 3, 3), np.float32)
NAN[2, 1, 0] = NAN[3, 0, 0] = np.nan


@pytest.mark.parametrize(
    ("images", "options", "error", "message"),
    [
        (np.zeros((0, 3, 3)), {}, DataError, "set is empty"),
        (np.zeros((3, 0, 3)), {}, DataError, "no pixels"),
        ([], {}, DataError, "set is empty"),
        (NAN, {}, DataError, "2 NaN pixels, the first in image 2 at channel 0, row 1, column 0"),
        (
            GREY.astype(float),
            {},
            DataError,
            r"outside value_range=\(0, 1\).*held as floats: divide by 255, or pass value_range=\(0, 255\)",
        ),
        (GREY / 127.5 - 1, {}, DataError, r"look centred: pass value_range=\(-1, 1\)"),
        (np.linspace(-0.4, 2.8, 9).reshape(1, 3, 3), {}, DataError, r"standardised.*\(-0\.4, 2\.8\)"),
        (np.arange(17.0).reshape(17, 1, 1), {}, DataError, r"run from 0 to 16.*value_range=\(0, 16\)"),
        (GREY / 255, {"value_range": (0.5, 1)}, DataError, r"outside value_range=\(0.5, 1\)"),
        (np.full((2, 3, 3), np.inf), {}, DataError, "run from inf to inf"),
        (np.full((2, 3, 3), 300), {}, DataError, "integer images run from 300 to 300; expected 8-bit"),
        (np.eye(4, dtype=np.uint8)[None], {}, DataError, r"only 0 and 1.*astype\(bool\)"),
        (np.zeros((2, 3, 3), complex), {}, DataError, "complex"),
        (np.full((2, 3, 3), "a"), {}, DataError, "of type <U1"),
        (np.zeros((5, 784), np.uint8), {}, ShapeError, r"flattened.*images.reshape\(-1, 28, 28\)"),
        (np.zeros((5, 10), np.uint8), {}, ShapeError, r"flattened.*reshape\(-1, H, W\)"),
        (np.zeros(5, np.uint8), {}, ShapeError, "1 axes"),
        (np.zeros((2, 2, 2, 2, 2), np.uint8), {}, ShapeError, "5 axes"),
        (np.zeros((2, 9, 9, 4), np.uint8), {}, ShapeError, "no channel axis.*Drop the alpha"),
        (np.zeros((2, 9, 9, 7), np.uint8), {}, ShapeError, "no channel axis.*grey images as"),
        (COLOR, {"channels": "first"}, ShapeError, "with channels='first'"),
        (COLOR, {"channels": "middle"}, OptionError, "channels is 'middle'"),
        (GREY, {"value_range": (1, 0)}, OptionError, "value_range is"),
        (GREY, {"value_range": 1.0}, OptionError, "value_range is 1.0"),
        (GREY, {"value_range": (0, np.inf)}, OptionError, "two finite numbers"),
        (GREY, {"test_fraction": 1.0}, OptionError, "test_fraction is 1.0"),
        (GREY, {"test_fraction": -0.1}, OptionError, "test_fraction is -0.1"),
        (GREY, {"test_fraction": "half"}, OptionError, "test_fraction is 'half'"),
        (GREY, {"memory_cap_bytes": "2GB"}, OptionError, "memory_cap_bytes is '2GB'"),
        (GREY, {"labels": np.arange(11)}, DataError, "11 labels for 12 images"),
        (GREY, {"labels": np.arange(12.0)}, DataError, r"held as float64: pass labels.astype\(int\)"),
        (GREY, {"labels": np.arange(12) + 0.5}, DataError, "type float64; expected integers"),
        (GREY, {"labels": ["cat"] * 12}, DataError, r"numpy.unique\(labels, return_inverse=True\)"),
        (GREY, {"labels": np.eye(12, dtype=int)}, DataError, r"one-hot: pass labels.argmax\(1\)"),
        (GREY, {"labels": np.zeros((12, 1), int)}, DataError, r"labels.reshape\(-1\)"),
        (GREY, {"labels": np.full(12, 2**63)}, DataError, r"hold \d+ at index 0.*2\*\*63"),
        (GREY, {"labels": np.arange(12), "class_names": "abc"}, OptionError, "class_names is the text"),
        (
            GREY,
            {"labels": np.arange(12), "class_names": list("abc")},
            DataError,
            "3 class_names for labels up to 11; expected at least 12",
        ),
        (GREY, {"test": COLOR}, ShapeError, r"test images have shape \(3, 6, 5\).*\(1, 6, 5\)"),
        (GREY, {"test": GREY[:0]}, DataError, "empty"),
        (GREY, {"test": (GREY, np.arange(3))}, DataError, "3 test labels for 12 images"),
        (object(), {}, DataError, "of type object; expected an array"),
        (7, {}, DataError, "of type int"),
    ],
)  # fmt: skip
def test_bad_input(images, options, error, message):
    with pytest.raises(error, match=message) as caught:
        ImageDataset(images, **options)
    assert re.search(r"[.)]$", str(caught.value))


def test_classes_are_counted_over_both_splits():
    data = ImageDataset(np.zeros((3, 4, 4), np.float32), [0, 0, 1], test_fraction=0.4)
    assert len(data.test) == 1
    for seed in range(6):
        data = ImageDataset(np.zeros((3, 4, 4), np.float32), [0, 0, 1], test_fraction=0.4, seed=seed)
        assert repr(data).endswith("2 classes)")
