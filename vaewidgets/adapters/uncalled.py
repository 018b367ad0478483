"""Layers that neither the encoder nor the decoder uses, as they are called: heads that were missed?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters.calls import Head, Method, heads
from vaewidgets.adapters.decoder import Decoder
from vaewidgets.adapters.encoder import Encoder, find_encoder
from vaewidgets.adapters.posterior import HALVES
from vaewidgets.adapters.trial import Trial
from vaewidgets.errors import ProtocolError


def with_missed_heads(
    trial: Trial, encoder: Encoder, decoder: Decoder, *, is_said: bool
) -> tuple[Encoder, list[str]]:
    """An encoder that calls the heads it was missing, and the layers that are never called.

    Heads that have the names of heads, and that take what the encoder returns, are called. `is_said` where
    the user says how to encode: then it is left as it is.

    Raises
    ------
    ProtocolError
        If an encoder's one result would be split in halves, while layers without such names take all of it;
        with the line that calls them, and the one that says that the halves are right.
    """
    uncalled = _uncalled(trial, encoder, decoder)
    call, width = encoder.wiring.encode, 2 * encoder.latent_dim
    is_split = encoder.found.source == HALVES.format(width)
    if is_said or not is_split or not isinstance(call, Method):
        return encoder, uncalled
    pair = heads(trial.model)
    if pair is not None and set(pair) <= set(uncalled):
        with suppress(ProtocolError):
            encoder = find_encoder(trial, [Head(call.name, *pair)], None, decoder.takes)
            return encoder, _uncalled(trial, encoder, decoder)
    children = dict(trial.model.named_modules())
    layers = [one for one in uncalled if _takes(children.get(one), width)]
    if len(layers) < 2:
        return encoder, uncalled
    features = f"model.{call.name}(x)"
    raise ProtocolError(
        f"{encoder.wiring.hints.where} returned one Tensor of {width} columns, which could be mu and its "
        f"spread side by side; but {' and '.join(layers)}, which take {width} features, are never called. If "
        f"they make mu and logvar, pass encode=lambda model, x: (model.{layers[0]}({features}), "
        f'model.{layers[1]}({features})); if the halves are right, encode="{call.name}", '
        f"latent_dim={encoder.latent_dim}."
    )


def _takes(layer: nn.Module | None, width: int) -> bool:
    return isinstance(layer, nn.Linear) and layer.in_features == width


def _uncalled(trial: Trial, encoder: Encoder, decoder: Decoder) -> list[str]:
    """Names of the model's own parameters that neither half uses, and of the outermost such modules.

    A parameter is used where it is in the graph of autograd of a result, or its module was called.
    """
    wiring = decoder.find(encoder.wiring, encoder.latent_dim).wiring
    used: set[int] = set()
    with _called(trial.model, used), _requiring_grad(trial.model):
        found = encoder.run(trial, trial.x, grad=True)
        z = found.mu.detach()
        for result in (found.mu, found.spread, trial.run(wiring.call_decode, trial.model, z, grad=True)):
            for tensor in _tensors(result):
                used |= set(_leaves(tensor))
    own = [n for n, p in trial.model.named_parameters(recurse=False) if id(p) not in used]
    return [*own, *_outermost(trial.model, used)]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list | Mapping):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors(item)


def _leaves(tensor: Tensor) -> Iterator[int]:
    """Ids of the leaves that a result was computed from."""
    waiting, seen = [tensor.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield id(node.variable)
        waiting += [parent for parent, _ in node.next_functions]


@contextmanager
def _called(model: nn.Module, used: set[int]) -> Iterator[None]:
    """Put the own parameters of each module that is called into `used`."""

    def note(module: nn.Module, *_: Any) -> None:
        used.update(id(p) for p in module.parameters(recurse=False))

    # a scripted module has no hooks; what it computes is in the graph
    modules = [module for module in model.modules() if not isinstance(module, torch.jit.ScriptModule)]
    handles = [module.register_forward_pre_hook(note) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _requiring_grad(model: nn.Module) -> Iterator[None]:
    frozen = [p for p in model.parameters() if p.is_floating_point() and not p.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)


def _outermost(model: nn.Module, used: set[int], prefix: str = "") -> Iterator[str]:
    for name, child in model.named_children():
        parameters = [*child.parameters()]
        if parameters and not any(id(p) in used for p in parameters):
            yield prefix + name
        else:
            yield from _outermost(child, used, f"{prefix}{name}.")
