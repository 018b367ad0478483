"""Trying a model on a copy, without leaving a trace in it or in the random generators."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters.copying import copy_model
from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes


class Trial:
    """A copy of a model in evaluation mode, fed with noise.

    Parameters
    ----------
    model : nn.Module
        Is copied.
    image_shape : tuple of int
        (C, H, W).
    value_range : tuple of float
        What the noise is drawn from, uniformly.
    device : torch.device or str, optional
        By default that of the model's first parameter.
    item_shape : tuple of int, optional
        In which items that are no images were given: the model is fed those in place of images.

    Attributes
    ----------
    feeds : dict of str to tuple of int or None
        The shapes of one image that an encoder is tried with, the likelier first; None for (C, H, W).
    """

    def __init__(
        self,
        model: nn.Module,
        image_shape: tuple[int, int, int],
        value_range: tuple[float, float],
        device: torch.device | str | None = None,
        item_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.feeds = {
            **({"image": None} if item_shape is None else {"item": item_shape}),
            "flat": (math.prod(image_shape),),
        }
        self.model = copy_model(model).eval()
        if device is not None:
            self.model.to(device)
        first = next((p for p in self.model.parameters()), None)
        self.device = torch.device(device or "cpu") if first is None else first.device
        self._generator = torch.Generator().manual_seed(0)
        lo, hi = value_range
        noise = torch.rand((2, *image_shape), generator=self._generator)
        self.x = (lo + (hi - lo) * noise).to(self.device)

    def draw(self, n: int, latent_dim: int) -> Tensor:
        z = torch.randn((n, latent_dim), generator=self._generator)
        return z.to(self.device)

    def run(self, call: Callable[..., Any], *args: Any, seed: int = 0, grad: bool = False) -> Any:
        """Call without touching the global random generators; gradients are off unless asked for."""
        with restored_modes(), torch.set_grad_enabled(grad), seeded(seed):
            return call(*args)


def try_training_pass(model: nn.Module, x: Tensor, labels: Tensor | None = None) -> Exception | None:
    """What a copy of the model raises when it encodes and decodes images in training mode; None if nothing.

    Parameters
    ----------
    x : Tensor, shape (B, C, H, W)
    labels : Tensor of int64, shape (B,), optional
        For a model that takes them.
    """
    copied: Any = copy_model(model).train()
    device = next((p.device for p in copied.parameters()), torch.device("cpu"))
    given = () if labels is None else (labels.to(device),)
    seen = (x.to(device),) if getattr(copied, "sees_pixels", False) else given
    with restored_modes(), torch.no_grad(), seeded(0):
        try:
            mu = copied.encode(x.to(device), *given)[0]
            copied.decode_raw(mu, *seen)
        except Exception as error:
            return error
    return None
