"""Objectives about the aggregate posterior q(z) = mean over the data of q(z|x): InfoVAE, beta-TC-VAE."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from torch import Tensor

from vaewidgets.checks import number, tensor
from vaewidgets.errors import ShapeError
from vaewidgets.objectives.base import Batch, Draw, Variational, Weighed


def mmd(a: Tensor, b: Tensor, bandwidth: float | None = None) -> Tensor:
    """Squared maximum mean discrepancy of two samples, under a Gaussian kernel.

    mean k(a, a') + mean k(b, b') − 2 mean k(a, b) over all pairs, with k(u, v) = exp(−‖u − v‖² / (2 h)).
    Equal samples give 0; it is never negative, and about 1/n + 1/m more than the distributions' own.

    Parameters
    ----------
    a : Tensor, shape (n, d)
    b : Tensor, shape (m, d)
    bandwidth : float, optional
        h, by default d: two draws from N(0, I) are 2 d apart on average, in squared distance.

    Returns
    -------
    Tensor, 0-d
        From 0 to 2.

    Raises
    ------
    ShapeError
        If they are not two samples of the same dimension.

    References
    ----------
    Gretton et al. 2012, JMLR 13, equation 5 (the biased estimate).
    """
    tensor("a", a, "n", "d")
    tensor("b", b, "m", "d")
    if a.shape[1] != b.shape[1]:
        raise ShapeError(
            f"mmd got samples of shapes {tuple(a.shape)} and {tuple(b.shape)}; expected (n, d) and (m, d)."
        )
    h = float(a.shape[1]) if bandwidth is None else number("bandwidth", bandwidth, above=0)
    return _mean_kernel(a, a, h) + _mean_kernel(b, b, h) - 2.0 * _mean_kernel(a, b, h)


def _mean_kernel(a: Tensor, b: Tensor, h: float) -> Tensor:
    # Not torch.cdist, whose square root has no gradient at 0, nor ‖a‖² + ‖b‖² − 2ab, which cancels.
    kernel = torch.exp((a.unsqueeze(1) - b.unsqueeze(0)).square().sum(2) * (-0.5 / h))
    return kernel.mean(1).mean()  # axis by axis: a page that trains knows numbers that grow with B, not B²


@final
@dataclass(frozen=True)
class InfoVAE(Variational):
    """loss = recon + beta · (1 − alpha) · kl + mmd_weight · MMD²(z, draws from the prior).

    The KL makes every image's posterior alike, and with it the information go; the discrepancy asks only
    that all of them together look like the prior. With alpha = 1, the default, the KL is left out (MMD-VAE).

    Parameters
    ----------
    mmd_weight : float
        The paper's alpha + lambda − 1, at least 0. In units of recon, since the squared discrepancy lies
        between 0 and 2: for sums over pixels it must be large. Too large, and the noise of the draws drowns
        what recon asks for: on small digits 1,000 loses all information.
    alpha : float
        At most 1. Above 0, information between x and z is rewarded.
    bandwidth : float, optional
        Of the kernel, see `mmd`; by default latent_dim.

    Notes
    -----
    The extra "mmd" is the squared discrepancy of the batch's z (one each) from as many draws of the prior;
    by chance alone about 2/B.

    References
    ----------
    Zhao, Song & Ermon 2019, arXiv:1706.02262, equation 6.
    """

    mmd_weight: float = 100.0
    alpha: float = 1.0
    bandwidth: float | None = None

    name = "info_vae"
    extras = ("mmd",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mmd_weight", number("mmd_weight", self.mmd_weight, 0))
        object.__setattr__(self, "alpha", number("alpha", self.alpha, most=1))
        if self.bandwidth is not None:
            object.__setattr__(self, "bandwidth", number("bandwidth", self.bandwidth, above=0))

    def _weigh(self, drawn: Draw, kl: Tensor, batch: Batch) -> Weighed:
        z = drawn.z
        prior = torch.randn(z.shape, generator=batch.generator, device=z.device, dtype=z.dtype)
        discrepancy = mmd(z, prior, self.bandwidth)
        loss = drawn.recon + (batch.beta * (1.0 - self.alpha)) * kl + self.mmd_weight * discrepancy
        return loss, {"mmd": discrepancy.detach()}


class KLParts(NamedTuple):
    """The KL, averaged over the data, in three; 0-d tensors, nats. Estimates may be a little below 0.

    Attributes
    ----------
    mi : Tensor
        Mutual information of x and z under q: KL(q(z|x) || q(z)).
    tc : Tensor
        Total correlation: KL(q(z) || Π_j q(z_j)).
    dim_kl : Tensor
        Σ_j KL(q(z_j) || p(z_j)).
    """

    mi: Tensor
    tc: Tensor
    dim_kl: Tensor


def kl_parts(z: Tensor, mu: Tensor, logvar: Tensor, n_data: int | Tensor | None = None) -> KLParts:
    """Estimate mutual information, total correlation and dimension-wise KL from one minibatch.

    For each draw, q(z) over the whole data set is estimated by weighting its own image with 1/N and the
    other ones of the batch with (N − 1) / (N (B − 1)) each, which is unbiased for q(z) itself.

    Parameters
    ----------
    z : Tensor, shape (B, d)
        One draw an image.
    mu, logvar : Tensor, shape (B, d)
        Posteriors that they were drawn from.
    n_data : int, or Tensor, 0-d, optional
        N, the images in the data set, at least B; by default B, where the weights are equal and q(z) is
        that of the batch.

    Returns
    -------
    KLParts
        Their sum is the batch's mean of ln q(z|x) − ln p(z). No mutual information beyond ln N can be seen.

    References
    ----------
    Chen et al. 2018, arXiv:1802.04942: decomposition in equation 2; weights as in the stratified sampling of
    appendix C.2, spread evenly. The simpler weighted sampling of section 4.1 (1 / (N B) for all) has the same
    kind of gradient, but shifts the total correlation by (d − 1) ln N, which is of no use as a reading.
    """
    # pairwise[i, j, k] = ln q(z_ik | x_j)
    pairwise = _log_normal(z.unsqueeze(1), mu.unsqueeze(0), logvar.unsqueeze(0))
    weights = _log_weights(z, n_data)
    log_q = torch.logsumexp(pairwise.sum(2) + weights, dim=1)
    log_marginals = torch.logsumexp(pairwise + weights.unsqueeze(2), dim=1).sum(1)
    log_conditional = _log_normal(z, mu, logvar).sum(1)
    zero = torch.zeros((), device=z.device, dtype=z.dtype)
    log_prior = _log_normal(z, zero, zero).sum(1)
    return KLParts(
        mi=(log_conditional - log_q).mean(),
        tc=(log_q - log_marginals).mean(),
        dim_kl=(log_marginals - log_prior).mean(),
    )


def _log_weights(z: Tensor, n_data: int | Tensor | None) -> Tensor:
    """Ln of the weight of each image of the batch (columns) in the estimate of q(z) at each draw (rows)."""
    index = torch.arange(len(z), device=z.device)
    differ = index.unsqueeze(1) != index
    others = differ.sum(1, keepdim=True).to(z.dtype)  # a tensor, as N is: the batch may have any size
    n = others + 1.0
    if n_data is not None:
        n = torch.clamp_min(n, n_data) if isinstance(n_data, int) else torch.maximum(n, n_data)
    # ln 0 where there are no others, which no column then asks for
    own = torch.where(others > 0, -torch.log(n), 0.0)
    return torch.where(differ, torch.log1p(-1.0 / n) - torch.log(others), own)


def _log_normal(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * ((z - mu).square() * torch.exp(-logvar) + logvar + math.log(2 * math.pi))


@final
@dataclass(frozen=True)
class BetaTC(Variational):
    """loss = recon + alpha · MI + beta · TC + gamma · Σ_j KL_j: beta weighs the total correlation alone.

    The KL is the sum of the three (see `kl_parts`), which are estimated from the batch. Weighing the second
    alone makes the dimensions independent without paying for it with information.

    Parameters
    ----------
    alpha, gamma : float
        At least 0. With alpha = beta = gamma = 1 it is the ELBO, with an estimated KL.

    Notes
    -----
    Memory grows with B² · latent_dim. The extras are "mi", "tc" and "dim_kl", in nats per image.

    References
    ----------
    Chen et al. 2018, arXiv:1802.04942, equation 4.
    """

    alpha: float = 1.0
    gamma: float = 1.0

    name = "beta_tc"
    extras = ("mi", "tc", "dim_kl")

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", number("alpha", self.alpha, 0))
        object.__setattr__(self, "gamma", number("gamma", self.gamma, 0))

    def _weigh(self, drawn: Draw, kl: Tensor, batch: Batch) -> Weighed:
        parts = kl_parts(drawn.z, drawn.mu, drawn.logvar, batch.n_data)
        loss = drawn.recon + self.alpha * parts.mi + batch.beta * parts.tc + self.gamma * parts.dim_kl
        return loss, {name: value.detach() for name, value in parts._asdict().items()}
