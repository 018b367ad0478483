"""Loss of a model on a split, without touching its training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from vaewidgets.data.split import Split
from vaewidgets.objectives import Likelihood, Objective

__all__ = ["evaluate"]

_BATCH = 512


@torch.no_grad()
def evaluate(
    model: nn.Module,
    split: Split,
    likelihood: Likelihood,
    objective: Objective,
    *,
    beta: float,
    step: int,
    device: torch.device,
    seed: int,
    go_on: Callable[[], bool] = lambda: True,
) -> dict[str, float] | None:
    """Mean loss, recon and kl over all images of a split.

    Parameters
    ----------
    model : nn.Module
        In eval mode, on `device`.
    split : Split
    likelihood : Likelihood
    objective : Objective
        z is drawn once an image; the KL is the closed form.
    beta : float
    step : int
        Updates made so far, for an objective that changes with it.
    seed : int
        Of the noise: the same at every call, so that two calls differ by the model alone.
    go_on : callable
        Asked before each batch; False ends the evaluation.

    Returns
    -------
    dict or None
        "loss", "recon", "kl"; None if it was ended early.
    """
    generator = torch.Generator(device).manual_seed(seed)
    rows: list[torch.Tensor] = []
    images: list[int] = []
    batch: Any
    for batch in split.batches(_BATCH, device=device, shuffle=False, generator=torch.Generator()):
        if not go_on():
            return None
        terms = objective(model, likelihood, batch, beta, step=step, generator=generator, n_data=len(split))
        rows.append(torch.stack(terms[:3]))
        images.append(len(batch))
    weights = torch.tensor(images, dtype=torch.float64)
    means = weights @ torch.stack(rows).cpu().double() / weights.sum()
    return dict(zip(("loss", "recon", "kl"), means.tolist(), strict=True))
