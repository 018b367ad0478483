"""Batches of images on a device: from a copy that lies there, or streamed where the set is too large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vaewidgets.checks import whole
from vaewidgets.errors import DataError, OptionError


def to_float(pixels: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Map stored pixels to floats in the data's range: ``lo + u8 / 255 * (hi - lo)``.

    Parameters
    ----------
    pixels : Tensor, uint8 or float32
        Floats are taken to be in the range already and are returned as they are.
    value_range : tuple of float
        (lo, hi).

    Returns
    -------
    Tensor, float32, of the same shape
        0 and 255 map to lo and hi exactly; for (0, 1) the result equals torchvision's ``ToTensor``.
    """
    if pixels.dtype != torch.uint8:
        return pixels
    lo, hi = value_range
    x = torch.div(pixels, 255.0)
    if hi - lo != 1.0:
        x.mul_(hi - lo)
    if lo != 0.0:
        x.add_(lo)
    return x


class _PixelSource(Protocol):
    """What batches are cut from: a `vaewidgets.data.Split`."""

    image_shape: tuple[int, int, int]
    value_range: tuple[float, float]
    num_workers: int
    labels: Tensor | None

    def __len__(self) -> int: ...

    @property
    def resident(self) -> bool: ...

    def read(self, index: Tensor) -> Tensor: ...

    def on_device(self, device: torch.device) -> Tensor: ...


class Batches:
    """One epoch of batches at each iteration, in a new order each time.

    A set within the memory cap lies on the device (uint8 kept as uint8): a batch costs one gather and one
    conversion there. A larger one is read batch by batch through a `torch.utils.data.DataLoader`, from pinned
    memory if the device is a CUDA one. Both give the same batches for the same generator state.

    Made by `Split.batches`. Iterating yields Tensor, float32, shape (B, C, H, W), on `device`, in the data's
    ``value_range``; each batch is a fresh tensor, free to be kept or written to. With labels it yields pairs
    (x, y), y being int64, shape (B,), on `device`.

    Attributes
    ----------
    batch_size : int
        Images a batch; the last one of an epoch may be smaller unless `drop_last`.
    device : torch.device
        Where the batches lie.
    resident : bool
        Whether the whole set lies on the device.
    generator : torch.Generator
        Draws the permutations. Restore its state (`load_state_dict`) to repeat an epoch.
    shuffle, drop_last, with_labels : bool
        As given.
    """

    def __init__(
        self,
        split: _PixelSource,
        batch_size: int,
        *,
        device: torch.device | str,
        generator: torch.Generator | None = None,
        shuffle: bool = True,
        drop_last: bool = False,
        with_labels: bool = False,
    ) -> None:
        batch_size = whole("batch_size", batch_size, 1)
        if drop_last and batch_size > len(split):
            raise OptionError(
                f"batch_size is {batch_size} with drop_last=True, but there are only {len(split)} images, so "
                f"no batch is left. Use batch_size={len(split)} or less, or drop_last=False."
            )
        self.batch_size = batch_size
        self.device = torch.empty(0, device=device).device
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.with_labels = with_labels
        self.resident = split.resident
        if generator is None:
            # Seeded from torch's own generator, as DataLoader does, so that torch.manual_seed decides the
            # order.
            generator = torch.Generator().manual_seed(int(torch.empty((), dtype=torch.int64).random_()))
        self.generator = generator
        self._split = split
        self._n = len(split)
        self._value_range = split.value_range
        self._pixels = split.on_device(self.device).flatten(1) if self.resident else None
        self._labels = self._take_labels(split) if with_labels else None

    def __len__(self) -> int:
        full, rest = divmod(self._n, self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self) -> Iterator[Any]:
        if not self.resident:
            return self._stream(self._order().cpu())
        if not self.shuffle:
            return self._in_order()
        return self._shuffled(self._order())

    def __repr__(self) -> str:
        kind = "resident" if self.resident else "streamed"
        return f"Batches({len(self)} of {self.batch_size} images, {kind}, device={str(self.device)!r})"

    def permutation(self) -> Tensor:
        """Draw the order of a new epoch: int64, shape (N,), on the device (on the CPU when streamed).

        Iterating draws its own; this and `gather` are for loops that cut batches themselves.
        """
        order = torch.randperm(self._n, generator=self.generator, device=self.generator.device)
        return order.to(self.device if self.resident else "cpu")

    def gather(self, index: Tensor) -> Tensor:
        """Return the images at `index` (int64, shape (B,), on the device) as one float32 batch.

        Has no host synchronisation on a resident set, so that it can be captured in a CUDA graph.
        """
        if self._pixels is None:
            rows = self._split.read(index.cpu()).to(self.device)
            return to_float(rows, self._value_range)
        rows = self._pixels.index_select(0, index)
        return to_float(rows, self._value_range).view(len(index), *self._split.image_shape)

    def gather_labels(self, index: Tensor) -> Tensor:
        """Return the labels at `index` (int64, shape (B,)), on the device; only `with_labels`."""
        assert self._labels is not None
        return self._labels.index_select(0, index.to(self._labels.device)).to(self.device)

    def gather_batch(self, index: Tensor) -> Any:
        """Return what iterating yields for `index`: x, or (x, y) with labels."""
        x = self.gather(index)
        return (x, self.gather_labels(index)) if self.with_labels else x

    def _take_labels(self, split: _PixelSource) -> Tensor:
        if split.labels is None:
            raise DataError(
                f"{split!r} has no labels, but batches with labels were asked for. Give them: "
                "vw.ImageDataset(images, labels)."
            )
        return split.labels.to(self.device) if self.resident else split.labels

    def state_dict(self) -> dict[str, Tensor]:
        """State from which the next epochs are drawn, to be taken between two epochs."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go back to a state that `state_dict` returned."""
        self.generator.set_state(state["generator"])

    def _order(self) -> Tensor:
        return self.permutation() if self.shuffle else torch.arange(self._n)

    def _bounds(self) -> Iterator[tuple[int, int]]:
        for i in range(len(self)):
            yield i * self.batch_size, min((i + 1) * self.batch_size, self._n)

    def _shuffled(self, order: Tensor) -> Iterator[Any]:
        for start, stop in self._bounds():
            yield self.gather_batch(order[start:stop])

    def _in_order(self) -> Iterator[Any]:
        assert self._pixels is not None
        shape = self._split.image_shape
        for start, stop in self._bounds():
            rows = self._pixels[start:stop]
            # A slice of floats is still the data set itself: hand out a copy.
            x = to_float(rows, self._value_range) if rows.dtype == torch.uint8 else rows.clone()
            x = x.view(stop - start, *shape)
            # Labels too are handed out as a copy.
            yield x if self._labels is None else (x, self._labels[start:stop].clone())

    def _stream(self, order: Tensor) -> Iterator[Any]:
        pinned = self.device.type == "cuda"
        indices = [order[start:stop] for start, stop in self._bounds()]
        workers = self._split.num_workers
        loader: DataLoader[Tensor] = DataLoader(
            _Reader(self._split),
            batch_size=None,
            sampler=indices,
            pin_memory=pinned,
            num_workers=workers,
            # Its own generator: the loader would else draw from torch's global one at each epoch.
            generator=torch.Generator(),
        )
        for rows, index in zip(loader, indices, strict=True):
            x = to_float(rows.to(self.device, non_blocking=pinned), self._value_range)
            yield (x, self.gather_labels(index)) if self.with_labels else x


class _Reader(Dataset[Tensor]):
    """A split as a data set whose index is a whole batch of indices."""

    def __init__(self, split: _PixelSource) -> None:
        self._split = split

    def __getitem__(self, index: Any) -> Tensor:
        return self._split.read(index)
