"""Copies of a run's weights, and the snapshots and frames of its time line that are built from them."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any, final

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from vaewidgets.adapters import Convention
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.concurrency import Lock
from vaewidgets.engine.snapshot import GoodWeights, Shell, Snapshot, Weights, model_tensors
from vaewidgets.errors import OptionError
from vaewidgets.objectives import Likelihood
from vaewidgets.runs.snapshot_check import SnapshotCheck
from vaewidgets.runs.time_line import TimeLine

LARGE_BYTES = 64_000_000  # of weights, more than which are large
LARGE_EVERY_SECONDS = 1.0
MOST_LARGE = 2  # copies of large weights


@final
class Copies:
    """Clones the live weights between two steps; any thread may build from the clones.

    `position` returns the updates and epochs made. Large weights are copied once a second at most where
    nobody waits for them, and one copy serves all who ask for the same step.
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
        self._lock = Lock()
        self._built: tuple[Weights, Snapshot] | None = None
        self._check: SnapshotCheck | None = None
        if data is not None:
            self._check = SnapshotCheck(model, shell, data.train.images([0, len(data.train) - 1]))
        self.newest: Weights | None = None
        self.good: GoodWeights | None = None  # of a loop that may diverge
        self._last: Callable[[], Weights | None] = lambda: None
        self._alive: weakref.WeakSet[Weights] = weakref.WeakSet()
        self._cloned = 0.0
        self._cloning = Lock()  # the loop, and whoever asks once it has ended
        self._is_large = sum(t.nbytes for t in model_tensors(model) if not is_lazy(t)) > LARGE_BYTES
        self.time_line = TimeLine(data)

    @property
    def fault(self) -> str | None:
        """What is wrong with snapshots of this model; None while nothing is."""
        return None if self._check is None else self._check.fault

    def clone(self) -> Weights:
        """Weights as they are now, between two steps."""
        with self._cloning:
            return self._clone()

    def _clone(self) -> Weights:
        step, epoch = self._position()
        shared = self._last() if self._is_large else None
        if shared is not None and shared.step == step and self._is_live(shared):
            return shared
        weights = self._shell.clone(self._model, step=step, epoch=epoch)
        self._note(weights)
        if self._check is not None:
            self._check.check(weights)
        return weights

    def clone_if_cheap(self) -> Weights | None:
        """`clone`; of large weights None while a copy is less than a second old, or two are in use."""
        if not self._is_large or self._last() is None:
            return self.clone()
        if time.monotonic() < self._cloned + LARGE_EVERY_SECONDS or len(self._alive) >= MOST_LARGE:
            return None
        return self.clone_anew()

    def clone_anew(self) -> Weights:
        """`clone`, which becomes `newest`; large weights are freed first."""
        with self._cloning:
            if self._is_large and not self._is_live(self.newest):
                self.newest = self._built = None
            self.newest = self.clone()
            return self.newest

    def renew(self) -> None:
        """Make the weights as they are now `newest`."""
        with self._cloning:
            if self._is_large and self.good is not None:
                self.newest = self.good.renew(self._model, self.clone_anew)
            else:
                self.newest = self.clone()

    def recent(self) -> Weights:
        """What `clone_if_cheap` returns, or the clone made last."""
        return self.clone_if_cheap() or self._last() or self.clone()

    def renew_if_cheap(self) -> None:
        """Make `newest` what is `recent`."""
        self.newest = self.recent()

    def note_time(self, weights: Weights | None = None) -> None:
        self.time_line.take(weights or self.clone(), self.build)

    def check(self) -> None:
        """Compare snapshots with the model; costs something twice in a run."""
        self.clone()

    def _note(self, weights: Weights) -> None:
        self._last = weakref.ref(weights)
        self._alive.add(weights)
        self._cloned = time.monotonic()

    def _is_live(self, weights: Weights | None) -> bool:
        """Whether they equal the live ones."""
        return weights is not None and all(map(torch.equal, weights.tensors, model_tensors(self._model)))

    def build(self, weights: Weights) -> Snapshot:
        model = self._shell.build(weights)
        return Snapshot(
            model,
            self._data,
            self._likelihood,
            step=weights.step,
            epoch=weights.epoch,
            weights=weights,
        )

    def put_back(self) -> int | None:
        """Where the live weights are not finite, make them those of the newest copy that is; return its step.

        None where they are finite, or no copy is.
        """
        live = model_tensors(self._model)
        if _are_finite(live):
            return None
        copies = (self.newest, self._last(), *reversed(self.time_line.weights))
        good = [one for one in copies if one is not None and _are_finite(one.tensors)]
        if not good:
            return None
        newest = max(good, key=lambda one: one.step)
        with restored_modes(), torch.no_grad():
            for own, tensor in zip(live, newest.tensors, strict=True):
                own.copy_(tensor)
        return newest.step

    @property
    def latest(self) -> Snapshot | None:
        """Snapshot of `newest`; the same object until there is a newer one."""
        with self._cloning:  # there is none for a moment where large weights are freed first
            weights = self.newest
        with self._lock:
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


def _are_finite(tensors: Iterable[Tensor]) -> bool:
    known = (t.detach() for t in tensors if not is_lazy(t) and t.is_floating_point())
    return all(bool(torch.isfinite(t).all()) for t in known)
