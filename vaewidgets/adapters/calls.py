"""How a foreign model's encoder and decoder are called: by its usual names, tried in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from vaewidgets.errors import ProtocolError

Call = Callable[..., Any]  # of the module, what goes in, and labels for a model that takes them

_ENCODE = ("encode", "_encode", "forward_encoder")
_ENCODER = ("encoder", "enc", "encoder_net", "encoder_network", "encode_net")
_DECODE = ("decode", "_decode", "forward_decoder")
_DECODER = ("decoder", "dec", "decoder_net", "decoder_network", "decode_net", "generator")


@dataclass(frozen=True)
class Method:
    """Calls a method or submodule by its name, on whichever copy it is given."""

    name: str

    def __call__(self, module: Any, value: Tensor, *labels: Tensor) -> Any:
        return getattr(module, self.name)(value, *labels)


@dataclass(frozen=True)
class Head:
    """Calls an encoder without heads, then the two layers that make mu and its spread of its features."""

    encoder: str
    mu: str
    spread: str

    def __call__(self, module: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        features = getattr(module, self.encoder)(x)
        if features.ndim > 2 and isinstance(getattr(module, self.mu), nn.Linear):
            features = features.flatten(1)
        return getattr(module, self.mu)(features), getattr(module, self.spread)(features)


@dataclass(frozen=True)
class Forward:
    """Calls the whole model, of whose result mu and its spread are taken."""

    def __call__(self, module: Any, x: Tensor, *labels: Tensor) -> Any:
        return module(x, *labels)


def call_name(model: str, call: Any, argument: str) -> str:
    """How messages name a call."""
    if isinstance(call, Method):
        return f"{model}.{call.name}({argument})"
    if isinstance(call, Head):
        return f"{model}.{call.mu}({model}.{call.encoder}({argument}))"
    if isinstance(call, Forward):
        return f"{model}({argument})"
    return f"{getattr(call, '__name__', type(call).__name__)}({model}, {argument})"


# ---------------------------------------------------------------------------- names

_MU_NAME = re.compile(r"(mus?|means?|loc)(?![a-z])")
_SPREAD_NAME = re.compile(
    r"(log_?vars?|log_?variance|lnvar|log_?sigma\d?|log_?std|log_?scale|vars?|variance|sigma|std|stddev)(?![a-z])"
)


def heads(model: nn.Module) -> tuple[str, str] | None:
    """Names of the two layers that make mu and its spread, where a model has just one such pair."""
    weighted = {
        name: child for name, child in model.named_children() if any(True for _ in child.parameters())
    }
    if {"fc21", "fc22"} <= set(weighted):
        return "fc21", "fc22"
    mus = {_rest(_MU_NAME, name): name for name in weighted if _SPREAD_NAME.search(name.lower()) is None}
    spreads = {_rest(_SPREAD_NAME, name): name for name in weighted}
    mus.pop(None, None)
    spreads.pop(None, None)
    shared = [(mus[rest], spreads[rest]) for rest in mus if rest in spreads]
    if not shared and len(mus) == len(spreads) == 1:
        shared = [(next(iter(mus.values())), next(iter(spreads.values())))]
    return shared[0] if len(shared) == 1 else None


def _rest(pattern: re.Pattern[str], name: str) -> str | None:
    """What is left of a name without the word that the pattern finds; None where it finds none."""
    found = pattern.search(name.lower())
    return None if found is None else name.lower()[: found.start()] + name.lower()[found.end() :]


def encode_calls(model: nn.Module) -> Iterator[Call]:
    """Ways to call an encoder, the likelier first."""
    pair = heads(model)
    for name in _ENCODE:
        if callable(getattr(model, name, None)):
            yield Method(name)
    for name in _ENCODER:
        if callable(getattr(model, name, None)):
            if pair is not None:
                yield Head(name, *pair)
            yield Method(name)
    if type(model).forward is not nn.Module.forward and not isinstance(model, nn.Sequential):
        yield Forward()


def decode_calls(model: nn.Module) -> Iterator[Call]:
    """Ways to call a decoder, the likelier first."""
    return (Method(name) for name in (*_DECODE, *_DECODER) if callable(getattr(model, name, None)))


def no_call(model: nn.Module, missing: str) -> ProtocolError:
    """The error of a model that has no encoder, no decoder or neither by a known name."""
    children = ", ".join(child for child, _ in model.named_children()) or "none"
    return ProtocolError(
        f"{type(model).__name__} has no {missing} by a known name: looked for the methods encode, _encode, "
        f"decode, _decode and the submodules encoder and decoder; its submodules are {children}. Say how: "
        "as_vae(net, encode=lambda model, x: (mu, logvar), decode=lambda model, z: x_hat)."
    )
