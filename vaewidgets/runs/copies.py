"""Copies of a run's weights, and the snapshots and frames of its time line that are built from them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, final

from vaewidgets.adapters import Convention
from vaewidgets.engine.snapshot import Shell, Snapshot, Weights, model_tensors
from vaewidgets.errors import OptionError
from vaewidgets.objectives import Likelihood
from vaewidgets.runs.snapshot_check import SnapshotCheck
from vaewidgets.runs.time_line import TimeLine


@final
class Copies:
    """Clones the live weights between two steps; any thread may build from the clones.

    `position` returns the updates and epochs made.
    """

    def __init__(
        self,
        model: Any,
        data: Any,
        likelihood: Likelihood,
        shell: Shell,
        position: Callable[[], tuple[int, int]],
    ) -> None:
        self._model = model
        self._data = data
        self._likelihood = likelihood
        self._shell = shell
        self._position = position
        self._lock = threading.Lock()
        self._built: tuple[Weights, Snapshot] | None = None
        self._check: SnapshotCheck | None = None
        if data is not None:
            self._check = SnapshotCheck(model, shell, data.train.images([0, len(data.train) - 1]))
        self.newest: Weights | None = None
        self.time_line = TimeLine(data)

    @property
    def fault(self) -> str | None:
        """What is wrong with snapshots of this model; None while nothing is."""
        return None if self._check is None else self._check.fault

    def clone(self) -> Weights:
        step, epoch = self._position()
        return self._shell.clone(self._model, step=step, epoch=epoch)

    def renew(self) -> None:
        """Make the weights as they are now `newest`."""
        self.check()
        self.newest = self.clone()

    def note_time(self, weights: Weights | None = None) -> None:
        self.check()
        self.time_line.take(weights or self.clone(), self.build)

    def check(self) -> None:
        """Compare snapshots with the model; costs something twice in a run."""
        if self._check is not None:
            self._check.check()

    def build(self, weights: Weights) -> Snapshot:
        model = self._shell.build(weights)
        return Snapshot(model, self._data, self._likelihood, step=weights.step, epoch=weights.epoch)

    @property
    def latest(self) -> Snapshot | None:
        """Snapshot of `newest`; the same object until there is a newer one."""
        with self._lock:
            weights = self.newest
            if weights is None:
                return None
            if self._built is None or self._built[0] is not weights:
                self._built = (weights, self.build(weights))
            return self._built[1]

    def at(self, step: int) -> Snapshot:
        """Build the time line's nearest weights at or before `step`; OptionError if there are none."""
        kept = self.time_line.weights_at(step)
        if kept is None:
            have = ", ".join(str(one.step) for one in self.time_line.weights) or "none"
            raise OptionError(f"the time line has no weights at or before step {step}; it has {have}.")
        own = model_tensors(self._model)
        tensors = tuple(t.to(o.device, o.dtype) for t, o in zip(kept.tensors, own, strict=True))
        return self.build(Weights(kept.step, kept.epoch, tensors))

    def read_as(self, convention: Convention, likelihood: Likelihood) -> None:
        """Read a foreign model otherwise from now on."""
        self._shell.read_as(convention)
        self._likelihood = likelihood
        with self._lock:
            self._built = None
