"""Torch's global random generator, used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

# Modules draw their first weights from a generator that all threads share: two that are built, tried or
# loaded at once would take each other's numbers, and put back each other's state. Its `with` stands by
# itself: taken inside a context manager that is written in Python, a lock can be kept by an interrupt.
drawing = threading.RLock()


@contextmanager
def seeded(seed: int, devices: Sequence[torch.device] = ()) -> Iterator[None]:
    """Draw from torch's global generators as after ``torch.manual_seed(seed)``, then put them back.

    To be entered with the lock held: ``with drawing, seeded(0):``.

    Parameters
    ----------
    seed : int
    devices : sequence of torch.device, optional
        CUDA devices whose generators are put back too.

    Notes
    -----
    Other threads of this package wait meanwhile. A thread that draws from the global generator without it,
    such as one that trains a model with dropout, can not be kept out.
    """
    with torch.random.fork_rng(devices=list(devices)):
        torch.manual_seed(seed)
        yield
