"""Keep torch's idle threads out of the way of the thread that trains.

Each thread that runs a parallel operation gets an OpenMP team of its own, and keeps it. GNU's OpenMP, which
torch's wheels for Linux bring, lets a team spin between two operations only as long as all teams together
have no more threads than there are cores; beyond that each operation waits for a sleeping thread to wake. An
idle team of the notebook's main thread is enough: on two cores it took an epoch of a small MLP from 2.2 to
3.8 s, and giving it back brought 2.2 s again.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable
from pathlib import Path

import torch

__all__ = ["has_gnu_openmp", "release_idle_team"]

_SOFT = 1  # omp_pause_soft: the team is made again when it is wanted


def has_gnu_openmp() -> bool:
    """Whether torch's teams are GNU OpenMP's."""
    return _pause_function() is not None


def release_idle_team() -> None:
    """Give back the OpenMP team of the calling thread. Elsewhere than on GNU's OpenMP nothing is done."""
    pause = _pause_function()
    if pause is not None:
        pause(_SOFT)  # refused, without harm, inside a parallel region


@functools.cache
def _pause_function() -> Callable[[int], int] | None:
    """`omp_pause_resource_all` (OpenMP 5.0) of the library that torch has loaded."""
    only_if_loaded = getattr(os, "RTLD_NOLOAD", None)
    if only_if_loaded is None:
        return None
    for path in sorted((Path(torch.__file__).parent / "lib").glob("libgomp*.so*")):
        try:
            function = ctypes.CDLL(str(path), mode=only_if_loaded).omp_pause_resource_all
        except (OSError, AttributeError):
            continue
        function.argtypes, function.restype = [ctypes.c_int], ctypes.c_int
        return function
    return None
