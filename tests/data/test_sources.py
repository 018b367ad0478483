"""Folders and torch data sets as images."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import IterableDataset, TensorDataset

from tests.data.plain_set import Items
from vaewidgets.data import ImageDataset
from vaewidgets.errors import DataError, DatasetNotFoundError, ShapeError

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (6, 7, 5), dtype=np.uint8)
COLOR = RNG.integers(0, 256, (6, 7, 5, 3), dtype=np.uint8)


def save(folder, images, names="abcdef", suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in zip(names, images, strict=False):
        Image.fromarray(image).save(folder / f"{name}{suffix}")


# ------------------------------------------------------------------ folders


@pytest.mark.parametrize("cap", [2**20, 40])
def test_folder_of_images(tmp_path, cap):
    save(tmp_path, GREY)
    (tmp_path / "notes.txt").write_text("not an image")
    data = ImageDataset(tmp_path, test_fraction=0, memory_cap_bytes=cap)
    assert data.train.resident == (cap > 40)
    assert data.image_shape == (1, 7, 5)
    assert data.train.labels is None
    assert torch.equal(data.train.images_u8(slice(None)), torch.from_numpy(GREY)[:, None])


def test_sub_folders_are_classes(tmp_path):
    save(tmp_path / "cat", COLOR[:2])
    save(tmp_path / "ant", COLOR[2:])
    (tmp_path / "empty").mkdir()
    data = ImageDataset(str(tmp_path), test_fraction=0)
    assert data.class_names == ("ant", "cat")
    assert data.train.labels.tolist() == [0, 0, 0, 0, 1, 1]
    expected = torch.from_numpy(np.concatenate([COLOR[2:], COLOR[:2]])).permute(0, 3, 1, 2)
    assert torch.equal(data.train.images_u8(slice(None)), expected)


def test_one_image_in_colour_makes_all_colour(tmp_path):
    save(tmp_path, [*GREY[:2], COLOR[2]])
    data = ImageDataset(tmp_path, test_fraction=0)
    assert data.image_shape == (3, 7, 5)
    assert torch.equal(data.train.images_u8([0])[0], torch.from_numpy(GREY[0]).expand(3, 7, 5))


def test_palettes_transparency_and_one_bit_files(tmp_path):
    palette = Image.fromarray(COLOR[0]).quantize(4)
    palette.save(tmp_path / "a.png", transparency=bytes([0, 128, 255, 255]))
    Image.fromarray(np.dstack([COLOR[1], GREY[1]])).save(tmp_path / "b.png")
    Image.fromarray(GREY[2] > 99).save(tmp_path / "c.png")
    data = ImageDataset(tmp_path, test_fraction=0)
    u8 = data.train.images_u8(slice(None))
    assert torch.equal(u8[1], torch.from_numpy(COLOR[1]).permute(2, 0, 1))
    assert torch.equal(u8[2, 0], torch.from_numpy(GREY[2] > 99) * 255)
    np.testing.assert_array_equal(u8[0].permute(1, 2, 0).numpy(), np.asarray(palette.convert("RGB")))


def test_mixed_sizes_are_refused_by_name_and_mended_by_size(tmp_path):
    save(tmp_path, [GREY[0], GREY[1], GREY[2][:, :4]])
    with pytest.raises(ShapeError, match=r"c\.png' is 7 x 4 pixels .*first image 7 x 5;.*size=\(7, 5\)"):
        ImageDataset(tmp_path)
    data = ImageDataset(tmp_path, size=(7, 5), test_fraction=0)
    assert torch.equal(data.train.images_u8([0])[0, 0], torch.from_numpy(GREY[0]))
    assert ImageDataset(tmp_path, size=4).image_shape == (1, 4, 4)


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"absent' does not exist"):
        ImageDataset(tmp_path / "absent")
    with pytest.raises(DataError, match="holds no images: the set is empty"):
        ImageDataset(tmp_path)
    save(tmp_path, GREY[:1])
    with pytest.raises(DatasetNotFoundError, match=r"a\.png' is a file.*numpy\.load"):
        ImageDataset(tmp_path / "a.png")
    save(tmp_path / "sub", GREY)
    with pytest.raises(DataError, match=r"holds 1 images itself and sub-folders of images \('sub', \.\.\.\)"):
        ImageDataset(tmp_path)


def test_files_that_cannot_be_used(tmp_path):
    save(tmp_path, GREY[:2])
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"broken\.png' cannot be read as an image"):
        ImageDataset(tmp_path)
    whole = (tmp_path / "b.png").read_bytes()
    (tmp_path / "broken.png").write_bytes(whole[:-30])
    with pytest.raises(DataError, match=r"broken\.png' cannot be read as an image"):
        ImageDataset(tmp_path)
    (tmp_path / "broken.png").unlink()
    Image.fromarray(GREY[0].astype(np.uint16) * 256).save(tmp_path / "deep.png")
    with pytest.raises(DataError, match=r"deep\.png' has pixels of mode 'I;16', not 8-bit"):
        ImageDataset(tmp_path)


# ------------------------------------------------------------------ data sets


def to_chw(image):
    return torch.from_numpy(image).permute(2, 0, 1)


@pytest.mark.parametrize(
    "items",
    [
        [Image.fromarray(v) for v in COLOR],
        list(COLOR),
        [to_chw(v) for v in COLOR],
        [(Image.fromarray(v), i) for i, v in enumerate(COLOR)],
        [[v, np.int64(i), "more"] for i, v in enumerate(COLOR)],
        [(to_chw(v), torch.tensor(i)) for i, v in enumerate(COLOR)],
    ],
    ids=["PIL", "array", "tensor", "PIL, int", "array, numpy int, more", "tensor, tensor"],
)
@pytest.mark.parametrize("wrap", [Items, list], ids=["Dataset", "list"])
def test_items_of_any_kind(items, wrap):
    data = ImageDataset(wrap(items), test_fraction=0)
    assert data.train.dtype == torch.uint8
    assert torch.equal(data.train.images_u8(slice(None)), torch.from_numpy(COLOR).permute(0, 3, 1, 2))
    if isinstance(items[0], tuple | list):
        assert data.train.labels.tolist() == list(range(6))
    else:
        assert data.train.labels is None


def test_tensor_data_set_and_given_labels_win():
    source = TensorDataset(torch.rand(6, 1, 4, 4), torch.arange(6))
    assert ImageDataset(source, test_fraction=0).train.labels.tolist() == list(range(6))
    assert ImageDataset(source, [7] * 6, test_fraction=0).train.labels.tolist() == [7] * 6


def test_class_names_of_the_data_set():
    items = Items([(v, i % 2) for i, v in enumerate(GREY)], classes=["even", "odd"])
    assert ImageDataset(items).class_names == ("even", "odd")
    items.classes = ["too few"]
    assert ImageDataset(items).class_names is None
    assert ImageDataset(items, class_names=["e", "o", "spare"]).class_names == ("e", "o", "spare")


def test_attributes_that_are_no_classes_are_left_out():
    items = [(v, torch.rand(4)) for v in GREY]
    assert ImageDataset(Items(items, targets=[[0, 1]] * 6)).train.labels is None


def test_iterable_data_set(monkeypatch):
    class Stream(IterableDataset):
        def __iter__(self):
            return iter((v, i) for i, v in enumerate(GREY))

    data = ImageDataset(Stream(), test_fraction=0)
    assert data.train.labels.tolist() == list(range(6))
    assert torch.equal(data.train.images_u8(slice(None)), torch.from_numpy(GREY)[:, None])
    with pytest.raises(DataError, match=r"IterableDataset passed the memory cap of 80 bytes after 3 images"):
        ImageDataset(Stream(), memory_cap_bytes=80)


def test_items_that_cannot_be_used():
    with pytest.raises(DataError, match=r"item 0 of the data set is of type dict with keys .*'image'"):
        ImageDataset(Items([{"image": 1, "label": 2}]))
    with pytest.raises(DataError, match="item 1 of the data set is of type str; expected an image"):
        ImageDataset(Items([GREY[0], "b"]))
    with pytest.raises(ShapeError, match=r"image 1 has shape \(1, 6, 5\), the first one \(1, 7, 5\).*size="):
        ImageDataset(Items([GREY[0], GREY[1][:6]]))
    with pytest.raises(ShapeError, match="another number of axes than the first one"):
        ImageDataset(Items([GREY[0], COLOR[1]]))
    with pytest.raises(DataError, match=r"image 1 is torch.float32, the first one torch.uint8"):
        ImageDataset(Items([GREY[0], GREY[1] / 255]))
    with pytest.raises(DataError, match=r"first image of the data set has shape \(35,\)"):
        ImageDataset(Items([GREY[0].ravel()]))
    with pytest.raises(DataError, match="empty"):
        ImageDataset(Items([]))
    with pytest.raises(DataError, match="the first in image 4 at"):
        ImageDataset(Items([np.full((3, 3), np.nan if i == 4 else 0.5) for i in range(6)]))
    assert ImageDataset(Items([GREY[0], GREY[1][:6]]), size=6).image_shape == (1, 6, 6)


def test_progress_is_shown_for_long_work_only(capsys):
    import time

    class Slow(Items):
        def __getitem__(self, i):
            time.sleep(0.25)  # the work itself, not a wait for something
            return super().__getitem__(i)

    ImageDataset(Items(list(GREY)), name="quick")
    assert "".join(capsys.readouterr()) == ""
    ImageDataset(Slow(list(GREY)), name="slow ones")
    assert "reading slow ones" in "".join(capsys.readouterr()), "on stderr; on stdout in an IPython kernel"


def test_tensors_that_need_gradients_are_taken_as_values():
    images = torch.rand(4, 1, 3, 3, requires_grad=True)
    assert not ImageDataset(images).train.images([0]).requires_grad
    assert not ImageDataset(Items(list(images))).train.images([0]).requires_grad
