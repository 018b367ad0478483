"""What names suggest of a foreign model, but nothing shows: asked, never taken."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters.encoder import Encoder
from vaewidgets.adapters.spread import SPREAD_WORDS
from vaewidgets.adapters.trial import Trial

_SPREAD_NAMES = (
    ("logstd", re.compile(r"log_?(std|stddev|sigma|scale|sd)(?![a-z0-9]|_?sq)")),
    ("std", re.compile(r"(std|stddev|sigma)(?![a-z0-9]|_?sq)")),
)
_PRIOR_NAMES = re.compile(r"prior|pseudo|mixture|gmm|component|cluster")


def spread_question(trial: Trial, encoder: Encoder, kind: str) -> str | None:
    """What the name of the layer that makes the spread suggests, where that is not `kind`."""
    name = _layer_of_spread(trial, encoder)
    last = "" if name is None else name.rpartition(".")[2].lower()
    suggested = next((one for one, pattern in _SPREAD_NAMES if pattern.search(last)), kind)
    if suggested == kind:
        return None
    model = type(trial.model).__name__
    return (
        f"the spread is made by {model}.{name}, by its name a {SPREAD_WORDS[suggested]}, but it is read as "
        f"{SPREAD_WORDS[kind]}, since the model shows no draw. Say which it is: attach(..., "
        f'spread="{suggested}") or spread="{kind}".'
    )


def _layer_of_spread(trial: Trial, encoder: Encoder) -> str | None:
    """Name of the last layer whose output is the spread itself."""
    outputs: dict[str, Tensor] = {}

    def watch(name: str) -> Any:
        return lambda _, __, output: outputs.update({name: output}) if isinstance(output, Tensor) else None

    handles = [
        module.register_forward_hook(watch(name))
        for name, module in trial.model.named_modules()
        if name and not [*module.children()] and not isinstance(module, torch.jit.ScriptModule)
    ]
    try:
        spread = encoder.run(trial, trial.x).spread.flatten()
    finally:
        for handle in handles:
            handle.remove()
    same = [name for name, output in outputs.items() if torch.equal(output.flatten(), spread)]
    return same[-1] if same else None


def prior_question(model: nn.Module, uncalled: list[str], latent_dim: int) -> str | None:
    """Weights that neither half uses, and that may be those of a prior."""
    own = dict(model.named_parameters(recurse=False))
    name = next((n for n in uncalled if _may_be_prior(n, own.get(n), latent_dim)), None)
    if name is None:
        return None
    return (
        f"{type(model).__name__}.{name} is used by neither half: if it belongs to a prior of the model's "
        'own, the KL against N(0, I) is not of the model. Say which: attach(..., prior="learned") or '
        'prior="standard".'
    )


def _may_be_prior(name: str, parameter: Tensor | None, latent_dim: int) -> bool:
    if parameter is None:
        return _PRIOR_NAMES.search(name.lower()) is not None
    return parameter.ndim == 2 and latent_dim in parameter.shape
