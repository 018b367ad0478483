"""Where a set's pixels lie: in memory, in an array too large to copy, or behind a torch `Dataset`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from vaewidgets.data.convert import Converter
from vaewidgets.errors import DataError, ShapeError


class Store(ABC):
    """Read-only images, (N, C, H, W), uint8 or float32.

    Attributes
    ----------
    shape : tuple of int
        (N, C, H, W).
    dtype : torch.dtype
        ``torch.uint8`` or ``torch.float32``.
    """

    shape: tuple[int, int, int, int]
    dtype: torch.dtype

    @abstractmethod
    def read(self, index: Tensor) -> Tensor:
        """Return the images at `index` (int64, on the CPU) as a new tensor on the CPU."""

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes that all images take once they are in memory."""
        n, c, h, w = self.shape
        return n * c * h * w * self.dtype.itemsize


class MemoryStore(Store):
    """Images in one contiguous tensor on the CPU."""

    def __init__(self, images: Tensor) -> None:
        self.images = images.contiguous()
        n, c, h, w = images.shape
        self.shape = (n, c, h, w)
        self.dtype = images.dtype

    def read(self, index: Tensor) -> Tensor:
        return self.images.index_select(0, index)


class ArrayStore(Store):
    """Images in an array that stays where it is: a memory map, an HDF5 data set, a very large tensor."""

    def __init__(self, array: Any, converter: Converter, probe: Tensor) -> None:
        _, c, h, w = probe.shape
        self._array = array
        self._converter = converter
        self.shape = (len(array), c, h, w)
        self.dtype = probe.dtype

    def read(self, index: Tensor) -> Tensor:
        """Return the images at `index`, each read once and in the order of the file."""
        ordered, inverse = torch.unique(index, return_inverse=True)
        rows = self._array[ordered] if isinstance(self._array, Tensor) else self._array[ordered.numpy()]
        pixels = self._converter(rows, ordered, whole=False)
        if torch.equal(ordered, index):
            return pixels
        return pixels.index_select(0, inverse)


class ItemSource(Protocol):
    """What an `ItemStore` reads from."""

    def __len__(self) -> int: ...

    def image(self, index: int) -> np.ndarray | Tensor:
        """One image, (H, W), (C, H, W) or (H, W, C)."""
        ...


class ItemStore(Store):
    """Images read one by one, on demand."""

    def __init__(self, source: ItemSource, converter: Converter, probe: Tensor) -> None:
        _, c, h, w = probe.shape
        self._source = source
        self._converter = converter
        self.shape = (len(source), c, h, w)
        self.dtype = probe.dtype

    def read(self, index: Tensor) -> Tensor:
        return self.convert_all([self._source.image(i) for i in index.tolist()], index)

    def convert_all(self, images: list[Any], index: Tensor) -> Tensor:
        """Convert images to (B, C, H, W): in one go if alike, else one by one to name the odd one."""
        if images and all(v.shape == images[0].shape and v.dtype == images[0].dtype for v in images):
            stack = torch.stack(images) if isinstance(images[0], Tensor) else np.stack(images)
            if stack.ndim == self._converter.axes + 1:
                pixels = self._converter(stack, index, whole=False)
                if pixels.shape[1:] == self.shape[1:] and pixels.dtype == self.dtype:
                    return pixels
        out = torch.empty((len(index), *self.shape[1:]), dtype=self.dtype)
        for row, i in enumerate(index.tolist()):
            out[row] = self.convert(images[row], i)
        return out

    def convert(self, image: np.ndarray | Tensor, index: int) -> Tensor:
        """Convert image `index` to (C, H, W), refused unless it is like the first one."""
        if image.ndim != self._converter.axes:
            raise ShapeError(
                f"image {index} has shape {tuple(image.shape)}, another number of axes than the first one; "
                "expected one layout for all images."
            )
        pixels = self._converter(image[None], index, whole=False)[0]
        if tuple(pixels.shape) != self.shape[1:]:
            raise ShapeError(
                f"image {index} has shape {tuple(pixels.shape)}, the first one {self.shape[1:]} (channels, "
                "height, width); expected one shape. Resize them all: ImageDataset(..., size=(height, "
                "width))."
            )
        if pixels.dtype != self.dtype:
            raise DataError(
                f"image {index} is {pixels.dtype}, the first one {self.dtype}; expected one type for all "
                "images."
            )
        return pixels
