"""The section of beta as an axis: what a model is at each of several betas, in coordinates that all share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vaewidgets.contract.compared import BetaAxisData
from vaewidgets.contract.packing import pack, pack_integers, pack_quantised
from vaewidgets.data import Sample
from vaewidgets.diagnostics import Projection, active_units, prior_circle, project, turned_onto
from vaewidgets.engine import Snapshot
from vaewidgets.objectives import kl_per_dim
from vaewidgets.sections.state import to_u8

SCORED_IMAGES = 256
_SEED = 0  # of the draws that are scored, the same at every beta: neighbours differ by beta alone


@dataclass(frozen=True, eq=False)
class Stop:
    """A model at one beta.

    Attributes
    ----------
    beta : float
    name : str
    step : int
    mu : Tensor, shape (n, d)
        Posterior means of the sample.
    kl, var_mu : Tensor, shape (d,)
        Mean KL in nats and Var(mu) of each unit over the sample.
    rate, distortion : float
        Over the first images of the sample.
    recon : ndarray of uint8, shape (m, C, H, W)
        The shown images, decoded from their means.
    """

    beta: float
    name: str
    step: int
    mu: Tensor
    kl: Tensor
    var_mu: Tensor
    rate: float
    distortion: float
    recon: np.ndarray


def stop_at(snapshot: Snapshot, sample: Sample, index: np.ndarray, *, beta: float, name: str = "") -> Stop:
    """Measure a model at one beta.

    Parameters
    ----------
    snapshot : Snapshot
    sample : Sample
    index : ndarray of int, shape (m,)
        Which of its images are reconstructed.
    beta : float
    name : str
    """
    labels = snapshot.labels_needed(sample.labels)
    mu, logvar = snapshot.encode(sample.images, labels)
    assert logvar is not None
    units = active_units(mu, logvar)
    scored = slice(min(len(mu), SCORED_IMAGES, sample.n_test or len(mu)))
    noise = torch.randn(mu[scored].shape, generator=torch.Generator().manual_seed(_SEED))
    z = mu[scored] + torch.exp(0.5 * logvar[scored]) * noise
    recon, _ = snapshot.inference.score(z, sample.images[scored], None if labels is None else labels[scored])
    seen = snapshot.decode(mu[index], None if labels is None else labels[index])
    return Stop(
        beta=beta,
        name=name or f"β = {beta:.3g}",
        step=snapshot.step,
        mu=mu,
        kl=units.kl,
        var_mu=units.var_mu,
        rate=float(kl_per_dim(mu[scored], logvar[scored]).sum(1).mean()),
        distortion=float(recon.mean()),
        recon=to_u8(snapshot.data, seen),
    )


def evenly_spaced(betas: tuple[float, float], count: int) -> list[float]:
    """So many betas from the least to the largest, each the same multiple of the one before."""
    return [float(beta) for beta in np.geomspace(*betas, count)]


def aligned(stops: Sequence[Stop]) -> list[Tensor]:
    """Codes of separate runs, each turned onto those of the smaller beta before it; see `turned_onto`.

    Smaller latent spaces get dimensions of zeros.
    """
    width = max(stop.mu.shape[1] for stop in stops)
    codes: list[Tensor] = []
    for stop in stops:
        mu = torch.nn.functional.pad(stop.mu.double(), (0, width - stop.mu.shape[1]))
        codes.append(turned_onto(mu, codes[-1]) if codes else mu)
    return codes


def axis_state(
    stops: Sequence[Stop],
    codes: Sequence[Tensor],
    sample: Sample,
    index: np.ndarray,
    *,
    unit: str,
    is_one: bool,
    previous: Projection | None,
) -> tuple[BetaAxisData, Projection]:
    """The frame's section, and the plane (so that the next one does not flip).

    Parameters
    ----------
    stops : sequence of Stop
        In the order of beta.
    codes : sequence of Tensor, each of shape (n, d)
        Their means in coordinates that all share.
    is_one : bool
        Whether they are one network, which the page can decode at any beta between.
    """
    plane = project(codes[0], previous=previous)
    center, radii = prior_circle(plane)
    points = np.stack([plane.to_plane(one).numpy() for one in codes])
    width = max(len(stop.kl) for stop in stops)
    per_unit = {
        name: np.stack([np.pad(getattr(stop, name).numpy(), (0, width - len(stop.kl))) for stop in stops])
        for name in ("kl", "var_mu")
    }
    labels = sample.classes
    state: BetaAxisData = {
        "step": max(stop.step for stop in stops),
        "is_one": is_one,
        "betas": [stop.beta for stop in stops],
        "names": [stop.name for stop in stops],
        "points": pack_quantised(points.reshape(len(stops), -1, 2)),
        "labels": None if labels is None else pack_integers(labels),
        "axes": list(plane.axes),
        "prior": {"center": [float(c) for c in center], "radii": [float(r) for r in radii]},
        "kl": pack(per_unit["kl"], "f32"),
        "var_mu": pack(per_unit["var_mu"], "f32"),
        "rate": [stop.rate for stop in stops],
        "distortion": [stop.distortion for stop in stops],
        "unit": unit,
        "n": min(len(sample), SCORED_IMAGES, sample.n_test or len(sample)),
        "is_test": sample.n_test > 0,
        "originals": pack(sample.images_u8[index].numpy(), "u8"),
        "image_labels": None if labels is None else pack_integers(labels[index]),
        "mu": pack(np.stack([stop.mu[index].numpy() for stop in stops]), "f32") if is_one else None,
        "recon": None if is_one else pack(np.stack([stop.recon for stop in stops]), "u8"),
    }
    return state, plane


def between(betas: Sequence[float], beta: float) -> tuple[int, float]:
    """Between which stops a beta lies.

    Returns
    -------
    i : int
        The stop below it.
    share : float
        How far it is towards the next, 0 to 1, on a logarithmic scale.
    """
    i = int(np.clip(np.searchsorted(betas, beta, side="right") - 1, 0, max(len(betas) - 2, 0)))
    low, high = math.log(betas[i]), math.log(betas[min(i + 1, len(betas) - 1)])
    share = (math.log(beta) - low) / (high - low) if high > low else 0.0
    return i, min(max(share, 0.0), 1.0)
