"""A run's time line as live keys, so that the page can be dragged back, also with no kernel behind it.

`time_line` holds every frame: steps, KL and Var(mu) of each unit, and the sample's points on one plane. The
slots `time_weights_0` ... `time_weights_7` hold one set of the decoder's weights each, so that a new set does
not send the others again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from vaewidgets.contract.frame import LiveState, TimeWeights
from vaewidgets.contract.packing import pack, pack_quantised
from vaewidgets.contract.sections import Decoder, Packed, Posteriors, TimeLine
from vaewidgets.data import Sample
from vaewidgets.diagnostics import Projection, prior_circle
from vaewidgets.engine import Snapshot
from vaewidgets.runs import Run, TimeFrame

MOST_SLOTS = 8
PAGE_WEIGHTS_BYTES = 4_000_000  # of all slots of one widget
POSTERIOR_NUMBERS = 262_144  # of all means of one set, and as many variances

MakeDecoder = Callable[[Snapshot], Decoder]


class TimeKeys:
    """What one widget sends of one run's time line; it knows what was sent already.

    Parameters
    ----------
    points : bool
        Send the sample's points.
    weights : bool
        Send sets of weights, as many as fit into 4 MB.
    posteriors : bool
        Send mu and logvar of the sample along with each set of weights.
    """

    def __init__(self, *, points: bool, weights: bool, posteriors: bool = False) -> None:
        self._points, self._with_weights, self._posteriors = points, weights, posteriors
        self._version = -1
        self._slots: dict[int, int] = {}  # step -> slot
        self._fit = MOST_SLOTS

    def is_new(self, run: Run) -> bool:
        """Whether there is something that was not sent."""
        return run.time_line.version != self._version

    def state(self, run: Run, projection: Projection | None, decoder: MakeDecoder) -> LiveState:
        """Live keys that changed since the last call.

        Parameters
        ----------
        projection : Projection or None
            The plane that all frames are put on: the newest.
        decoder : callable
            From a snapshot to the decoder for the page.
        """
        self._version = run.time_line.version
        frames = run.time_line.frames
        if not frames:
            return {}
        keys: LiveState = self._slot_keys(run, decoder) if self._with_weights else {}
        line: TimeLine = {
            "steps": [frame.step for frame in frames],
            "epochs": [frame.epoch for frame in frames],
            "kl": _stacked([frame.kl for frame in frames]),
            "var_mu": pack(np.stack([frame.var_mu for frame in frames]), "f32"),
            "weights": sorted(self._slots),
        }
        if self._points and projection is not None:
            _add_plane(line, frames, projection)
        return {**keys, "time_line": line}

    def _slot_keys(self, run: Run, decoder: MakeDecoder) -> LiveState:
        """Fill the slots of sets that are new, and keep those of the others."""
        steps = [one.step for one in run.time_line.weights]
        if not steps:
            return {}
        made: dict[int, TimeWeights] = {}
        if steps[-1] not in self._slots:
            made[steps[-1]] = self._slot(run, steps[-1], decoder)
            self._fit = max(0, min(MOST_SLOTS, PAGE_WEIGHTS_BYTES // max(1, _bytes(made[steps[-1]]))))
        wanted = spread(steps, self._fit)
        keys: Any = {}  # the names of the slots are put together
        for step in [step for step in self._slots if step not in wanted]:
            keys[f"time_weights_{self._slots.pop(step)}"] = None
        for step in wanted:
            if step not in self._slots:
                slot = next(i for i in range(MOST_SLOTS) if i not in self._slots.values())
                self._slots[step] = slot
                keys[f"time_weights_{slot}"] = made.get(step) or self._slot(run, step, decoder)
        return keys

    def _slot(self, run: Run, step: int, decoder: MakeDecoder) -> TimeWeights:
        snapshot = run.snapshot_at(step)
        slot: TimeWeights = {**decoder(snapshot)}
        sample = run.time_line.sample
        if self._posteriors and sample is not None:
            # Weights are kept of steps, too, whose frame was dropped.
            found = posterior_state(snapshot, sample)
            slot["mu"], slot["logvar"] = found["mu"], found["logvar"]
        return slot


def posterior_state(snapshot: Snapshot, sample: Sample) -> Posteriors:
    """Mu and logvar of the sample's images, of as many as the page has room for."""
    fit = max(1, POSTERIOR_NUMBERS // snapshot.model.latent_dim)
    known = snapshot.labels_needed(None if sample.labels is None else sample.labels[:fit])
    mu, logvar = snapshot.encode(sample.images[:fit], known)
    return {
        "mu": pack_quantised(mu.numpy()),
        "logvar": None if logvar is None else pack_quantised(logvar.numpy()),
    }


def spread(steps: list[int], fit: int) -> list[int]:
    """At most `fit` of the steps, evenly spread, the newest among them."""
    if len(steps) <= fit:
        return steps
    if fit == 0:
        return []
    index = np.linspace(len(steps) - 1, 0, fit).round().astype(int)
    return sorted({steps[i] for i in index})


def _bytes(slot: TimeWeights) -> int:
    network = slot.get("network")
    parts = [network["weights"] if network else None, slot.get("mu"), slot.get("logvar")]
    return sum(len(part["data"]) for part in parts if part) or PAGE_WEIGHTS_BYTES + 1


def _stacked(rows: list[np.ndarray | None]) -> Packed | None:
    known = [row for row in rows if row is not None]
    return pack(np.stack(known), "f32") if len(known) == len(rows) else None


def _add_plane(line: TimeLine, frames: tuple[TimeFrame, ...], projection: Projection) -> None:
    """All frames on one plane."""
    points = np.stack([projection.to_plane(torch.from_numpy(frame.mu)).numpy() for frame in frames])
    center, radii = prior_circle(projection)
    line["points"] = pack_quantised(points)
    line["projection"] = (
        {"mean": pack(projection.mean, "f32"), "components": pack(projection.components, "f32")}
        if projection.mode == "pca"
        else None
    )
    line["prior"] = {"center": [float(c) for c in center], "radii": [float(r) for r in radii]}
