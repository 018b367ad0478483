"""What a loop has logged and nobody has read back from the device yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from vaewidgets.errors import OptionError
from vaewidgets.protocol import LossConvention

__all__ = ["Pending"]

MAX_ROWS = 64
_TERMS = ("kl", "recon", "loss")  # in the order in which a fault is blamed
Record: TypeAlias = "Callable[[np.ndarray, dict[str, np.ndarray], tuple[int, str] | None], None]"


class Pending:
    """At most `MAX_ROWS` logged steps.

    A step's tensors become one new tensor on their device (one kernel, no wait), so that a loop may go on to
    write into its own. All methods may be called from any thread.
    """

    def __init__(self, losses: LossConvention, n_pixels: int, latent_dim: int) -> None:
        self._losses = losses
        self._needs_batch_size = "batch_sum" in (losses.recon, losses.kl)
        self._n_pixels = n_pixels
        self._latent_dim = latent_dim
        self._lock = threading.Lock()
        self._rows: list[tuple[int, tuple[str, ...], Tensor | None, dict[str, float], int]] = []
        self._since = 0.0

    @property
    def is_full(self) -> bool:
        """Whether it must be taken."""
        return len(self._rows) >= MAX_ROWS

    def is_stale(self, seconds: float) -> bool:
        """Whether the oldest row is older than that."""
        return bool(self._rows) and time.monotonic() - self._since > seconds

    def add(self, step: int, values: Mapping[str, Any], batch_size: int | None) -> int:
        """Add one step.

        Returns
        -------
        int
            Its number: `step`, or the next free one.

        Raises
        ------
        OptionError
            If a value is no scalar, or the batch size is needed and not given.
        """
        if batch_size is None and self._needs_batch_size and ("recon" in values or "kl" in values):
            raise OptionError(
                "log needs batch_size=len(x): by its loss convention this loop sums its terms over a batch, "
                "and they are shown per image."
            )
        names, tensors, numbers = [], [], {}
        for name, value in values.items():
            if isinstance(value, Tensor):
                names.append(name)
                tensors.append(value.detach() if value.ndim == 0 else _scalar(name, value))
            else:
                numbers[name] = _number(name, value)
        row = _stack(tensors) if tensors else None
        with self._lock:
            if not self._rows:
                self._since = time.monotonic()
            elif self._rows[-1][0] >= step:
                step = self._rows[-1][0] + 1
            self._rows.append((step, tuple(names), row, numbers, batch_size or 1))
        return step

    def drain(self, record: Record) -> None:
        """Read everything back, hand it to `record`, then forget it; one thread at a time.

        Who drains may be interrupted at any instruction. Rows are then handed over once more, never lost.

        Parameters
        ----------
        record : callable
            Takes `steps`, `columns` and `bad`, as follows.

            steps : ndarray of int64, shape (n,)
            columns : dict of str to ndarray, shape (n,)
                Terms as sums over pixels and latent dimensions, averaged over images. Only the steps before
                one that was not finite.
            bad : (step, term) or None
                The first step that was not finite.
        """
        with self._lock:
            rows = list(self._rows)
        if not rows:
            return
        steps = np.array([row[0] for row in rows], np.int64)
        columns, known = _columns(rows)
        bad = _first_bad(columns, known)
        n = len(rows) if bad is None else bad[0]
        sizes = np.array([row[4] for row in rows])
        self._to_canonical(columns, sizes)
        record(
            steps[:n],
            {name: values[:n] for name, values in columns.items()},
            None if bad is None else (int(steps[n]), bad[1]),
        )
        with self._lock:
            self._rows = self._rows[len(rows) :]

    def _to_canonical(self, columns: dict[str, np.ndarray], sizes: np.ndarray) -> None:
        for size in np.unique(sizes):
            here = sizes == size
            terms = [columns[name][here] if name in columns else None for name in ("recon", "kl", "loss")]
            shape = (int(size), self._n_pixels, self._latent_dim)
            recon, kl = self._losses.canonical(terms[0], terms[1], *shape)
            loss, _ = self._losses.canonical(terms[2], None, *shape)
            for name, values in (("recon", recon), ("kl", kl), ("loss", loss)):
                if values is not None:
                    columns[name][here] = values


def _columns(rows: list[Any]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Values by name, and whether they were given."""
    columns: dict[str, np.ndarray] = {}
    known: dict[str, np.ndarray] = {}

    def put(name: str, index: Any, values: Any) -> None:
        if name not in columns:
            columns[name] = np.full(len(rows), np.nan)
            known[name] = np.zeros(len(rows), bool)
        columns[name][index] = values
        known[name][index] = True

    kinds: dict[Any, list[int]] = {}
    for i, (_, names, row, numbers, _) in enumerate(rows):
        if row is not None:
            kinds.setdefault((names, row.device), []).append(i)
        for name, number in numbers.items():
            put(name, i, number)
    for (names, _), index in kinds.items():
        table = torch.stack([rows[i][2] for i in index]).cpu().double().numpy()
        for j, name in enumerate(names):
            put(name, index, table[:, j])
    return columns, known


def _first_bad(columns: dict[str, np.ndarray], known: dict[str, np.ndarray]) -> tuple[int, str] | None:
    found = [
        (int(np.argmax(bad)), order, term)
        for order, term in enumerate(_TERMS)
        if term in columns and (bad := known[term] & ~np.isfinite(columns[term])).any()
    ]
    if not found:
        return None
    row, _, term = min(found)
    return row, term


def _stack(tensors: list[Tensor]) -> Tensor:
    try:  # detached as they are, they need no `no_grad`, which an interrupt could leave behind in the loop
        return torch.stack(tensors)
    except RuntimeError:  # on different devices
        return torch.stack([tensor.to(tensors[0].device) for tensor in tensors])


def _scalar(name: str, value: Tensor) -> Tensor:
    if value.numel() != 1:
        raise OptionError(
            f"log got {name} of shape {tuple(value.shape)}; wanted one number a step. Reduce it as your loss "
            f"is: {name}.sum() or {name}.mean()."
        )
    return value.detach().reshape(())


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise OptionError(
            f"log got {name} of type {type(value).__name__}; wanted a number or a 0-d tensor."
        ) from None
