"""A copy of a model that shares nothing with it, and the tensors that make up its weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from types import CellType, FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.errors import ProtocolError

_INTERNAL = frozenset(vars(nn.Module()))


def named_tensors(model: nn.Module, *, remove_duplicate: bool = True) -> dict[str, Tensor]:
    """Parameters, buffers, and parameters that a module keeps in a plain list, tuple or dict, by name.

    The name is that of the module within compiled ones. With `remove_duplicate` a tied tensor is there once.
    """
    named: dict[str, Tensor] = dict(model.named_parameters(remove_duplicate=remove_duplicate))
    named |= dict(model.named_buffers(remove_duplicate=remove_duplicate))
    named |= loose_tensors(model)
    return {name.replace("_orig_mod.", ""): tensor for name, tensor in named.items()}


def loose_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters that torch does not find, since they are in a plain list, tuple or dict of a module."""
    found: dict[str, Tensor] = {}
    known: set[int] | None = None
    for path, module in model.named_modules():
        for attribute, value in vars(module).items():
            if attribute in _INTERNAL or not isinstance(value, list | tuple | dict):
                continue
            for place, tensor in _inside(value):
                if not isinstance(tensor, nn.Parameter) and not (tensor.requires_grad and tensor.is_leaf):
                    continue
                if known is None:
                    known = {id(t) for t in (*model.parameters(), *model.buffers())}
                if id(tensor) not in known:
                    known.add(id(tensor))
                    found[f"{path}.{attribute}{place}" if path else f"{attribute}{place}"] = tensor
    return found


def _inside(value: Any) -> Iterator[tuple[str, Tensor]]:
    """Tensors in nested lists, tuples and dicts, and where; lists of other things are not gone through."""
    if isinstance(value, Tensor):
        yield "", value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from ((f".{key}{place}", tensor) for place, tensor in _inside(item))
    elif isinstance(value, list | tuple) and value and isinstance(value[0], Tensor | list | tuple | dict):
        for i, item in enumerate(value):
            yield from ((f".{i}{place}", tensor) for place, tensor in _inside(item))


def copy_model(model: nn.Module, tensors: Mapping[int, Tensor] | None = None) -> nn.Module:
    """Return a deep copy of a model.

    Tensors with a history that a model keeps as plain attributes (``self.mu = mu`` in its forward), which
    `copy.deepcopy` refuses, are copied by value. Compiled submodules and methods are replaced by what they
    were made from, so that looking at a model compiles nothing; the order of its parameters and buffers
    stays. Methods of the model that it keeps as attributes, also within closures, become those of the copy.
    A ``__deepcopy__`` of a module's own, which may build another model, is used only where nothing else will.

    Parameters
    ----------
    model : nn.Module
    tensors : mapping of int to Tensor, optional
        What to put in place of tensors of the model, by their `id`.

    Raises
    ------
    ProtocolError
        If it cannot be copied; widgets draw from copies, so that they never touch a model in training.
    """
    memo: dict[int, Any] = dict(tensors or {})
    for module in model.modules():
        for value in vars(module).values():
            for _, tensor in _inside(value) if isinstance(value, Tensor | list | tuple | dict) else ():
                if not tensor.is_leaf:
                    memo[id(tensor)] = tensor.detach().clone()
    try:
        if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
            with restored_modes(), torch.no_grad():  # its weights would be copied with their history
                copied = _structure(model, memo)
        else:
            copied = _structure(model, memo)
    except Exception as error:
        raise ProtocolError(
            f"{type(model).__name__} cannot be copied ({type(error).__name__}: {error}); expected a model "
            "that can, since widgets draw from copies. Keep loaders, loggers, locks and generators outside "
            "the module."
        ) from error
    _rebind(model, copied)
    for parent in list(copied.modules()):
        parent._compiled_call_impl = None
        for name, child in list(parent._modules.items()):
            original = getattr(child, "_orig_mod", None)
            if isinstance(original, nn.Module):
                parent._modules[name] = original
    return copied


def _structure(model: nn.Module, memo: dict[int, Any]) -> nn.Module:
    own = [module for module in model.modules() if _has_own_deepcopy(type(module))]
    if not own:
        return copy.deepcopy(model, memo)
    twins = {id(module): type(module).__new__(type(module)) for module in own}
    tried = {**memo, **twins}
    try:
        for module in own:
            twins[id(module)].__dict__.update(copy.deepcopy(vars(module), tried))
        return copy.deepcopy(model, tried)
    except Exception:
        # theirs leaves out what cannot be copied; it may draw random numbers for weights, and set the seed
        with restored_modes(), torch.random.fork_rng(devices=[]), seeded(0):
            return copy.deepcopy(model, memo)


def _has_own_deepcopy(kind: type) -> bool:
    method = getattr(kind, "__deepcopy__", None)
    return method is not None and not str(getattr(method, "__module__", "")).startswith("torch.")


def _rebind(model: nn.Module, copied: nn.Module) -> None:
    """Make functions that are attributes of a module those of its copy, which deepcopy takes as they are."""
    pairs = list(zip(model.modules(), copied.modules(), strict=False))
    twins = {id(original): twin for original, twin in pairs}
    for original, twin in pairs:
        for name, value in vars(original).items():
            if name in vars(twin) and isinstance(value, FunctionType | MethodType):
                vars(twin)[name] = _rebound(value, twins, frozenset())


def _rebound(function: Any, twins: Mapping[int, nn.Module], within: frozenset[int]) -> Any:
    """A function in which the modules of `twins`, by their ids, are those of the copy."""
    function = getattr(function, "_torchdynamo_orig_callable", function)
    if isinstance(function, MethodType):
        twin = twins.get(id(function.__self__))
        return function if twin is None else MethodType(function.__func__, twin)
    if not isinstance(function, FunctionType) or not function.__closure__ or id(function) in within:
        return function
    cells = tuple(_rebound_cell(cell, twins, within | {id(function)}) for cell in function.__closure__)
    if all(new is old for new, old in zip(cells, function.__closure__, strict=True)):
        return function
    rebuilt = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, cells
    )
    rebuilt.__kwdefaults__ = function.__kwdefaults__
    return rebuilt


def _rebound_cell(cell: CellType, twins: Mapping[int, nn.Module], within: frozenset[int]) -> CellType:
    try:
        value = cell.cell_contents
    except ValueError:  # not filled yet
        return cell
    if isinstance(value, FunctionType | MethodType):
        new = _rebound(value, twins, within)
    else:
        new = twins.get(id(value), value)
    return cell if new is value else CellType(new)
