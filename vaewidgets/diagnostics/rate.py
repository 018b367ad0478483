"""Rate and distortion of a model, and the elbow of a sweep over the size of its bottleneck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import check_generator, number, sequence, shown, whole, wholes
from vaewidgets.contract.texts import percent
from vaewidgets.errors import DataError, OptionError, ShapeError
from vaewidgets.inference import chunks
from vaewidgets.objectives import (
    Likelihood,
    check_likelihood,
    decode_raw,
    kl_per_dim,
    posterior,
    reparameterise,
)


@dataclass(frozen=True, repr=False)
class RateDistortion:
    """What a model sends about an image, and what it still gets wrong.

    Attributes
    ----------
    rate : float
        Mean KL of the posterior from the prior, nats per image: an upper bound on the information that z
        holds about x.
    distortion : float
        Mean reconstruction term an image, in `unit`, over one draw of z an image.
    rate_error, distortion_error : float
        Standard errors of the two means over the images.
    n : int
        Number of images.
    normalised : bool
        Whether the distortion is a negative log-likelihood.
    unit : str
        Of the distortion.
    """

    rate: float
    distortion: float
    rate_error: float
    distortion_error: float
    n: int
    normalised: bool
    unit: str

    @property
    def rate_bits(self) -> float:
        """The rate in bits an image."""
        return self.rate / math.log(2)

    @property
    def elbo(self) -> float | None:
        """ELBO in nats per image, −(rate + distortion); None where the likelihood is no density."""
        return -(self.rate + self.distortion) if self.normalised else None

    def __repr__(self) -> str:
        bound = "" if self.elbo is None else f", ELBO {self.elbo:.4g} nats"
        return (
            f"RateDistortion(rate {self.rate:.4g} ± {self.rate_error:.2g} nats ({self.rate_bits:.4g} bits), "
            f"distortion {self.distortion:.4g} ± {self.distortion_error:.2g} ({self.unit}){bound}; {self.n} "
            "images)"
        )


@restored_modes()
@torch.no_grad()
def rate_distortion(
    model: Any,
    likelihood: Likelihood,
    x: Tensor,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    batch: int = 1024,
) -> RateDistortion:
    """Place a model in the rate–distortion plane.

    Models of one decoder family trained with other betas lie on a curve: beta is minus its slope. rate +
    distortion is minus the ELBO, so that models of the same ELBO lie on a straight line of slope −1.

    Parameters
    ----------
    model : VAE with `encode` and `decode_raw`, in eval mode
    likelihood : Likelihood
    x : Tensor, shape (n, C, H, W)
        On the model's device; better images that it was not trained on.
    labels : Tensor, int64, shape (n,), optional
        For a model that takes them.
    generator : torch.Generator, on the device of `x`
        Draws the noise; torch's global one by default.
    batch : int
        Images at a time.

    Raises
    ------
    ProtocolError
        If the model has no posterior variance.
    ShapeError
        If `x` is empty.

    References
    ----------
    Alemi et al. 2018, "Fixing a broken ELBO", arXiv:1711.00464.
    """
    batch = whole("batch", batch, 1)
    check_likelihood(likelihood).check_computed("the distortion")
    check_generator(generator)
    codes = [posterior(model, *part) for part in chunks(x, batch, labels=labels)]
    mu, logvar = (torch.cat(parts) for parts in zip(*codes, strict=True))
    rate = kl_per_dim(mu.double(), logvar.double()).sum(1).cpu()
    # all noise at once, so that the numbers do not change with the batch
    draws = reparameterise(mu, logvar, generator).split(batch)
    distortion = torch.cat(
        [
            likelihood.recon(decode_raw(model, z, part, label), part).double().cpu()
            for z, (part, label) in zip(draws, chunks(x, batch, labels=labels), strict=True)
        ]
    )
    return RateDistortion(
        rate=float(rate.mean()),
        distortion=float(distortion.mean()),
        rate_error=_standard_error(rate),
        distortion_error=_standard_error(distortion),
        n=len(rate),
        normalised=likelihood.normalised,
        unit=likelihood.unit,
    )


def _standard_error(values: Tensor) -> float:
    """Standard error of the mean; NaN of fewer than two values, which say nothing about it."""
    return float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.nan


@dataclass(frozen=True, repr=False)
class Elbow:
    """Where a wider bottleneck stops paying.

    Attributes
    ----------
    latent_dim : int or None
        The elbow; None where there is none to see (`notes` says why).
    best : int
        latent_dim of the lowest recon.
    latent_dims : tuple of int
        Those tried, rising.
    recon : tuple of float
        Mean recon of each, over its runs.
    tolerance : float
        Share of the whole drop in recon that may be left at the elbow, 0 to 1.
    limit : float
        Largest recon that counts as level: best + tolerance × drop.
    error : float or None
        Standard error of the best recon over its runs; None where each was run once.
    notes : tuple of str
        What a reader should know before trusting it; often empty.
    """

    latent_dim: int | None
    best: int
    latent_dims: tuple[int, ...]
    recon: tuple[float, ...]
    tolerance: float
    limit: float
    error: float | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        where = "none" if self.latent_dim is None else f"latent_dim = {self.latent_dim}"
        lowest = min(self.recon)
        text = (
            f"Elbow({where}: the smallest of {', '.join(map(str, self.latent_dims))} within "
            f"{percent(self.tolerance)} of the drop from {max(self.recon):.4g} to {lowest:.4g} (at "
            f"{self.best}))"
        )
        return "\n".join([text, *(f"  note: {note}" for note in self.notes)])


def elbow(latent_dims: Sequence[int], recon: Sequence[float], *, tolerance: float = 0.05) -> Elbow:
    """Smallest bottleneck whose recon is level with the best one's.

    Level means: at most `tolerance` of the whole drop above the best, or, where several runs of each size
    tell it, within one standard error of the best (Breiman et al.'s rule), whichever allows more.

    Parameters
    ----------
    latent_dims : sequence of int
        Of each run; a number may come several times (seeds), in any order.
    recon : sequence of float
        Reconstruction term of each run on *validation* images: on the training images it falls for ever.
    tolerance : float, default 0.05
        Above 0 and below 1.

    Raises
    ------
    ShapeError
        If the two differ in length.
    OptionError
        If fewer than three sizes were tried, or a number is out of its range.
    DataError
        If a recon is NaN or infinite: leave that run out.
    """
    dims, values = list(wholes("latent_dims", latent_dims, 1)), _numbers("recon", recon)
    _check_sweep(dims, values, tolerance)
    runs = {dim: [v for d, v in zip(dims, values, strict=True) if d == dim] for dim in sorted(set(dims))}
    means = {dim: sum(found) / len(found) for dim, found in runs.items()}
    best = min(means, key=lambda dim: means[dim])
    drop = max(means.values()) - means[best]
    error = _error_of_best(runs[best])
    limit = means[best] + max(tolerance * drop, error or 0.0)
    first = next(dim for dim in means if means[dim] <= limit)
    where, notes = _judged(first, means, drop, error)
    return Elbow(
        latent_dim=where,
        best=best,
        latent_dims=tuple(means),
        recon=tuple(means.values()),
        tolerance=float(tolerance),
        limit=limit,
        error=error,
        notes=notes,
    )


def _numbers(name: str, values: object) -> list[float]:
    try:
        return [float(value) for value in sequence(name, values, "a sequence of numbers")]
    except (TypeError, ValueError):
        raise OptionError(f"{name} is {shown(values)}; expected a sequence of numbers.") from None


def _check_sweep(dims: list[int], values: list[float], tolerance: float) -> None:
    if len(dims) != len(values):
        raise ShapeError(f"{len(dims)} latent_dims for {len(values)} recons; expected one of each a run.")
    if len(set(dims)) < 3:
        raise OptionError(
            f"latent_dims has {len(set(dims))} different sizes; an elbow wants at least 3, better 5 or more."
        )
    number("tolerance", tolerance, above=0, below=1, also=", e.g. 0.05")
    if not all(math.isfinite(value) for value in values):
        raise DataError("recon holds NaN or infinite values: leave the runs out that diverged.")


def _error_of_best(found: list[float]) -> float | None:
    return _standard_error(torch.tensor(found, dtype=torch.float64)) if len(found) > 1 else None


def _judged(
    first: int, means: dict[int, float], drop: float, error: float | None
) -> tuple[int | None, tuple[str, ...]]:
    """Whether the first level size is an elbow at all."""
    dims = list(means)
    if drop <= 2 * (error or 0.0) or drop <= 1e-3 * abs(min(means.values(), key=abs)):
        return None, ("recon hardly changes over the sweep: no size stands out",)
    if first == dims[-1]:
        return None, (f"recon still falls at {dims[-1]}: try larger ones",)
    if first == dims[0]:
        return first, (f"recon is level from {dims[0]} on: smaller ones may do",)
    return first, ()
