"""The static figures of the published experiments, from finished runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.manifold import TSNE
from torch import Tensor

from vaewidgets.contract.packing import pack_integers, pack_quantised
from vaewidgets.data import ImageDataset
from vaewidgets.diagnostics import project
from vaewidgets.engine import Snapshot
from vaewidgets.figures import (
    curves_figure,
    lines_figure,
    rows_figure,
    scatter_figure,
    tiles_figure,
    units_figure,
)
from vaewidgets.runs import Run
from vaewidgets.sections.state import Sample, curves_state, scatter_state, to_u8, units_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Images = np.ndarray[Any, np.dtype[np.uint8]]


def curves(run: Run, *, log: bool = False) -> Figure:
    """Loss, recon and kl against the step."""
    return curves_figure(curves_state(run), unit=run.unit, log=log)


def epochs(
    runs: Mapping[str, Run], quantities: Sequence[str] = ("train_loss", "test_loss"), *, caption: str = ""
) -> Figure:
    """Per-epoch values of several runs."""
    lines: dict[str, tuple[Any, Any]] = {}
    for name, run in runs.items():
        for quantity in quantities:
            values = run.history[quantity]
            lines[f"{name}: {quantity.replace('_', ' ')}"] = (np.arange(1, len(values) + 1), values)
    unit = next(iter(runs.values())).unit
    return lines_figure(lines, xlabel="epoch", ylabel=f"per image, {unit}", caption=caption)


def scatter(run: Run, *, points: int = 2000) -> Figure:
    """Posterior means of test images, on their principal plane where there are more than two dimensions."""
    sample = Sample(run.data, points)
    snapshot = run.snapshot()
    mu, _ = snapshot.encode(sample.images)
    state, _ = scatter_state(sample, snapshot, mu, None)
    return scatter_figure(state, class_names=None if run.data.classes is None else run.data.classes.names)


def tsne(run: Run, *, points: int = 1000) -> Figure:
    """t-SNE of test means, `random_state` 42."""
    sample = Sample(run.data, points)
    mu, _ = run.snapshot().encode(sample.images)
    perplexity = min(30.0, (len(mu) - 1) / 3)
    plane = TSNE(random_state=42, perplexity=perplexity).fit_transform(mu.numpy())
    state = {
        "mode": "tsne",
        "axes": ["t-SNE 1", "t-SNE 2"],
        "explained": None,
        "points": pack_quantised(plane.astype(np.float64)),
        "labels": None if sample.classes is None else pack_integers(sample.classes),
        "values": None,
        "prior": None,
    }
    return scatter_figure(state, class_names=None if run.data.classes is None else run.data.classes.names)


def units(run: Run, *, points: int = 2000) -> Figure:
    """KL and Var(mu) of each latent dimension."""
    snapshot = run.snapshot()
    mu, logvar = snapshot.encode(Sample(run.data, points).images)
    return units_figure(units_state(snapshot, mu, logvar, 0.01, 0.01))


def reconstructions(runs: Mapping[str, Run], *, n: int = 8) -> Figure:
    """Test images over their reconstructions, one row a run."""
    first = next(iter(runs.values()))
    sample = Sample(first.data, n)
    rows: dict[str, Images] = {"original": sample.images_u8.numpy()}
    for name, run in runs.items():
        snapshot = run.snapshot()
        rows[name] = _decoded(snapshot, snapshot.encode(sample.images)[0])
    return rows_figure(
        rows, caption="Test images over their reconstructions, decoded from the posterior mean"
    )


def prior_samples(runs: Mapping[str, Run], *, n: int = 10, seed: int = 0, spread: float = 1.0) -> Figure:
    """Decoded draws from the prior, one row a run; runs of one latent_dim get the same draws."""
    rows = {}
    for name, run in runs.items():
        generator = torch.Generator().manual_seed(seed)
        z = spread * torch.randn(n, run.model.latent_dim, generator=generator)
        rows[name] = _decoded(run.snapshot(), z)
    return rows_figure(rows, caption="Decoded draws from N(0, I)")


def interpolation(
    run: Run, *, classes: tuple[int, int] | None = None, pair: tuple[int, int] = (0, 1), steps: int = 10
) -> Figure:
    """The straight path between two encoded test images, both at its ends; t from 0 to 1."""
    test = run.data.split("test")
    if classes is not None and test.labels is not None:
        pair = tuple(int((test.labels == one).nonzero()[0, 0]) for one in classes)  # type: ignore[assignment]
    ends = test.images(list(pair))
    snapshot = run.snapshot()
    mu, _ = snapshot.encode(ends)
    t = torch.linspace(0, 1, steps)[:, None]
    path = _decoded(snapshot, (1 - t) * mu[0] + t * mu[1])
    originals = to_u8(run.data, ends)
    strip = np.concatenate([originals[:1], path, originals[1:]])
    return rows_figure({"A → B": strip}, caption=f"From one image to the other in {steps} steps, t = 0 to 1")


def manifold(run: Run, *, n: int = 15) -> Figure:
    """Decoded plane of a two-dimensional model, through the Gaussian's quantiles."""
    t = torch.special.ndtri((torch.arange(n) + 0.5) / n)
    z = torch.stack(torch.meshgrid(t, -t, indexing="xy"), dim=-1).reshape(-1, 2)
    images = _decoded(run.snapshot(), z)
    caption = "Decoded plane: z at the quantiles of N(0, 1) in both directions"
    return tiles_figure(images.reshape(n, n, *images.shape[1:]), caption=caption)


def explained(run: Run, points: int = 1000) -> tuple[float, ...]:
    """Share of the variance of test means on their two principal axes."""
    mu, _ = run.snapshot().encode(Sample(run.data, points).images)
    return tuple(float(share) for share in project(mu).explained)


def _decoded(snapshot: Snapshot, z: Tensor) -> Images:
    data: ImageDataset = snapshot.data
    return to_u8(data, snapshot.decode(z))
