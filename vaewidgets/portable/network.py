"""The network that travels to the page, how to fill it with fresh weights, and a reference that runs it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vaewidgets.errors import PortableError, ShapeError
from vaewidgets.packing import pack
from vaewidgets.portable.builder import Step, Weight
from vaewidgets.portable.record import Environment, named_tensors

__all__ = ["Network", "Op", "assemble"]

_HALF_MAX = 65504.0
_UNSHARED = 32768  # torch's grain: elementwise work of this size stays in one thread
_Array = NDArray[np.float64]


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
        Flat size of each input, ``((d,),)``.
    outputs : tuple of int
        Registers that hold the outputs.
    output_shapes : tuple of tuple of int
        Shape of each output in torch, without the batch axis.
    ops : tuple of Op
        In the order in which they run; register 0 is the input.
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
        return f"Network({self.inputs[0][0]} → {shapes}: {names}; {self.weights.size:,} weights)"

    def as_dict(self) -> dict[str, Any]:
        """The network as the page takes it, with the weights it was traced with, in half precision."""
        return self._dict(_halved(torch.from_numpy(self.weights)))

    def refresh(self, module: nn.Module) -> dict[str, Any]:
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
        return self._dict(_halved(*self._parts(module)))

    def run(self, x: NDArray[Any], *, half: bool = False) -> tuple[NDArray[np.float64], ...]:
        """Run in numpy, in double precision: the reference for tests.

        Parameters
        ----------
        x : ndarray, shape (B, ...) or (d,)
            Inputs, flattened to ``(B, d)``.
        half : bool
            Round the weights to half precision first, as the page gets them.

        Returns
        -------
        tuple of ndarray, each of shape (B, n)
            One for each output.
        """
        size = self.inputs[0][0]
        values = np.asarray(x, dtype=np.float64)
        if values.size == 0 or values.size % size:
            raise ShapeError(f"run() got an input of shape {values.shape}; it takes {size} values an image.")
        stored = torch.from_numpy(self.weights)
        weights = (_halved(stored) if half else stored).double().numpy()
        registers: dict[int, _Array] = {0: values.reshape(-1, size)}
        for op in self.ops:
            registers[op.out] = _apply(op, [registers[i] for i in op.inputs], weights)
        return tuple(registers[i] for i in self.outputs)

    def _parts(self, module: nn.Module) -> list[Tensor]:
        """The weight blocks, each flat, on the module's device."""
        environment = Environment(self._constants, named_tensors(module))
        with torch.no_grad():
            return [block.compute(environment).detach().reshape(-1) for block in self._blocks]

    def _dict(self, half: Tensor) -> dict[str, Any]:
        return {
            "inputs": [list(shape) for shape in self.inputs],
            "outputs": list(self.outputs),
            "ops": [op.as_dict() for op in self.ops],
            "weights": pack(half.numpy(), "f16"),
        }


def assemble(
    steps: list[Step],
    outputs: list[int],
    *,
    input_size: int,
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
        inputs=((input_size,),),
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


def _halved(*parts: Tensor) -> Tensor:
    """All parts in one half-precision tensor on the CPU.

    On the CPU it goes by pieces too small for torch to share out among threads: waking those takes
    milliseconds while a training thread keeps them busy, the conversion itself a fraction of one.
    """
    if any(part.device.type != "cpu" for part in parts):
        return torch.cat([part.float().clamp(-_HALF_MAX, _HALF_MAX).half() for part in parts]).cpu()
    out = torch.empty(sum(part.numel() for part in parts), dtype=torch.float16)
    start = 0
    for part in parts:
        for piece in part.cpu().split(_UNSHARED):
            out[start : start + len(piece)] = piece.clamp(-_HALF_MAX, _HALF_MAX)
            start += len(piece)
    return out


def _apply(op: Op, x: list[_Array], weights: _Array) -> _Array:
    """One operation on arrays of shape (B, n)."""
    a = op.attributes
    if op.op == "linear":
        n_in, n_out = a["in_features"], a["out_features"]
        matrix = weights[a["w"] : a["w"] + n_in * n_out].reshape(n_out, n_in)
        shift = 0.0 if a["b"] is None else weights[a["b"] : a["b"] + n_out]
        return np.asarray(x[0] @ matrix.T + shift)
    if op.op == "affine":
        scale, shift = (np.repeat(weights[a[k] : a[k] + a["n"]], a["inner"]) for k in ("scale", "shift"))
        return np.asarray(x[0] * scale + shift)
    if op.op == "scale_shift":
        return x[0] * a["scale"] + a["shift"]
    if op.op == "slice":
        return x[0][:, a["start"] : a["stop"]]
    if op.op in ("add", "sub", "mul"):
        return {"add": np.add, "sub": np.subtract, "mul": np.multiply}[op.op](x[0], x[1])
    with np.errstate(over="ignore"):
        return _activate(op, x[0])


def _activate(op: Op, x: _Array) -> _Array:
    a = op.attributes
    if op.op == "gelu" and a["approximate"] == "none":
        return np.asarray(0.5 * x * (1 + torch.erf(torch.from_numpy(x / math.sqrt(2))).numpy()))
    if op.op == "gelu":
        return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
    functions = {
        "relu": lambda: np.maximum(x, 0),
        "tanh": lambda: np.tanh(x),
        "sigmoid": lambda: 1 / (1 + np.exp(-x)),
        "softplus": lambda: np.logaddexp(0, x),
        "leaky_relu": lambda: np.where(x > 0, x, a["slope"] * x),
        "elu": lambda: np.where(x > 0, x, a["alpha"] * np.expm1(np.minimum(x, 0))),
        "silu": lambda: x / (1 + np.exp(-x)),
        "hardtanh": lambda: np.clip(x, a["lo"], a["hi"]),
        "exp": lambda: np.exp(x),
    }
    return np.asarray(functions[op.op]())
