"""A picture in 256 colors, chosen from what is not white."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image  # comes with matplotlib

_N_CODES, _N_COLORS = 1 << 24, 256
_WHITE = _N_CODES - 1
_N_EXACT = 32  # most frequent colors, which stay as they are
_SAMPLE = 100_000  # about so many pixels are looked at where a palette is chosen
_PART = 1 << 14  # colors that are compared with a palette at once


def few_color_png(pixels: Any, dpi: float = 0) -> bytes:
    """Return pixels as a PNG in 256 colors: (height, width, 3) from 0 to 255; with `dpi` unless that is 0."""
    codes = _codes(np.asarray(pixels))
    occurs = np.zeros(_N_CODES, bool)
    occurs[codes] = True
    colors = np.flatnonzero(occurs)
    palette = colors if len(colors) <= _N_COLORS else _palette(codes)
    places = np.empty(_N_CODES, np.uint8)
    places[colors] = _nearest(colors, palette)
    picture = Image.fromarray(places[codes])
    picture.putpalette(_rgb(palette).tobytes())
    file = io.BytesIO()
    # zlib's best takes twice the time of this level, for one byte in twenty
    picture.save(file, "PNG", compress_level=6, **({"dpi": (dpi, dpi)} if dpi else {}))
    return file.getvalue()


def _palette(codes: np.ndarray) -> np.ndarray:
    """Choose 256 colors for what is not white, as codes; from a share of the pixels of a large picture."""
    ink = codes[codes != _WHITE]
    sample = ink[:: max(1, len(ink) // _SAMPLE)]
    # the default, median cut, gives small areas such as the dots of a legend other colors
    few = Image.fromarray(_rgb(sample)[None]).quantize(_N_COLORS, method=Image.Quantize.MAXCOVERAGE, kmeans=2)
    palette = _codes(np.array(few.getpalette(), np.uint8).reshape(-1, 3))
    colors, counts = np.unique(sample, return_counts=True)
    exact = [*colors[counts.argsort()[-_N_EXACT:]], _WHITE]  # the most frequent last: none takes its place
    palette[_nearest(np.array(exact), palette)] = exact
    return palette


def _codes(rgb: np.ndarray) -> np.ndarray:
    """Of colors, (..., 3), one number each."""
    red, green, blue = np.moveaxis(rgb.astype(np.int32), -1, 0)
    return (red << 16) | (green << 8) | blue


def _rgb(codes: np.ndarray) -> np.ndarray:
    return np.stack([codes >> 16, codes >> 8, codes], axis=-1).astype(np.uint8)


def _nearest(codes: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Index into the palette for each color."""
    wanted = _rgb(palette).astype(np.float32)  # whole numbers below 2²⁴: exact
    squares = (wanted**2).sum(1)
    parts = np.split(codes, range(_PART, len(codes), _PART))
    found = [(squares - 2 * _rgb(part).astype(np.float32) @ wanted.T).argmin(1) for part in parts]
    return np.concatenate(found)
