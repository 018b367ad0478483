"""The network that travels to the page, how it is filled with fresh weights, and how torch runs it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vaewidgets.adapters import named_tensors
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.contract import sections
from vaewidgets.contract.packing import pack
from vaewidgets.errors import PortableError, ShapeError
from vaewidgets.graphs.batch import Recording, Size, at
from vaewidgets.graphs.half import halved
from vaewidgets.graphs.page_form import encoded, in_page
from vaewidgets.graphs.recorder import Operation, Ref, Value, map_leaves
from vaewidgets.graphs.schemas import schema_of

Precision = Literal["f16", "f32"]
Dim = int | Size
_EXACT_IN_HALF = 2048  # whole numbers up to this one survive half precision


@dataclass(frozen=True)
class Stored:
    """A tensor that travels with the network: a parameter or buffer by its name, or a constant."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    value: Tensor | None = None

    def read(self, named: Mapping[str, Tensor]) -> Tensor:
        """Take the tensor from a module's, or the constant."""
        if self.value is not None:
            return self.value
        if self.name not in named:
            raise PortableError(
                f"the module has no parameter or buffer {self.name!r}, which the recorded "
                "network needs. Pass the model that it was traced from (or a copy), or trace this one."
            )
        tensor = named[self.name].detach()
        if tuple(tensor.shape) != self.shape:
            raise PortableError(
                f"{self.name} has shape {tuple(tensor.shape)}; the recorded network has {self.shape}. "
                "The model's layers have changed: trace it again."
            )
        return tensor


@dataclass(frozen=True)
class Op:
    """One operation of the page: the name, all arguments, and the numbers of its results."""

    name: str
    args: tuple[Any, ...]
    outs: tuple[int | None, ...]


@dataclass(frozen=True, repr=False, eq=False)
class Network:
    """A recorded torch function: ATen operations, and the tensors that they read.

    Attributes
    ----------
    inputs : tuple of tuple
        Shape of each input; the batch axis depends on the batch size.
    optional : int
        How many of the last inputs may be left out: 0 then.
    tensors : tuple of Stored
        Parameters, buffers and constants.
    draws : tuple of (str, tuple)
        Kind ("normal" or "uniform") and shape of each random tensor that it asks its caller for.
    operations : tuple of Operation
        In the order in which they run. Inputs, tensors and draws are the first of the tensors they refer to.
    outputs : tuple of int
        Tensors that it returns.
    output_shapes : tuple of tuple of int
        Shape of each output, without the batch axis.
    weights : ndarray, float32, shape (n,)
        The tensors one after the other, as they were when the model was recorded; `refresh` reads newer ones.
    precision : str
        "f16" or "f32": how the weights travel.
    reason : str
        Why it runs for one image at a time; empty where it takes any batch.
    """

    inputs: tuple[tuple[Dim, ...], ...]
    optional: int
    tensors: tuple[Stored, ...]
    draws: tuple[tuple[str, tuple[Dim, ...]], ...]
    operations: tuple[Operation, ...]
    ops: tuple[Op, ...]
    outputs: tuple[int, ...]
    output_shapes: tuple[tuple[int, ...], ...]
    weights: NDArray[np.float32]
    precision: Precision = "f16"
    reason: str = ""

    def __repr__(self) -> str:
        sizes = ", ".join(str(_size(shape)) for shape in self.inputs)
        shapes = ", ".join(str(shape) for shape in self.output_shapes)
        names = ", ".join(op.name for op in self.ops)
        return f"Network({sizes} → {shapes}: {names}; {self.weights.size:,} weights)"

    def as_dict(self) -> sections.Graph:
        """The network as the page takes it, with the weights it was recorded with."""
        return self._dict([torch.from_numpy(self.weights)])

    def without_weights(self) -> Network:
        """The operations alone, for `refresh`."""
        return replace(self, weights=np.zeros(0, np.float32))

    def refresh(self, module: nn.Module) -> sections.Graph:
        """`as_dict` with the weights that `module` has now; nothing is recorded again.

        Parameters
        ----------
        module : nn.Module
            The model that was recorded, or a copy of it, on any device. Weights beyond ±65504 are clipped
            where they travel in half precision.

        Raises
        ------
        PortableError
            If a parameter is missing or has another shape.
        """
        return self._dict(self.read(module))

    def read(self, module: nn.Module) -> list[Tensor]:
        """Tensors of the network, in order, as `module` has them now."""
        named = named_tensors(module, remove_duplicate=False)
        return [stored.read(named) for stored in self.tensors]

    def run(self, *inputs: Any, half: bool = False, draws: Sequence[Tensor] = ()) -> tuple[NDArray[Any], ...]:
        """Run in torch, as the page does: the reference for tests.

        Parameters
        ----------
        *inputs : array_like, shape (B, ...)
            One for each input, of any shape that holds its numbers; the `optional` last may be left out.
        half : bool
            Round the weights to half precision first, as the page gets them.
        draws : sequence of Tensor
            One for each draw.

        Returns
        -------
        tuple of ndarray, each of shape (B, n)
            One for each output.
        """
        if not len(self.inputs) - self.optional <= len(inputs) <= len(self.inputs):
            raise ShapeError(f"run() got {len(inputs)} inputs; this network takes {len(self.inputs)}.")
        given = [torch.as_tensor(np.asarray(x), dtype=torch.float32) for x in inputs]
        size = _size(self.inputs[0])
        if given[0].numel() == 0 or given[0].numel() % size:
            raise ShapeError(
                f"run() got an input of shape {tuple(given[0].shape)}; it takes {size} values an image."
            )
        batch = given[0].numel() // size
        if isinstance(self.inputs[0][0], Size):
            parts = [self._run_batch(given, batch, half=half, draws=draws)]
        else:
            rows = list(zip(*(x.reshape(batch, -1) for x in given), strict=True))
            parts = [self._run_batch(row, 1, half=half, draws=draws) for row in rows]
            parts = [[out.reshape(1, -1) for out in outs] for outs in parts]
        return tuple(torch.cat(outs).reshape(batch, -1).numpy() for outs in zip(*parts, strict=True))

    def _run_batch(
        self, given: Sequence[Tensor], batch: int, *, half: bool, draws: Sequence[Tensor]
    ) -> list[Tensor]:
        shapes = [tuple(int(at(n, batch)) for n in shape) for shape in self.inputs]
        inputs = [x.reshape(shape) for x, shape in zip(given, shapes, strict=False)]
        inputs += [torch.zeros(shape) for shape in shapes[len(given) :]]
        return self.replay(inputs, self._stored(half=half), draws)

    def _stored(self, *, half: bool) -> list[Tensor]:
        flat = torch.from_numpy(self.weights)
        flat = halved(flat).float() if half and self.precision == "f16" else flat
        parts = flat.split([math.prod(stored.shape) for stored in self.tensors])
        return [part.reshape(s.shape).to(s.dtype) for part, s in zip(parts, self.tensors, strict=True)]

    def replay(
        self, inputs: Sequence[Tensor], tensors: Sequence[Tensor], draws: Sequence[Tensor] = ()
    ) -> list[Tensor]:
        """Run the operations in torch on tensors; those that it writes in place are changed.

        Every result that is no view is contiguous, as in the page.
        """
        known = dict(enumerate([*inputs, *tensors, *draws]))
        batch = next((int(x.shape[0]) for x, shape in zip(inputs, self.inputs, strict=True) if shape), 1)

        def fill(leaf: Any) -> Any:
            return known[leaf.id] if isinstance(leaf, Ref) else at(leaf, batch)

        with restored_modes(), torch.no_grad():
            for operation in self.operations:
                args = map_leaves(operation.args, fill)
                for out, result in zip(operation.outs, _called(operation, args), strict=True):
                    if out is not None and out not in known:
                        known[out] = result
        return [known[i] for i in self.outputs]

    def _dict(self, parts: Sequence[Tensor]) -> sections.Graph:
        flat = halved(*parts) if self.precision == "f16" else _single(parts)
        return {
            "inputs": [encoded(list(shape)) for shape in self.inputs],
            "optional": self.optional,
            "tensors": [[stored.name, list(stored.shape)] for stored in self.tensors],
            "weights": pack(flat.numpy(), self.precision),
            "draws": [[kind, encoded(list(shape))] for kind, shape in self.draws],
            "ops": [[op.name, list(op.args), list(op.outs)] for op in self.ops],
            "outputs": list(self.outputs),
        }


def _size(shape: Sequence[Dim]) -> int:
    """How many numbers of an input are one image's."""
    return math.prod(int(n) for n in shape[1:] if not isinstance(n, Size))


def _single(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.detach().reshape(-1).float().cpu() for part in parts] or [torch.zeros(0)])


def _called(operation: Operation, args: Any) -> list[Any]:
    """Call one operation of a replay; as in the page, a new result is contiguous, and a view may copy."""
    positional, named = schema_of(operation.overload).split(args)
    if operation.name in ("view", "_unsafe_view"):
        return [positional[0].reshape(positional[1])]
    result = operation.overload(*positional, **named)
    outs = list(result) if isinstance(result, (list, tuple)) else [result]
    if operation.writes:
        return outs
    memories = {x.untyped_storage().data_ptr() for x in positional if isinstance(x, Tensor)}
    return [
        x.contiguous() if isinstance(x, Tensor) and x.untyped_storage().data_ptr() not in memories else x
        for x in outs
    ]


def assembled(
    recording: Recording,
    *,
    module: nn.Module | None,
    optional: int = 0,
    precision: Precision = "f16",
    every_tensor: bool = False,
    reason: str = "",
) -> Network:
    """Number the tensors of a recording for the page and read the weights of `module`."""
    values = recording.values
    used = {i for operation in recording.operations for i in operation.reads} | set(recording.outputs)
    named = [i for i, v in enumerate(values) if v.kind == "named" and (every_tensor or i in used)]
    constants = [i for i, v in enumerate(values) if v.kind == "constant" and i in used]
    draws = [i for i, v in enumerate(values) if v.kind == "draw" and i in used]
    order = [*recording.inputs, *named, *constants, *draws]
    order += _results(recording, used, set(order))
    ids = {old: new for new, old in enumerate(order)}
    operations = tuple(_renumbered(operation, ids) for operation in recording.operations)
    stored = [_stored(values[i], k) for k, i in enumerate([*named, *constants])]
    network = Network(
        inputs=tuple(recording.shapes[i] for i in recording.inputs),
        optional=optional,
        tensors=tuple(stored),
        draws=tuple((values[i].name, recording.shapes[i]) for i in draws),
        operations=operations,
        ops=tuple(_op(operation, [values[i].tensor.dtype for i in order]) for operation in operations),
        outputs=tuple(ids[i] for i in recording.outputs),
        output_shapes=tuple(tuple(values[i].tensor.shape[1:]) for i in recording.outputs),
        weights=np.zeros(0, np.float32),
        precision=precision,
        reason=reason,
    )
    tensors = network.read(module) if module is not None else [s.value for s in stored if s.value is not None]
    if any(_is_beyond_half(tensor) for tensor in tensors):
        network = replace(network, precision="f32")
    return replace(network, weights=_single(tensors).numpy())


def _is_beyond_half(tensor: Tensor) -> bool:
    """Whether it holds whole numbers, such as indices, that half precision would round."""
    whole = not tensor.is_floating_point() and tensor.dtype != torch.bool and tensor.numel() > 0
    return whole and int(tensor.abs().max()) > _EXACT_IN_HALF


def _results(recording: Recording, used: set[int], before: set[int]) -> list[int]:
    found: dict[int, None] = {}
    for operation in recording.operations:
        found.update((i, None) for i in operation.outs if i is not None and i in used and i not in before)
    return list(found)


def _renumbered(operation: Operation, ids: Mapping[int, int]) -> Operation:
    args = map_leaves(operation.args, lambda leaf: Ref(ids[leaf.id]) if isinstance(leaf, Ref) else leaf)
    outs = tuple(ids.get(i) if i is not None and i not in operation.writes else None for i in operation.outs)
    return replace(operation, args=args, outs=outs, writes=tuple(ids[i] for i in operation.writes))


def _stored(value: Value, position: int) -> Stored:
    tensor = value.tensor
    name = value.name or f"constant {position}"
    return Stored(name, tuple(tensor.shape), tensor.dtype, None if value.name else tensor)


def _op(operation: Operation, dtypes: Sequence[torch.dtype]) -> Op:
    name, args = in_page(operation, dtypes)
    return Op(name, tuple(encoded(list(args))), operation.outs)
