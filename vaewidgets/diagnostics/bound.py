"""The importance-weighted bound on the log-likelihood, tighter than the ELBO the more draws it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import check_generator, whole, wholes
from vaewidgets.errors import OptionError
from vaewidgets.inference import chunks
from vaewidgets.objectives import Likelihood, check_likelihood, decode_raw, posterior


@dataclass(frozen=True, repr=False, eq=False)
class ImportanceBound:
    """Importance-weighted bounds on the log-likelihood, all from the same draws.

    Tensors are float64 on the CPU. Values are in the likelihood's unit, nats where it is normalised.

    Attributes
    ----------
    ks : tuple of int
        Numbers of draws an image, rising, each a multiple of the one before.
    per_image : Tensor, shape (n, len(ks))
        Bound of each image at each k. Non-decreasing in k for every image, since the bound of k draws is the
        mean over all disjoint groups of k of the draws there are.
    elbo_per_image : Tensor, shape (n,)
        ELBO, the mean of ln w over all draws. With the KL in closed form it would scatter more where the
        posterior is good: reconstruction and KL of one draw err in opposite ways.
    error_per_image : Tensor, shape (n,)
        Standard error of the bound at the largest k that comes from the draws (delta method; too small
        where `ess_per_image` is near 1).
    ess_per_image : Tensor, shape (n,)
        Effective number of draws at the largest k, 1 to k: (Σ w)² / Σ w².
    normalised : bool
        Whether the likelihood is a density; if not, no value is a bound on a log-likelihood.
    unit : str
        Of all values.
    """

    ks: tuple[int, ...]
    per_image: Tensor
    elbo_per_image: Tensor
    error_per_image: Tensor
    ess_per_image: Tensor
    normalised: bool
    unit: str

    @property
    def k(self) -> int:
        """Largest number of draws an image."""
        return self.ks[-1]

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.per_image)

    @property
    def values(self) -> tuple[float, ...]:
        """Mean bound an image at each k."""
        return tuple(self.per_image.mean(0).tolist())

    @property
    def value(self) -> float:
        """Mean bound an image at the largest k."""
        return self.values[-1]

    @property
    def elbo(self) -> float:
        """Mean ELBO an image."""
        return float(self.elbo_per_image.mean())

    @property
    def error(self) -> float:
        """Standard error of `value` that comes from the draws; other images would change it too."""
        return float(self.error_per_image.square().sum().sqrt()) / self.n

    @property
    def gap(self) -> float:
        """What the bound gains over the ELBO; in the mean at most the KL from the true posterior."""
        return self.value - self.elbo

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know before trusting the value; often empty."""
        found = []
        if not self.normalised:
            found.append(f"the likelihood is no density ({self.unit}): no bound on a log-likelihood")
        poor = int((self.ess_per_image < 2).sum()) if self.k > 2 else 0
        if poor:
            found.append(f"one draw in {self.k} carries the bound of {poor} images: it is loose there")
        return tuple(found)

    def __repr__(self) -> str:
        steps = ", ".join(f"{value:.4f} (k = {k})" for k, value in zip(self.ks, self.values, strict=True))
        text = (
            f"ImportanceBound({self.n} images, in {self.unit}: ELBO {self.elbo:.4f}; {steps}; "
            f"error {self.error:.2g})"
        )
        return "\n".join([text, *(f"  note: {note}" for note in self.notes)])


@restored_modes()
@torch.no_grad()
def importance_bound(
    model: Any,
    likelihood: Likelihood,
    x: Tensor,
    k: int | Sequence[int] = 5000,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    batch: int = 2048,
) -> ImportanceBound:
    """Bound the log-likelihood of images by ln (1/k) Σ p(x|z) p(z) / q(z|x) over k draws of z from q.

    In the mean it does not fall with k and tends to the log-likelihood; at k = 1 it is the ELBO.

    Parameters
    ----------
    model : VAE with `encode` and `decode_raw`, in eval mode
        E.g. a snapshot of a run; it is used as it is.
    likelihood : Likelihood
        What the decoder is scored by.
    x : Tensor, shape (n, C, H, W)
        On the model's device, in its type.
    k : int or sequence of int
        Draws an image. A number also reports some smaller k on the way; a sequence says which, each a
        multiple of the one before.
    labels : Tensor, int64, shape (n,), optional
        For a model that takes them.
    generator : torch.Generator, on the device of `x`
        Draws the noise; torch's global one by default.
    batch : int
        Images decoded at a time, whatever n and k: this bounds the memory. Another batch draws other noise.

    Raises
    ------
    OptionError
        If `k` or `batch` is no whole number of at least 1, or the ks do not divide one another.
    ProtocolError
        If the model has no posterior variance, as an autoencoder has none.
    ShapeError
        If `x` is empty.

    References
    ----------
    Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, equation 8.
    """
    ks = _checked(k)
    batch = whole("batch", batch, 1)
    check_likelihood(likelihood).check_computed("the bound")
    check_generator(generator)
    bounds, elbos, errors, sizes = [], [], [], []
    for part, label in chunks(x, max(1, batch // ks[-1]), labels=labels):
        log_w = _log_weights(model, likelihood, part, label, ks[-1], generator=generator, batch=batch)
        bounds.append(torch.stack([_grouped(log_w, k) for k in ks], dim=1))
        elbos.append(log_w.mean(1))
        share = torch.softmax(log_w, dim=1)
        squares = share.square().sum(1)
        sizes.append(1 / squares)
        # relative standard error of a mean of k weights, which is that of its logarithm
        errors.append((squares - 1 / ks[-1]).clamp_min(0).sqrt())
    return ImportanceBound(
        ks=ks,
        per_image=torch.cat(bounds).cpu(),
        elbo_per_image=torch.cat(elbos).cpu(),
        error_per_image=torch.cat(errors).cpu(),
        ess_per_image=torch.cat(sizes).cpu(),
        normalised=likelihood.normalised,
        unit=likelihood.unit,
    )


def _log_weights(
    model: Any,
    likelihood: Likelihood,
    x: Tensor,
    labels: Tensor | None,
    k: int,
    *,
    generator: torch.Generator | None,
    batch: int,
) -> Tensor:
    """Logarithm of the weights, ln p(x|z) p(z) / q(z|x) of k draws, float64, shape (B, k)."""
    mu, logvar = posterior(model, x, labels)
    b, sigma, found = len(x), torch.exp(0.5 * logvar), []
    at_once = max(1, batch // b)
    for start in range(0, k, at_once):
        m = min(at_once, k - start)
        eps = torch.randn((b, m, mu.shape[1]), generator=generator, device=mu.device, dtype=mu.dtype)
        z = mu[:, None] + sigma[:, None] * eps
        seen = x[:, None].expand(b, m, *x.shape[1:]).flatten(0, 1)
        label = None if labels is None else labels.repeat_interleave(m)
        recon = likelihood.recon(decode_raw(model, z.flatten(0, 1), seen, label), seen).view(b, m).double()
        # ln p(z) − ln q(z|x); the two constants of the Gaussians cancel
        prior = 0.5 * (eps.double().square() - z.double().square()).sum(2)
        found.append(prior + 0.5 * logvar.double().sum(1, keepdim=True) - recon)
    return torch.cat(found, dim=1)


def _grouped(log_w: Tensor, k: int) -> Tensor:
    """Bound of k draws from (B, K) log weights: mean over the K / k groups of the log of their mean."""
    groups = log_w.unflatten(1, (-1, k))
    return (torch.logsumexp(groups, dim=2) - math.log(k)).mean(1)


def _chain(k: int) -> tuple[int, ...]:
    """1, 10, 100, … as far as they divide `k`, then `k`."""
    tens: list[int] = []
    while k % 10 ** len(tens) == 0 and 10 ** len(tens) < k:
        tens.append(10 ** len(tens))
    return (*tens, k)


def _checked(ks: Any) -> tuple[int, ...]:
    """Return the number of draws of each bound, each a divisor of the next."""
    if not hasattr(ks, "__len__"):
        return _chain(whole("k", ks, 1, also=", or several, e.g. (1, 50, 5000)"))
    chain = wholes("k", ks, 1, also=", e.g. (1, 50, 5000)")
    if not chain or any(b % a or b == a for a, b in pairwise(chain)):
        raise OptionError(
            f"k is {chain}; expected rising numbers, each a multiple of the one before, so that all bounds "
            "come from the same draws, e.g. (1, 50, 5000)."
        )
    return chain
