"""One part of a data set: its pixels as they are kept, as floats, as thumbnails, and in batches."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from vaewidgets.concurrency import Lock
from vaewidgets.data.batches import Batches, to_float
from vaewidgets.data.pixel_storage import MemoryStore, Store
from vaewidgets.errors import DataError, ShapeError

# Training and drawing threads may both ask for the copy on the device; the second waits for the first one's.
_UPLOAD = Lock()


class Split:
    """Train or test part of an `ImageDataset`. Not made by hand.

    Attributes
    ----------
    labels : Tensor, int64, shape (N,), or None
        Classes, on the CPU.
    factors : Tensor, int64, shape (N, F), or None
        Known factors of variation, on the CPU; see `ImageDataset.factors`.
    image_shape : tuple of int
        (C, H, W).
    value_range : tuple of float
        What floats of `images` and `batches` lie in.
    resident : bool
        Whether the images fit the memory cap; if not, they are read on demand.
    num_workers : int
        Processes that read ahead when not resident.
    gave_batches : bool
        Whether shuffled `batches` were asked for: a loop that trains on those of `train` has not seen `test`.
    """

    def __init__(
        self,
        store: Store,
        labels: Tensor | None,
        value_range: tuple[float, float],
        *,
        index: Tensor | None = None,
        num_workers: int = 0,
        factors: Tensor | None = None,
    ) -> None:
        if isinstance(store, MemoryStore) and index is not None:
            store, index = MemoryStore(store.read(index)), None
        self._store = store
        self._index = index
        self._copies: dict[torch.device, Tensor] = {}
        self.labels = labels
        self.factors = factors
        self.value_range = value_range
        self.num_workers = num_workers
        self.gave_batches = False
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
        with_labels: bool = False,
    ) -> Batches:
        """Batches of floats on `device`; each iteration is one epoch.

        Parameters
        ----------
        batch_size : int
            Images a batch.
        device : torch.device or str
            Where batches are needed. A resident set is copied there once, as it is kept.
        generator : torch.Generator, optional
            Draws the order, on any device; by default one seeded from torch's global generator.
        shuffle : bool
            A new order each epoch; else the order of the set.
        drop_last : bool
            Leave out the last batch of an epoch if it is smaller.
        with_labels : bool
            Yield pairs of images and labels.

        Returns
        -------
        Batches

        Raises
        ------
        OptionError
            If `batch_size` is below 1, or no batch is left.
        DataError
            If labels are asked for and there are none.
        """
        self.gave_batches = self.gave_batches or shuffle
        return Batches(
            self,
            batch_size,
            device=device,
            generator=generator,
            shuffle=shuffle,
            drop_last=drop_last,
            with_labels=with_labels,
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
        factors = None if self.factors is None else self.factors.index_select(0, index)
        inner = index if self._index is None else self._index.index_select(0, index)
        return Split(
            self._store,
            labels,
            self.value_range,
            index=inner,
            num_workers=self.num_workers,
            factors=factors,
        )

    def with_factors(self, factors: Tensor) -> Split:
        """Return the same images with known factors (int64, (N, F))."""
        other = copy.copy(self)
        other.factors = factors
        return other

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
