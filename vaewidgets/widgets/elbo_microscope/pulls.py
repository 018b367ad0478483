"""What pulls an image's posterior mean: its likelihood one way, the prior the other; where they balance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from vaewidgets.contract.random import normals
from vaewidgets.graphs import score
from vaewidgets.objectives import Likelihood

_STEPS = 60  # at most; the same numbers stand in js/widgets/elbo_microscope/balance.js
_HALVINGS = 10
_ENOUGH = 1e-5  # nats that a step would still gain
_LEAST_BETA = 1e-3


@final
@dataclass(frozen=True)
class Pulls:
    """The loss of one image at a posterior N(mu, diag sigma²), and its two gradients by mu.

    Attributes
    ----------
    mu, logvar : Tensor, shape (d,)
    beta : float
    x_hat, cost : Tensor, shape (C, H, W)
        Means over the draws: what they decode to, and −log p(x | z) of each pixel.
    shift, spread : Tensor, shape (d,)
        The KL of each dimension, in nats: mu² / 2, and (sigma² − 1 − ln sigma²) / 2.
    of_recon, of_kl : Tensor, shape (d,)
        −d recon / d mu, a mean over the draws, and −d (beta · KL) / d mu = −beta · mu.
    """

    mu: Tensor
    logvar: Tensor
    beta: float
    x_hat: Tensor
    cost: Tensor
    shift: Tensor
    spread: Tensor
    of_recon: Tensor
    of_kl: Tensor

    @property
    def recon(self) -> float:
        """The reconstruction term: the sum of `cost`."""
        return float(self.cost.double().sum())

    @property
    def kl(self) -> float:
        """KL from N(0, I), in nats."""
        return float((self.shift + self.spread).double().sum())

    @property
    def loss(self) -> float:
        """Recon + beta · KL."""
        return self.recon + self.beta * self.kl

    @property
    def net(self) -> Tensor:
        """Sum of the two pulls, shape (d,): minus the gradient of the loss by mu, 0 at the balance."""
        return self.of_recon + self.of_kl


def draws(n: int, d: int, seed: int) -> Tensor:
    """Draws from N(0, I), shape (n, d); an even number comes in pairs of eps and −eps.

    Of a quadratic cost the mean gradient over pairs has no noise.
    """
    if n % 2:
        return torch.from_numpy(np.stack([normals(d, seed, i) for i in range(n)]))
    half = np.stack([normals(d, seed, i) for i in range(n // 2)])
    return torch.from_numpy(np.concatenate([half, -half]))


def pulls(
    model: Any,
    likelihood: Likelihood,
    x: Tensor,
    mu: Tensor,
    *,
    logvar: Tensor,
    eps: Tensor,
    beta: float = 1.0,
    labels: Tensor | None = None,
) -> Pulls:
    """Look at one image at a posterior; the model's `decode_raw` is called once for all draws.

    Parameters
    ----------
    x : Tensor, shape (C, H, W)
    mu, logvar : Tensor, shape (d,)
    eps : Tensor, shape (n, d)
        Of the draws z = mu + sigma · eps.
    labels : Tensor, shape (1,), optional
        The image's class, where the model takes one.
    """
    z = mu + (logvar / 2).exp() * eps.to(mu)
    told = None if labels is None else labels.expand(len(z))
    x_hat, cost, gradient = score(model, likelihood, z, x.expand(len(z), *x.shape), told)
    return Pulls(
        mu=mu,
        logvar=logvar,
        beta=beta,
        x_hat=x_hat.mean(0),
        cost=cost.mean(0),
        shift=mu.square() / 2,
        spread=(torch.expm1(logvar) - logvar) / 2,
        of_recon=-gradient.mean(0),
        of_kl=-beta * mu,
    )


def balance(at: Callable[[Tensor], Pulls], mu: Tensor, trained_beta: float) -> Pulls:
    """Move the mean until the two pulls cancel: downhill on the loss, the draws and sigma held.

    Steps by BFGS, which begin with the curvature that the encoder's sigma tells: at an optimum trained with
    `trained_beta`, that of recon along a dimension is trained_beta · (1 / sigma² − 1). A step that would not
    lower the loss is halved.

    Parameters
    ----------
    at : callable
        `pulls` at a mean.
    mu : Tensor, shape (d,)
        Where to start, such as at the encoder's mean.
    """
    now = at(mu)
    weight = max(trained_beta, _LEAST_BETA)
    curvature = (weight * torch.expm1(-now.logvar) + now.beta).clamp_min(_LEAST_BETA)
    inverse = torch.diag(1 / curvature)  # of the Hessian
    for _ in range(_STEPS):
        step = inverse @ now.net
        if not float(step @ now.net) > _ENOUGH:
            break
        for _ in range(_HALVINGS):
            then = at(now.mu + step)
            if then.loss < now.loss:
                break
            step = step / 2
        else:
            break
        inverse = _updated(inverse, step, now.net - then.net)
        now = then
    return now


def _updated(inverse: Tensor, step: Tensor, bend: Tensor) -> Tensor:
    """BFGS: the inverse Hessian that explains how the gradient changed over a step."""
    along = step @ bend
    if not float(along) > 0:
        return inverse
    turn = torch.eye(len(step)).to(step) - torch.outer(step, bend) / along
    return turn @ inverse @ turn.T + torch.outer(step, step) / along
