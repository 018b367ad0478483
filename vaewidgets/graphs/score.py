"""How well a point of the latent space explains an image, and in which direction it would do so better."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.graphs.portable import portable_network
from vaewidgets.graphs.recorded import Network
from vaewidgets.objectives import Likelihood, decode_raw


def score(
    model: Any, likelihood: Likelihood, z: Tensor, x: Tensor, labels: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """What a point decodes to, what each pixel costs, and the gradient of the whole cost by the point.

    Parameters
    ----------
    z : Tensor, shape (B, latent_dim)
    x : Tensor, shape (B, C, H, W)
    labels : Tensor, optional
        Classes, or one-hot rows, where the model takes them.

    Returns
    -------
    x_hat, cost : Tensor, shape (B, C, H, W)
        `cost` is −log p(x | z) of each pixel, in the likelihood's unit.
    gradient : Tensor, shape (B, latent_dim)
        d(sum of the image's cost) / dz.
    """
    with restored_modes(), torch.enable_grad():
        leaf = z.detach().requires_grad_()
        raw = decode_raw(model, leaf, x, labels)
        cost = likelihood.per_pixel(raw, x)
        (gradient,) = torch.autograd.grad(cost.sum(), leaf)
    return likelihood.mean(raw).detach(), cost.detach(), gradient


def score_network(
    model: nn.Module, likelihood: Likelihood, image_shape: tuple[int, ...], *, gradient: bool = True
) -> Network:
    """`score` as a network: z, an image and, where the model is told one, a class as a one-hot vector.

    Parameters
    ----------
    gradient : bool
        Without it the network has two outputs, and no backward pass.

    Raises
    ------
    PortableError
        As `portable_network`.
    """

    def scored(module: Any, z: Tensor, x: Tensor, *told: Tensor) -> tuple[Tensor, ...]:
        if gradient:
            return score(module, likelihood, z, x, *told)
        raw = decode_raw(module, z, x, *told)
        return likelihood.mean(raw), likelihood.per_pixel(raw, x)

    latent_dim: Any = model.latent_dim
    shapes: list[tuple[int, ...]] = [(int(latent_dim),), tuple(image_shape)]
    if getattr(model, "takes_labels", False) and callable(getattr(model, "decode_told", None)):
        classes: Any = model.n_classes
        shapes.append((int(classes),))
    return portable_network(scored, shapes, module=model, gradients=gradient)
