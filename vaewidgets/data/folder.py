"""A folder of image files, with its sub-folders as classes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vaewidgets.errors import DataError, DatasetNotFoundError, ShapeError

# Pillow lets go of the interpreter while it decodes.
_THREADS = min(8, os.cpu_count() or 1)
_AHEAD = 256
_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_DEEP_MODES = frozenset({"I;16", "I;16B", "I;16L"})  # grey, 16 bits
_GREY_MODES = frozenset({"1", "L", "LA"})
_COLOR_MODES = frozenset({"P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "La", "RGBa"})


class FolderSource:
    """Image files of a folder in the order of their names.

    Parameters
    ----------
    folder : Path
        Holds image files, or one sub-folder of image files for each class.
    size : tuple of int, or None
        (H, W) that the images will be resized to; None refuses files of different sizes.

    Attributes
    ----------
    files : list of Path
    labels : Tensor, int64, or None
        None where there are no sub-folders.
    class_names : tuple of str, or None
        Names of the sub-folders, sorted.

    Raises
    ------
    DatasetNotFoundError
        If there is no such folder.
    DataError
        If it holds no images, images both in it and in sub-folders, or a file that is none.
    ShapeError
        If the sizes differ.
    """

    def __init__(self, folder: Path, size: tuple[int, int] | None) -> None:
        folder = folder.expanduser()
        if not folder.is_dir():
            found = "is a file" if folder.exists() else "does not exist"
            raise DatasetNotFoundError(
                f"the folder of images {str(folder)!r} {found}. Expected a folder of image files, or of one "
                "sub-folder a class. Arrays in a file are read with numpy.load and passed as such."
            )
        self.files, self.labels, self.class_names = _list_files(folder)
        self._kind = _check_headers(self.files, size)
        self._size = size

    def __len__(self) -> int:
        return len(self.files)

    def image(self, index: int) -> np.ndarray:
        """Return image `index`, uint8, (H, W) or (H, W, 3), resized if asked for; or uint16, as it is."""
        from PIL import Image

        file = self.files[index]
        try:
            with Image.open(file) as picture:
                if self._kind == "deep":
                    return np.asarray(picture).astype(np.uint16)
                # A palette with transparency warns unless it passes through RGBA.
                flat = picture.convert("RGBA") if picture.mode in ("P", "PA") else picture
                picture_done = flat.convert("RGB" if self._kind == "color" else "L")
        except (OSError, SyntaxError) as error:
            raise DataError(
                f"{str(file)!r} cannot be read as an image: {error}. Remove or replace it."
            ) from error
        if self._size and picture_done.size != self._size[::-1]:
            picture_done = picture_done.resize(self._size[::-1], Image.Resampling.BILINEAR)
        return np.array(picture_done)

    def items(self) -> Iterator[tuple[np.ndarray, None]]:
        """Return all images in their order, each without a label; decoded in several threads at a time."""
        with ThreadPoolExecutor(_THREADS) as threads:
            for start in range(0, len(self), _AHEAD):
                ahead = range(start, min(start + _AHEAD, len(self)))
                yield from ((image, None) for image in threads.map(self.image, ahead))


def _list_files(folder: Path) -> tuple[list[Path], Tensor | None, tuple[str, ...] | None]:
    flat = _images_in(folder)
    classes = [
        (sub.name, found) for sub in sorted(folder.iterdir()) if sub.is_dir() and (found := _images_in(sub))
    ]
    if flat and classes:
        raise DataError(
            f"{str(folder)!r} holds {len(flat)} images itself and sub-folders of images ({classes[0][0]!r}, "
            "...). Expected one or the other: sub-folders are classes."
        )
    if flat:
        return flat, None, None
    if not classes:
        raise DataError(
            f"{str(folder)!r} holds no images: the set is empty. Expected files ending in "
            f"{', '.join(sorted(_SUFFIXES))}, or sub-folders of such files."
        )
    files = [file for _, found in classes for file in found]
    labels = [label for label, (_, found) in enumerate(classes) for _ in found]
    return files, torch.tensor(labels, dtype=torch.int64), tuple(name for name, _ in classes)


def _images_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES and p.is_file())


def _check_headers(files: list[Path], size: tuple[int, int] | None) -> Literal["grey", "color", "deep"]:
    """Look at each file's header (no pixel is decoded): all of 16 bits, or any in colour, or grey."""
    from PIL import Image

    kinds: set[Literal["grey", "color", "deep"]] = set()
    first: tuple[int, int] | None = None
    for file in files:
        try:
            with Image.open(file) as picture:
                mode, (width, height) = picture.mode, picture.size
        except OSError as error:
            raise DataError(
                f"{str(file)!r} cannot be read as an image: {error}. Remove or replace it."
            ) from error
        kinds.add("deep" if mode in _DEEP_MODES else "color" if mode in _COLOR_MODES else "grey")
        is_known = mode in _DEEP_MODES | _GREY_MODES | _COLOR_MODES
        is_mixed = "deep" in kinds and len(kinds) > 1
        if not is_known or is_mixed:
            wanted = "16-bit, as the others are" if is_mixed and mode not in _DEEP_MODES else "8-bit"
            raise DataError(
                f"{str(file)!r} has pixels of mode {mode!r}, not {wanted}. Convert it to 8-bit grey or "
                "colour, or load the pixels yourself and pass them as floats with their value_range."
            )
        first = first or (height, width)
        if size is None and (height, width) != first:
            raise ShapeError(
                f"{str(file)!r} is {height} x {width} pixels (height x width), the first image {first[0]} x "
                f"{first[1]}; expected one size. Resize them on loading: size=({first[0]}, {first[1]})."
            )
    return "color" if "color" in kinds else "deep" if "deep" in kinds else "grey"
