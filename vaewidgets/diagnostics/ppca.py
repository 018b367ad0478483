"""Probabilistic PCA in closed form: what a linear VAE must reach, to the digit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vaewidgets.checks import number, tensor, whole
from vaewidgets.errors import DataError, ShapeError

_CHUNK = 4096  # rows taken to float64 at a time: 25 MB of MNIST


@dataclass(frozen=True, repr=False, eq=False)
class PPCA:
    """The best linear VAE of q units on given data, from the eigenvalues of their covariance.

    All tensors are float64 on the CPU. Unit i belongs to the i-th largest eigenvalue; a trained model may
    hold the units in another order and with other signs.

    Attributes
    ----------
    eigenvalues : Tensor, shape (d,)
        Of the covariance (divided by n), the largest first, pixel values squared.
    mean : Tensor, shape (d,)
        Mean image, flat.
    axes : Tensor, shape (d, q)
        Orthonormal eigenvectors of the q largest eigenvalues, as columns.
    sigma2 : float
        Variance of the pixels around the decoder's mean, pixel values squared.
    fixed : bool
        Whether sigma2 was given; if not, it is the maximum-likelihood one, the mean of the d − q discarded
        eigenvalues.
    log_likelihood : float
        Largest log-likelihood, nats per image. A linear VAE's ELBO reaches it and cannot exceed it.
    n : int
        Number of images.
    """

    eigenvalues: Tensor
    mean: Tensor
    axes: Tensor
    sigma2: float
    fixed: bool
    log_likelihood: float
    n: int

    @property
    def q(self) -> int:
        """Number of units."""
        return self.axes.shape[1]

    @property
    def d(self) -> int:
        """Number of pixels, over all channels."""
        return len(self.eigenvalues)

    @property
    def kept(self) -> Tensor:
        """The q largest eigenvalues, shape (q,)."""
        return self.eigenvalues[: self.q]

    @property
    def survives(self) -> Tensor:
        """Which units are in use, bool, shape (q,): those with an eigenvalue above sigma2."""
        return self.kept > self.sigma2

    @property
    def n_survivors(self) -> int:
        """How many units are in use; the others collapse onto the prior."""
        return int(self.survives.sum())

    @property
    def logvar(self) -> Tensor:
        """Log variance of the posterior of each unit, the same for every image, shape (q,): at most 0."""
        return (self.sigma2 / self.kept.clamp_min(self.sigma2)).log()

    @property
    def kl(self) -> Tensor:
        """Mean KL of each unit from the prior, in nats, shape (q,): ½ ln(λ / sigma2), 0 where collapsed."""
        return -0.5 * self.logvar

    @property
    def var_mu(self) -> Tensor:
        """Variance of each unit's posterior mean over the images, shape (q,): 1 − sigma2 / λ, 0 to 1."""
        return -torch.expm1(self.logvar)

    @property
    def weight(self) -> Tensor:
        """A best decoder, shape (d, q): the axes, each sqrt(λ − sigma2) long; any turn of it is as likely."""
        return self.axes * (self.kept - self.sigma2).clamp_min(0).sqrt()

    def __repr__(self) -> str:
        how = "given" if self.fixed else "learned"
        return (
            f"PPCA(q = {self.q} of {self.d} dimensions, {self.n} images: {self.log_likelihood:.4f} nats an "
            f"image, sigma2 = {self.sigma2:.4g} ({how}), KL {float(self.kl.sum()):.4f} nats, "
            f"{self.n_survivors} of {self.q} units survive)"
        )


def probabilistic_pca(x: Tensor, q: int, *, sigma2: float | None = None) -> PPCA:
    """Closed form of the best linear VAE of `q` units on `x`.

    With the eigenvalues λ of the covariance (divided by n), s of the first q of them above sigma2,

        log p = −½ [d ln 2π + Σ_{i≤s} (ln λ_i + 1) + (d − s) ln sigma2 + Σ_{i>s} λ_i / sigma2],

    which at the learned sigma2 (mean of the discarded λ) is −½ [d ln 2π + Σ_{i≤q} ln λ_i + (d − q) ln sigma2
    + d].

    Parameters
    ----------
    x : Tensor, shape (n, ...)
        Images, flattened here; at least 2. Taken to float64 a few thousand at a time.
    q : int
        Number of units, 1 to d − 1 (1 to d with a given `sigma2`), and at most n.
    sigma2 : float, optional
        Above 0. Keep the variance at this value instead of learning it.

    Raises
    ------
    ShapeError
        If `x` is no batch of two or more images.
    OptionError
        If `q` or `sigma2` is out of its range.
    DataError
        If `x` holds NaN or infinite values, or lies in q dimensions, so that the likelihood has no maximum.

    References
    ----------
    Tipping & Bishop 1999, "Probabilistic principal component analysis", JRSS B 61 (maximum of the
    likelihood); Lucas et al. 2019, arXiv:1911.02469 (the linear VAE's ELBO has the same maximum).
    """
    if tensor("x", x).ndim < 2 or len(x) < 2 or 0 in x.shape:
        raise ShapeError(f"x has shape {tuple(x.shape)}; expected (n, ...) with at least two images.")
    d = math.prod(x.shape[1:])
    most = min(len(x), d if sigma2 is not None else d - 1)
    q = whole("q", q, 1, most, also=f" for {len(x)} images of {d} pixels")
    if sigma2 is not None:
        sigma2 = number("sigma2", sigma2, above=0, also=", or None to learn it")
    mean, eigenvalues, vectors = _spectrum(x.detach().flatten(1))
    learned = float(eigenvalues[q:].mean()) if sigma2 is None else float(sigma2)
    # rounding leaves discarded eigenvalues of about 1e-16 of the largest where there should be none
    if learned <= 1e-14 * float(eigenvalues[0]) or learned == 0:
        raise DataError(
            f"the images lie in {q} dimensions or fewer: with sigma2 → 0 the likelihood grows without bound. "
            "Use a smaller q or more images, or give sigma2."
        )
    return PPCA(
        eigenvalues=eigenvalues,
        mean=mean,
        axes=vectors[:, :q].contiguous(),
        sigma2=learned,
        fixed=sigma2 is not None,
        log_likelihood=_best_log_likelihood(eigenvalues, q, learned),
        n=len(x),
    )


def linear_log_likelihood(x: Tensor, weight: Tensor, mean: Tensor, sigma2: float) -> Tensor:
    """Exact log-likelihood of each image under a linear decoder: x ~ N(mean, weight weightᵀ + sigma2 I).

    Parameters
    ----------
    x : Tensor, shape (n, ...)
        Images of d pixels.
    weight : Tensor, shape (d, q)
        The decoder's matrix.
    mean : Tensor, d elements
        What it adds.
    sigma2 : float
        Variance of a pixel around the decoder's mean, above 0.

    Returns
    -------
    Tensor, float64, shape (n,)
        In nats.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    OptionError
        If `sigma2` is not above 0.
    """
    flat, weight, mean = x.detach().flatten(1), weight.detach().cpu(), mean.detach().cpu().flatten().double()
    if weight.ndim != 2 or weight.shape[0] != flat.shape[1] or len(mean) != flat.shape[1]:
        raise ShapeError(
            f"images of {flat.shape[1]} pixels got a weight of shape {tuple(weight.shape)} and a mean of "
            f"{len(mean)} elements; expected (d, q) and d with d = {flat.shape[1]}."
        )
    sigma2 = number("sigma2", sigma2, above=0)
    d, q = weight.shape
    # through the q × q matrix inside: |W Wᵀ + s I| = s^(d−q) |WᵀW + s I|, and the inverse likewise
    weight = weight.double()
    inner = weight.T @ weight + sigma2 * torch.eye(q, dtype=torch.float64)
    factor = torch.linalg.cholesky(inner)
    log_det = (d - q) * math.log(sigma2) + 2 * factor.diagonal().log().sum()
    rows = []
    for part in flat.split(_CHUNK):
        centred = part.cpu().double() - mean
        code = torch.cholesky_solve((centred @ weight).T, factor)  # posterior means, (q, B)
        # a sum of squares: the shorter x² − (…)² would cancel where sigma2 is small
        distance = (centred - (weight @ code).T).square().sum(1) / sigma2 + code.square().sum(0)
        rows.append(-0.5 * (d * math.log(2 * math.pi) + log_det + distance))
    return torch.cat(rows)


def _spectrum(flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, eigenvalues (d,) of the covariance, the largest first, and eigenvectors (d, min(n, d))."""
    n, d = flat.shape
    parts = flat.split(_CHUNK)
    mean = torch.stack([part.cpu().double().sum(0) for part in parts]).sum(0) / n
    if not bool(torch.isfinite(mean).all()):
        raise DataError("x holds NaN or infinite values.")
    if n < d:  # few large images: their singular vectors, without the d × d covariance
        _, singular, vh = torch.linalg.svd(flat.cpu().double() - mean, full_matrices=False)
        eigenvalues = torch.zeros(d, dtype=torch.float64)
        eigenvalues[: len(singular)] = singular.square() / n
        return mean, eigenvalues, vh.T
    covariance = torch.zeros(d, d, dtype=torch.float64)
    for part in parts:
        centred = part.cpu().double() - mean
        covariance.addmm_(centred.T, centred)
    eigenvalues, vectors = torch.linalg.eigh(covariance / n)
    return mean, eigenvalues.flip(0).clamp_min(0), vectors.flip(1)


def _best_log_likelihood(eigenvalues: Tensor, q: int, sigma2: float) -> float:
    """Log-likelihood at its maximum, nats per image; the formula stands at `probabilistic_pca`."""
    d = len(eigenvalues)
    used = eigenvalues[:q][eigenvalues[:q] > sigma2]
    rest = eigenvalues[len(used) :].sum()
    twice = d * math.log(2 * math.pi) + (used.log() + 1).sum() + (d - len(used)) * math.log(sigma2)
    return -0.5 * float(twice + rest / sigma2)
