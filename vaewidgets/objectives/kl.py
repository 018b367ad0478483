"""KL divergence of a diagonal Gaussian posterior from the prior N(0, I), in closed form."""

from __future__ import annotations

import torch
from torch import Tensor

from vaewidgets.checks import tensor
from vaewidgets.errors import ShapeError


def kl_per_dim(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(q(z|x) || N(0, I)) of each latent dimension, in nats.

    It is ½ (mu² + sigma² − ln sigma² − 1), the sum of `shift_cost` and `spread_cost`.

    Parameters
    ----------
    mu, logvar : Tensor, shape (batch, latent_dim)
        Posterior mean and natural log of the variance.

    Returns
    -------
    Tensor, shape (batch, latent_dim)
        At least 0; not summed, not averaged.

    Raises
    ------
    ShapeError
        If the two shapes differ.

    References
    ----------
    Kingma & Welling 2014, arXiv:1312.6114, appendix B.
    """
    if tensor("mu", mu).shape != tensor("logvar", logvar).shape:
        raise ShapeError(
            f"mu has shape {tuple(mu.shape)}, logvar {tuple(logvar.shape)}; "
            "expected the same shape (batch, latent_dim) for both."
        )
    return shift_cost(mu) + spread_cost(logvar)


def shift_cost(mu: Tensor) -> Tensor:
    """The part of the KL that a mean away from 0 costs: ½ mu², in nats, of the shape of `mu`."""
    return 0.5 * mu.square()


def spread_cost(logvar: Tensor) -> Tensor:
    """The part of the KL that a variance other than 1 costs: ½ (sigma² − ln sigma² − 1), in nats.

    `expm1` keeps the digits near sigma = 1, where the terms cancel.
    """
    return 0.5 * (torch.expm1(logvar) - logvar)


def kl_total(mu: Tensor, logvar: Tensor) -> Tensor:
    """Sum of `kl_per_dim` over batch and dimensions, a 0-d tensor in few operations (no shape check)."""
    return 0.5 * (mu.square() + torch.expm1(logvar) - logvar).sum()
