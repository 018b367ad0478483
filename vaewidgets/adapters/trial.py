"""Trying a model on a copy, without leaving a trace in it or in the random generators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters.copying import copy_model
from vaewidgets.adapters.seeded import drawing, seeded


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
    """

    def __init__(
        self,
        model: nn.Module,
        image_shape: tuple[int, int, int],
        value_range: tuple[float, float],
        device: torch.device | str | None = None,
    ) -> None:
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
        """Call with global random generators put back afterwards; gradients are off unless asked for."""
        devices = [self.device] if self.device.type == "cuda" else []
        with drawing, torch.set_grad_enabled(grad), seeded(seed, devices):
            return call(*args)
