"""What all widgets share that decode in the page: the decoder, and what is known of the latent space."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.checks import whole, wholes
from vaewidgets.contract.frame import LiveState, Sections
from vaewidgets.contract.packing import pack, pack_integers, pack_quantised, unpack
from vaewidgets.contract.sections import LatentData, Packed
from vaewidgets.diagnostics.projection import principal_axes
from vaewidgets.engine import Snapshot
from vaewidgets.errors import DataError, OptionError
from vaewidgets.live.feed import Feed
from vaewidgets.live.run_widget import RunWidget, sample_of
from vaewidgets.objectives import kl_per_dim
from vaewidgets.runs import Run
from vaewidgets.sections.state import Sample, originals_state, to_u8

POINT_NUMBERS = 262_144  # of all coordinates of one frame's points: half a megabyte at 16 bits
MOST_DIRECTIONS = 32


class LatentWidget(RunWidget):
    """A widget that decodes in the page (abstract): sections `latent`, weights `decoder`.

    Parameters
    ----------
    run : Run, or several where the subclass takes them
    points : int
        How many images are encoded at most: test images first, topped up with training images.
    """

    _sends_points = False  # whether the page gets each point, and its image

    def __init__(self, run: Any, points: int, **traits: Any) -> None:
        self._points = whole("points", points, 1)
        self._samples: dict[str, Sample] = {}
        self._axes: dict[str, np.ndarray] = {}
        super().__init__(run, **traits)

    @property
    def sample(self) -> Sample:
        """The encoded images of the (first) run, in the points' order."""
        return self._sample_of(self.run)

    def _sample_of(self, run: Run) -> Sample:
        if run.id not in self._samples:
            self._samples[run.id] = sample_of(run, self._points)
        return self._samples[run.id]

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        sample = self._sample_of(run)
        mu, logvar = snapshot.encode(sample.images, snapshot.labels_needed(sample.labels))
        state, self._axes[run.id] = latent_state(
            sample, snapshot, mu, logvar, self._axes.get(run.id), points=self._sends_points
        )
        return {"latent": state}

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        state: LiveState = {"decoder": Feed.of(run).networks.decoder(snapshot)}
        if self._sends_points and "originals" not in self._live:
            state["originals"] = originals_state(self.sample)
        return state

    @property
    def _count(self) -> int:
        """How many images the page has codes and thumbnails of."""
        codes = (self.frame or {}).get("latent", {}).get("points")
        pictures = self._live.get("originals")
        return min((part["shape"][0] for part in (codes, pictures) if part), default=len(self.sample))

    def _codes(self) -> Tensor:
        """The codes that the page has, (n, d)."""
        return torch.from_numpy(unpack((self.frame or {})["latent"]["points"]))

    def _check_dims(self, key: str, value: Any, count: int) -> None:
        """Raise an `OptionError` unless `value` is `count` numbers of different latent dimensions."""
        d = self.run.model.latent_dim
        also = f", the indices of different dimensions, such as {list(range(count))}"
        if len(set(wholes(key, value, 0, d - 1, count=count, also=also))) < count:
            raise OptionError(f"{key} is {value!r}; expected {count} different dimensions.")


def decode_u8(snapshot: Snapshot, z: Any, label: int | None = None) -> np.ndarray:
    """Decoded images of points (n, d), uint8, shape (n, C, H, W); `label` is told to a conditional model."""
    points = torch.as_tensor(z, dtype=torch.float32)
    labels = None if label is None else torch.full((len(points),), label)
    return to_u8(snapshot.data, snapshot.decode(points, labels))


def latent_state(
    sample: Sample,
    snapshot: Snapshot,
    mu: Tensor,
    logvar: Tensor | None,
    previous: np.ndarray | None,
    *,
    points: bool,
) -> tuple[LatentData, np.ndarray]:
    """What the page needs to know of a latent space, and its principal directions (for the next frame).

    `mu` and `logvar` are of the sample's images, (n, d); no `logvar`: a model without posterior, and so
    without prior. The new directions keep the signs of `previous`, (k, d). With `points`, `mu` itself goes
    along. The fields are described at `LatentData`. Raises `DataError` if no image has a finite mean.
    """
    finite = torch.isfinite(mu).all(dim=1)
    if not bool(finite.any()):
        raise DataError("all encoded means are NaN or infinite; the encoder has diverged.")
    known = mu[finite].double()
    center, std = known.mean(dim=0), known.std(dim=0, correction=0)
    total, kl, variance = std, None, torch.zeros_like(std)
    if logvar is not None:
        variance = logvar[finite].double().exp().mean(dim=0)
        total = (std.square() + variance).sqrt()
        kl = kl_per_dim(mu[finite], logvar[finite]).mean(dim=0)
    directions, scales = _directions(known - center, previous)
    n = max(1, POINT_NUMBERS // mu.shape[1])
    state: LatentData = {
        "step": snapshot.step,
        "prior": logvar is not None,
        "n": int(finite.sum()),
        "mean": pack(center, "f32"),
        "std": pack(std, "f32"),
        "total_std": pack(total, "f32"),
        "low": pack(known.amin(dim=0), "f32"),
        "high": pack(known.amax(dim=0), "f32"),
        "kl": None if kl is None else pack(kl, "f32"),
        "directions": pack(directions, "f32"),
        "scales": pack(scales, "f32"),
        "along": _along(known - center, variance, directions, scales),
        "points": pack_quantised(mu[:n].numpy()) if points else None,
        "labels": pack_integers(sample.classes[:n]) if points and sample.classes is not None else None,
    }
    return state, directions


def _along(centered: Tensor, variance: Tensor, directions: np.ndarray, scales: np.ndarray) -> Packed:
    """Total deviation, least and greatest coordinate along each direction."""
    rows = torch.from_numpy(directions)
    seen = centered @ rows.T
    total = (torch.from_numpy(scales).square() + rows.square() @ variance).sqrt()
    return pack(torch.stack([total, seen.amin(dim=0), seen.amax(dim=0)]), "f32")


def _directions(centered: Tensor, previous: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal rows by falling variance, and the standard deviation along each."""
    axes = principal_axes(centered, min(centered.shape[1], MOST_DIRECTIONS))
    scales = (centered @ axes.T).square().mean(dim=0).sqrt().numpy()
    rows = axes.numpy()
    if previous is not None and previous.shape == rows.shape:
        # A direction that turns over from frame to frame would throw the picture about.
        rows[(rows * previous).sum(axis=1) < -0.3] *= -1
    return rows, scales
