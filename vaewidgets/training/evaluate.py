"""Loss of a model on a split, without touching its training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from vaewidgets.data.split import Split
from vaewidgets.objectives import ELBO

__all__ = ["evaluate"]

_BATCH = 512


@torch.no_grad()
def evaluate(
    model: nn.Module,
    split: Split,
    objective: ELBO,
    *,
    beta: float,
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
    objective : ELBO
        z is drawn once an image; the KL is the closed form.
    beta : float
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
        _, recon, kl = objective(model, batch, beta, generator=generator)
        rows.append(torch.stack((recon, kl)))
        images.append(len(batch))
    weights = torch.tensor(images, dtype=torch.float64)
    recon_mean, kl_mean = (weights @ torch.stack(rows).cpu().double() / weights.sum()).tolist()
    return {"loss": recon_mean + beta * kl_mean, "recon": recon_mean, "kl": kl_mean}
