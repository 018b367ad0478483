"""What each step measured, gathered on the device and read back many steps at a time.

Reading a number off an accelerator makes the host wait for all work queued before it; once a step, that
costs more than the step. Here a step writes one row of a page on the device; a page is copied to the host
when it is full or a tenth of a second old, on CUDA without waiting: into pinned memory, collected when an
event says that it has arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.objectives import TERMS

COLUMNS = (*TERMS, "gradient")  # of a row; the last one only says whether all gradients are finite
PAGE_ROWS = 256


@dataclass(frozen=True)
class Block:
    """Measurements of consecutive steps, on the host.

    Attributes
    ----------
    first_step : int
    terms : ndarray of float32, shape (n, 4)
        Columns as in `COLUMNS`.
    extras : ndarray of float32, shape (n, number of extras)
        Further terms of the objective.
    beta, lr : ndarray of float64, shape (n,)
        Those in force.
    images : ndarray of int64, shape (n,)
        Batch sizes.
    """

    first_step: int
    terms: np.ndarray
    extras: np.ndarray
    beta: np.ndarray
    lr: np.ndarray
    images: np.ndarray


class _Page:
    def __init__(self, device: torch.device, n_extras: int) -> None:
        shape = (PAGE_ROWS, len(COLUMNS) + n_extras)
        self.table = torch.zeros(shape, device=device)
        self.rows = self.table.unbind(0)  # views, made once: indexing costs more than the write
        self.terms = self.table[:, : len(COLUMNS)].unbind(0) if n_extras else self.rows
        self.host = torch.zeros(shape, pin_memory=True) if device.type == "cuda" else None
        self.event: Any = None
        self.beta = np.zeros(PAGE_ROWS)
        self.lr = np.zeros(PAGE_ROWS)
        self.images = np.zeros(PAGE_ROWS, np.int64)
        self.first_step = 0
        self.n = 0

    def send(self) -> None:
        if self.host is not None:
            self.host.copy_(self.table, non_blocking=True)
            self.event = torch.cuda.Event()
            self.event.record()

    def has_arrived(self) -> bool:
        return self.event is None or self.event.query()

    def receive(self) -> Block:
        """Wait for the copy; empties the page."""
        if self.host is not None:
            self.event.synchronize()
            table = self.host.numpy()
        else:
            table = self.table.cpu().numpy()
        n, self.n, self.event = self.n, 0, None
        return Block(
            self.first_step,
            table[:n, : len(COLUMNS)].copy(),
            table[:n, len(COLUMNS) :].copy(),
            self.beta[:n].copy(),
            self.lr[:n].copy(),
            self.images[:n].copy(),
        )


class Metrics:
    """Two pages: one is written to while the other one travels."""

    def __init__(self, device: torch.device, n_extras: int = 0) -> None:
        self._page = _Page(device, n_extras)
        self._spare = _Page(device, n_extras)
        self._travelling: _Page | None = None

    @property
    def is_full(self) -> bool:
        """Whether the page must be flushed before the next row."""
        return self._page.n == PAGE_ROWS

    @property
    def newest(self) -> Tensor:
        """The row of the step made last, its first part; before a flush."""
        return self._page.terms[self._page.n - 1]

    def write(self, step: int, terms: tuple[Tensor, ...], beta: float, lr: float, images: int) -> Tensor:
        """Write a step's row, and return its first part, `COLUMNS`.

        `terms` are 0-d tensors in the order of `COLUMNS`, the extras behind them.
        """
        i = self._begin_row(step, beta, lr, images)
        torch.stack(terms, out=self._page.rows[i])
        return self._page.terms[i]

    def put(self, step: int, row: Tensor, beta: float, lr: float, images: int) -> Tensor:
        """`write` of terms that are one tensor already, shape (4 + extras,)."""
        i = self._begin_row(step, beta, lr, images)
        self._page.rows[i].copy_(row)
        return self._page.terms[i]

    def _begin_row(self, step: int, beta: float, lr: float, images: int) -> int:
        page = self._page
        i = page.n
        if i == 0:
            page.first_step = step
        page.beta[i] = beta
        page.lr[i] = lr
        page.images[i] = images
        page.n = i + 1
        return i

    def flush(self, *, wait: bool) -> Iterator[Block]:
        """Send what was written, and yield what has arrived: with `wait`, everything."""
        if self._travelling is not None:
            if not (wait or self.is_full or self._travelling.has_arrived()):
                return
            yield self._receive()
        if self._page.n:
            self._page.send()
            self._travelling, self._page = self._page, self._spare
            if wait or self._travelling.has_arrived():
                yield self._receive()

    def _receive(self) -> Block:
        page = self._travelling
        assert page is not None
        self._travelling, self._spare = None, page
        return page.receive()
