"""What each latent dimension is worth: the reconstruction without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from vaewidgets.checks import number, one_of
from vaewidgets.contract.texts import dim_name
from vaewidgets.inference import Inference
from vaewidgets.objectives import Likelihood
from vaewidgets.objectives.kl import kl_per_dim


@dataclass(frozen=True, repr=False, eq=False)
class Ablation:
    """The reconstruction term with each unit switched off in turn.

    Attributes
    ----------
    cost : Tensor, float64, shape (latent_dim,)
        By how much the mean reconstruction term of an image rises, in the likelihood's unit. About 0 for a
        unit that says nothing; it can be negative on images that the model was not trained on.
    kl : Tensor, float64, shape (latent_dim,), or None
        Mean KL of each unit in nats, what it costs to keep; None without a posterior variance.
    recon : float
        The term with all units on.
    free_cost : float
        By how much it rises with all `free` units off at once: single costs do not add up.
    n : int
        Number of images.
    off : {"mean", "zero"}
        What a unit that is switched off shows.
    tolerance : float
        Up to which cost a unit counts as free.
    unit : str
        Unit of the costs.
    """

    cost: Tensor
    kl: Tensor | None
    recon: float
    free_cost: float
    n: int
    off: str
    tolerance: float
    unit: str

    @property
    def free(self) -> tuple[int, ...]:
        """Units that can go at no more than `tolerance` each."""
        return tuple(torch.nonzero(self.cost <= self.tolerance).flatten().tolist())

    @property
    def order(self) -> tuple[int, ...]:
        """Units by cost, the dearest first."""
        return tuple(torch.argsort(self.cost, descending=True).tolist())

    def __repr__(self) -> str:
        dims, free = len(self.cost), self.free
        top = ", ".join(f"{dim_name(j)} {float(self.cost[j]):+.2f}" for j in self.order[:5])
        more = ", ..." if dims > 5 else ""
        text = f"Ablation(recon {self.recon:.2f} {self.unit} on {self.n} images; one unit off: {top}{more})"
        if free:
            text += (
                f"\n  {len(free)} of {dims} units can go at {self.tolerance:g} or less each; all of them at "
                f"once cost {self.free_cost:+.2f}"
            )
        return text


def ablation(
    model: Any,
    x: Tensor,
    likelihood: Likelihood | None = None,
    *,
    labels: Tensor | None = None,
    off: Literal["mean", "zero"] = "mean",
    tolerance: float | None = None,
) -> Ablation:
    """Switch off one unit after the other and decode the posterior means.

    It takes latent_dim + 2 passes through the decoder over `x`: a thousand images do.

    Parameters
    ----------
    model : VAE with `decode_raw`
    x : Tensor, shape (n, C, H, W)
    likelihood : Likelihood, optional
        The model's own by default.
    labels : Tensor of int64, shape (n,), optional
        For a model that takes them.
    off : {"mean", "zero"}
        Put the unit to its mean over `x`, so that it tells the images apart no more, or to 0, the prior's
        mean.
    tolerance : float, optional
        Up to which cost a unit counts as free, in the likelihood's unit; by default 0.1 % of the
        reconstruction term's size.

    Raises
    ------
    OptionError
        If `off` is unknown, or `tolerance` negative.
    """
    one_of("off", off, ("mean", "zero"))
    if tolerance is not None:
        tolerance = number("tolerance", tolerance, 0)
    inference = Inference(model, likelihood)
    inference.likelihood.check_computed("an ablation")
    mu, logvar = inference.encode(x, labels)
    silent = mu.mean(dim=0) if off == "mean" else torch.zeros_like(mu[0])

    def mean_without(units: list[int]) -> float:
        return float(recon_without(inference, x, mu, units=units, silent=silent, labels=labels).mean())

    base = mean_without([])
    limit = 1e-3 * abs(base) if tolerance is None else float(tolerance)
    cost = torch.tensor([mean_without([j]) - base for j in range(mu.shape[1])], dtype=torch.float64)
    free = torch.nonzero(cost <= limit).flatten().tolist()
    return Ablation(
        cost=cost,
        kl=None if logvar is None else kl_per_dim(mu.double(), logvar.double()).mean(dim=0),
        recon=base,
        free_cost=mean_without(free) - base if free else 0.0,
        n=len(x),
        off=off,
        tolerance=limit,
        unit=inference.likelihood.unit,
    )


def recon_without(
    inference: Inference,
    x: Tensor,
    mu: Tensor,
    *,
    units: Sequence[int],
    silent: Tensor,
    labels: Tensor | None = None,
) -> Tensor:
    """Reconstruction term of each image (n,), decoded from its mean with some units switched off.

    `mu`, (n, latent_dim), are the posterior means of `x`; each of `units` shows its entry of `silent`,
    (latent_dim,), instead.
    """
    z, index = mu.clone(), list(units)
    z[:, index] = silent[index]
    return inference.score(z, x, labels)[0]
