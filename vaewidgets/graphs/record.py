"""Recording one real forward as a list of calls, without imports from the compiler stack.

A `TorchFunctionMode` sees every torch function that the user's code calls. What depends on the input becomes
a `Call`; what depends on parameters alone becomes a constant that can be computed anew from fresh weights.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vaewidgets.adapters import named_tensors
from vaewidgets.errors import PortableError

_RANDOM = frozenset(
    {"bernoulli", "binomial", "cauchy", "exponential", "geometric", "log_normal", "multinomial", "normal"}
    | {"poisson", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "random", "randperm"}
    | {"rrelu", "uniform"}
)
_SHARED = "it works in place on memory that another view shares"
_LEAVES_TORCH = frozenset(
    {
        "item",
        "__bool__",
        "__int__",
        "__float__",
        "__index__",
        "__complex__",
        "__contains__",
        "tolist",
        "numpy",
    }
    | {"__array__", "is_nonzero", "equal", "allclose", "nonzero"}
)


@dataclass(frozen=True)
class Register:
    """A tensor that depends on the input. `shape` still has the batch axis of length 1, if it is there."""

    index: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Constant:
    """A tensor that does not depend on the input: a row of `Recorder.constants`."""

    index: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """One torch function applied to at least one register (or one that cannot be taken, with the reason)."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    outputs: tuple[Register, ...]
    where: str
    problem: str | None = None


@dataclass(frozen=True)
class _Leaf:
    """A parameter or buffer by its name, or (not registered in the module) a tensor that stays as it was."""

    name: str | None
    tensor: Tensor | None


@dataclass(frozen=True)
class _Derived:
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    pick: int | None  # which item, where the function returned several


def map_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """Apply `change` to everything inside nested tuples, lists, dicts and slices."""
    if isinstance(value, (tuple, list)):
        items = [map_leaves(item, change) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {key: map_leaves(item, change) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*(map_leaves(part, change) for part in (value.start, value.stop, value.step)))
    return change(value)


def _leaves(value: Any) -> Iterator[Any]:
    found: list[Any] = []
    map_leaves(value, found.append)
    return iter(found)


def function_name(function: Callable[..., Any]) -> str:
    """`relu` for all of torch.relu, Tensor.relu_, F.relu; the attribute for a property such as `Tensor.T`."""
    name = getattr(function, "__name__", type(function).__name__)
    if name in ("__get__", "__set__"):
        name = getattr(getattr(function, "__self__", None), "__name__", name)
    return name if name.startswith("__") else name.rstrip("_")


class Environment:
    """Values of constants, computed when asked for, from the parameters of one module."""

    def __init__(self, constants: list[_Leaf | _Derived], named: Mapping[str, Tensor]) -> None:
        self._constants = constants
        self._named = named
        self._values: dict[int, Tensor] = {}

    def value(self, constant: Constant) -> Tensor:
        """Compute (once) the constant's value."""
        if constant.index not in self._values:
            value = self._compute(self._constants[constant.index])
            if tuple(value.shape) != constant.shape:
                raise PortableError(
                    f"a weight has shape {tuple(value.shape)}; the recorded network has {constant.shape}. "
                    "The model's layers have changed: trace it again."
                )
            self._values[constant.index] = value
        return self._values[constant.index]

    def _compute(self, entry: _Leaf | _Derived) -> Tensor:
        if isinstance(entry, _Leaf):
            if entry.tensor is not None:
                return entry.tensor
            if entry.name is None or entry.name not in self._named:
                raise PortableError(
                    f"the module has no parameter or buffer {entry.name!r}, which the recorded "
                    "network needs. Pass the model that it was traced from (or a copy), or trace this one."
                )
            return self._named[entry.name]

        def fill(leaf: Any) -> Any:
            return self.value(leaf) if isinstance(leaf, Constant) else leaf

        result = entry.function(*map_leaves(entry.args, fill), **map_leaves(entry.kwargs, fill))
        return result if entry.pick is None else result[entry.pick]


@dataclass(frozen=True)
class _Event:
    """One torch function while it is noted down; `args` and `kwargs` hold references in place of tensors."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    given: list[Tensor]
    changed: list[Tensor]
    result: Any

    @property
    def returned(self) -> list[Any]:
        return list(self.result) if isinstance(self.result, (tuple, list)) else [self.result]

    @property
    def results(self) -> list[Tensor]:
        return [item for item in self.returned if isinstance(item, Tensor)]


@dataclass
class _ModuleStack:
    """Which submodule is running, so that a layer can be named."""

    root: str
    entries: list[tuple[str, nn.Module]] = field(default_factory=list)

    handles: list[Any] = field(default_factory=list)

    def watch(self, module: nn.Module) -> None:
        for name, child in module.named_modules():
            if isinstance(child, torch.jit.ScriptModule):
                continue  # takes no Python hooks
            self.handles.append(child.register_forward_pre_hook(self._enter(name)))
            self.handles.append(child.register_forward_hook(self._leave, always_call=True))

    def _enter(self, name: str) -> Callable[..., None]:
        return lambda module, _args: self.entries.append((name, module))

    def _leave(self, *_: Any) -> None:
        if self.entries:
            self.entries.pop()

    def where(self, function: str) -> str:
        if not self.entries:
            return f"{self.root} ({function})"
        name, module = self.entries[-1]
        kind = type(module).__name__
        if not type(module).__module__.startswith("torch.nn"):
            kind = f"{kind}: {function}"
        return f"{name or self.root} ({kind})"


class Recorder(TorchFunctionMode):
    """Records the calls of one forward of `module`; `root` names the traced function in messages.

    Layers are named as they are in `layers`, the user's own model inside `module`.
    """

    def __init__(
        self, module: nn.Module, examples: Sequence[Tensor], *, root: str, layers: nn.Module
    ) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.constants: list[_Leaf | _Derived] = []
        self.root = root
        self.last_where = root
        self.warned: list[str] = []
        self._count = 0
        self._keep: list[Tensor] = []  # alive, so that no id is used twice
        self._known: dict[int, Register | Constant] = {}
        self._names = {
            id(tensor): name for name, tensor in named_tensors(module, remove_duplicate=False).items()
        }
        self._stack = _ModuleStack(root)
        self._stack.watch(layers)
        self.inputs = [self._new_register(example) for example in examples]

    def detach(self) -> None:
        """Take the hooks off the module, so that it runs as before."""
        for handle in self._stack.handles:
            handle.remove()

    def refer(self, tensor: Tensor) -> Register | Constant:
        """Find what stands for `tensor`; one never seen before is a constant."""
        known = self._known.get(id(tensor))
        if known is None:
            name = self._names.get(id(tensor))
            known = self._new_constant(_Leaf(name, tensor if name is None else None), tensor)
        return known

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = function_name(func)
        self.last_where = self._stack.where(name)
        given = [leaf for leaf in _leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        versions = [tensor._version for tensor in given]
        noted_args, noted_kwargs = map_leaves(
            (args, kwargs), lambda leaf: self.refer(leaf) if isinstance(leaf, Tensor) else leaf
        )
        result = func(*args, **kwargs)
        changed = [tensor for tensor, v in zip(given, versions, strict=True) if tensor._version != v]
        self._note(_Event(name, func, noted_args, noted_kwargs, given, changed, result))
        return result

    def _note(self, event: _Event) -> None:
        leaves = list(_leaves((event.args, event.kwargs)))
        live = any(isinstance(leaf, Register) for leaf in leaves)
        dynamic = any(isinstance(leaf, Constant) and self._is_dynamic(leaf) for leaf in leaves)
        random = "it draws random numbers" if event.name in _RANDOM else None
        if event.name in _LEAVES_TORCH:
            self._warn_of_leak(event.name, live, dynamic)
        results = event.results
        if event.changed:
            self._note_change(event, live or random is not None)
        elif not results or all(any(item is tensor for tensor in event.given) for item in results):
            return  # a size, a device; or the same tensor handed back
        elif live or random:
            self._append(event, results, random)
        else:
            self._note_constants(event, dynamic)

    def _note_change(self, event: _Event, live: bool) -> None:
        """An in-place function: its tensor is a new register from here on; older views are stale."""
        target = next((item for item in event.results if any(item is t for t in event.changed)), None)
        problem = "it writes into a part of a tensor" if target is None else None
        if target is None:
            target = event.changed[0]
        if event.name in _RANDOM:
            problem = "it draws random numbers"
        if not live:
            was = self.refer(target)
            if isinstance(was, Constant) and not self._is_dynamic(was):
                return  # a tensor built in the forward; its final value is what is kept
            problem = "it changes a parameter or buffer in place"
        self._append(event, [target], problem)
        storage = target.untyped_storage().data_ptr()
        stale = [
            tensor
            for tensor in {id(kept): kept for kept in self._keep}.values()  # each once, however often changed
            if tensor is not target and storage and tensor.untyped_storage().data_ptr() == storage
        ]
        if stale:
            self._append(event, stale, _SHARED)

    def _note_constants(self, event: _Event, dynamic: bool) -> None:
        for position, tensor in enumerate(event.returned):
            if isinstance(tensor, Tensor):
                pick = position if isinstance(event.result, (tuple, list)) else None
                entry = _Derived(event.function, event.args, event.kwargs, pick)
                self._new_constant(entry if dynamic else _Leaf(None, tensor), tensor)

    def _append(self, event: _Event, results: list[Tensor], problem: str | None) -> None:
        self.calls.append(
            Call(
                name=event.name,
                function=event.function,
                args=event.args,
                kwargs=event.kwargs,
                outputs=tuple(self._new_register(tensor) for tensor in results),
                where=self._stack.where(event.name),
                problem=problem,
            )
        )

    def _warn_of_leak(self, name: str, live: bool, dynamic: bool) -> None:
        where = self._stack.where(name)
        if live:
            text = f"{where}: a Python value is taken from the data ({name})"
            effect = "what follows from it (an `if`, a loop, a number) stays as it was for one example image"
        elif dynamic:
            text = f"{where}: a Python value is taken from a parameter ({name})"
            effect = "it stays as it was when the model was traced"
        else:
            return
        if text not in self.warned:
            self.warned.append(text)
            warnings.warn(f"{text}; in the page {effect}.", UserWarning, stacklevel=2)

    def _is_dynamic(self, constant: Constant) -> bool:
        entry = self.constants[constant.index]
        return isinstance(entry, _Derived) or entry.name is not None

    def _new_register(self, tensor: Tensor) -> Register:
        register = Register(self._count, tuple(tensor.shape))
        self._count += 1
        self._keep.append(tensor)
        self._known[id(tensor)] = register
        return register

    def _new_constant(self, entry: _Leaf | _Derived, tensor: Tensor) -> Constant:
        constant = Constant(len(self.constants), tuple(tensor.shape))
        self.constants.append(entry)
        self._keep.append(tensor)
        self._known[id(tensor)] = constant
        return constant
