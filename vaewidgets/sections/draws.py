"""The page's samples of N(0, I), drawn in Python, so that a printed figure shows the same images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["normals"]

_MASK = 0xFFFFFFFF


def normals(n: int, seed: int, stream: int = 0) -> NDArray[np.float32]:
    """Draws from N(0, 1), shape (n,), as js/contract/random.js makes them of the same `seed` and `stream`.

    References
    ----------
    Box & Muller 1958, over mulberry32 (T. Ettinger) as the uniform generator.
    """
    state = _stream_seed(seed, stream)
    uniform = np.empty(n + n % 2)
    for i in range(len(uniform)):
        state = (state + 0x6D2B79F5) & _MASK
        t = ((state ^ (state >> 15)) * (state | 1)) & _MASK
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & _MASK)) & _MASK
        uniform[i] = ((t ^ (t >> 14)) + 0.5) / 2**32
    radius, angle = np.sqrt(-2 * np.log(uniform[::2])), 2 * np.pi * uniform[1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[:n].astype(np.float32)


def _stream_seed(seed: int, stream: int) -> int:
    x = (seed * 0x9E3779B1 + stream * 0x85EBCA6B) & _MASK
    x = ((x ^ (x >> 16)) * 0x21F0AAAD) & _MASK
    x = ((x ^ (x >> 15)) * 0x735A2D97) & _MASK
    return x ^ (x >> 15)
