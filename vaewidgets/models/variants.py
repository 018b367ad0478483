"""A model like another one, with another size, likelihood or kind: what a new run may choose."""

from __future__ import annotations

from typing import Any

from torch import nn

from vaewidgets.errors import OptionError
from vaewidgets.models.autoencoder import Autoencoder
from vaewidgets.models.mlp import MLPVAE

KINDS: dict[str, type[nn.Module]] = {"VAE": MLPVAE, "AE": Autoencoder}


def kind_of(model: nn.Module) -> str:
    """Say "VAE" or "AE" for those two models, else the name of the class."""
    return next((name for name, cls in KINDS.items() if type(model) is cls), type(model).__name__)


def variant(model: Any, *, kind: str, likelihood: str, latent_dim: int) -> dict[str, Any]:
    """Plain values from which `build` makes it; the other options are those of `model`.

    Parameters
    ----------
    model : nn.Module
        A built-in model.
    kind : str
        "VAE", "AE", or what `kind_of` says of `model`.
    likelihood : str
    latent_dim : int

    Raises
    ------
    OptionError
        If the model has no such option, or is of another kind.
    """
    config = dict(model.config())
    if kind in KINDS and kind_of(model) in KINDS:
        config["class"] = KINDS[kind].__name__
    elif kind != kind_of(model):
        raise OptionError(
            f"kind is {kind!r}; a {kind_of(model)} has no other. Only MLPVAE and Autoencoder change places."
        )
    for name, value in {"latent_dim": latent_dim, "likelihood": likelihood}.items():
        if name in config:
            config[name] = value
        elif value != getattr(model, name):
            raise OptionError(
                f"{name} is {value!r}; that of a {kind_of(model)} follows from its other options, and is "
                f"{getattr(model, name)!r}."
            )
    if likelihood != model.likelihood:
        # the function on its mean and its spread belong to the likelihood before
        config = {key: v for key, v in config.items() if key not in ("output", "sigma2", "total_count")}
    return config
