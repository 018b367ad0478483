"""Records what a torch function does as ATen operations, below autograd: a backward pass inside it too.

A tensor is recognised by the memory it lies in, its offset, shape and strides. So ``detach`` and the copies
of tensors that autograd makes are the tensors they come from, and what an in-place operation writes is seen
by every view.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from vaewidgets.adapters.thread_mode import ThreadMode
from vaewidgets.graphs.places import FunctionNames, Place, Places
from vaewidgets.graphs.schemas import Overload, filled, schema_of

Kind = Literal["input", "named", "constant", "draw", "result"]
_LEAVES_TORCH = frozenset({"numpy", "__array__", "tolist"})
_LEAVES_BELOW = frozenset({"_local_scalar_dense", "equal", "nonzero", "masked_select", "is_nonzero"})


@dataclass(frozen=True)
class Ref:
    """A tensor of a recording: a row of `Recording.values`."""

    id: int


@dataclass(frozen=True)
class Value:
    """One tensor: how it came about, and where it lies; views of one memory have the same `memory`."""

    kind: Kind
    tensor: Tensor  # constants: as they were when first seen
    memory: int
    name: str = ""  # of a parameter or buffer; the kind of a draw
    place: Place | None = None  # of a draw


@dataclass(frozen=True)
class Operation:
    """One ATen operation with all arguments of its schema; `writes` are the tensors it changes."""

    overload: Overload
    args: tuple[Any, ...]
    outs: tuple[int | None, ...]
    place: Place
    writes: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Name without the overload, such as ``add``."""
        return schema_of(self.overload).name

    @property
    def reads(self) -> Iterator[int]:
        """Tensors among the arguments."""
        return (leaf.id for leaf in leaves(self.args) if isinstance(leaf, Ref))


def leaves(value: Any) -> Iterator[Any]:
    """Everything inside nested lists and tuples."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def map_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """Apply `change` to everything inside nested lists and tuples."""
    if isinstance(value, (list, tuple)):
        items = [map_leaves(item, change) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return change(value)


class Recorder(ThreadMode):
    """Records all operations while it is entered.

    Parameters
    ----------
    inputs : sequence of Tensor
        Tensors that the program takes.
    named : mapping of str to Tensor
        Parameters and buffers; others that the function brings along are constants.
    places : Places
        Says where an operation was called.
    rewrite : callable
        ``rewrite(overload, args)`` gives a function that does the same by other operations, or None.
    warned : set of str
        What has been warned of; each is warned of once.
    """

    def __init__(
        self,
        inputs: Sequence[Tensor],
        named: Mapping[str, Tensor],
        *,
        places: Places,
        rewrite: Callable[[Overload, Sequence[Any]], Callable[..., Any] | None],
        warned: set[str] | None = None,
    ) -> None:
        super().__init__()
        self.values: list[Value] = []
        self.operations: list[Operation] = []
        self.last = Place(places.root)
        self.picked: Place | None = None
        self._places, self._rewrite = places, rewrite
        self._warned: set[str] = set() if warned is None else warned
        self._generator = torch.Generator().manual_seed(0)  # the user's random stream stays untouched
        self._paused = False
        self._memories: dict[int, int] = {}
        self._ids: dict[tuple[Any, ...], int] = {}
        self._depends: dict[int, int] = {}  # memory: 0 on nothing, 1 on parameters, 2 on the input
        self._alive: list[Tensor] = []  # so that no memory is used twice
        self.inputs = [self._new("input", tensor, depends=2) for tensor in inputs]
        for name, tensor in named.items():
            if self._key(tensor) not in self._ids:
                self._new("named", tensor, name=name, depends=1)

    def watch(self) -> FunctionNames:
        """A mode to enter before this one: names of torch functions, and what leaves torch."""
        return FunctionNames(self._places, _LEAVES_TORCH, self._leaves_torch)

    def refer(self, tensor: Tensor) -> Ref:
        """Find the row of a tensor; one never seen before is a constant, or a view made out of sight."""
        known = self._ids.get(self._key(tensor))
        if known is not None:
            return Ref(known)
        memory = self._memories.get(_address(tensor))
        if memory is None:
            return Ref(self._new("constant", tensor))
        base = next(i for i, value in enumerate(self.values) if value.memory == memory)
        view = self._new("result", tensor)
        shape, strides, offset = list(tensor.shape), list(tensor.stride()), int(tensor.storage_offset())
        overload = torch.ops.aten.as_strided.default
        args = (Ref(base), shape, strides, offset)
        self.operations.append(Operation(overload, args, (view,), self._places.now("as_strided")))
        return Ref(view)

    def draw(self, kind: Literal["normal", "uniform"], shape: Sequence[int]) -> Tensor:
        """A new random tensor that the program asks its caller for."""
        make = torch.randn if kind == "normal" else torch.rand
        with self.paused():
            tensor = make(tuple(shape), generator=self._generator)
        self._new("draw", tensor, name=kind, depends=2, place=self._places.now(kind))
        return tensor

    def note_pick(self) -> None:
        """Keep the place of ``x[mask]``, which is recorded as if the mask were full."""
        self.picked = self.picked or self._places.now("index")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is recorded inside; tensors that are made there are constants."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def depends_on_input(self, tensor: Tensor) -> bool:
        """Whether a tensor comes from an input or a draw."""
        return self._level(tensor) == 2

    def __torch_dispatch__(
        self, func: Overload, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if self._paused:
            return func(*args, **(kwargs or {}))
        given = filled(func, args, kwargs or {})
        change = self._rewrite(func, given)
        if change is not None:
            with self:
                return change(self, *given)
        schema = schema_of(func)
        self.last = self._places.now(schema.name)
        noted = map_leaves(given, self._noted)
        result = func(*args, **(kwargs or {}))
        if schema.name in _LEAVES_BELOW:
            self._leaves_torch(self._places.function or schema.name, [t for t in given if _is_tensor(t)])
        outs = list(result) if isinstance(result, (list, tuple)) else [result]
        written = [given[i] for i in schema.writes(given)]
        func = schema.view or func
        if written or any(isinstance(item, Tensor) for item in outs):
            self._note(func, noted, [t for t in leaves(written) if _is_tensor(t)], outs)
        return result

    def _noted(self, leaf: Any) -> Any:
        if isinstance(leaf, Tensor):
            return self.refer(leaf)
        return None if isinstance(leaf, torch.device) else leaf  # the page has one

    def _note(self, func: Overload, args: Any, written: list[Tensor], outs: list[Any]) -> None:
        depends = max((self._depends[self.values[ref.id].memory] for ref in _refs(args)), default=0)
        writes = tuple(self.refer(tensor).id for tensor in written)
        for i in writes:
            self._depends[self.values[i].memory] = max(depends, self._depends[self.values[i].memory])
        ids: list[int | None] = []
        is_new = bool(writes)
        for item in outs:
            known = self._ids.get(self._key(item)) if isinstance(item, Tensor) else None
            if known is None and isinstance(item, Tensor):
                known, is_new = self._new("result", item, depends=depends), True
            ids.append(known)
        if is_new:  # a view that is the tensor itself is nothing
            self.operations.append(Operation(func, tuple(args), tuple(ids), self.last, writes))

    def _leaves_torch(self, name: str, tensors: list[Tensor]) -> None:
        level = max(map(self._level, tensors), default=0)
        if level == 0 or name == "one_hot":  # which only checks the range of the classes
            return
        source = "the data" if level == 2 else "a parameter"
        effect = "what follows from it (an `if`, a loop, a number) stays as it was for one example image"
        if level == 1:
            effect = "it stays as it was when the model was traced"
        text = f"{self._places.now(name)}: a Python value is taken from {source} ({name})"
        if text not in self._warned:
            self._warned.add(text)
            warnings.warn(f"{text}; in the page {effect}.", UserWarning, stacklevel=2)

    def _level(self, tensor: Tensor) -> int:
        memory = self._memories.get(_address(tensor))
        return 0 if memory is None else self._depends[memory]

    def _key(self, tensor: Tensor) -> tuple[Any, ...]:
        return _address(tensor), tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype

    def _new(
        self, kind: Kind, tensor: Tensor, *, name: str = "", depends: int = 0, place: Place | None = None
    ) -> int:
        memory = self._memories.setdefault(_address(tensor), len(self._memories))
        self._depends[memory] = max(depends, self._depends.get(memory, 0))
        self._alive.append(tensor)
        kept = tensor.detach().clone() if kind == "constant" else tensor
        self.values.append(Value(kind, kept, memory, name, place))
        self._ids[self._key(tensor)] = len(self.values) - 1
        return len(self.values) - 1


def _refs(args: Any) -> list[Ref]:
    return [leaf for leaf in leaves(args) if isinstance(leaf, Ref)]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _address(tensor: Tensor) -> int:
    storage = tensor.untyped_storage()
    return storage.data_ptr() or storage._cdata
