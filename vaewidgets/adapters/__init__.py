"""Other people's models: how they are read, wrapped and tried.

`VAE` is the protocol, `as_vae` brings other people's models to it, `check_vae` tries a model for real.
Never imports an objective, the engine or a run.
"""

from vaewidgets.adapters.adapt import as_vae
from vaewidgets.adapters.adapted import (
    AdaptedVAE,
    Convention,
    describe_likelihood,
    describe_output,
    doubts,
    undecided,
)
from vaewidgets.adapters.check import check_vae
from vaewidgets.adapters.copying import copy_model, loose_tensors, named_tensors
from vaewidgets.adapters.losses import LossConvention
from vaewidgets.adapters.trial import try_training_pass
from vaewidgets.adapters.vae import VAE

__all__ = [
    "VAE",
    "AdaptedVAE",
    "Convention",
    "LossConvention",
    "as_vae",
    "check_vae",
    "copy_model",
    "describe_likelihood",
    "describe_output",
    "doubts",
    "loose_tensors",
    "named_tensors",
    "try_training_pass",
    "undecided",
]
