"""A fully connected VAE."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from vaewidgets.errors import ShapeError
from vaewidgets.models.options import choice, count, counts, image_size

__all__ = ["MLPVAE"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}
# likelihood -> what its decoder puts on the mean; "sigmoid" keeps a mean of squared error in [0, 1]
_OUTPUTS: dict[str, tuple[str, ...]] = {
    "bernoulli": ("sigmoid",),
    "squared_error": ("identity", "sigmoid", "tanh"),
}
_SQUASH = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}


@final
class MLPVAE(nn.Module):
    """VAE of fully connected layers: image → hidden → z → hidden reversed → image.

    Parameters
    ----------
    image_shape : (C, H, W)
    latent_dim : int, default 2
        At least 1.
    hidden : sequence of int, default (512, 256)
        Widths of the encoder's hidden layers; the decoder mirrors them. Empty for a linear model.
    activation : {"relu", "tanh"}
    likelihood : {"bernoulli", "squared_error"}
        What the decoder is trained with; Bernoulli wants images in [0, 1].
    output : {"sigmoid", "identity", "tanh"}, optional
        Function on the decoder's mean. By default "sigmoid" for Bernoulli and "identity" for squared error.

    Raises
    ------
    OptionError
        If an option is unknown or out of its range.

    Notes
    -----
    Weights are drawn from torch's global generator: call ``torch.manual_seed`` first to repeat them.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        latent_dim: int = 2,
        *,
        hidden: Sequence[int] = (512, 256),
        activation: Literal["relu", "tanh"] = "relu",
        likelihood: Literal["bernoulli", "squared_error"] = "bernoulli",
        output: Literal["sigmoid", "identity", "tanh"] | None = None,
    ) -> None:
        super().__init__()
        self.image_shape = image_size(image_shape)
        self.latent_dim = count("latent_dim", latent_dim)
        self.hidden = counts("hidden", hidden)
        self.activation = choice("activation", activation, _ACTIVATIONS)
        self.likelihood = choice("likelihood", likelihood, _OUTPUTS)
        self.output = choice("output", output or _OUTPUTS[self.likelihood][0], _OUTPUTS[self.likelihood])
        n_pixels = math.prod(self.image_shape)
        last = self.hidden[-1] if self.hidden else n_pixels
        self.encoder = _stack((n_pixels, *self.hidden), self.activation)
        self.to_mu = nn.Linear(last, self.latent_dim)
        self.to_logvar = nn.Linear(last, self.latent_dim)
        self.decoder = _stack((self.latent_dim, *reversed(self.hidden)), self.activation)
        self.to_pixels = nn.Linear(self.hidden[0] if self.hidden else self.latent_dim, n_pixels)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior of each image.

        Parameters
        ----------
        x : Tensor, shape (B, C, H, W)

        Returns
        -------
        mu, logvar : Tensor, each of shape (B, latent_dim)

        Raises
        ------
        ShapeError
            If the images have another shape than `image_shape`.
        """
        if x.shape[1:] != self.image_shape:
            raise ShapeError(
                f"MLPVAE.encode got images of shape {tuple(x.shape)}; this model wants "
                f"(batch, {', '.join(map(str, self.image_shape))}). Build it with the data's image_shape."
            )
        h = self.encoder(x.flatten(1))
        return self.to_mu(h), self.to_logvar(h)

    def decode_raw(self, z: Tensor) -> Tensor:
        """What the likelihood wants, shape (B, C, H, W): logits for Bernoulli, the mean for squared error."""
        raw = self.to_pixels(self.decoder(z)).view(-1, *self.image_shape)
        if self.likelihood == "bernoulli" or self.output == "identity":
            return raw
        return _SQUASH[self.output](raw)

    def decode(self, z: Tensor) -> Tensor:
        """Mean image of each latent point (B, latent_dim), shape (B, C, H, W)."""
        raw = self.decode_raw(z)
        return torch.sigmoid(raw) if self.likelihood == "bernoulli" else raw

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, draw z once an image (torch's global generator), decode: (x_hat, mu, logvar)."""
        mu, logvar = self.encode(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z), mu, logvar

    def config(self) -> dict[str, Any]:
        """Plain values from which `vaewidgets.models.build` makes the same model with fresh weights."""
        return {
            "class": "MLPVAE",
            "image_shape": list(self.image_shape),
            "latent_dim": self.latent_dim,
            "hidden": list(self.hidden),
            "activation": self.activation,
            "likelihood": self.likelihood,
            "output": self.output,
        }


def _stack(widths: Sequence[int], activation: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), _ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)
