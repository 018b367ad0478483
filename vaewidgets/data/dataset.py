"""`ImageDataset`, the one form that images take here, and its `Split`s."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.checks import number, random_seed, text, whole
from vaewidgets.data.classes import Classes, find_classes
from vaewidgets.data.convert import as_labels, as_value_range
from vaewidgets.data.items import Items
from vaewidgets.data.pixel_storage import MemoryStore
from vaewidgets.data.sources import Opened, OpenOptions, as_size, open_images
from vaewidgets.data.split import Split
from vaewidgets.errors import DataError, OptionError, ShapeError

_DEFAULT_CAP = 2 * 2**30


class ImageDataset:
    """Images of one shape, with or without classes, split into train and test.

    Pixels of 8 bits stay 8-bit, in memory and on the device; they become floats a batch at a time.

    Parameters
    ----------
    images : array, tensor, path or torch Dataset
        (N, H, W), (N, C, H, W) or (N, H, W, C) with 1 or 3 channels, or any number where `channels` says
        where they are, or volumes (N, 1, D, H, W); of integers of 8 bits (0 to 255) or 16 (uint16, 0 to
        65,535), booleans, or floats in `value_range`; or a folder of image files, with a sub-folder for each
        class if there are any; or a `torch.utils.data.Dataset` of images or (image, label) pairs, images
        being PIL, arrays or tensors; or a DataLoader, whose data set is taken. A label that is not one whole
        number is left out.
    labels : array of int, shape (N,), optional
        The class of each image, any whole numbers of 64 bits: the values that occur are the classes. By
        default those of the folder or data set.
    test : images or (images, labels), optional
        A test set, in any of these forms. It takes the place of `test_fraction`.
    test_fraction : float
        Part of the images that is set aside for testing, 0 for none, drawn with `seed`.
    value_range : tuple of float
        What the darkest and the brightest pixel are to the model. 8-bit pixels are mapped to it; floats must
        lie in it.
    class_names : sequence of str, optional
        Names of the labels 0, 1, and so on. By default those of the folder or data set, else the labels
        themselves.
    name : str
        What widgets and messages call the set.
    seed : int
        For the test split.
    memory_cap_bytes : int
        A set that takes more than this (as stored: a byte a pixel if 8-bit, else four) is read on demand.
    channels : {"first", "last"}, optional
        Where the channel axis is, if the shape alone does not tell. Images of other than 1 or 3 channels are
        drawn as grey planes side by side, and so are volumes.
    size : int or (height, width), optional
        Resize to this, bilinear and antialiased.
    num_workers : int
        Processes that read a torch `Dataset`, and that read ahead where a set is above the cap. The set must
        bear that, as with torch's DataLoader; what is random in it is then drawn in each process.
    image_key, label_key : str or int, optional
        Where an item that is a mapping (or another tuple than (image, label)) has its image and its label;
        the label by default under "label".

    Attributes
    ----------
    image_shape : tuple of int
        (C, H, W).
    value_range : tuple of float
    class_names : tuple of str, or None
    name : str
    factor_names : tuple of str, or None
        What the columns of `factors` are, where the images were drawn from known factors ("shapes").
    factor_counts : tuple of int, or None
        How many values each factor takes: it runs from 0 to below this.
    items : Items or None
        How an item is drawn, if it is no image of 1 or 3 channels; see `ArrayDataset`.
    train : Split
    test : Split or None
        None where no test images were given or set aside.
    test_is_given : bool
        Whether the test images were given as such, and not drawn from `images`: a loop of one's own may
        train on those that were drawn.

    Raises
    ------
    DataError
        An empty set, NaN pixels, pixels outside the range, labels that do not fit, a test set unlike the
        train set.
    ShapeError
        Axes that are not those of images, or differ from image to image.
    OptionError
        An option out of its range.
    """

    image_shape: tuple[int, int, int]
    value_range: tuple[float, float]
    class_names: tuple[str, ...] | None
    name: str
    factor_names: tuple[str, ...] | None = None
    factor_counts: tuple[int, ...] | None = None
    items: Items | None = None
    test_is_given: bool = False
    train: Split
    test: Split | None

    def __init__(
        self,
        images: Any,
        labels: Any = None,
        *,
        test: Any = None,
        test_fraction: float = 1 / 6,
        value_range: tuple[float, float] = (0.0, 1.0),
        class_names: Any = None,
        name: str = "images",
        seed: int = 0,
        memory_cap_bytes: int = _DEFAULT_CAP,
        channels: str | None = None,
        size: int | tuple[int, int] | None = None,
        num_workers: int = 0,
        image_key: Any = None,
        label_key: Any = None,
    ) -> None:
        self.name = text("name", name)
        self.value_range = as_value_range(value_range)
        test_fraction = number("test_fraction", test_fraction, 0, below=1)
        cap = whole("memory_cap_bytes", memory_cap_bytes, 0, also=", such as 4 * 2**30")
        seed, num_workers = random_seed(seed), whole("num_workers", num_workers, 0)
        keys = (image_key, label_key)
        options = OpenOptions(self.value_range, channels, as_size(size), cap, self.name, num_workers, keys)
        opened = _open(images, labels, "labels", options)
        if test is not None:
            test_images, test_labels = test if isinstance(test, tuple) and len(test) == 2 else (test, None)
            held_out = _open(test_images, test_labels, "test labels", options)
            self.test_is_given = True
            self.train = _as_split(_own(opened, images), self.value_range, num_workers)
            self.test = _as_split(_own(held_out, test_images), self.value_range, num_workers)
            _check_alike(self.train, self.test)
        else:
            train_index, test_index = draw_test(len(opened.store), float(test_fraction), seed)
            if test_index is None:
                self.train, self.test = _as_split(_own(opened, images), self.value_range, num_workers), None
            else:
                split = _as_split(opened, self.value_range, num_workers)
                self.train, self.test = split.take(train_index), split.take(test_index)
        self.image_shape = self.train.image_shape
        if opened.layout == "volume":
            self.items = Items("slices", (1, *self.image_shape))
        elif self.image_shape[0] not in (1, 3):
            self.items = Items("slices", self.image_shape)
        self.class_names = _check_class_names(class_names, opened.class_names, self.train, self.test)

    @property
    def n_pixels(self) -> int:
        """Numbers in one image, C * H * W."""
        c, h, w = self.image_shape
        return c * h * w

    @property
    def holds_images(self) -> bool:
        """Whether the items are images, of any number of channels: what can be scaled, and sketched."""
        return self.items is None or self.items.draw == "slices"

    @cached_property
    def classes(self) -> Classes | None:
        """The label values that occur in either split, with their names; None without labels."""
        splits = [split for split in (self.train, self.test) if split is not None]
        parts = [split.labels.numpy() for split in splits if split.labels is not None]
        return find_classes(parts, self.class_names) if parts else None

    @property
    def factors(self) -> Tensor | None:
        """Known factors of the training images, int64, (N, F); `test.factors` has the others'. Or None."""
        return self.train.factors

    def with_factors(
        self, names: Sequence[str], counts: Sequence[int], train: Any, test: Any = None
    ) -> ImageDataset:
        """Return the same set with known factors of variation.

        Parameters
        ----------
        names : sequence of str
            One a factor.
        counts : sequence of int
            How many values each takes.
        train, test : array or Tensor of int, shape (N, F)
            Values, each from 0 to below its count; `test` exactly where there is a test split.

        Raises
        ------
        DataError
            If names, counts, values and images do not fit together.
        """
        names, counts = tuple(map(str, names)), tuple(map(int, counts))
        if len(names) != len(counts):
            raise DataError(f"{len(names)} factor names and {len(counts)} counts; expected one count a name.")
        if (test is None) != (self.test is None):
            raise DataError(
                f"there are {'no ' if test is None else ''}test factors and "
                f"{'no ' if self.test is None else ''}test images; expected both or neither."
            )
        splits = {
            what: split if split is None else split.with_factors(_as_factors(values, counts, split, what))
            for what, split, values in (("train", self.train, train), ("test", self.test, test))
        }
        other = self._replaced(train=splits["train"] or self.train, test=splits["test"])
        other.factor_names, other.factor_counts = names, counts
        return other

    def subset(self, n: int, *, seed: int = 0) -> ImageDataset:
        """Return the same set with `n` of its training images, drawn with `seed`; the test images stay.

        Raises
        ------
        OptionError
            If `n` is below 1 or above the number of training images.
        """
        return self._replaced(train=draw(self.train, n, seed, "n"), test=self.test)

    def split(self, name: str) -> Split:
        """Return the split called "train" or "test".

        Raises
        ------
        OptionError
            If there is none of this name.
        """
        if name == "train":
            return self.train
        if name == "test" and self.test is not None:
            return self.test
        existing = '"train"' if self.test is None else '"train" and "test"'
        fix = (
            " Set some images aside: ImageDataset(..., test_fraction=1/6) or test=..."
            if name == "test"
            else ""
        )
        raise OptionError(f"{self.name} has no split {name!r}; it has {existing}.{fix}")

    def to_unit(self, x: Tensor) -> Tensor:
        """Map images from ``value_range`` to [0, 1] for display; what lies outside is cut off."""
        lo, hi = self.value_range
        return ((x - lo) / (hi - lo)).clamp(0.0, 1.0)

    def __repr__(self) -> str:
        c, h, w = self.image_shape
        shape, noun = f"{c} x {h} x {w}", "images"
        if self.items is not None:
            shape, noun = self.items.describe(), noun if self.holds_images else "items"
        counts = f"{len(self.train)} train" + ("" if self.test is None else f" + {len(self.test)} test")
        classes = ""
        if self.classes is not None:
            n = len(self.classes)
            classes = f", {n} class{'es' if n > 1 else ''}"
        kept = "" if self.train.resident else ", streamed"
        return f"{type(self).__name__}({self.name!r}, {counts} {noun}, {shape}{classes}{kept})"

    def _replaced(self, *, train: Split, test: Split | None) -> ImageDataset:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, train=train, test=test)
        other.__dict__.pop("classes", None)  # counted anew: fewer images may show fewer classes
        return other


def _open(images: Any, labels: Any, what: str, options: OpenOptions) -> Opened:
    opened = open_images(images, options)
    if labels is not None:
        opened.labels = as_labels(labels, len(opened.store), what)
    return opened


def _as_split(opened: Opened, value_range: tuple[float, float], num_workers: int) -> Split:
    return Split(opened.store, opened.labels, value_range, num_workers=num_workers)


def _own(opened: Opened, source: Any) -> Opened:
    """Copy pixels that still share the user's memory, which may change under us."""
    if isinstance(opened.store, MemoryStore) and isinstance(source, np.ndarray | Tensor):
        opened.store = MemoryStore(opened.store.images.clone())
    return opened


def draw_test(n: int, fraction: float, seed: int) -> tuple[Tensor, Tensor | None]:
    n_test = min(max(1, round(n * fraction)), n - 1) if fraction > 0 else 0
    if n_test == 0:
        return torch.arange(n), None
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[n_test:].sort().values, order[:n_test].sort().values


def draw(split: Split, n: int, seed: int, option: str) -> Split:
    """Return `n` images of a split, drawn with `seed`, in the order of the split."""
    n = whole(option, n, 1, len(split), also=", the number of images")
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(random_seed(seed)))
    return split.take(order[:n].sort().values)


def _as_factors(values: Any, counts: tuple[int, ...], split: Split, what: str) -> Tensor:
    table = torch.as_tensor(np.asarray(values) if values is not None else np.empty(0))
    if table.shape != (len(split), len(counts)) or table.is_floating_point():
        raise DataError(
            f"{what} factors have shape {tuple(table.shape)} and type {table.dtype}; expected whole numbers, "
            f"{(len(split), len(counts))}: one row an image, one column a factor."
        )
    if table.numel() and (int(table.min()) < 0 or bool((table >= torch.tensor(counts)).any())):
        raise DataError(f"{what} factors lie outside 0 to below their counts, {counts}.")
    return table.long()


def _check_alike(train: Split, test: Split) -> None:
    if train.image_shape != test.image_shape:
        raise ShapeError(
            f"the test images have shape {test.image_shape} (channels, height, width), the training images "
            f"{train.image_shape}; expected the same. Pass size=(height, width) to resize both."
        )


def _largest_label(train: Split, test: Split | None) -> int:
    return max(
        (int(s.labels.max()) for s in (train, test) if s is not None and s.labels is not None), default=-1
    )


def _check_class_names(given: Any, found: Any, train: Split, test: Split | None) -> tuple[str, ...] | None:
    names = found if given is None else given
    if names is None:
        return None
    if isinstance(names, str):
        raise OptionError(f"class_names is the text {names!r}; expected a sequence of names, one a class.")
    names = tuple(str(v) for v in names)
    largest = _largest_label(train, test)
    if len(names) <= largest:
        if given is None:
            return None
        raise DataError(
            f"{len(names)} class_names for labels up to {largest}; expected at least {largest + 1}, the name "
            "of class 0 first."
        )
    return names
