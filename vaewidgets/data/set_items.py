"""Items of torch data sets: images and labels, one by one, by processes, or many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vaewidgets.data.pixel_storage import ItemSource
from vaewidgets.data.torch_sets import Flat, PixelTable
from vaewidgets.errors import DataError

# Modes of PIL that need no conversion; in the last ones there are more than 8 bits.
_AS_THEY_ARE = ("1", "L", "RGB", "I;16", "I", "F")
# Items are converted in stacks of this many, since converting each alone takes longer than most data sets do.
CHUNK = 256
# How many items of a set that is read many at a time are compared with its own.
_COMPARED = 16

Item = tuple[np.ndarray | Tensor, int | None]
Keys = tuple[Any, Any]  # of an item: where its image and its label are; None: the usual places


class Source(ItemSource, Protocol):
    """Images one by one, or all in their order."""

    def items(self) -> Iterator[Item]:
        """Images and labels; a label is None where it is not one whole number."""
        ...


class DatasetSource:
    """Items of a torch `Dataset`: images, or tuples or mappings with an image and perhaps a label."""

    def __init__(self, dataset: Any, num_workers: int = 0, keys: Keys = (None, None)) -> None:
        self._dataset = dataset
        self._num_workers = num_workers
        self._keys = keys

    def __len__(self) -> int:
        return len(self._dataset)

    def image(self, index: int) -> np.ndarray | Tensor:
        return self.item(index)[0]

    def item(self, index: int) -> Item:
        """Return image and label; the label is None where it is not one whole number."""
        image, label = item_parts(self._dataset[index], self._keys, index)
        return as_array(image, index), _as_label(label)

    def items(self) -> Iterator[Item]:
        """Images and labels, read by processes of their own where there are workers."""
        n = len(self)
        if not self._num_workers:
            yield from map(self.item, range(n))
            return
        loader: DataLoader[Any] = DataLoader(
            _Pieces(self),
            batch_size=None,
            sampler=[range(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)],
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
        for start in range(0, len(self), CHUNK):
            yield from self._read(np.arange(start, min(start + CHUNK, len(self))))

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


def item_parts(item: Any, keys: Keys, index: int) -> tuple[Any, Any]:
    """Image and label of an item; a label that is not there is None."""
    image_key, label_key = keys
    if image_key is None:
        if isinstance(item, tuple | list) and len(item):
            return item[0], _looked_up(item, 1 if label_key is None else label_key)
        return item, None if label_key is None else _looked_up(item, label_key)
    try:
        image = item[image_key]
    except (KeyError, IndexError, TypeError) as error:
        known = (
            f"keys {sorted(map(str, item))}" if isinstance(item, Mapping) else f"type {type(item).__name__}"
        )
        raise DataError(
            f"item {index} of the data set has no {image_key!r}: it has {known}. Expected image_key to be "
            "one of its keys, or its place in a tuple."
        ) from error
    return image, _looked_up(item, "label" if label_key is None else label_key)


def _looked_up(item: Any, key: Any) -> Any:
    try:
        return item[key]
    except (KeyError, IndexError, TypeError):
        return None


def _as_label(value: Any) -> int | None:
    if isinstance(value, Tensor | np.ndarray):
        if value.ndim or (
            value.is_floating_point() if isinstance(value, Tensor) else value.dtype.kind not in "iu"
        ):
            return None
        return int(value)
    return int(value) if isinstance(value, int | np.integer) else None


def as_array(item: Any, index: int) -> np.ndarray | Tensor:
    if isinstance(item, Tensor):
        return item.detach().cpu().as_subclass(Tensor)  # torchvision's own kind of tensor is slower
    if isinstance(item, np.ndarray):
        return item
    if hasattr(item, "convert") and hasattr(item, "getbands"):  # a PIL image
        return np.asarray(item if item.mode in _AS_THEY_ARE else item.convert("RGB"))
    keys, fix = "", "Wrap the data set so that it returns one of these."
    if isinstance(item, Mapping) and len(item):
        keys = f" with keys {sorted(map(str, item))}"
        key = next((one for one in ("image", "img", "pixel_values", "x") if one in item), next(iter(item)))
        fix = f"Say where the image is: vw.ImageDataset(dataset, image_key={key!r})."
    raise DataError(
        f"item {index} of the data set is of type {type(item).__name__}{keys}; expected an image (PIL, array "
        f"or tensor) or a tuple (image, label). {fix}"
    )
