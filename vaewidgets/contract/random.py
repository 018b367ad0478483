"""The page's own random numbers in Python, so that a printed figure shows the draws that the page shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["normals", "uniforms"]


def uniforms(seed: int, count: int) -> NDArray[np.float64]:
    """Numbers in [0, 1) from a seed (mulberry32), as `uniforms` in js/maths/gaussian.js.

    Returns
    -------
    ndarray, shape (count,)
    """
    mask = np.uint64(0xFFFFFFFF)
    steps = np.arange(1, count + 1, dtype=np.uint64)
    state = (np.uint64(seed % 2**32) + steps * np.uint64(0x6D2B79F5)) & mask
    t = ((state ^ (state >> np.uint64(15))) * (state | np.uint64(1))) & mask
    inner = ((t ^ (t >> np.uint64(7))) * (t | np.uint64(61))) & mask
    t = t ^ ((t + inner) & mask)
    return ((t ^ (t >> np.uint64(14))) & mask) / 4294967296.0


def normals(seed: int, count: int) -> NDArray[np.float64]:
    """Draws from N(0, 1) by Box and Muller, as `normals` in js/maths/gaussian.js.

    Returns
    -------
    ndarray, shape (count,)
    """
    pairs = uniforms(seed, 2 * ((count + 1) // 2)).reshape(-1, 2)
    radius = np.sqrt(-2 * np.log(1 - pairs[:, 0]))
    angle = 2 * np.pi * pairs[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:count]
