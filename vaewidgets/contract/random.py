"""The page's random numbers in Python: a printed figure shows the draws that the page shows.

`js/contract/random.js` is the other half; tests of both sides hold the same known answers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MASK = 0xFFFFFFFF


def uniforms(seed: int, count: int) -> NDArray[np.float64]:
    """Uniform draws in (0, 1): mulberry32 (T. Ettinger), 32 bits of state.

    Returns
    -------
    ndarray, shape (count,)
    """
    mask = np.uint64(_MASK)
    steps = np.arange(1, count + 1, dtype=np.uint64)
    state = (np.uint64(seed % 2**32) + steps * np.uint64(0x6D2B79F5)) & mask
    t = ((state ^ (state >> np.uint64(15))) * (state | np.uint64(1))) & mask
    inner = ((t ^ (t >> np.uint64(7))) * (t | np.uint64(61))) & mask
    t = t ^ ((t + inner) & mask)
    return (((t ^ (t >> np.uint64(14))) & mask) + 0.5) / 2**32


def stream_seed(seed: int, stream: int) -> int:
    """Seed of one of many streams; mulberry32 visits its states in one order, and neighbors would overlap."""
    x = (seed * 0x9E3779B1 + stream * 0x85EBCA6B) & _MASK
    x = ((x ^ (x >> 16)) * 0x21F0AAAD) & _MASK
    x = ((x ^ (x >> 15)) * 0x735A2D97) & _MASK
    return x ^ (x >> 15)


def normals(n: int, seed: int, stream: int = 0) -> NDArray[np.float32]:
    """Draws from N(0, 1); the first ones are the same whatever `n` is.

    Returns
    -------
    ndarray, shape (n,)

    References
    ----------
    Box & Muller 1958.
    """
    pairs = uniforms(stream_seed(seed, stream), n + n % 2).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log(pairs[:, 0])), 2 * np.pi * pairs[:, 1]
    drawn = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return drawn.ravel()[:n].astype(np.float32)
