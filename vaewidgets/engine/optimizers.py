"""Optimisers by name, fused where torch can, and the mask that keeps a bad step from the weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, final

import torch
from torch import Tensor

from vaewidgets.checks import one_of

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
}

_HAS_KERNEL = hasattr(torch, "_fused_adam_")
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
# The rest of a group of torch's Adam, which looks for all of it in a state dict.
_ADAM = {
    "betas": (0.9, 0.999),
    "eps": 1e-8,
    "weight_decay": 0.0,
    "amsgrad": False,
    "maximize": False,
    "foreach": None,
    "capturable": False,
    "differentiable": False,
    "fused": True,
    "decoupled_weight_decay": False,
}


def check_optimizer(name: object) -> str:
    """Return the name in lower case; OptionError, naming the nearest known one, if it is unknown."""
    return one_of("optimizer", name.lower() if isinstance(name, str) else name, OPTIMIZERS)


class Optimizer(Protocol):
    """What is asked of an optimiser, torch's or ours."""

    @property
    def param_groups(self) -> list[dict[str, Any]]: ...

    def step(self) -> Any: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None: ...


def make_optimizer(name: str, params: Sequence[Tensor], lr: float) -> Optimizer:
    """Optimiser with torch's defaults; one kernel for all tensors (fused) where the device has it."""
    kind: Callable[..., torch.optim.Optimizer] = OPTIMIZERS[check_optimizer(name)]
    if (
        kind is torch.optim.Adam
        and _HAS_KERNEL
        and params[0].device.type in ("cpu", "cuda")
        and all(p.device == params[0].device and p.dtype == torch.float32 for p in params)
    ):
        return ShortAdam(params, lr)
    try:
        return kind(params, lr=lr, fused=True)
    except (RuntimeError, TypeError):
        return kind(params, lr=lr)


def optimizer_tensors(optimizer: Optimizer, *, copy: bool) -> dict[str, Tensor]:
    """Tensors of an optimiser's state, by the number of the weight and their name."""
    return {
        f"{i}.{key}": value.detach().clone() if copy else value.detach()
        for i, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
        if isinstance(value, Tensor)
    }


def load_optimizer_tensors(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    own = optimizer.state_dict()
    own["state"] = {}
    for name, value in tensors.items():
        i, key = name.split(".", 1)
        own["state"].setdefault(int(i), {})[key] = value
    optimizer.load_state_dict(own)


@final
class ShortAdam:
    """Adam in float32, in two calls: the arithmetic is torch's own kernel, the way to it is ours.

    torch sorts the tensors anew in each step and counts the steps of each by itself: of 0.53 ms a step of
    chapter 13.4's network on a CPU 0.26 are left. And whoever makes one of torch's own optimisers imports
    torch's compiler, which takes a quarter of the time to the first picture. State and state dicts are
    torch's. A step can be recorded and replayed on CUDA; a group's "lr" is then a tensor on the device.
    """

    _step_supports_amp_scaling = True  # looks at `found_inf`, as torch's own fused ones do

    def __init__(self, params: Sequence[Tensor], lr: float) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(params), "lr": lr, **_ADAM}]
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self.found_inf: Tensor | None = None  # see `Mask`
        self.grad_scale: Tensor | None = None
        self._moved: tuple[int, ...] = ()  # which weights `_lists` are of
        self._lists: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
        self._counts: list[Tensor] = []  # each that is in the lists, once

    @torch.no_grad()
    def step(self) -> None:
        group = self.param_groups[0]
        params = [p for p in group["params"] if p.grad is not None]
        if not params:
            return
        if tuple(map(id, params)) != self._moved:
            self._gather(params)
        means, squares, counts = self._lists
        beta1, beta2 = group["betas"]
        for count in self._counts:
            count.add_(1.0)
        torch._fused_adam_(
            params,
            [p.grad for p in params],
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
            grad_scale=self.grad_scale,
            found_inf=self.found_inf,
        )
        if self.found_inf is not None:
            for count in self._counts:
                count.sub_(self.found_inf)  # a masked step does not count

    def _gather(self, params: list[Tensor]) -> None:
        """Lay the lists out for the kernel. Weights that have always moved together share one count."""
        for state in self.state.values():
            state["step"] = state["step"].clone()
        for p in params:
            if p not in self.state:
                self.state[p] = {
                    "step": torch.zeros((), device=p.device),
                    "exp_avg": torch.zeros_like(p),
                    "exp_avg_sq": torch.zeros_like(p),
                }
        states = [self.state[p] for p in params]
        shared: dict[float, Tensor] = {}
        for state in states:
            state["step"] = shared.setdefault(float(state["step"]), state["step"])
        means, squares, counts = ([state[name] for state in states] for name in _MOMENTS)
        self._lists, self._counts = (means, squares, counts), list(shared.values())
        self._moved = tuple(map(id, params))

    def tensors(self) -> list[Tensor]:
        """Its state, all that a step changes of it."""
        return [value for values in self.state.values() for value in values.values()]

    def state_dict(self) -> dict[str, Any]:
        """As torch's, each weight with a count of its own."""
        group = self.param_groups[0]
        params = group["params"]
        return {
            "state": {
                i: self.state[p] | {"step": self.state[p]["step"].clone()}
                for i, p in enumerate(params)
                if p in self.state
            },
            "param_groups": [group | {"params": list(range(len(params)))}],
        }

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """As torch's: the state is in other tensors afterwards."""
        params = self.param_groups[0]["params"]
        (group,) = state_dict["param_groups"]
        self.param_groups = [group | {"params": params}]
        self.state = {
            params[i]: {
                name: value.detach().to(params[i].device, torch.float32, copy=True)
                for name, value in values.items()
            }
            for i, values in state_dict["state"].items()
        }
        self._moved = ()


class Mask:
    """Keeps updates away from the weights from the first step on that was not finite, without a sync.

    Fused optimisers look at `found_inf`, as under `torch.amp.GradScaler`, and skip the update on the
    device. What they do not cover (weights under other optimisers, buffers such as BatchNorm's running
    means, which the forward pass itself writes) is kept aside and put back.
    """

    def __init__(self, optimizer: Optimizer, params: Sequence[Tensor], buffers: Sequence[Tensor]) -> None:
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

    def tensors(self) -> list[Tensor]:
        """All that a step changes of it."""
        return [self._health, self._found, *(kept for _, kept in self._guarded)]

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
