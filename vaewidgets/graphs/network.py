"""The network that travels to the page, how to fill it with fresh weights, and a reference that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vaewidgets.adapters import named_tensors
from vaewidgets.contract import sections
from vaewidgets.contract.packing import pack
from vaewidgets.errors import PortableError, ShapeError
from vaewidgets.graphs.builder import Step, Weight
from vaewidgets.graphs.record import Environment
from vaewidgets.graphs.reference import Array, apply

_HALF_MAX = 65504.0
_UNSHARED = 32768  # torch's grain: elementwise work of this size stays in one thread


@dataclass(frozen=True)
class Op:
    """One operation: register `out` from registers `inputs`; offsets in `attributes` count weights."""

    op: str
    inputs: tuple[int, ...]
    out: int
    attributes: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as the page reads them."""
        return {"op": self.op, "in": list(self.inputs), "out": self.out, **self.attributes}


@dataclass(frozen=True, repr=False, eq=False)
class Network:
    """A recorded encoder or decoder: operations on flat registers, and weights.

    Attributes
    ----------
    inputs : tuple of tuple of int
        Flat size of each input, ``((d,),)`` for one.
    outputs : tuple of int
        Registers that hold the outputs.
    output_shapes : tuple of tuple of int
        Shape of each output in torch, without the batch axis.
    ops : tuple of Op
        In the order in which they run; the first registers are the inputs.
    weights : ndarray, float32, shape (n,)
        As they were when the model was traced. `refresh` reads newer ones.
    """

    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[int, ...]
    output_shapes: tuple[tuple[int, ...], ...]
    ops: tuple[Op, ...]
    weights: NDArray[np.float32]
    _blocks: tuple[Weight, ...] = field(default=())
    _constants: list[Any] = field(default_factory=list)

    def __repr__(self) -> str:
        shapes = ", ".join(str(shape) for shape in self.output_shapes)
        names = ", ".join(op.op for op in self.ops)
        sizes = ", ".join(str(size) for (size,) in self.inputs)
        return f"Network({sizes} → {shapes}: {names}; {self.weights.size:,} weights)"

    def as_dict(self) -> sections.Network:
        """The network as the page takes it, with the weights it was traced with, in half precision."""
        return self._dict(halved(torch.from_numpy(self.weights)))

    def without_weights(self) -> Network:
        """The operations alone, for `refresh`."""
        return replace(self, weights=np.zeros(0, np.float32))

    def refresh(self, module: nn.Module) -> sections.Network:
        """`as_dict` with the weights that `module` has now; nothing is traced again.

        Parameters
        ----------
        module : nn.Module
            The model that was traced, or a copy of it, on any device. Weights beyond ±65504 are clipped.

        Raises
        ------
        PortableError
            If a parameter is missing or has another shape.
        """
        return self._dict(halved(*self._parts(module)))

    def run(self, *inputs: NDArray[Any], half: bool = False) -> tuple[Array, ...]:
        """Run in numpy, in double precision: the reference for tests.

        Parameters
        ----------
        *inputs : ndarray, shape (B, ...) or (d,)
            One for each input, flattened to ``(B, d)``; those after the first may be left out: 0 then.
        half : bool
            Round the weights to half precision first, as the page gets them.

        Returns
        -------
        tuple of ndarray, each of shape (B, n)
            One for each output.
        """
        if not 1 <= len(inputs) <= len(self.inputs):
            raise ShapeError(f"run() got {len(inputs)} inputs; this network takes {len(self.inputs)}.")
        registers: dict[int, Array] = {}
        left_out = [np.zeros(size) for (size,) in self.inputs[len(inputs) :]]
        for i, (x, (size,)) in enumerate(zip((*inputs, *left_out), self.inputs, strict=True)):
            values = np.asarray(x, dtype=np.float64)
            if values.size == 0 or values.size % size:
                raise ShapeError(
                    f"run() got an input of shape {values.shape}; it takes {size} values an image."
                )
            registers[i] = values.reshape(-1, size)
        stored = torch.from_numpy(self.weights)
        weights = (halved(stored) if half else stored).double().numpy()
        for op in self.ops:
            registers[op.out] = apply(op.op, op.attributes, [registers[i] for i in op.inputs], weights)
        batch = max(len(x) for x in registers.values())  # a constant has one row
        return tuple(np.tile(registers[i], (batch // len(registers[i]), 1)) for i in self.outputs)

    def _parts(self, module: nn.Module) -> list[Tensor]:
        """The weight blocks, each flat, on the module's device."""
        environment = Environment(self._constants, named_tensors(module, remove_duplicate=False))
        with torch.no_grad():
            return [block.compute(environment).detach().reshape(-1) for block in self._blocks]

    def _dict(self, half: Tensor) -> sections.Network:
        return {
            "inputs": [list(shape) for shape in self.inputs],
            "optional": len(self.inputs) - 1,  # those that may be left out: 0 then, such as no class
            "outputs": list(self.outputs),
            "ops": [op.as_dict() for op in self.ops],
            "weights": pack(half.numpy(), "f16"),
        }


def assemble(
    steps: list[Step],
    outputs: list[int],
    *,
    input_sizes: list[int],
    output_shapes: list[tuple[int, ...]],
    constants: list[Any],
    module: nn.Module,
) -> Network:
    """Lay the weight blocks out one after the other and fill them from `module`."""
    blocks: list[Weight] = []
    ops = []
    offset = 0
    for step in steps:
        attributes = dict(step.attributes)
        for name, value in attributes.items():
            if isinstance(value, Weight):
                blocks.append(value)
                attributes[name] = offset
                offset += value.size
        ops.append(Op(step.op, step.inputs, step.out, attributes))
    empty = Network(
        inputs=tuple((size,) for size in input_sizes),
        outputs=tuple(outputs),
        output_shapes=tuple(output_shapes),
        ops=tuple(ops),
        weights=np.zeros(0, np.float32),
        _blocks=tuple(blocks),
        _constants=constants,
    )
    parts = empty._parts(module)
    weights = torch.cat([part.float() for part in parts]).cpu().numpy() if parts else empty.weights
    if weights.size != offset:
        raise PortableError(
            f"the recorded weights hold {weights.size} numbers, not {offset}; this is a fault here."
        )
    return Network(**{**empty.__dict__, "weights": weights})


def halved(*parts: Tensor) -> Tensor:
    """All parts in one flat half-precision tensor on the CPU, clipped to what that holds.

    On the CPU it goes by fragments too small for torch to share out among threads: waking those takes
    milliseconds while a training thread keeps them busy, the conversion itself a fraction of one.
    """
    if any(part.device.type != "cpu" for part in parts):
        return torch.cat(
            [part.reshape(-1).float().clamp(-_HALF_MAX, _HALF_MAX).half() for part in parts]
        ).cpu()
    out = torch.empty(sum(part.numel() for part in parts), dtype=torch.float16)
    start = 0
    for part in parts:
        for fragment in part.reshape(-1).split(_UNSHARED):
            out[start : start + len(fragment)] = fragment.clamp(-_HALF_MAX, _HALF_MAX)
            start += len(fragment)
    return out
