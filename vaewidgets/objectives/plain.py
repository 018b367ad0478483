"""Objectives without a KL: the autoencoder's, and that of a codebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch

from vaewidgets.checks import number
from vaewidgets.errors import OptionError
from vaewidgets.objectives.base import (
    Batch,
    Objective,
    Terms,
    class_name,
    decode_raw,
    encode,
    labels_seen,
)
from vaewidgets.objectives.likelihoods import Likelihood


@final
@dataclass(frozen=True)
class Reconstruction(Objective):
    """loss = recon at z = mu: an autoencoder. `beta` has no effect, kl is 0.

    A VAE may be trained with it too; its variance then has no meaning.
    """

    name = "reconstruction"
    bounds = False

    def check(self, model: Any) -> None:
        """Any model will do."""

    def terms(self, model: Any, likelihood: Likelihood, batch: Batch) -> Terms:
        x, labels = batch.x, labels_seen(model, batch)
        z, _ = encode(model, x, labels)
        recon = likelihood.total(decode_raw(model, z, x, labels), x) * (1.0 / x.shape[0])
        return Terms(recon, recon.detach(), torch.zeros_like(recon))


@final
@dataclass(frozen=True)
class VQ(Objective):
    """loss = recon + codebook + commitment · ‖z_e − sg[e]‖²: a vector-quantised autoencoder.

    The model's ``quantise(x)`` returns (z, codebook, commitment): z (B, latent_dim), the quantised code with
    the straight-through gradient, and two 0-d means over the batch of sums over an image's codes:
    ‖sg[z_e] − e‖², which moves the codebook (0 where moving averages do that), and ‖z_e − sg[e]‖², which
    keeps the encoder near it. `beta` has no effect; kl is 0, since against a uniform prior over the codes it
    is a constant.

    Parameters
    ----------
    commitment : float
        Weight of the last term, at least 0.

    Notes
    -----
    The extras "codebook" and "commitment_cost" are the two terms, unweighted, per image.

    References
    ----------
    van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, equation 3.
    """

    commitment: float = 0.25

    name = "vq"
    extras = ("codebook", "commitment_cost")
    bounds = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "commitment", number("commitment", self.commitment, 0))

    def check(self, model: Any) -> None:
        """Refuse a model without a codebook."""
        if not callable(getattr(model, "quantise", None)):
            raise OptionError(
                f"objective 'vq' wants a model with a codebook, a VQVAE; {class_name(model)} has no method "
                "quantise. Leave objective= out for the model's own."
            )

    def terms(self, model: Any, likelihood: Likelihood, batch: Batch) -> Terms:
        x = batch.x
        z, codebook, commitment = model.quantise(x)
        recon = likelihood.total(decode_raw(model, z, x, batch.labels), x) * (1.0 / x.shape[0])
        loss = recon + codebook + self.commitment * commitment
        extras = {"codebook": codebook.detach(), "commitment_cost": commitment.detach()}
        return Terms(loss, recon, torch.zeros_like(recon), extras)
