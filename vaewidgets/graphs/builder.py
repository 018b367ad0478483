"""The few operations that the page runs, and how a network of them is put together.

Every register of the page is one image's (or latent point's) values, flat in C order. What only moves
values about is judged by what it does to an array of positions (see reindexing.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaewidgets.graphs.record import Constant, Environment, Register


class Unsupported(Exception):
    """Why a call has no counterpart in the page; the caller knows its name and place."""


@dataclass(frozen=True)
class Weight:
    """A block of weights: how to compute it from the parameters, and how many numbers it has."""

    compute: Callable[[Environment], Tensor]
    size: int


@dataclass(frozen=True)
class Step:
    """One operation of the page; attributes are plain numbers, lists of them, None or `Weight`."""

    op: str
    inputs: tuple[int, ...]
    out: int
    attributes: Mapping[str, Any]


class Builder:
    """Collects the steps of the page's network; the first registers are the inputs."""

    def __init__(self, inputs: Sequence[Register]) -> None:
        self.steps: list[Step] = []
        self._next = len(inputs)
        self._ids = {register.index: i for i, register in enumerate(inputs)}

    def bind(self, registers: Sequence[Register], ids: Sequence[int]) -> None:
        """Say which numbers stand for recorded registers."""
        self._ids.update((register.index, i) for register, i in zip(registers, ids, strict=True))

    def id_of(self, register: Register) -> int:
        """Number, in the page, of a recorded register."""
        return self._ids[register.index]

    def emit(self, op: str, *inputs: int, **attributes: Any) -> int:
        out = self._next
        self._next += 1
        self.steps.append(Step(op, inputs, out, attributes))
        return out

    def register(self, value: Any) -> int:
        """Number of an operand that must depend on the input."""
        if not isinstance(value, Register):
            raise Unsupported("its first operand does not depend on the input")
        return self.id_of(value)

    def scale_shift(self, x: int, scale: float = 1.0, shift: float = 0.0) -> int:
        """``x * scale + shift`` with plain numbers; none at all if nothing changes."""
        if scale == 1.0 and shift == 0.0:
            return x
        return self.emit("scale_shift", x, scale=float(scale), shift=float(shift))

    def linear(self, x: Register, w: Weight, b: Weight | None, n_in: int, n_out: int) -> int:
        """``W x + b`` for one vector."""
        if math.prod(x.shape) != n_in:
            raise Unsupported(
                f"it is applied to {math.prod(x.shape) // max(n_in, 1)} vectors of one image at once, "
                f"shape {x.shape}; the page applies it to one"
            )
        return self.emit("linear", self.id_of(x), w=w, b=b, in_features=n_in, out_features=n_out)

    def constant(self, value: Constant) -> int:
        n = math.prod(value.shape)
        return self.emit("constant", w=Weight(lambda env: env.value(value), n), n=n)

    def affine(self, x: Register, scale: Constant | None, shift: Constant | None, sign: float = 1.0) -> int:
        """``x * scale + sign * shift`` with one broadcast constant and the other absent."""
        constant = scale if scale is not None else shift
        assert constant is not None
        total = math.prod(x.shape)
        shape = torch.broadcast_shapes(x.shape, constant.shape)
        if math.prod(shape) != total:
            raise Unsupported(f"it enlarges {x.shape} to fit a constant of shape {constant.shape}")
        # one number for all that lie behind the constant's last axis, such as the pixels of a channel
        behind = 0
        while behind < len(shape) and constant.shape[-behind - 1 :][:1] in {(), (1,)}:
            behind += 1
        inner = math.prod(shape[len(shape) - behind :])
        n = total // inner

        def values(environment: Environment) -> Tensor:
            value = environment.value(constant)
            return value.expand(shape).reshape(n, inner)[:, 0]

        def ones(environment: Environment) -> Tensor:
            return torch.ones_like(values(environment))

        def zeros(environment: Environment) -> Tensor:
            return torch.zeros_like(values(environment))

        parts = (values, zeros) if scale is not None else (ones, lambda env: sign * values(env))
        return self.emit(
            "affine",
            self.id_of(x),
            scale=Weight(parts[0], n),
            shift=Weight(parts[1], n),
            n=n,
            inner=inner,
        )

    def fragment(self, x: int, total: int, start: int, stop: int) -> int:
        """Values `start` to `stop` of `x`."""
        return x if (start, stop) == (0, total) else self.emit("slice", x, start=start, stop=stop)
