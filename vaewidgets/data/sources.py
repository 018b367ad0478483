"""Opening what a user calls images: arrays, folders, torch data sets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from vaewidgets.checks import is_whole, wholes
from vaewidgets.data.convert import Converter, Layout, as_labels, find_layout
from vaewidgets.data.folder import FolderSource
from vaewidgets.data.pixel_storage import ArrayStore, ItemSource, ItemStore, MemoryStore, Store
from vaewidgets.data.torch_sets import Flat, PixelTable, flatten
from vaewidgets.errors import DataError

# How many images a set too large for memory is judged by before it is used; each is checked again when read.
_PROBE = 64
# Items are converted in stacks of this many, since converting each alone takes longer than most data sets do.
_CHUNK = 256
# How many items of a set that is read many at a time are compared with its own.
_COMPARED = 16


@dataclass
class Opened:
    """Images that were opened, and what came with them."""

    store: Store
    labels: Tensor | None = None
    class_names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class OpenOptions:
    """How images are opened; see `vaewidgets.data.ImageDataset`. `cap` is in bytes."""

    value_range: tuple[float, float]
    channels: str | None
    size: tuple[int, int] | None
    cap: int
    name: str
    num_workers: int = 0


def as_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Check an image size: one number for a square, (height, width), or None."""
    if size is None:
        return None
    if is_whole(size, 1):
        return int(size), int(size)
    height, width = wholes("size", size, 1, count=2, also=": (height, width), or one number for a square")
    return height, width


def opened_set(source: Any) -> Any:
    """The data set of a DataLoader; anything else as it is.

    Raises
    ------
    DataError
        If it is an `IterableDataset`, which may never end.
    """
    if isinstance(source, DataLoader):
        source = source.dataset
    return source


def open_images(images: Any, options: OpenOptions) -> Opened:
    """Open images as a store: in memory up to the cap, read on demand above it.

    Parameters
    ----------
    images : array-like, path or torch Dataset
        See `vaewidgets.data.ImageDataset`.
    options : OpenOptions
        Likewise.

    Raises
    ------
    DataError, ShapeError
        If they are empty, of mixed shapes, not finite, out of range or not images at all.
    """
    if isinstance(images, str | os.PathLike):
        source = FolderSource(Path(images), options.size)
        opened = _open_items(source, options)
        return Opened(opened.store, source.labels, source.class_names)
    if isinstance(images, IterableDataset):
        return _open_dataset(_read_iterable(images, options), options)
    if isinstance(images, np.ndarray | Tensor) or all(
        hasattr(images, a) for a in ("shape", "dtype", "__len__")
    ):
        return Opened(_open_array(images, options))
    if isinstance(images, Sequence) and _holds_numbers(images):
        return Opened(_open_array(np.asarray(images), options))
    if hasattr(images, "__len__") and hasattr(images, "__getitem__"):
        return _open_dataset(images, options)
    raise DataError(
        f"images are of type {type(images).__name__}; expected an array or tensor, the path of a folder of "
        "images, or a torch Dataset with a length."
    )


def _holds_numbers(images: Sequence[Any]) -> bool:
    """Tell nested lists of numbers from lists of images."""
    first: Any = images
    while isinstance(first, list) and first:
        first = first[0]
    return isinstance(first, int | float)


def _refuse_empty(n: int) -> None:
    if n == 0:
        raise DataError("the set is empty: 0 images. Expected at least one.")


# ---------------------------------------------------------------------------- arrays


def _open_array(array: Any, options: OpenOptions) -> Store:
    shape = tuple(array.shape)
    _refuse_empty(shape[0] if shape else 1)
    layout = find_layout(shape, options.channels)
    if 0 in shape:
        raise DataError(f"images have shape {shape}: no pixels. Expected at least one row and column.")
    converter = Converter(layout, options.value_range, options.size)
    # One image tells shape and type; the rest is looked at whole below the cap, so that counts in messages
    # are true.
    store = ArrayStore(array, converter, converter(_blank(array[:1], options.value_range[0])))
    if store.nbytes <= options.cap:
        return MemoryStore(converter(array if isinstance(array, Tensor) else array[:]))
    store.read(torch.linspace(0, len(array) - 1, min(_PROBE, len(array))).long())
    return store


def _blank(stack: Any, value: float) -> Any:
    """Return a stack of the same shape and type that is sure to pass all checks."""
    if isinstance(stack, Tensor):
        return torch.full_like(stack, value if stack.is_floating_point() else 0)
    return np.full_like(stack, value if stack.dtype.kind == "f" else 0)


# ---------------------------------------------------------------------------- data sets


Item = tuple[np.ndarray | Tensor, int | None]


class Source(ItemSource, Protocol):
    """Images one by one, or all in their order."""

    def items(self) -> Iterator[Item]:
        """Images and labels; a label is None where it is not one whole number."""
        ...


class DatasetSource:
    """Items of a torch `Dataset`: images, or tuples that start with an image and perhaps a label."""

    def __init__(self, dataset: Any, num_workers: int = 0) -> None:
        self._dataset = dataset
        self._num_workers = num_workers

    def __len__(self) -> int:
        return len(self._dataset)

    def image(self, index: int) -> np.ndarray | Tensor:
        return self.item(index)[0]

    def item(self, index: int) -> Item:
        """Return image and label; the label is None where it is not one whole number."""
        item = self._dataset[index]
        label = None
        if isinstance(item, tuple | list) and len(item):
            label = _as_label(item[1]) if len(item) > 1 else None
            item = item[0]
        return _as_array(item, index), label

    def items(self) -> Iterator[Item]:
        """Images and labels, read by processes of their own where there are workers."""
        n = len(self)
        if not self._num_workers:
            yield from map(self.item, range(n))
            return
        loader: DataLoader[Any] = DataLoader(
            _Pieces(self),
            batch_size=None,
            sampler=[range(start, min(start + _CHUNK, n)) for start in range(0, n, _CHUNK)],
            num_workers=self._num_workers,
            collate_fn=_as_it_is,
        )
        for images, labels in loader:
            yield from zip(images, labels, strict=True)


class _Pieces(Dataset[Any]):
    """Many items at an index, images as one array where they are alike: each array is passed on by itself."""

    def __init__(self, source: DatasetSource) -> None:
        self._source = source

    def __getitem__(self, index: Any) -> tuple[Any, list[int | None]]:
        images, labels = zip(*map(self._source.item, index), strict=True)
        alike = {(type(v), v.shape, v.dtype) for v in images}
        if len(alike) > 1:
            return [np.array(v) for v in images], list(labels)
        stack = torch.stack(images) if isinstance(images[0], Tensor) else np.stack(images)
        return stack, list(labels)


def _as_it_is(piece: Any) -> Any:
    return piece


class TableSource(DatasetSource):
    """A torch `Dataset` whose items are those of sets that can be read many at a time."""

    def __init__(self, dataset: Any, flat: Flat, tables: Sequence[PixelTable]) -> None:
        super().__init__(dataset)
        self._flat = flat
        self._tables = tables

    @classmethod
    def of(cls, dataset: Any, flat: Flat) -> TableSource | None:
        """Return one for a set, or None; some items are compared with the set's own."""
        tables = [PixelTable.of(leaf) for leaf in flat.leaves]
        if not len(flat) or not all(tables):
            return None
        source = cls(dataset, flat, [table for table in tables if table is not None])
        some = np.random.default_rng(0).integers(0, len(flat), _COMPARED)
        for index in {0, len(flat) - 1, *some.tolist()}:
            ((image, label),) = source._read(np.array([index]))
            own, own_label = source.item(index)
            if type(image) is not type(own) or label != own_label or not _equal(image, own):
                return None
        return source

    def items(self) -> Iterator[Item]:
        for start in range(0, len(self), _CHUNK):
            yield from self._read(np.arange(start, min(start + _CHUNK, len(self))))

    def _read(self, rows: np.ndarray) -> list[Item]:
        out: list[Any] = [None] * len(rows)
        which, index = self._flat.which[rows], self._flat.index[rows]
        for leaf in np.unique(which):
            mine = np.flatnonzero(which == leaf)
            table = self._tables[leaf]
            images, labels = table.images(index[mine]), table.labels(index[mine])
            for row, image, label in zip(mine.tolist(), images, labels, strict=True):
                out[row] = (image, _as_label(label))
        return out


def _equal(image: np.ndarray | Tensor, own: np.ndarray | Tensor) -> bool:
    if image.dtype != own.dtype or image.shape != own.shape:
        return False
    return np.array_equal(np.asarray(image), np.asarray(own))


def _as_label(value: Any) -> int | None:
    if isinstance(value, Tensor | np.ndarray):
        if value.ndim or (
            value.is_floating_point() if isinstance(value, Tensor) else value.dtype.kind not in "iu"
        ):
            return None
        return int(value)
    return int(value) if isinstance(value, int | np.integer) else None


def _as_array(item: Any, index: int) -> np.ndarray | Tensor:
    if isinstance(item, Tensor):
        return item.detach().cpu().as_subclass(Tensor)  # torchvision's own kind of tensor is slower
    if isinstance(item, np.ndarray):
        return item
    if hasattr(item, "convert") and hasattr(item, "getbands"):  # a PIL image
        return np.asarray(item if item.mode in ("1", "L", "RGB") else item.convert("RGB"))
    keys = f" with keys {sorted(map(str, item))}" if isinstance(item, dict) else ""
    raise DataError(
        f"item {index} of the data set is of type {type(item).__name__}{keys}; expected an image (PIL, array "
        "or tensor) or a tuple (image, label). Wrap the data set so that it returns one of these."
    )


def _read_iterable(images: Iterable[Any], options: OpenOptions) -> list[Any]:
    items: list[Any] = []
    used = 0
    for item in _bar(images, None, options.name):
        items.append(item)
        image = _as_array(item[0] if isinstance(item, tuple | list) else item, len(items) - 1)
        used += image.nbytes
        if used > options.cap:
            raise DataError(
                f"the IterableDataset passed the memory cap of {options.cap:,} bytes after {len(items):,} "
                "images, and a set that has no index cannot be shuffled from outside memory. Raise "
                "memory_cap_bytes, or give a Dataset with __len__ and __getitem__."
            )
    return items


def _open_dataset(dataset: Any, options: OpenOptions) -> Opened:
    flat = flatten(dataset)
    source = TableSource.of(dataset, flat) or DatasetSource(dataset, options.num_workers)
    opened = _open_items(source, options)
    if opened.labels is None:
        opened.labels = flat.labels()
    if opened.labels is not None:
        opened.class_names = flat.class_names(opened.labels)
    return opened


def _open_items(source: Source, options: OpenOptions) -> Opened:
    n = len(source)
    _refuse_empty(n)
    first = source.image(0)
    converter = Converter(_item_layout(first, options.channels), options.value_range, options.size)
    store = ItemStore(source, converter, converter(first[None], whole=False))
    if store.nbytes > options.cap:
        return Opened(store)
    pixels = torch.empty(store.shape, dtype=store.dtype)
    labels: list[int | None] = []
    waiting: list[np.ndarray | Tensor] = []
    for i, (image, label) in enumerate(_bar(source.items(), n, options.name)):
        waiting.append(image)
        labels.append(label)
        if len(waiting) == _CHUNK or i == n - 1:
            start = i + 1 - len(waiting)
            pixels[start : i + 1] = store.convert_all(waiting, torch.arange(start, i + 1))
            waiting.clear()
    known = None if any(v is None for v in labels) else as_labels([int(v or 0) for v in labels], n)
    return Opened(MemoryStore(Converter("first", options.value_range)(pixels)), known)


def _item_layout(image: np.ndarray | Tensor, channels: str | None) -> Layout:
    if image.ndim not in (2, 3):
        raise DataError(
            f"the first image of the data set has shape {tuple(image.shape)}; expected (H, W), (C, H, W) or "
            "(H, W, C)."
        )
    return find_layout((1, *image.shape), channels)


def _bar(items: Iterable[Any], total: int | None, name: str) -> Iterable[Any]:
    """Show progress once the work has taken over a second."""
    from tqdm.auto import tqdm

    return tqdm(items, total=total, desc=f"reading {name}", unit="image", delay=1.0, leave=False)
