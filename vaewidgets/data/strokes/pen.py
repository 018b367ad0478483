"""Ink on paper: pixels from the points of a pen's way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_REACH = 0.85  # how far apart, in pixels of a 28 x 28 image, parts of the line run into each other
_EDGE = 1.15  # width of an edge, in the same pixels
_LEAST = np.float32(-40)  # logarithm of what a part of the line gives to a pixel far away
_LEVELS = 15  # of gray above black: enough for smooth edges, and pages that hold the images are smaller
_CHUNK = 256  # images inked at once, so that memory stays bounded

Floats = NDArray[np.float32]


def ink(
    way: Floats, weights: Floats, radius: Floats, size: tuple[int, int], unit: float
) -> NDArray[np.uint8]:
    """Draw lines, round at their ends.

    The square of a pixel's distance to the line is taken from a sum of Gaussians along it, ``-2 s^2
    ln(sum)``: a soft minimum over all parts of the line. The sum is a product of two matrices for each image,
    much less work than a distance for each pair of pixel and part, and ink runs together at crossings as on
    paper.

    Parameters
    ----------
    way : array of float32, shape (n, k, 2)
        Points of each line, x and y, in pixels; the image reaches from 0 to its width and height.
    weights : array of float32, shape (n, k)
        Length of line that each point stands for, in pixels, times the pen's pressure there (about 1).
    radius : array of float32, shape (n,)
        Half the width of each line, in pixels.
    size : (height, width)
    unit : float
        Pixels of this image for one of a 28 x 28 image.

    Returns
    -------
    array of uint8, shape (n, height, width)
    """
    reach = _REACH * unit
    images = np.empty((len(way), *size), np.uint8)
    for start in range(0, len(way), _CHUNK):
        part = slice(start, start + _CHUNK)
        down, across = (_bells(way[part, :, axis], n, reach) for axis, n in ((1, size[0]), (0, size[1])))
        across *= (weights[part] / (reach * np.sqrt(2 * np.pi, dtype=np.float32)))[:, :, None]
        density = np.matmul(down.transpose(0, 2, 1), across)
        distance = reach * np.sqrt(np.maximum(-2 * np.log(density), 0))
        cover = 0.5 + (radius[part, None, None] - distance) / (_EDGE * unit)
        images[part] = np.rint(_LEVELS * np.clip(cover, 0, 1)) * (255 // _LEVELS)
    return images


def _bells(places: Floats, n: int, reach: float) -> Floats:
    """Gaussian of the distance of each place to each of `n` pixels' centres, (..., n)."""
    away = (np.arange(n, dtype=np.float32) + np.float32(0.5)) - places[..., None]
    away *= away
    away *= np.float32(-0.5 / reach**2)
    # no further: products of two stay above the smallest normal number, below which processors are slow
    return np.exp(np.maximum(away, _LEAST, out=away), out=away)
