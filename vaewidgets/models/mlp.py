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
from vaewidgets.models.pixels import pixel_head

__all__ = ["MLPVAE"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


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
    likelihood : {"bernoulli", "continuous_bernoulli", "squared_error", "gaussian"}
        What the decoder is trained with; the Bernoullis want images in [0, 1].
    output : {"sigmoid", "identity", "tanh"}, optional
        Function on the decoder's mean. By default "identity" for squared error, else "sigmoid".
    sigma2 : float, "shared" or "pixel", optional
        For "gaussian": its variance in pixel values squared; or one learned number, which is the default; or
        one that the decoder says for each pixel.

    Attributes
    ----------
    likelihood_options : dict
        What the likelihood is built with besides its name.
    log_sigma2 : Parameter, 0-d, or None
        Of a shared variance; see `vaewidgets.models.pixels.floored_log_sigma2` for what becomes of it.

    Raises
    ------
    OptionError
        If an option is unknown or out of its range.

    Notes
    -----
    Weights are drawn from torch's global generator: call ``torch.manual_seed`` first to repeat them.
    """

    takes_labels = False
    sees_pixels = False
    default_objective = "elbo"

    def __init__(
        self,
        image_shape: Sequence[int],
        latent_dim: int = 2,
        *,
        hidden: Sequence[int] = (512, 256),
        activation: Literal["relu", "tanh"] = "relu",
        likelihood: Literal["bernoulli", "continuous_bernoulli", "squared_error", "gaussian"] = "bernoulli",
        output: Literal["sigmoid", "identity", "tanh"] | None = None,
        sigma2: float | Literal["shared", "pixel"] | None = None,
    ) -> None:
        super().__init__()
        self.image_shape = image_size(image_shape)
        self.latent_dim = count("latent_dim", latent_dim)
        self.hidden = counts("hidden", hidden)
        self.activation = choice("activation", activation, _ACTIVATIONS)
        self._head = pixel_head(likelihood, output, sigma2)
        self.likelihood, self.output = self._head.likelihood, self._head.output
        self.likelihood_options = self._head.options
        n_pixels = math.prod(self.image_shape)
        last = self.hidden[-1] if self.hidden else n_pixels
        self.encoder = _stack((n_pixels, *self.hidden), self.activation)
        self.to_mu = nn.Linear(last, self.latent_dim)
        self.to_logvar = nn.Linear(last, self.latent_dim)
        self.decoder = _stack((self.latent_dim, *reversed(self.hidden)), self.activation)
        n_out = n_pixels * self._head.channels(1)
        self.to_pixels = nn.Linear(self.hidden[0] if self.hidden else self.latent_dim, n_out)
        self.log_sigma2 = nn.Parameter(torch.zeros(())) if self._head.shared else None

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
        """What the likelihood wants: logits or the mean (B, C, H, W); see `vaewidgets.models.pixels`.

        With a learned variance, the mean and ln sigma² on the channel axis: (B, 2C, H, W).
        """
        channels, *size = self.image_shape
        values = self.to_pixels(self.decoder(z)).view(-1, self._head.channels(channels), *size)
        return self._head.raw(values, self.log_sigma2)

    def decode(self, z: Tensor) -> Tensor:
        """Mean image of each latent point (B, latent_dim), shape (B, C, H, W)."""
        return self._head.mean(self.decode_raw(z))

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
            "sigma2": self._head.sigma2,
        }


def _stack(widths: Sequence[int], activation: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), _ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)
