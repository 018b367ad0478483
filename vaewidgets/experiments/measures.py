"""What several experiments measure of their runs; random draws are the same at every call."""

from __future__ import annotations

import torch
from torch import Tensor

from vaewidgets.runs import Run

DRAWS = 1000


def generator() -> torch.Generator:
    """The generator of every draw."""
    return torch.Generator().manual_seed(0)


def last(run: Run, quantity: str) -> float:
    """Newest value of a quantity."""
    return float(run.history[quantity][-1])


def codes(run: Run, split: str = "test") -> tuple[Tensor, Tensor]:
    """Posterior means and log variances of a split; TypeError for a model that has none."""
    mu, logvar = run.snapshot().encoded(split)
    if logvar is None:
        raise TypeError(f"{run.name} has no posterior; expected a VAE.")
    return mu, logvar


def redrawn(run: Run, images: Tensor) -> Tensor:
    """Reconstructions of images, decoded from the posterior mean."""
    snapshot = run.snapshot()
    return snapshot.decode(snapshot.encode(images)[0])


def samples(run: Run, width: float = 1.0) -> Tensor:
    """Decoded draws from the prior, or from one that is so many times as wide."""
    return run.snapshot().decode(width * torch.randn(DRAWS, run.model.latent_dim, generator=generator()))


def edges(x: Tensor) -> float:
    """Mean difference of neighbouring pixels over the mean pixel: what blur takes away."""
    across, down = (x[..., 1:] - x[..., :-1]).abs().mean(), (x[..., 1:, :] - x[..., :-1, :]).abs().mean()
    return float((across + down) / x.mean())
