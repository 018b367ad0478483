"""What a run keeps of its past: where a sample of images was encoded, and a few sets of weights.

The run itself keeps it, also while no widget is open, so that one that opens later can be dragged back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, final

import numpy as np
import torch
from torch import Tensor

from vaewidgets.concurrency import Lock
from vaewidgets.contract.packing import pack_quantised, unpack
from vaewidgets.data import ImageDataset, Sample
from vaewidgets.engine.snapshot import Snapshot, Weights
from vaewidgets.graphs.half import halved
from vaewidgets.objectives.kl import kl_per_dim

MOST_FRAMES = 64
MOST_WEIGHTS = 8
FRAME_BYTES = 4_000_000  # of one frame's means: of wider latent spaces fewer images are kept
FRAMES_BYTES = 32_000_000  # of all frames' means, and as much of their variances
WEIGHTS_BYTES = 32_000_000  # of all sets of weights
SHARE = 0.015  # of the training's time
WITHIN_SECONDS = 0.5  # a frame within an epoch at most each
FREE_SECONDS = 0.05  # that may be spent beyond it: the first moments are the ones worth seeing

T = TypeVar("T")


@final
@dataclass(frozen=True, repr=False, eq=False)
class TimeFrame:
    """Posteriors of the sample after `step` updates, in 16 bits each.

    Attributes
    ----------
    step, epoch : int
        Updates and epochs made.
    kl : ndarray of float32, shape (latent_dim,), or None
        Mean KL of each dimension in nats; None without a posterior variance.
    var_mu : ndarray of float32, shape (latent_dim,)
        Variance of the posterior means over the sample.
    """

    step: int
    epoch: int
    kl: np.ndarray | None
    var_mu: np.ndarray
    _mu: Mapping[str, Any]
    _logvar: Mapping[str, Any] | None

    @property
    def mu(self) -> np.ndarray:
        """Posterior means, float32, shape (n, latent_dim); off by at most the dimension's range / 131,068."""
        return unpack(self._mu)

    @property
    def logvar(self) -> np.ndarray | None:
        """Log variances likewise, or None."""
        return None if self._logvar is None else unpack(self._logvar)

    def __repr__(self) -> str:
        return f"TimeFrame(step={self.step}, epoch={self.epoch})"


@final
@dataclass(frozen=True, eq=False)
class TimeWeights:
    """Parameters and buffers after `step` updates, on the CPU, floats in half precision where they fit."""

    step: int
    epoch: int
    tensors: tuple[Tensor, ...] = field(repr=False)


@final
class Thinned(Generic[T]):
    """Items in order, at most so many: when they are too many, every second goes and the spacing doubles.

    The first and the newest are always there: a newest one off the grid makes way for the next.
    """

    def __init__(self, most: int, every: int = 1, count: int = 0) -> None:
        self.most, self.every, self.count = max(2, most), every, count
        self.items: list[tuple[int, T]] = []  # with their numbers

    @property
    def next_stays(self) -> bool:
        """Whether the next item lies on the grid."""
        return self.count % self.every == 0

    def facts(self) -> dict[str, Any]:
        """Return all but the contents of the items as plain values."""
        kept: list[tuple[int, Any]] = [*self.items]
        items = [[number, item.step, item.epoch] for number, item in kept]
        return {"most": self.most, "every": self.every, "count": self.count, "items": items}

    def add(self, item: T) -> None:
        if self.items and self.items[-1][0] % self.every:
            self.items.pop()
        self.items.append((self.count, item))
        self.count += 1
        while len(self.items) > self.most:
            self.every *= 2
            last = self.items[-1]
            self.items = [one for one in self.items if one[0] % self.every == 0 or one is last]


@final
class TimeLine:
    """Frames of a run in training, and sets of its weights; read it from any thread.

    A frame is taken at the end of an epoch, and between where an epoch is long, as long as that takes no more
    than 1.5 % of the training's time and 0.05 s. There are at most 64 frames of at most 2,000 images, and 8
    sets of weights: when there are more every second one goes, the first and the newest stay.

    Memory: at most 32 MB of means and as much of variances (0.5 MB each for two latent dimensions), 32 MB of
    weights; fewer are kept of larger ones, and none of which two sets are more than that.

    Parameters
    ----------
    data : ImageDataset or None
        None for a run that was loaded without: it takes no frames.

    Attributes
    ----------
    version : int
        Grows with each frame.
    fault : str or None
        Why no frames are taken any more.
    budget : float
        Seconds that may be spent on the next frame.
    """

    def __init__(self, data: ImageDataset | None) -> None:
        self._data = data
        self._lock = Lock()
        self._sample: Sample | None = None
        self._frames: Thinned[TimeFrame] | None = None
        self._weights: Thinned[TimeWeights] | None = None
        self._epoch = 0
        self._cost = 0.0  # seconds that the newest frame took
        self.budget = FREE_SECONDS
        self._filled: float | None = None
        self._taken = 0.0
        self.version = 0
        self.fault: str | None = None

    @property
    def frames(self) -> tuple[TimeFrame, ...]:
        """All frames, the oldest first."""
        with self._lock:
            return () if self._frames is None else tuple(frame for _, frame in self._frames.items)

    @property
    def weights(self) -> tuple[TimeWeights, ...]:
        """All sets of weights, the oldest first."""
        with self._lock:
            return () if self._weights is None else tuple(one for _, one in self._weights.items)

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps of the frames."""
        return tuple(frame.step for frame in self.frames)

    def weights_at(self, step: int) -> TimeWeights | None:
        """Return the newest set of weights at or before `step`; None if there is none."""
        return next((one for one in reversed(self.weights) if one.step <= step), None)

    @property
    def sample(self) -> Sample | None:
        """The images that are encoded; None without data."""
        with self._lock:
            if self._sample is None and self._data is not None:
                self._sample = Sample(self._data)
            return self._sample

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"TimeLine({len(self)} frames, {len(self.weights)} sets of weights)"

    def is_due(self, epoch: int) -> bool:
        """Whether to take a frame now, between two steps."""
        now = time.monotonic()
        if self._filled is not None:
            most = max(FREE_SECONDS, 4 * self._cost)
            self.budget = min(self.budget + SHARE * (now - self._filled), most)
        self._filled = now
        if self._data is None or self.fault is not None:
            return False
        if epoch == self._epoch and now < self._taken + WITHIN_SECONDS:
            return False
        if self.budget < self._cost:
            return False
        self._epoch = epoch
        frames = self._frames
        if frames is None or frames.next_stays:
            return True
        frames.count += 1
        return False

    def take(self, weights: Weights, build: Callable[[Weights], Snapshot]) -> None:
        """Take a frame of the model that `build` makes of `weights`; a fault in it never ends a training."""
        newest = -1 if self._frames is None else self._frames.items[-1][1].step
        if self.fault is not None or self._data is None or weights.step <= newest:
            return
        start = time.monotonic()
        try:
            snapshot, sample = build(weights), self.sample
            assert sample is not None
            fit = max(1, FRAME_BYTES // (2 * snapshot.model.latent_dim))
            known = snapshot.labels_needed(None if sample.labels is None else sample.labels[:fit])
            mu, logvar = snapshot.encode(sample.images[:fit], known)
            frame = _frame(snapshot, mu, logvar)
            # the first and the newest set are always there, or none
            size = sum(2 * t.numel() if t.is_floating_point() else t.nbytes for t in weights.tensors)
            kept = _kept(weights) if 2 * size <= WEIGHTS_BYTES else None
        except Exception as error:
            self.fault = f"{type(error).__name__}: {error}"
            return
        with self._lock:
            frames, lines = self._frames, self._weights
            if frames is None or lines is None:
                frames = Thinned(min(MOST_FRAMES, FRAMES_BYTES // max(1, 2 * mu.numel())))
                lines = Thinned(min(MOST_WEIGHTS, WEIGHTS_BYTES // max(1, size)))
            frames.add(frame)
            if kept is not None:
                lines.add(kept)
            self._frames, self._weights = frames, lines  # never empty, also after an interrupt
            self.version += 1
        # The first one pays for reading the images, too: what the next will cost is seen at the second.
        self._taken = time.monotonic()
        seconds = self._taken - start
        self.budget -= seconds if self.version > 1 else 0.0
        self._cost = seconds if self.version > 1 else min(seconds, FREE_SECONDS / 4)

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return all of it as plain values and tensors; nothing is copied."""
        with self._lock:
            frames, weights = self._frames, self._weights
            if frames is None or weights is None:
                return {}, {}
            facts = {"frames": frames.facts(), "weights": weights.facts()}
            tensors: dict[str, Tensor] = {}
            for i, (_, frame) in enumerate(frames.items):
                tensors |= {f"{i}.{name}": tensor for name, tensor in _tensors(frame).items()}
            for i, (_, one) in enumerate(weights.items):
                tensors |= {f"weights.{i}.{j}": tensor for j, tensor in enumerate(one.tensors)}
        return facts, tensors

    def restore(self, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave."""
        if not facts:
            return
        frames: Thinned[TimeFrame] = _line(facts["frames"])
        weights: Thinned[TimeWeights] = _line(facts["weights"])
        for i, (number, step, epoch) in enumerate(facts["frames"]["items"]):
            prefix = f"{i}."
            own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
            frame = TimeFrame(
                step,
                epoch,
                own["kl"].numpy() if "kl" in own else None,
                own["var_mu"].numpy(),
                _packed(own["mu"], own["mu.limits"]),
                _packed(own["logvar"], own["logvar.limits"]) if "logvar" in own else None,
            )
            frames.items.append((number, frame))
        for i, (number, step, epoch) in enumerate(facts["weights"]["items"]):
            found: list[Tensor] = []
            while (tensor := tensors.get(f"weights.{i}.{len(found)}")) is not None:
                found.append(tensor)
            weights.items.append((number, TimeWeights(step, epoch, tuple(found))))
        with self._lock:
            self._frames, self._weights = frames, weights
            self._epoch = frames.items[-1][1].epoch
            self.version += 1


def _frame(snapshot: Snapshot, mu: Tensor, logvar: Tensor | None) -> TimeFrame:
    return TimeFrame(
        snapshot.step,
        snapshot.epoch,
        None if logvar is None else kl_per_dim(mu, logvar).mean(dim=0).numpy(),
        mu.var(dim=0, correction=0).numpy(),
        pack_quantised(mu.numpy()),
        None if logvar is None else pack_quantised(logvar.numpy()),
    )


def _kept(weights: Weights) -> TimeWeights:
    """Floats in half precision, which is what the page gets; other tensors as they are."""
    parts = [
        halved(tensor).view(tensor.shape) if tensor.is_floating_point() else tensor.cpu()
        for tensor in weights.tensors
    ]
    return TimeWeights(weights.step, weights.epoch, tuple(parts))


def _tensors(frame: TimeFrame) -> dict[str, Tensor]:
    found = {"var_mu": torch.from_numpy(frame.var_mu)}
    if frame.kl is not None:
        found["kl"] = torch.from_numpy(frame.kl)
    for name, packed in (("mu", frame._mu), ("logvar", frame._logvar)):
        if packed is not None:
            # Bit patterns as int16: not every torch has all operations for uint16.
            codes = np.frombuffer(bytearray(packed["data"]), np.int16).reshape(packed["shape"])
            found[name] = torch.from_numpy(codes)
            found[f"{name}.limits"] = torch.tensor([packed["lo"], packed["hi"]], dtype=torch.float64)
    return found


def _packed(codes: Tensor, limits: Tensor) -> dict[str, Any]:
    lo, hi = limits.tolist()
    return {"dtype": "q16", "shape": list(codes.shape), "lo": lo, "hi": hi, "data": codes.numpy().tobytes()}


def _line(facts: Mapping[str, Any]) -> Thinned[Any]:
    return Thinned(facts["most"], facts["every"], facts["count"])
