"""A snapshot's decoder on the plane that the page shows, as a surface."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.contract.packing import unpack
from vaewidgets.data import Sample
from vaewidgets.diagnostics.geometry import Array, cell_metric, fit_spread
from vaewidgets.engine import Snapshot

_MEASURED = 64  # images that say how large an error of the decoder is
_REACH = 2.2  # of the prior, in sight in any case
_STEP = 1e-3  # of a forward difference, as a share of what is in sight


class Surface:
    """Decoded images of a plane, and behind each its uncertainty; see `diagnostics.geometry`.

    Parameters
    ----------
    latent : LatentData
        With points.
    snapshot : Snapshot
    sample : Sample
        The images of the points.
    uncertainty : float
        Of a pixel away from the codes, in standard deviations of the data; 0: none anywhere.

    Attributes
    ----------
    axes : (str, str)
    codes : ndarray of float64, shape (n, 2)
        The codes, seen on the plane.
    extent : (x0, x1, y0, y1)
        A square.
    step : float
        Of forward differences.
    """

    def __init__(
        self, latent: Mapping[str, Any], snapshot: Snapshot, sample: Sample, uncertainty: float
    ) -> None:
        self._snapshot = snapshot
        points = unpack(latent["points"]).astype(float)
        d = points.shape[1]
        mean, directions = unpack(latent["mean"]).astype(float), unpack(latent["directions"]).astype(float)
        self._origin: Array = np.zeros(2) if d == 2 else mean
        self._rows: Array = np.eye(2) if d == 2 else directions[:2]
        self.axes = ("z₁", "z₂") if d == 2 else ("principal direction 1", "principal direction 2")
        self.codes: Array = self.seen(points)
        self.extent = _square(self.codes, self.seen(np.zeros((1, d)))[0] if latent["prior"] else None)
        self.step = _STEP * (self.extent[1] - self.extent[0])
        near, spread = _errors(snapshot, sample, torch.from_numpy(points).float())
        self._root = float(np.prod(sample.images.shape[1:])) ** 0.5 if uncertainty > 0 else 0.0
        self.spread = fit_spread(self.codes, near, uncertainty * spread)

    def seen(self, z: Any) -> Array:
        """Where points (n, d) are seen on the plane, (n, 2)."""
        return np.asarray((np.asarray(z, dtype=float) - self._origin) @ self._rows.T)

    def z(self, points: Array) -> Tensor:
        """The points of the latent space (n, d) at points of the plane (n, 2)."""
        return torch.from_numpy(self._origin + np.asarray(points, dtype=float) @ self._rows).float()

    def lift(self, images: Tensor, points: Array) -> Array:
        """Images (n, ...) with the uncertainty at their points of the plane behind them, (n, D + 1)."""
        flat = images.detach().cpu().double().flatten(1).numpy()
        return np.column_stack([flat, self._root * self.spread.sigma(points)])

    def __call__(self, points: Array) -> Array:
        """The surface at points of the plane (n, 2); shape (n, D + 1)."""
        return self.lift(self._snapshot.decode(self.z(points)), points)

    def metric(self, cells: int) -> Array:
        """The metric of each cell of a lattice over what is in sight; shape (cells, cells, 3)."""
        x0, x1, y0, y1 = self.extent
        across, up = np.linspace(x0, x1, cells + 1), np.linspace(y0, y1, cells + 1)
        rows = [self(np.column_stack([across, np.full(cells + 1, v)])) for v in up]
        side = ((x1 - x0) / cells, (y1 - y0) / cells)
        return np.concatenate([cell_metric(np.stack(pair), side) for pair in pairwise(rows)])


def _square(codes: Array, center: Array | None) -> tuple[float, float, float, float]:
    """What is in sight: the codes and the prior, with some room."""
    known = codes[np.isfinite(codes).all(axis=1)]
    if center is not None:
        known = np.concatenate([known, center + _REACH * np.array([[-1, -1], [1, 1]])])
    low, high = known.min(axis=0), known.max(axis=0)
    half = max(float((high - low).max()) / 2, 1e-3) * 1.06
    (x, y) = ((low + high) / 2).tolist()
    return x - half, x + half, y - half, y + half


def _errors(snapshot: Snapshot, sample: Sample, codes: Tensor) -> tuple[float, float]:
    """What the decoder misses of a pixel (root mean square), and the pixels' standard deviation."""
    n = min(len(codes), len(sample.images))
    index = (torch.arange(min(n, _MEASURED)) * n) // min(n, _MEASURED)
    images = sample.images[index].double()
    labels = None if sample.labels is None else sample.labels[index.numpy()]
    decoded = snapshot.decode(codes[index], snapshot.labels_needed(labels)).double()
    missed = (decoded - images).square().mean()
    return float(missed.sqrt()), float(images.var(dim=0, correction=0).mean().sqrt())
