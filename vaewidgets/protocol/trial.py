"""Trying a model on a copy, without leaving a trace in it or in the random generators."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.errors import ProtocolError
from vaewidgets.protocol.seeded import drawing, seeded

__all__ = ["Trial", "copy_model"]


def copy_model(model: nn.Module) -> nn.Module:
    """Return a deep copy of a model.

    Tensors with a history that a model keeps as plain attributes (``self.mu = mu`` in its forward), which
    `copy.deepcopy` refuses, are copied by value. Compiled submodules are replaced by what they were made
    from, so that looking at a model compiles nothing; the order of its parameters and buffers stays.

    Raises
    ------
    ProtocolError
        If it cannot be copied; widgets draw from copies, so that they never touch a model in training.
    """
    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    try:
        copied = copy.deepcopy(model, memo)
    except Exception as error:
        raise ProtocolError(
            f"{type(model).__name__} cannot be deep-copied ({type(error).__name__}: {error}); expected a "
            "model that can, since widgets draw from copies. Keep loaders, loggers, locks and generators "
            "outside the module, or give it a __deepcopy__."
        ) from error
    for parent in list(copied.modules()):
        for name, child in list(parent._modules.items()):
            original = getattr(child, "_orig_mod", None)
            if isinstance(original, nn.Module):
                parent._modules[name] = original
    return copied


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
        self.dtype = torch.float32 if first is None or not first.is_floating_point() else first.dtype
        self._generator = torch.Generator().manual_seed(0)
        lo, hi = value_range
        noise = torch.rand((2, *image_shape), generator=self._generator)
        self.x = (lo + (hi - lo) * noise).to(self.device, self.dtype)

    def draw(self, n: int, latent_dim: int) -> Tensor:
        """Draw latent points from the prior."""
        z = torch.randn((n, latent_dim), generator=self._generator)
        return z.to(self.device, self.dtype)

    def run(self, call: Callable[..., Any], *args: Any, seed: int = 0) -> Any:
        """Call with gradients off and global random generators put back afterwards."""
        devices = [self.device] if self.device.type == "cuda" else []
        with drawing, torch.no_grad(), seeded(seed, devices):
            return call(*args)
