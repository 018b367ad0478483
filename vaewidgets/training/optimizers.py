"""Optimisers by name, fused where torch can, and the mask that keeps a bad step from the weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vaewidgets.errors import OptionError, did_you_mean

__all__ = ["OPTIMIZERS", "Mask", "check_optimizer", "make_optimizer"]

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
}


def check_optimizer(name: object) -> str:
    """Return the name in lower case; OptionError, naming the nearest known one, if it is unknown."""
    lower = name.lower() if isinstance(name, str) else ""
    if lower in OPTIMIZERS:
        return lower
    hint = did_you_mean(lower, OPTIMIZERS)
    raise OptionError(f"optimizer is {name!r}; known: {', '.join(OPTIMIZERS)}.{hint}")


def make_optimizer(name: str, params: Sequence[Tensor], lr: float) -> torch.optim.Optimizer:
    """Optimiser with torch's defaults; one kernel for all tensors (fused) where the device has it."""
    kind: Callable[..., torch.optim.Optimizer] = OPTIMIZERS[check_optimizer(name)]
    try:
        return kind(params, lr=lr, fused=True)
    except (RuntimeError, TypeError):
        return kind(params, lr=lr)


class Mask:
    """Keeps updates away from the weights from the first step on that was not finite, without a sync.

    Fused optimisers look at `found_inf`, as under `torch.amp.GradScaler`, and skip the update on the
    device. What they do not cover (weights under other optimisers, buffers such as BatchNorm's running
    means, which the forward pass itself writes) is kept aside and put back.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, params: Sequence[Tensor], buffers: Sequence[Tensor]
    ) -> None:
        device = params[0].device
        self._health = torch.zeros((), device=device)  # 0, then NaN for ever
        self._found = torch.zeros((), device=device)  # 0.0, then 1.0 for ever
        guarded = list(buffers)
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            optimizer.found_inf = self._found  # type: ignore[attr-defined]
            optimizer.grad_scale = None  # type: ignore[attr-defined]
        else:
            guarded += params
        self._guarded = [(tensor, tensor.detach().clone()) for tensor in guarded]

    def look(self, terms: Tensor) -> None:
        """Latch if any of `terms` is NaN or infinite (0 · inf is NaN). Before the optimiser's step."""
        self._health.add_(terms.sum(), alpha=0)
        torch.ne(self._health, 0, out=self._found)

    def settle(self) -> None:
        """Put back what the optimiser does not mask itself. After its step."""
        if self._guarded:
            bad = self._found.bool()
            for tensor, kept in self._guarded:
                torch.where(bad, kept, tensor.detach(), out=kept)
                tensor.detach().copy_(kept)
