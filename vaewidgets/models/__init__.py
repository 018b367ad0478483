"""The built-in models, one family in each file, and how they are rebuilt from plain values.

Never imports an objective or the engine.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from vaewidgets.errors import OptionError
from vaewidgets.models.autoencoder import Autoencoder
from vaewidgets.models.autoregressive import AutoregressiveVAE
from vaewidgets.models.conditional import ConditionalVAE
from vaewidgets.models.conv import ConvVAE
from vaewidgets.models.linear import LinearAutoencoder, LinearVAE
from vaewidgets.models.mlp import MLPVAE
from vaewidgets.models.multi_rate import MultiRateVAE
from vaewidgets.models.vq import VQVAE, CodeUse, perplexity

__all__ = [
    "MLPVAE",
    "MODELS",
    "VQVAE",
    "Autoencoder",
    "AutoregressiveVAE",
    "CodeUse",
    "ConditionalVAE",
    "ConvVAE",
    "LinearAutoencoder",
    "LinearVAE",
    "MultiRateVAE",
    "build",
    "perplexity",
]

# A run file names its model; only these names are looked up, nothing is imported by name.
MODELS: dict[str, type[nn.Module]] = {
    kind.__name__: kind
    for kind in (
        MLPVAE,
        Autoencoder,
        AutoregressiveVAE,
        ConditionalVAE,
        ConvVAE,
        LinearAutoencoder,
        LinearVAE,
        MultiRateVAE,
        VQVAE,
    )
}


def build(config: dict[str, Any]) -> nn.Module:
    """Rebuild a built-in model, with fresh weights, from what its `config()` returned.

    Parameters
    ----------
    config : dict
        Plain values; ``config["class"]`` is the name of a built-in model.

    Raises
    ------
    OptionError
        If the class is not one of ours.
    """
    options = dict(config)
    name = options.pop("class", None)
    if name not in MODELS:
        raise OptionError(f"{name!r} is no built-in model; known: {', '.join(MODELS)}.")
    return MODELS[name](**options)
