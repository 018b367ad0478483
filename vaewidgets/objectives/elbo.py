"""The objective of a (beta-)VAE: reconstruction plus beta times KL, averaged over the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from vaewidgets.objectives.kl import kl_total
from vaewidgets.objectives.likelihoods import Likelihood

__all__ = ["ELBO", "Terms"]


class Terms(NamedTuple):
    """Terms of the objective, 0-d tensors: means over the batch of per-image sums."""

    loss: Tensor
    recon: Tensor
    kl: Tensor


@final
@dataclass(frozen=True)
class ELBO:
    """loss = recon + beta · kl, one draw of z an image. With beta = 1 it is minus the ELBO.

    Other objectives (free bits, several draws) take this one's place by the same call.

    Parameters
    ----------
    likelihood : Likelihood

    References
    ----------
    Kingma & Welling 2014, arXiv:1312.6114; beta-VAE: Higgins et al. 2017.
    """

    likelihood: Likelihood

    def __call__(
        self, model: Any, x: Tensor, beta: float = 1.0, *, generator: torch.Generator | None = None
    ) -> Terms:
        """Terms of one batch.

        Parameters
        ----------
        model : VAE with `encode` and `decode_raw`
        x : Tensor, shape (B, C, H, W)
        beta : float
            Weight of the KL term, at least 0.
        generator : torch.Generator, on the device of `x`
            Draws the noise; torch's global one by default.
        """
        mu, logvar = model.encode(x)
        z = reparameterise(mu, logvar, generator)
        per_image = 1.0 / x.shape[0]
        recon = self.likelihood.total(model.decode_raw(z), x) * per_image
        kl = kl_total(mu, logvar) * per_image
        return Terms(torch.add(recon, kl, alpha=beta), recon, kl)


def reparameterise(mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw z = mu + sigma · eps with eps ~ N(0, I), shape (B, latent_dim)."""
    eps = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
    return torch.addcmul(mu, torch.exp(0.5 * logvar), eps)
