"""What a loop has logged and nobody has read back from the device yet."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaewidgets.adapters import LossConvention
from vaewidgets.concurrency import Lock
from vaewidgets.errors import OptionError
from vaewidgets.objectives import TERMS
from vaewidgets.runs.log_faults import BadStep

MAX_ROWS = 64
_BLAMED = ("kl", "recon", "loss")  # in the order in which a fault is blamed
_BY_EPOCH = ("train_", "val_", "test_")


def is_by_epoch(name: str) -> bool:
    """Whether a logged value is one of an epoch, such as "val_loss", and none of a step."""
    return name.startswith(_BY_EPOCH)


class Evaluation(NamedTuple):
    """Values by epoch ("val_loss", ...), logged after `step` updates; `serial` differs for each."""

    serial: int
    step: int
    values: dict[str, float]


class Taken(NamedTuple):
    """What was read back; terms as sums over pixels and latent dimensions, averaged over images."""

    steps: np.ndarray  # int64, shape (n,)
    columns: dict[str, np.ndarray]  # shape (n,); NaN where a step has no such value
    bad: list[BadStep]
    evaluations: list[Evaluation]
    first: int  # row of the recorder that the first step belongs into


class _Row(NamedTuple):
    serial: int  # of a step: the row of the recorder that it belongs into
    step: int
    names: tuple[str, ...]  # of the tensors
    tensors: Tensor | None  # stacked
    numbers: dict[str, float]
    batch_size: int


class Pending:
    """At most `MAX_ROWS` logged steps.

    A step's tensors become one new tensor on their device (one kernel, no wait), so that a loop may go on to
    write into its own. All methods may be called from any thread.

    The loop may be interrupted at any instruction. So what was read stays until `forget`, each step knows its
    row, and the number of steps is not kept beside the steps themselves. `recorded` returns how many rows the
    recorder has.
    """

    def __init__(
        self, losses: LossConvention, n_pixels: int, latent_dim: int, recorded: Callable[[], int]
    ) -> None:
        self._losses = losses
        self._losses_of_loss = replace(losses, recon_sign=1)
        self._needs_batch_size = "batch_sum" in (losses.recon, losses.kl)
        self._n_pixels = n_pixels
        self._latent_dim = latent_dim
        self._recorded = recorded
        self._serials = itertools.count()
        self._lock = Lock()
        self._steps: list[_Row] = []
        self._epochs: list[_Row] = []
        self._since = 0.0

    @property
    def is_full(self) -> bool:
        """Whether it must be taken."""
        return len(self._steps) + len(self._epochs) >= MAX_ROWS

    def is_stale(self, seconds: float) -> bool:
        """Whether the oldest row is older than that."""
        return bool(self._steps or self._epochs) and time.monotonic() - self._since > seconds

    @property
    def newest(self) -> tuple[int, int] | None:
        """Row and number of the newest step; None if all were handed to the recorder."""
        with self._lock:
            return self._steps[-1][:2] if self._steps else None

    def add(self, step: int, values: Mapping[str, Any], batch_size: int | None, *, strict: bool) -> list[str]:
        """Add one step; returns what was wrong with values that were left out.

        With `strict`, raise an OptionError and add nothing where a value is no scalar, or the batch size is
        needed and not given.
        """
        faults = []
        if batch_size is None and self._needs_batch_size and any(name in values for name in _BLAMED):
            faults.append(
                "log needs batch_size=len(x): by its loss convention this loop sums its terms over a batch, "
                "and they are shown per image."
            )
            values = {name: value for name, value in values.items() if name not in _BLAMED}
        self._append(self._steps, step, values, batch_size or 1, faults, strict=strict)
        return faults

    def add_evaluation(
        self, step: int, values: Mapping[str, Any], n_images: int | None, *, strict: bool
    ) -> list[str]:
        """Add values by epoch, logged after `step` updates; otherwise as `add`.

        `n_images` are those that sums over a batch were taken over; None where they are means over images.
        """
        faults: list[str] = []
        self._append(self._epochs, step, values, n_images or 1, faults, strict=strict)
        return faults

    def _append(
        self,
        rows: list[_Row],
        step: int,
        values: Mapping[str, Any],
        batch_size: int,
        faults: list[str],
        *,
        strict: bool,
    ) -> None:
        names, tensors, numbers = [], [], {}
        for name, value in values.items():
            try:
                if isinstance(value, Tensor):
                    tensors.append(value.detach() if value.ndim == 0 else _scalar(name, value))
                    names.append(name)
                else:
                    numbers[name] = _number(name, value)
            except OptionError as error:
                faults.append(str(error))
        if strict and faults:
            raise OptionError(faults[0])
        stacked = _stack(tensors) if tensors else None
        with self._lock:
            if not (self._steps or self._epochs):
                self._since = time.monotonic()
            if rows is self._epochs:
                serial = next(self._serials)
            else:
                serial = rows[-1].serial + 1 if rows else self._recorded()
            rows.append(_Row(serial, step, tuple(names), stacked, numbers, batch_size))

    def read(self) -> Taken:
        """Read everything back; it stays until `forget`."""
        with self._lock:
            rows, epochs = list(self._steps), list(self._epochs)
        steps = np.array([row.step for row in rows], np.int64)
        columns, known = _columns(rows)
        bad = _bad_steps(steps, columns, known)
        self._to_canonical(columns, np.array([row.batch_size for row in rows]))
        first = rows[0].serial if rows else 0
        return Taken(steps, columns, bad, self._evaluations(epochs), first)

    def forget(self, taken: Taken) -> None:
        """Drop what was read; one thread at a time reads and forgets."""
        with self._lock:
            del self._steps[: len(taken.steps)]
            del self._epochs[: len(taken.evaluations)]

    def _evaluations(self, rows: list[_Row]) -> list[Evaluation]:
        columns, known = _columns(rows)
        sizes = np.array([row.batch_size for row in rows])
        for prefix in _BY_EPOCH:
            own = {name.removeprefix(prefix): v for name, v in columns.items() if name.startswith(prefix)}
            self._to_canonical(own, sizes)
        return [
            Evaluation(
                row.serial,
                row.step,
                {name: float(column[i]) for name, column in columns.items() if known[name][i]},
            )
            for i, row in enumerate(rows)
        ]

    def _to_canonical(self, columns: dict[str, np.ndarray], sizes: np.ndarray) -> None:
        """Undo the loop's reduction, in place."""
        for size in np.unique(sizes):
            here = sizes == size
            loss, recon, kl = (columns[name][here] if name in columns else None for name in TERMS)
            shape = (int(size), self._n_pixels, self._latent_dim)
            recon, kl = self._losses.canonical(recon, kl, *shape)
            loss, _ = self._losses_of_loss.canonical(loss, None, *shape)
            for name, values in zip(TERMS, (loss, recon, kl), strict=True):
                if values is not None:
                    columns[name][here] = values


def _columns(rows: list[_Row]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
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
    for i, row in enumerate(rows):
        if row.tensors is not None:
            kinds.setdefault((row.names, row.tensors.device), []).append(i)
        for name, number in row.numbers.items():
            put(name, i, number)
    for (names, _), index in kinds.items():
        table = (
            torch.stack([tensors for i in index if (tensors := rows[i].tensors) is not None])
            .cpu()
            .double()
            .numpy()
        )
        for j, name in enumerate(names):
            put(name, index, table[:, j])
    return columns, known


def _bad_steps(
    steps: np.ndarray, columns: dict[str, np.ndarray], known: dict[str, np.ndarray]
) -> list[BadStep]:
    """Steps of which a term was logged and is not finite."""
    bad = {term: known[term] & ~np.isfinite(columns[term]) for term in _BLAMED if term in columns}
    if not any(where.any() for where in bad.values()):
        return []
    found = []
    for i, step in enumerate(steps.tolist()):
        terms = tuple(term for term, where in bad.items() if where[i])
        if terms:
            fine = frozenset(t for t in bad if known[t][i] and t not in terms)
            found.append(BadStep(step, terms[0], fine))
    return found


def _stack(tensors: list[Tensor]) -> Tensor:
    try:  # detached as they are, they need no `no_grad`, which an interrupt could leave behind in the loop
        return torch.stack(tensors)
    except RuntimeError:  # on different devices
        return torch.stack([tensor.to(tensors[0].device) for tensor in tensors])


def _scalar(name: str, value: Tensor) -> Tensor:
    if value.numel() != 1:
        raise OptionError(
            f"log got {name} of shape {tuple(value.shape)}; expected one number a step. Reduce it as your "
            f"loss is: {name}.sum() or {name}.mean()."
        )
    return value.detach().reshape(())


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise OptionError(
            f"log got {name} of type {type(value).__name__}; expected a number or a 0-d tensor."
        ) from None
