"""Torch's data sets taken apart: what subsets and sums are made of, and torchvision's arrays behind them.

An item of torchvision's MNIST takes a third of a millisecond, most of it in transforms that do the same to
each pixel: 20 s for the set. Where the set's class and its transforms are torchvision's own, and these treat
each pixel by itself, one look at all 256 values says exactly what they do, and the array is read at once.
Transforms of anybody else are not guessed at from a sample: one that is random now and then would pass.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import ConcatDataset, Subset

from vaewidgets.data.convert import as_labels
from vaewidgets.errors import DataError

# of torchvision.transforms and its v2; each does the same to every pixel of a channel, always
_POINTWISE = (
    "ConvertImageDtype",
    "Identity",
    "Normalize",
    "PILToTensor",
    "ToDtype",
    "ToImage",
    "ToPureTensor",
    "ToTensor",
)
# sets whose item i is an image made of `data[i]`, transformed, and `targets[i]`
_ARRAY_SETS = ("MNIST", "CIFAR10", "USPS")


@final
@dataclass(frozen=True)
class Flat:
    """A data set as items of others: item i is item ``index[i]`` of ``leaves[which[i]]``."""

    leaves: tuple[Any, ...]
    which: np.ndarray
    index: np.ndarray

    def __len__(self) -> int:
        return len(self.index)

    def labels(self) -> Tensor | None:
        """Labels that the sets keep in a list, as torchvision's do, without touching an image."""
        found = np.zeros(len(self), np.int64)
        for leaf, rows in self._by_leaf(np.arange(len(self))):
            own = None if _changes_labels(leaf) else _kept_labels(leaf)
            if own is None:
                return None
            found[rows] = own.numpy()[self.index[rows]]
        return torch.from_numpy(found)

    def class_names(self, labels: Tensor, label_key: Any = None) -> tuple[str, ...] | None:
        """Names of the classes, where all sets have the same ones, and enough of them.

        `label_key` is where the labels are in an item, if that was said.
        """
        if not len(labels) or any(map(_changes_labels, self.leaves)):
            return None
        found = {_kept_names(leaf, label_key) for leaf in self.leaves}
        names = found.pop() if len(found) == 1 else None
        return names if names is not None and len(names) > int(labels.max()) else None

    def _by_leaf(self, rows: np.ndarray) -> Iterator[tuple[Any, np.ndarray]]:
        for i, leaf in enumerate(self.leaves):
            mine = rows[self.which[rows] == i]
            if len(mine):
                yield leaf, mine


def flatten(dataset: Any) -> Flat:
    """Take subsets and sums apart, as far as their items are torch's doing and not a subclass's."""
    getitem = type(dataset).__getitem__
    if getitem is Subset.__getitem__:
        inner = flatten(dataset.dataset)
        rows = _as_rows(dataset.indices, len(inner))
        if rows is not None and len(rows) == len(dataset):
            return Flat(inner.leaves, inner.which[rows], inner.index[rows])
    if getitem is ConcatDataset.__getitem__:
        parts = [flatten(part) for part in dataset.datasets]
        first = np.cumsum([0, *(len(part.leaves) for part in parts)])
        which = [part.which + start for part, start in zip(parts, first, strict=False)]
        leaves = tuple(leaf for part in parts for leaf in part.leaves)
        return Flat(leaves, np.concatenate(which), np.concatenate([part.index for part in parts]))
    n = len(dataset)
    return Flat((dataset,), np.zeros(n, np.int64), np.arange(n))


def _as_rows(indices: Any, n: int) -> np.ndarray | None:
    """Indices counted from 0, or None where they are none: torch then says what is wrong."""
    rows = np.asarray(indices)
    if rows.ndim != 1 or (rows.dtype.kind not in "iu" and len(rows)):
        return None
    rows = rows.astype(np.int64)
    if len(rows) and not (-n <= rows.min() and rows.max() < n):
        return None
    return np.where(rows < 0, rows + n, rows)


def _changes_labels(leaf: Any) -> bool:
    return getattr(leaf, "target_transform", None) is not None


def _kept_labels(leaf: Any) -> Tensor | None:
    for attribute in ("targets", "labels"):
        values = getattr(leaf, attribute, None)
        if isinstance(values, Tensor | np.ndarray | list | tuple) and len(values) == len(leaf):
            try:
                return as_labels(values, len(leaf))
            except DataError:
                continue  # attributes, boxes or names: no classes to colour by
    return None


def _kept_names(leaf: Any, label_key: Any) -> tuple[str, ...] | None:
    columns = getattr(leaf, "features", None)
    if isinstance(columns, Mapping):  # of Hugging Face's `datasets`: what each key of an item holds
        names = getattr(columns.get("label" if label_key is None else label_key), "names", None)
    else:
        names = getattr(leaf, "classes", None)
    if not isinstance(names, list | tuple) or not all(isinstance(v, str) for v in names):
        return None
    return tuple(names)


# ---------------------------------------------------------------------------- arrays behind transforms


@final
class PixelTable:
    """Items of a torchvision set that keeps its images in one array, read many at a time.

    Made by `of`.
    """

    def __init__(self, leaf: Any, table: Tensor | None) -> None:
        self._leaf = leaf
        self._pixels = np.asarray(leaf.data)
        self._table = table

    @classmethod
    def of(cls, leaf: Any) -> PixelTable | None:
        """Return one for a set; None where its items must be asked for one by one."""
        if not _is_array_set(leaf):
            return None
        shape, transform = leaf.data.shape, leaf.transform
        if transform is None:
            return cls(leaf, None)
        if not _is_pointwise(transform):
            return None
        table = _table_of(transform, 1 if len(shape) == 3 else 3)
        return None if table is None else cls(leaf, table)

    def images(self, index: np.ndarray) -> np.ndarray | Tensor:
        """Stack of the images at `index`, as the set's own items would be."""
        pixels = self._pixels[index]
        if self._table is None:
            return pixels
        values = torch.from_numpy(pixels).int()
        planes = values.unsqueeze(1) if values.ndim == 3 else values.permute(0, 3, 1, 2)
        rows = [t.index_select(0, planes[:, c].flatten()) for c, t in enumerate(self._table)]
        shape = (len(index), 1, *planes.shape[2:])
        return torch.cat([row.view(shape) for row in rows], 1)

    def labels(self, index: np.ndarray) -> list[Any]:
        """Labels at `index`, as the set's own items have them."""
        leaf = self._leaf
        targets = leaf.targets
        if isinstance(targets, Tensor | np.ndarray):
            targets = targets[index].tolist()
        else:
            targets = [targets[i] for i in index.tolist()]
        return targets if leaf.target_transform is None else [leaf.target_transform(v) for v in targets]


def _is_array_set(leaf: Any) -> bool:
    # Whoever has such a set has imported torchvision; it is not imported to find out.
    module = sys.modules.get("torchvision.datasets")
    kinds = [getattr(module, name) for name in _ARRAY_SETS if hasattr(module, name)]
    if not any(type(leaf).__getitem__ is kind.__getitem__ for kind in kinds):
        return False
    data = leaf.data
    is_bytes = isinstance(data, Tensor | np.ndarray) and str(data.dtype).removeprefix("torch.") == "uint8"
    return (
        is_bytes
        and (data.ndim == 3 or (data.ndim == 4 and data.shape[3] == 3))
        and len(data) == len(leaf.targets) == len(leaf)
        and (not isinstance(data, Tensor) or data.device.type == "cpu")
    )


def _is_pointwise(transform: Any) -> bool:
    """Whether a transform is torchvision's own and treats each pixel by itself."""
    kind = type(transform)
    modules = [sys.modules.get(f"torchvision.transforms{tail}") for tail in ("", ".v2")]
    if isinstance(transform, nn.Module) and (transform._forward_hooks or transform._forward_pre_hooks):
        return False
    if any(kind is getattr(module, "Compose", None) for module in modules):
        return all(map(_is_pointwise, transform.transforms))
    return any(kind is getattr(module, name, None) for module in modules for name in _POINTWISE)


def _table_of(transform: Any, channels: int) -> Tensor | None:
    """What becomes of each value in each channel, shape (channels, 256)."""
    from PIL import Image

    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = Image.fromarray(ramp if channels == 1 else np.dstack([ramp] * channels))
    try:
        out = transform(image)
    except Exception:  # the set's first item raises it, too, in its own words
        return None
    if not isinstance(out, Tensor) or out.shape != (channels, 16, 16):
        return None
    return out.detach().as_subclass(Tensor).reshape(channels, 256).clone()
