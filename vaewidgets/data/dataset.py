"""`ImageDataset`, the one form that images take here, and its `Split`s."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.data.batches import Batches, to_float
from vaewidgets.data.convert import as_labels, as_value_range
from vaewidgets.data.sources import Opened, as_size, open_images
from vaewidgets.data.stores import MemoryStore, Store
from vaewidgets.errors import DataError, OptionError, ShapeError

__all__ = ["ImageDataset", "Split"]

_DEFAULT_CAP = 2 * 2**30
# Training and drawing threads may both ask for the copy on the device; the second waits for the first one's.
_UPLOAD = threading.Lock()


class Split:
    """Train or test part of an `ImageDataset`. Not made by hand.

    Attributes
    ----------
    labels : Tensor, int64, shape (N,), or None
        Classes, on the CPU.
    image_shape : tuple of int
        (C, H, W).
    value_range : tuple of float
        What floats of `images` and `batches` lie in.
    resident : bool
        Whether the images fit the memory cap; if not, they are read when wanted.
    num_workers : int
        Processes that read ahead when not resident.
    """

    def __init__(
        self,
        store: Store,
        labels: Tensor | None,
        value_range: tuple[float, float],
        *,
        index: Tensor | None = None,
        cap: int = _DEFAULT_CAP,
        num_workers: int = 0,
    ) -> None:
        if isinstance(store, MemoryStore) and index is not None:
            store, index = MemoryStore(store.read(index)), None
        self._store = store
        self._index = index
        self._cap = cap
        self._copies: dict[torch.device, Tensor] = {}
        self.labels = labels
        self.value_range = value_range
        self.num_workers = num_workers
        self.image_shape: tuple[int, int, int] = store.shape[1:]

    def __len__(self) -> int:
        return len(self._store) if self._index is None else len(self._index)

    def __repr__(self) -> str:
        c, h, w = self.image_shape
        return f"Split({len(self)} images, {c} x {h} x {w}{', streamed' if not self.resident else ''})"

    @property
    def resident(self) -> bool:
        """Whether the images are in memory."""
        return isinstance(self._store, MemoryStore)

    @property
    def dtype(self) -> torch.dtype:
        """How pixels are kept: ``torch.uint8`` or ``torch.float32``."""
        return self._store.dtype

    def images(self, index: Tensor | slice | Any) -> Tensor:
        """Images as floats.

        Parameters
        ----------
        index : Tensor (int64), slice, list or ndarray of int
            Which ones.

        Returns
        -------
        Tensor, float32, shape (B, C, H, W)
            A new tensor on the CPU, in the data's ``value_range``.
        """
        return to_float(self.read(self._as_index(index)), self.value_range)

    def images_u8(self, index: Tensor | slice | Any) -> Tensor:
        """Images for display, with ``value_range`` mapped to 0 and 255.

        Returns
        -------
        Tensor, uint8, shape (B, C, H, W)
            A new tensor on the CPU.
        """
        pixels = self.read(self._as_index(index))
        if pixels.dtype == torch.uint8:
            return pixels
        lo, hi = self.value_range
        return pixels.sub_(lo).mul_(255.0 / (hi - lo)).round_().clamp_(0, 255).to(torch.uint8)

    def batches(
        self,
        batch_size: int,
        *,
        device: torch.device | str,
        generator: torch.Generator | None = None,
        shuffle: bool = True,
        drop_last: bool = False,
    ) -> Batches:
        """Batches of floats on `device`; each iteration is one epoch.

        Parameters
        ----------
        batch_size : int
            Images a batch.
        device : torch.device or str
            Where batches are wanted. A resident set is copied there once, as it is kept.
        generator : torch.Generator, optional
            Draws the order, on any device; by default one seeded from torch's global generator.
        shuffle : bool
            A new order each epoch; else the order of the set.
        drop_last : bool
            Leave out the last batch of an epoch if it is smaller.

        Returns
        -------
        Batches

        Raises
        ------
        OptionError
            If `batch_size` is below 1, or no batch is left.
        """
        return Batches(
            self, batch_size, device=device, generator=generator, shuffle=shuffle, drop_last=drop_last
        )

    def read(self, index: Tensor) -> Tensor:
        """Stored pixels (uint8 or float32) at `index` (int64, on the CPU) as a new tensor on the CPU."""
        return self._store.read(index if self._index is None else self._index.index_select(0, index))

    def on_device(self, device: torch.device) -> Tensor:
        """Return all stored pixels on `device`, copied there at the first call and kept.

        Returns
        -------
        Tensor, uint8 or float32, shape (N, C, H, W)
            The data itself: not to be written to.
        """
        if not isinstance(self._store, MemoryStore):
            raise DataError(
                "the set is larger than its memory cap, so it is not kept on the device as a whole."
            )
        if device.type == "cpu":
            return self._store.images
        with _UPLOAD:
            if device not in self._copies:
                self._copies[device] = self._store.images.to(device)
            return self._copies[device]

    def take(self, index: Tensor) -> Split:
        """Return a split of the images at `index` (int64, on the CPU)."""
        labels = None if self.labels is None else self.labels.index_select(0, index)
        inner = index if self._index is None else self._index.index_select(0, index)
        return Split(
            self._store, labels, self.value_range, index=inner, cap=self._cap, num_workers=self.num_workers
        )

    def _as_index(self, index: Any) -> Tensor:
        n = len(self)
        if isinstance(index, slice):
            return torch.arange(*index.indices(n))
        index = torch.as_tensor(index).cpu()
        if index.dtype == torch.bool:
            index = index.nonzero().squeeze(1)
        if index.ndim != 1 or (index.numel() and index.is_floating_point()):
            raise ShapeError(
                f"index has shape {tuple(index.shape)} and type {index.dtype}; expected whole numbers, (B,). "
                "One image is images([7])."
            )
        index = index.long()
        if index.numel() and (int(index.min()) < -n or int(index.max()) >= n):
            raise IndexError(
                f"index runs from {int(index.min())} to {int(index.max())}, but there are {n} images."
            )
        return torch.where(index < 0, index + n, index)


class ImageDataset:
    """Images of one shape, with or without classes, split into train and test.

    Pixels of 8 bits stay 8-bit, in memory and on the device; they become floats a batch at a time.

    Parameters
    ----------
    images : array, tensor, path or torch Dataset
        (N, H, W), (N, C, H, W) or (N, H, W, C) with 1 or 3 channels, of integers from 0 to 255, booleans, or
        floats in `value_range`; or a folder of image files, with a sub-folder for each class if there are
        any; or a `torch.utils.data.Dataset` of images or (image, label) pairs, images being PIL, arrays or
        tensors. A label that is not one whole number is left out.
    labels : array of int, shape (N,), optional
        Classes from 0. By default those of the folder or data set.
    test : images or (images, labels), optional
        A test set, in any of these forms. It takes the place of `test_fraction`.
    test_fraction : float
        Part of the images that is set aside for testing, 0 for none, drawn with `seed`.
    value_range : tuple of float
        What the darkest and the brightest pixel are to the model. 8-bit pixels are mapped to it; floats must
        lie in it.
    class_names : sequence of str, optional
        By default those of the folder or data set.
    name : str
        What widgets and messages call the set.
    seed : int
        For the test split.
    memory_cap_bytes : int
        A set that takes more than this (as stored: a byte a pixel if 8-bit, else four) is read when wanted.
    channels : {"first", "last"}, optional
        Where the channel axis is, if the shape alone does not tell.
    size : int or (height, width), optional
        Resize to this, bilinear and antialiased.
    num_workers : int
        Processes that read ahead, for a set above the cap.

    Attributes
    ----------
    image_shape : tuple of int
        (C, H, W).
    value_range : tuple of float
    class_names : tuple of str, or None
    name : str
    train : Split
    test : Split or None
        None where no test images were given or set aside.

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
    ) -> None:
        self.name = str(name)
        self.value_range = as_value_range(value_range)
        if not (isinstance(test_fraction, int | float) and 0 <= test_fraction < 1):
            raise OptionError(
                f"test_fraction is {test_fraction!r}; expected a number from 0 (no test images) to below 1."
            )

        def opened(source: Any, given: Any, what: str) -> Opened:
            result = open_images(
                source,
                value_range=self.value_range,
                channels=channels,
                size=as_size(size),
                cap=memory_cap_bytes,
                name=self.name,
            )
            if given is not None:
                result.labels = as_labels(given, len(result.store), what)
            return result

        def split(part: Opened, index: Tensor | None = None) -> Split:
            chosen = part.labels if index is None or part.labels is None else part.labels[index]
            return Split(
                part.store,
                chosen,
                self.value_range,
                index=index,
                cap=memory_cap_bytes,
                num_workers=num_workers,
            )

        train = opened(images, labels, "labels")
        if test is not None:
            test_images, test_labels = test if isinstance(test, tuple) and len(test) == 2 else (test, None)
            held_out = opened(test_images, test_labels, "test labels")
            self.train, self.test = split(_own(train, images)), split(_own(held_out, test_images))
            _check_alike(self.train, self.test)
        else:
            train_index, test_index = _draw_test(len(train.store), float(test_fraction), seed)
            if test_index is None:
                self.train, self.test = split(_own(train, images)), None
            else:
                self.train, self.test = split(train, train_index), split(train, test_index)
        self.image_shape = self.train.image_shape
        self.class_names = _check_class_names(class_names, train.class_names, self.train, self.test)

    @property
    def n_pixels(self) -> int:
        """Numbers in one image, C * H * W."""
        c, h, w = self.image_shape
        return c * h * w

    def subset(self, n: int, *, seed: int = 0) -> ImageDataset:
        """Return the same set with `n` of its training images, drawn with `seed`; the test images stay.

        Raises
        ------
        OptionError
            If `n` is below 1 or above the number of training images.
        """
        return self._replaced(train=_draw(self.train, n, seed, "n"), test=self.test)

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
        counts = f"{len(self.train)} train" + ("" if self.test is None else f" + {len(self.test)} test")
        classes = ""
        if self.train.labels is not None:
            n = len(self.class_names) if self.class_names else int(self.train.labels.max()) + 1
            classes = f", {n} classes"
        kept = "" if self.train.resident else ", streamed"
        return f"ImageDataset({self.name!r}, {counts} images, {c} x {h} x {w}{classes}{kept})"

    def _replaced(self, *, train: Split, test: Split | None) -> ImageDataset:
        other = object.__new__(ImageDataset)
        other.__dict__.update(self.__dict__, train=train, test=test)
        return other


def _own(opened: Opened, source: Any) -> Opened:
    """Copy pixels that still share the user's memory, which may change under us."""
    if isinstance(opened.store, MemoryStore) and isinstance(source, np.ndarray | Tensor):
        opened.store = MemoryStore(opened.store.images.clone())
    return opened


def _draw_test(n: int, fraction: float, seed: int) -> tuple[Tensor, Tensor | None]:
    n_test = min(max(1, round(n * fraction)), n - 1) if fraction > 0 else 0
    if n_test == 0:
        return torch.arange(n), None
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[n_test:].sort().values, order[:n_test].sort().values


def _draw(split: Split, n: int, seed: int, option: str) -> Split:
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= len(split):
        raise OptionError(
            f"{option} is {n!r}; expected a whole number from 1 to {len(split)}, the images there are."
        )
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(seed))
    return split.take(order[:n].sort().values)


def _check_alike(train: Split, test: Split) -> None:
    if train.image_shape != test.image_shape:
        raise ShapeError(
            f"the test images have shape {test.image_shape} (channels, height, width), the training images "
            f"{train.image_shape}; expected the same. Pass size=(height, width) to resize both."
        )


def _check_class_names(given: Any, found: Any, train: Split, test: Split | None) -> tuple[str, ...] | None:
    names = found if given is None else given
    if names is None:
        return None
    if isinstance(names, str):
        raise OptionError(f"class_names is the text {names!r}; expected a sequence of names, one a class.")
    names = tuple(str(v) for v in names)
    largest = max(
        (int(s.labels.max()) for s in (train, test) if s is not None and s.labels is not None), default=-1
    )
    if len(names) <= largest:
        if given is None:
            return None
        raise DataError(
            f"{len(names)} class_names for labels up to {largest}; expected at least {largest + 1}, the name "
            "of class 0 first."
        )
    return names
