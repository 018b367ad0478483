"""The objective of a (beta-)VAE: reconstruction plus beta times KL, averaged over the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from vaewidgets.objectives.base import Objective, Terms, decode_raw, posterior, reparameterise
from vaewidgets.objectives.kl import kl_total
from vaewidgets.objectives.likelihoods import Likelihood

__all__ = ["ELBO"]


@final
@dataclass(frozen=True)
class ELBO(Objective):
    """loss = recon + beta · kl, one draw of z an image. With beta = 1 it is minus the ELBO.

    References
    ----------
    Kingma & Welling 2014, arXiv:1312.6114; beta-VAE: Higgins et al. 2017.
    """

    name = "elbo"

    def __call__(
        self,
        model: Any,
        likelihood: Likelihood,
        x: Tensor,
        beta: float = 1.0,
        *,
        labels: Tensor | None = None,
        step: int = 0,
        generator: torch.Generator | None = None,
        n_data: int | None = None,
    ) -> Terms:
        """Terms of one batch; see `Objective`."""
        mu, logvar = posterior(model, x, labels)
        z = reparameterise(mu, logvar, generator)
        per_image = 1.0 / x.shape[0]
        recon = likelihood.total(decode_raw(model, z, x, labels), x) * per_image
        kl = kl_total(mu, logvar) * per_image
        return Terms(torch.add(recon, kl, alpha=beta), recon, kl)
