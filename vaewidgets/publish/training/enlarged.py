"""Images that were enlarged travel as the small ones that they were made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TRIED = 32  # images that are looked at first
_MOST_OFF = 2  # gray levels by which an enlarged image may differ from ours, each pixel
_ONE = 4096  # of a pixel's weight, in whole numbers: the page computes the same


def shrunk(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Smaller images, and what is to be added to them, enlarged, to have `images` again, byte by byte.

    Returns None where these are no enlarged ones: if no smaller size explains them up to rounding.

    Parameters
    ----------
    images : array of uint8, shape (n, C, H, W)

    Returns
    -------
    small : array of uint8, shape (n, C, h, w)
    rest : array of uint8, shape (n, C, H, W)
        Modulo 256; nearly all of it is 0.
    """
    height, width = images.shape[2:]
    tried = images[np.linspace(0, len(images) - 1, min(_TRIED, len(images))).astype(int)]
    if tried.size == 0:
        return None
    for h in range(2, height // 2 + 1):
        size = h, h * width // height
        if h * width % height or size[1] < 2:
            continue
        if np.abs(_differences(tried, _shrink(tried, size))).max() <= _MOST_OFF:
            small = _shrink(images, size)
            return small, _differences(images, small).astype(np.uint8)
    return None


def enlarge(small: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.int64]:
    """Interpolate between the centers of pixels, as torch's "bilinear" does, in whole numbers.

    Parameters
    ----------
    small : array of uint8, shape (n, C, h, w)
    size : (int, int)
        (H, W) of the result.
    """
    rows, columns = (_weights(n, to) for n, to in zip(small.shape[2:], size, strict=True))
    sums = rows @ small.astype(np.int64) @ columns.T
    return (sums + _ONE * _ONE // 2) // (_ONE * _ONE)


def _differences(images: NDArray[np.uint8], small: NDArray[np.uint8]) -> NDArray[np.int64]:
    height, width = images.shape[2:]
    return images - enlarge(small, (height, width))


def _shrink(images: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The small images of which `enlarge` makes what is nearest to `images`."""
    rows, columns = (
        np.linalg.pinv(_weights(n, to) / _ONE) for n, to in zip(size, images.shape[2:], strict=True)
    )
    return np.clip(np.rint(rows @ images.astype(float) @ columns.T), 0, 255).astype(np.uint8)


def _weights(n: int, to: int) -> NDArray[np.int64]:
    """What each of `n` pixels gives to each of `to`, shape (to, n); the sum for each of `to` is `_ONE`."""
    at = np.clip((np.arange(to) + 0.5) * n / to - 0.5, 0, n - 1)
    low = np.minimum(np.floor(at), n - 2).astype(int)
    share = np.rint((at - low) * _ONE).astype(np.int64)
    weights = np.zeros((to, n), np.int64)
    weights[np.arange(to), low] = _ONE - share
    weights[np.arange(to), low + 1] = share
    return weights
