"""Opening what a user calls images: arrays, folders, torch data sets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from vaewidgets.checks import is_whole, wholes
from vaewidgets.data.convert import (
    Converter,
    Layout,
    as_labels,
    find_layout,
    is_16_bit,
    refuse_dark,
    refuse_strips,
)
from vaewidgets.data.folder import FolderSource
from vaewidgets.data.pixel_storage import ArrayStore, ItemStore, MemoryStore, Store
from vaewidgets.data.set_items import CHUNK, DatasetSource, Keys, Source, TableSource, as_array, item_parts
from vaewidgets.data.torch_sets import flatten
from vaewidgets.errors import DataError

# How many images a set too large for memory is judged by before it is used; each is checked again when read.
_PROBE = 64
# A stream that does not say how long it is may never end: this many bytes of it are read.
_STREAM = 32 * 2**20


@dataclass
class Opened:
    """Images that were opened, and what came with them."""

    store: Store
    labels: Tensor | None = None
    class_names: tuple[str, ...] | None = None
    layout: Layout = "none"


@dataclass(frozen=True)
class OpenOptions:
    """How images are opened; see `vaewidgets.data.ImageDataset`. `cap` is in bytes."""

    value_range: tuple[float, float]
    channels: str | None
    size: tuple[int, int] | None
    cap: int
    name: str
    num_workers: int = 0
    keys: Keys = (None, None)


def as_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Check an image size: one number for a square, (height, width), or None."""
    if size is None:
        return None
    if is_whole(size, 1):
        return int(size), int(size)
    height, width = wholes("size", size, 1, count=2, also=": (height, width), or one number for a square")
    return height, width


def opened_set(source: Any) -> Any:
    """Return the data set of a DataLoader, anything else as it is."""
    return source.dataset if isinstance(source, DataLoader) else source


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
    images = opened_set(images)
    if isinstance(images, str | os.PathLike):
        source = FolderSource(Path(images), options.size)
        opened = _open_items(source, options)
        return replace(opened, labels=source.labels, class_names=source.class_names)
    if isinstance(images, IterableDataset):
        return _open_dataset(_read_iterable(images, options), options)
    if isinstance(images, np.ndarray | Tensor) or all(
        hasattr(images, a) for a in ("shape", "dtype", "__len__")
    ):
        return _open_array(images, options)
    if isinstance(images, Sequence) and _holds_numbers(images):
        return _open_array(np.asarray(images), options)
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


def _open_array(array: Any, options: OpenOptions) -> Opened:
    shape = tuple(array.shape)
    _refuse_empty(shape[0] if shape else 1)
    layout = find_layout(shape, options.channels)
    if 0 in shape:
        raise DataError(f"images have shape {shape}: no pixels. Expected at least one row and column.")
    if layout == "none":
        refuse_strips(shape)
    converter = Converter(layout, options.value_range, options.size)
    # One image tells shape and type; the rest is looked at whole below the cap, so that counts in messages
    # are true.
    probe = converter(_blank(array[:1], options.value_range[0]), whole=False)
    store = ArrayStore(array, converter, probe)
    if store.nbytes <= options.cap:
        kept = MemoryStore(converter(array if isinstance(array, Tensor) else array[:]))
        return Opened(kept, layout=layout)
    store.read(torch.linspace(0, len(array) - 1, min(_PROBE, len(array))).long())
    return Opened(store, layout=layout)


def _blank(stack: Any, value: float) -> Any:
    """Return a stack of the same shape and type that is sure to pass all checks."""
    if isinstance(stack, Tensor):
        return torch.full_like(stack, value if stack.is_floating_point() else 0)
    return np.full_like(stack, value if stack.dtype.kind == "f" else 0)


# ---------------------------------------------------------------------------- data sets


def _read_iterable(images: Iterable[Any], options: OpenOptions) -> list[Any]:
    items: list[Any] = []
    used, is_endless = 0, not hasattr(images, "__len__")
    for item in _bar(images, None, options.name):
        items.append(item)
        used += as_array(item_parts(item, options.keys, len(items) - 1)[0], len(items) - 1).nbytes
        if is_endless and used > _STREAM:
            n = f"{len(items):,}".replace(",", "_")
            raise DataError(
                f"the IterableDataset has no length and did not end within {len(items):,} images "
                f"({used:,} bytes): it may never end. Take some of it: vw.ImageDataset("
                f"list(itertools.islice(dataset, {n}))), or list(dataset) if it does end."
            )
        if used > options.cap:
            raise DataError(
                f"the IterableDataset passed the memory cap of {options.cap:,} bytes after {len(items):,} "
                "images, and a set that has no index cannot be shuffled from outside memory. Raise "
                "memory_cap_bytes, or give a Dataset with __len__ and __getitem__."
            )
    return items


def _open_dataset(dataset: Any, options: OpenOptions) -> Opened:
    flat = flatten(dataset)
    table = TableSource.of(dataset, flat) if options.keys == (None, None) else None
    source = table or DatasetSource(dataset, options.num_workers, options.keys)
    opened = _open_items(source, options)
    if opened.labels is None:
        opened.labels = flat.labels()
    if opened.labels is not None:
        opened.class_names = flat.class_names(opened.labels, options.keys[1])
    return opened


def _open_items(source: Source, options: OpenOptions) -> Opened:
    n = len(source)
    _refuse_empty(n)
    first = source.image(0)
    layout = _item_layout(first, options.channels)
    converter = Converter(layout, options.value_range, options.size)
    # floats are checked at the end, so that a message can name the range of them all
    lenient = replace(converter, checks_range=False)
    store = ItemStore(source, lenient, lenient(first[None], whole=False))
    if store.nbytes > options.cap:
        return Opened(ItemStore(source, converter, converter(first[None], whole=False)), layout=layout)
    pixels = torch.empty(store.shape, dtype=store.dtype)
    labels: list[int | None] = []
    waiting: list[np.ndarray | Tensor] = []
    hint = (
        ", num_workers=4 reads it faster" if type(source) is DatasetSource and not options.num_workers else ""
    )
    for i, (image, label) in enumerate(_bar(source.items(), n, options.name, hint)):
        waiting.append(image)
        labels.append(label)
        if len(waiting) == CHUNK or i == n - 1:
            start = i + 1 - len(waiting)
            pixels[start : i + 1] = store.convert_all(waiting, torch.arange(start, i + 1))
            waiting.clear()
    known = None if any(v is None for v in labels) else as_labels([int(v or 0) for v in labels], n)
    if is_16_bit(first):
        lo, hi = options.value_range
        refuse_dark(round((float(pixels.max()) - lo) / (hi - lo) * 65535))
    return Opened(MemoryStore(Converter("first", options.value_range)(pixels)), known, layout=layout)


def _item_layout(image: np.ndarray | Tensor, channels: str | None) -> Layout:
    shape = tuple(image.shape)
    if image.ndim not in (2, 3, 4):
        vectors = " Vectors: vw.ArrayDataset(dataset)." if image.ndim == 1 else ""
        raise DataError(
            f"the first image of the data set has shape {shape}; expected (H, W), (C, H, W), (H, W, C) or "
            f"(1, D, H, W).{vectors}"
        )
    if image.ndim == 2 and "float" in str(image.dtype):
        refuse_strips((1, *shape))
    return find_layout((1, *image.shape), channels)


def _bar(items: Iterable[Any], total: int | None, name: str, hint: str = "") -> Iterable[Any]:
    """Show progress once the work has taken over a second."""
    from tqdm.auto import tqdm

    return tqdm(items, total=total, desc=f"reading {name}{hint}", unit="image", delay=1.0, leave=False)
