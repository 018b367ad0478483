"""Objectives that weigh the closed-form KL: the (beta-)ELBO, free bits, controlled capacity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from vaewidgets.checks import number, whole
from vaewidgets.objectives.base import Batch, Draw, Variational, Weighed
from vaewidgets.objectives.kl import kl_per_dim


@final
@dataclass(frozen=True)
class ELBO(Variational):
    """loss = recon + beta · kl, one draw of z an image. With beta = 1 it is minus the ELBO.

    References
    ----------
    Kingma & Welling 2014, arXiv:1312.6114; beta-VAE: Higgins et al. 2017.
    """

    name = "elbo"

    def _weigh(self, drawn: Draw, kl: Tensor, batch: Batch) -> Weighed:
        return drawn.recon + batch.beta * kl, {}


@final
@dataclass(frozen=True)
class FreeBits(Variational):
    """loss = recon + beta · Σ_j max(floor, KL_j), KL_j being dimension j's mean over the batch.

    Below the floor a dimension's KL has no gradient: so much information costs nothing, and there is no
    reason to give it up. The cure of posterior collapse that leaves the bound a bound.

    Parameters
    ----------
    floor : float
        Nats a dimension, above 0.

    Notes
    -----
    The extra "kl_floored" is Σ_j max(floor, KL_j), in nats per image; it is at least latent_dim · floor.

    References
    ----------
    Kingma et al. 2016, arXiv:1606.04934, section 3.1 and appendix C.8 (each dimension a group of its own).
    """

    floor: float = 0.25

    name = "free_bits"
    extras = ("kl_floored",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "floor", number("floor", self.floor, above=0))

    def _weigh(self, drawn: Draw, kl: Tensor, batch: Batch) -> Weighed:
        per_dim = kl_per_dim(drawn.mu, drawn.logvar).mean(0)
        floored = per_dim.clamp_min(self.floor).sum()
        return drawn.recon + batch.beta * floored, {"kl_floored": floored.detach()}


@final
@dataclass(frozen=True)
class Capacity(Variational):
    """loss = recon + beta · |kl − C|, the capacity C growing in a straight line from 0 to `maximum`.

    A large beta holds the KL at C; the dimensions come into use one after the other as C grows.

    Parameters
    ----------
    maximum : float
        C in the end, in nats per image, above 0.
    steps : int
        Updates until C is `maximum`, at least 1.

    Notes
    -----
    The paper's gamma is beta here: from 10 to 1,000 there, against 1 by default in `train`.
    Where it is large and C grows fast, the KL may be spent on a shift of all means that tells nothing: look
    at recon too. The extra "capacity" is C.

    References
    ----------
    Burgess et al. 2018, arXiv:1804.03599, equation 8.
    """

    maximum: float = 25.0
    steps: int = 10_000

    name = "capacity"
    extras = ("capacity",)
    changes_with_step = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "maximum", number("maximum", self.maximum, above=0))
        object.__setattr__(self, "steps", whole("steps", self.steps, 1))

    def at(self, step: int | Tensor) -> float | Tensor:
        """C at `step` (from 0), in nats; a tensor where the step is one."""
        share = step / self.steps
        return self.maximum * (share.clamp_max(1.0) if isinstance(share, Tensor) else min(share, 1.0))

    def _weigh(self, drawn: Draw, kl: Tensor, batch: Batch) -> Weighed:
        capacity = self.at(batch.step)
        loss = drawn.recon + batch.beta * (kl - capacity).abs()
        return loss, {"capacity": torch.zeros_like(kl, requires_grad=False) + capacity}
