"""What the codes of a whole data set hold: their information on the images, and their fit to the prior."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import check_generator, tensor, whole
from vaewidgets.errors import DataError, ProtocolError
from vaewidgets.objectives.kl import kl_per_dim

_BLOCK = 1 << 16  # densities held at a time: half a megabyte, so that a block stays in the cache
_LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True, repr=False, eq=False)
class AggregatePosterior:
    """The mean KL of an encoder, split into what it is paid for.

    kl = mi + tc + Σ dim_kl, up to the errors of the draws. All in nats.

    Attributes
    ----------
    kl : float
        Mean KL(q(z|x) || N(0, I)) over the images, in closed form.
    mi : float
        Mutual information of image and code, KL(q(z|x) || q(z)) in the mean: at most ln n.
    marginal_kl : float
        KL(q(z) || N(0, I)) of the aggregate posterior q(z) = (1/n) Σ q(z|x_i). Where it is large, the prior's
        samples are not what the decoder has learned.
    tc : float
        Total correlation KL(q(z) || Π q(z_j)): 0 if and only if the dimensions are independent.
    dim_kl : Tensor, float64, shape (latent_dim,)
        KL(q(z_j) || N(0, 1)) of each dimension; marginal_kl = tc + Σ dim_kl.
    mi_error, marginal_kl_error, tc_error : float
        Standard errors that come from the draws.
    n : int
        Number of images.
    draws : int
        Number of codes drawn.
    """

    kl: float
    mi: float
    marginal_kl: float
    tc: float
    dim_kl: Tensor
    mi_error: float
    marginal_kl_error: float
    tc_error: float
    n: int
    draws: int

    @property
    def latent_dim(self) -> int:
        """Number of latent dimensions."""
        return len(self.dim_kl)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know before trusting the numbers; often empty."""
        most = math.log(self.n)
        if self.n > 1 and self.mi > most - 1:
            return (
                f"{self.n} images can show at most ln {self.n} = {most:.2f} nats of information: over all "
                "images it may be more, and tc and marginal_kl less",
            )
        return ()

    def __repr__(self) -> str:
        text = (
            f"AggregatePosterior(KL {self.kl:.4g} nats = information {self.mi:.4g} ± {self.mi_error:.2g} + "
            f"aggregate against prior {self.marginal_kl:.4g} ± {self.marginal_kl_error:.2g}, of which total "
            f"correlation {self.tc:.4g} ± {self.tc_error:.2g}; {self.n} images, {self.draws} draws)"
        )
        return "\n".join([text, *(f"  note: {note}" for note in self.notes)])


@restored_modes()
@torch.no_grad()
def aggregate_posterior(
    mu: Tensor,
    logvar: Tensor | None,
    *,
    draws: int = 1000,
    generator: torch.Generator | None = None,
) -> AggregatePosterior:
    """Estimate information, total correlation and fit to the prior from the posteriors of n images.

    The aggregate posterior is taken as what it is over these images, a mixture of n Gaussians whose density
    is computed in full at each of `draws` codes. Time grows with n · draws · latent_dim, memory only with n.

    Parameters
    ----------
    mu, logvar : Tensor, shape (n, latent_dim)
        Posterior means and log variances.
    draws : int
        Codes drawn, at least 2: from each image in turn, a random part of them where there are more images.
    generator : torch.Generator, on the CPU
        Draws codes; torch's global one by default.

    Raises
    ------
    ShapeError
        If the shapes differ, are not (n, latent_dim), or hold no image.
    OptionError
        If `draws` is no whole number of at least 2.
    ProtocolError
        If `logvar` is None, as an autoencoder's is: a code without noise has no density.
    DataError
        If a value is NaN or infinite.

    References
    ----------
    Hoffman & Johnson 2016, "ELBO surgery"; Chen et al. 2018, arXiv:1802.04942 (the split, equation 2).
    """
    if logvar is None:
        raise ProtocolError(
            "logvar is None: an autoencoder's code has no noise, hence no density, and its information on "
            "the image is not bounded. Give a VAE's mu and logvar."
        )
    tensor("mu", mu, "n", "latent_dim")
    tensor("logvar", logvar)
    check_generator(generator)
    draws = whole("draws", draws, 2)
    mu, logvar = mu.detach().cpu().double(), logvar.detach().cpu().double()
    kl = float(kl_per_dim(mu, logvar).sum(1).mean())
    if not math.isfinite(kl):
        raise DataError("mu or logvar holds NaN or infinite values; the encoder has diverged.")
    own = torch.cat([torch.randperm(len(mu), generator=generator) for _ in range(-(-draws // len(mu)))])[
        :draws
    ]
    eps = torch.randn((draws, mu.shape[1]), generator=generator, dtype=torch.float64)
    z = mu[own] + torch.exp(0.5 * logvar[own]) * eps
    log_joint, log_each = _log_mixture(z, mu, logvar)
    log_own = -0.5 * (eps.square() + logvar[own] + _LOG_2PI).sum(1)
    log_prior = -0.5 * (z.square() + _LOG_2PI)
    mi, marginal = log_own - log_joint, log_joint - log_prior.sum(1)
    tc = log_joint - log_each.sum(1)
    return AggregatePosterior(
        kl=kl,
        mi=float(mi.mean()),
        marginal_kl=float(marginal.mean()),
        tc=float(tc.mean()),
        dim_kl=(log_each - log_prior).mean(0),
        mi_error=_error(mi),
        marginal_kl_error=_error(marginal),
        tc_error=_error(tc),
        n=len(mu),
        draws=draws,
    )


def _log_mixture(z: Tensor, mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Log density of the mixture at each of (m, d) codes, shape (m,), and of each of its margins, (m, d)."""
    n, dims = mu.shape
    rows = max(1, _BLOCK // n)
    # ln q = constant − ((z − centre) scale)²; a row a dimension, so that it is read in a stretch
    scale = torch.exp(-0.5 * logvar).mul_(math.sqrt(0.5)).T.contiguous()
    constant = (-0.5 * (logvar + _LOG_2PI)).T.contiguous()
    centre = mu.T.contiguous()
    buffer, sums = torch.empty(2, min(rows, len(z)), n, dtype=torch.float64)
    joint, each = [], []
    for part in z.split(rows):
        log_q, total = buffer[: len(part)], sums[: len(part)].zero_()
        margins = torch.empty(len(part), dims, dtype=torch.float64)
        for j in range(dims):
            torch.sub(part[:, j, None], centre[j], out=log_q)
            log_q.mul_(scale[j]).square_().neg_().add_(constant[j])
            total += log_q
            # no shift is needed: the Gaussian that a code was drawn from is never small there
            margins[:, j] = log_q.exp_().sum(1).log_()
        joint.append(torch.logsumexp(total, dim=1))
        each.append(margins)
    return torch.cat(joint) - math.log(n), torch.cat(each) - math.log(n)


def _error(values: Tensor) -> float:
    return float(values.std()) / math.sqrt(len(values))
