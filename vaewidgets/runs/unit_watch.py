"""`UnitWatch`: when the units of a run came to life and died."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, final

import torch
from torch import Tensor

from vaewidgets.concurrency import Lock
from vaewidgets.data.sample import evenly
from vaewidgets.diagnostics import UnitLives, active_units, unit_lives
from vaewidgets.engine.snapshot import Snapshot
from vaewidgets.errors import OptionError

_SHARE = 0.02  # of the training's time that watching may take
_LEAST_SECONDS = 0.1
_MOST_ROWS = 512


class Watched(Protocol):
    """What a `UnitWatch` asks of a run."""

    @property
    def data(self) -> Any: ...

    @property
    def latest_snapshot(self) -> Snapshot | None: ...

    def snapshot(self) -> Snapshot: ...

    def request_snapshot(self) -> None: ...

    def add_listener(self, function: Callable[[], None]) -> Callable[[], None]: ...


@final
class UnitWatch:
    """Notes the KL of each unit while a run trains; made by `Run.watch_units`.

    It takes at most a fiftieth of the training's time, and at most 512 records: then every second one goes
    and the rest is looked at half as often.

    Attributes
    ----------
    delta : float
        Nats above which a unit is alive.
    """

    def __init__(self, run: Watched, *, n: int = 500, delta: float = 0.01) -> None:
        self.delta = delta
        self._run = run
        images = run.data.test if run.data.test is not None else run.data.train
        index = evenly(len(images), n)
        self._x = images.images(index)
        self._labels = None if images.labels is None else images.labels[index]
        self._rows: list[tuple[int, list[float]]] = []
        self._lock = Lock()
        self._next = 0.0
        self._fewest_steps = 1
        self.look()
        self._remove = run.add_listener(self._listen)

    @property
    def steps(self) -> tuple[int, ...]:
        """When the units were looked at."""
        with self._lock:
            return tuple(step for step, _ in self._rows)

    @property
    def kl(self) -> Tensor:
        """Mean KL of each unit at these steps, in nats, float64, shape (t, latent_dim)."""
        with self._lock:
            return torch.tensor([kl for _, kl in self._rows], dtype=torch.float64)

    def lives(self) -> UnitLives | None:
        """When units came to life and died; None before the first record."""
        with self._lock:
            rows = list(self._rows)
        if not rows:
            return None
        return unit_lives([step for step, _ in rows], [kl for _, kl in rows], delta=self.delta)

    def look(self) -> None:
        self.note(self._run.snapshot())

    def close(self) -> None:
        """End watching; what was noted stays."""
        self._remove()

    def _listen(self) -> None:
        """Called by the training thread between steps: take what was asked for, ask for more."""
        start = time.monotonic()
        if start < self._next:
            return
        self._next = start + _LEAST_SECONDS
        snapshot = self._run.latest_snapshot
        if snapshot is not None:
            self.note(snapshot)
        self._next = start + max(_LEAST_SECONDS, (time.monotonic() - start) / _SHARE)
        self._run.request_snapshot()

    def note(self, snapshot: Snapshot) -> None:
        """Note the units' KL in this copy of the weights, unless it is no newer than the last record."""
        with self._lock:
            if self._rows and snapshot.step < self._rows[-1][0] + self._fewest_steps:
                return
        mu, logvar = snapshot.encode(self._x, self._labels)
        if logvar is None:
            raise OptionError(f"{self._run!r} has no posterior variance, so no KL to watch; expected a VAE.")
        kl = active_units(mu, logvar).kl.tolist()
        with self._lock:
            if self._rows and snapshot.step <= self._rows[-1][0]:
                return  # another thread was here first
            self._rows.append((snapshot.step, kl))
            if len(self._rows) > _MOST_ROWS:
                self._fewest_steps = 2 * (self._rows[-1][0] // len(self._rows) + 1)
                self._rows = self._rows[::2]
