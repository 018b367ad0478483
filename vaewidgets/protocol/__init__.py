"""What a VAE must speak to be trained and looked at here, and adapters for those that do not.

`VAE` is the protocol, `as_vae` brings other people's models to it, `check_vae` tries a model for real.
"""

from vaewidgets.protocol.adapt import as_vae
from vaewidgets.protocol.adapted import AdaptedVAE, Convention, describe_likelihood, describe_output
from vaewidgets.protocol.check import check_vae
from vaewidgets.protocol.copying import copy_model, loose_tensors, named_tensors
from vaewidgets.protocol.losses import LossConvention
from vaewidgets.protocol.vae import VAE

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
    "loose_tensors",
    "named_tensors",
]
