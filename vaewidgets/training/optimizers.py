"""Optimisers by name, fused where torch can, and the mask that keeps a bad step from the weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

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
    if kind is torch.optim.Adam and all(p.is_cpu and p.dtype == torch.float32 for p in params):
        return ShortAdam(params, lr=lr, fused=True)
    try:
        return kind(params, lr=lr, fused=True)
    except (RuntimeError, TypeError):
        return kind(params, lr=lr)


@final
class ShortAdam(torch.optim.Adam):
    """Adam whose fused step on a CPU is two calls: on small weights torch's way to its kernel costs more.

    That sorts the tensors anew in each step, and counts the steps of each by itself: of 0.53 ms a step of
    chapter 13.4's network 0.26 are left. The arithmetic is torch's own kernel, the state as torch has it; one
    count of the steps stands for those of all tensors until somebody asks.
    """

    found_inf: Tensor | None = None  # see `Mask`
    # of the weights: first and second moments, and the one count as often as there are weights
    _lists: tuple[list[Tensor], list[Tensor], list[Tensor]] | None = None

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update the weights. The first step, a `closure` and weights without a gradient are torch's."""
        params = self.param_groups[0]["params"]
        grads = [p.grad for p in params]
        if closure is not None or len(self.param_groups) > 1 or any(grad is None for grad in grads):
            self._forget()
            return super().step(closure)
        if self._lists is None:
            if any(p not in self.state for p in params):
                return super().step()  # makes the state
            states = [self.state[p] for p in params]
            if any(state["step"] != states[0]["step"] for state in states):
                return super().step()
            count = states[0]["step"].clone()
            moments = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq"))
            self._lists = (*moments, [count] * len(params))  # type: ignore[assignment]
        self._update(params, grads)
        return None

    def _update(self, params: list[Tensor], grads: list[Tensor]) -> None:
        assert self._lists is not None
        means, squares, counts = self._lists
        group = self.param_groups[0]
        beta1, beta2 = group["betas"]
        counts[0].add_(1.0)
        torch._fused_adam_(
            params,
            grads,
            means,
            squares,
            [],
            counts,
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
            grad_scale=None,
            found_inf=self.found_inf,
        )
        if self.found_inf is not None:
            counts[0].sub_(self.found_inf)  # a masked step does not count

    def state_dict(self) -> dict[str, Any]:
        """As torch's, with the count of the steps where torch has it."""
        self._write_count()
        return super().state_dict()

    def load_state_dict(self, state_dict: Any) -> None:
        """As torch's; the state is in other tensors afterwards."""
        self._lists = None
        super().load_state_dict(state_dict)

    def _forget(self) -> None:
        self._write_count()
        self._lists = None

    def _write_count(self) -> None:
        if self._lists is not None:
            count = self._lists[2][0]
            for p in self.param_groups[0]["params"]:
                self.state[p]["step"].copy_(count)


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
