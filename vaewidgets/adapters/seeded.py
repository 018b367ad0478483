"""Random numbers of our own, while a model of somebody's draws from torch's global generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor

from vaewidgets.adapters.thread_mode import ThreadMode

_aten = torch.ops.aten


@final
class seeded(ThreadMode):
    """In this ``with`` block the calling thread draws as after ``torch.manual_seed(seed)``.

    The global generators are neither used nor set: a training loop in another thread, which draws from them
    meanwhile, gets the numbers that it would have got.

    Parameters
    ----------
    seed : int

    Notes
    -----
    Operations that take no generator on any way, fused attention with dropout on a GPU, use the global one.
    """

    supports_higher_order_operators = True

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        has_own = any(isinstance(one, torch.Generator) for one in (*args, *kwargs.values()))
        if has_own or torch.Tag.nondeterministic_seeded not in getattr(func, "tags", ()):
            return func(*args, **kwargs)
        device = _device_of(args, kwargs)
        if device.type == "meta":  # has no values, and no generators
            return func(*args, **kwargs)
        generator = self._generator(device)
        name = func.overloadpacket.__name__
        if name in _WITHOUT_GENERATOR:
            return _WITHOUT_GENERATOR[name](generator, *args, **kwargs)
        func = _WITH_GENERATOR.get(func, func)
        if any(argument.name == "generator" for argument in func._schema.arguments):
            kwargs = {**kwargs, "generator": generator}
        return func(*args, **kwargs)

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[device]


def _device_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.device:
    tensor = next((one for one in args if isinstance(one, Tensor)), None)
    return torch.device(kwargs.get("device") or (tensor.device if tensor is not None else "cpu"))


def _normal_like(generator: torch.Generator, x: Tensor, **options: Any) -> Tensor:
    return _aten.empty_like(x, **options).normal_(generator=generator)


def _uniform_like(generator: torch.Generator, x: Tensor, **options: Any) -> Tensor:
    return _aten.empty_like(x, **options).uniform_(generator=generator)


def _whole_like(generator: torch.Generator, x: Tensor, *bounds: int, **options: Any) -> Tensor:
    low, high = (0, *bounds)[-2:]
    return _aten.empty_like(x, **options).random_(int(low), int(high), generator=generator)


def _dropout(generator: torch.Generator, x: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    keep = 1 - p if train is None or train else 1.0
    mask = torch.empty_like(x, dtype=torch.bool).bernoulli_(keep, generator=generator)
    return x * mask / keep if keep else torch.zeros_like(x), mask


# What has another form that takes a generator, and what is put together from operations that take one.
_WITH_GENERATOR = {
    _aten.rand.default: _aten.rand.generator,
    _aten.randn.default: _aten.randn.generator,
    _aten.randint.default: _aten.randint.generator,
    _aten.randint.low: _aten.randint.low_generator,
    _aten.randperm.default: _aten.randperm.generator,
}
_WITHOUT_GENERATOR: dict[str, Callable[..., Any]] = {
    "randn_like": _normal_like,
    "rand_like": _uniform_like,
    "randint_like": _whole_like,
    "native_dropout": _dropout,
}
