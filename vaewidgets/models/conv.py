"""A convolutional VAE."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

from torch import Tensor, nn

from vaewidgets.checks import image_size, wholes
from vaewidgets.errors import OptionError
from vaewidgets.models.base import Model, doubling, halving
from vaewidgets.models.pixels import (
    LikelihoodName,
    NamedLikelihood,
    OutputName,
    Sigma2,
    TotalCount,
    pixel_head,
)


@final
class ConvVAE(Model):
    """VAE of convolutions; by default experiment C's, for images in [−1, 1].

    The encoder halves the image at each of `channels` but the last (4×4, stride 2, padding 1), then comes one
    3×3 convolution: 28 → 14 → 7 → 3. The decoder starts at a quarter of the size (7), doubles it by
    transposed convolutions and ends in two 3×3 convolutions; it mirrors the channels. ReLUs stand between
    convolutions.

    Parameters
    ----------
    image_shape : (C, H, W)
        Any size at which the encoder has a pixel left: at least 8 × 8 with four `channels`.
    latent_dim : int, default 128
        At least 1.
    channels : sequence of int, default (32, 64, 128, 256)
        At least two; n of them halve the image n − 1 times and double it n − 2 times.
    likelihood : str or Likelihood
        "bernoulli", "continuous_bernoulli" (images in [0, 1]), "squared_error", "gaussian", "poisson",
        "negative_binomial" (counts) or "categorical" (one-hot); "squared_error" by default.
    output : str, optional
        Function on the decoder's mean: "sigmoid", "identity" or "tanh"; by default
        "tanh", for data of ``value_range=(-1, 1)``; the Bernoullis have "sigmoid". For counts "exp" (the
        default) or "softplus".
    sigma2 : float, "shared" or "pixel", optional
        Variance of "gaussian": fixed, one learned number (the default), or learned for each pixel.
    total_count : float, "shared" or "dimension", optional
        Of "negative_binomial": fixed, one learned number (the default), or learned for each dimension.

    Raises
    ------
    OptionError
        If an option is unknown or out of its range, or the image too small.

    Notes
    -----
    3,342,305 parameters for (1, 28, 28) at latent_dim 128, 5,538,017 at 256. Weights are drawn from torch's
    global generator.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        latent_dim: int = 128,
        *,
        channels: Sequence[int] = (32, 64, 128, 256),
        likelihood: LikelihoodName | NamedLikelihood = "squared_error",
        output: OutputName | None = None,
        sigma2: Sigma2 | None = None,
        total_count: TotalCount | None = None,
    ) -> None:
        head = pixel_head(likelihood, output, sigma2, total_count, default_output="tanh")
        super().__init__(image_shape, latent_dim, head)
        self.channels = _channels(channels)
        self.encoder, size = _encoder(self.image_shape, self.channels)
        n_features = self.channels[-1] * math.prod(size)
        self.to_mu = nn.Linear(n_features, self.latent_dim)
        self.to_logvar = nn.Linear(n_features, self.latent_dim)
        doublings = len(self.channels) - 2
        self._first = (self.channels[-1], *(-(-n >> doublings) for n in self.image_shape[1:]))
        self.from_z = nn.Linear(self.latent_dim, math.prod(self._first))
        self.decoder = _decoder(self.channels, head.channels(self.image_shape[0]))

    def _posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder(x).flatten(1)
        return self.to_mu(h), self.to_logvar(h)

    def _pixels(self, z: Tensor) -> Tensor:
        # No ReLU here: with one, ten steps at lr 1e-3 drive tanh to -1 everywhere, where it has no slope.
        return self._cropped(self.decoder(self.from_z(z).view(-1, *self._first)))


def _channels(channels: Sequence[int]) -> tuple[int, ...]:
    widths = wholes("channels", channels, 1, also=", the widths of the layers, e.g. (32, 64, 128, 256)")
    if len(widths) < 2:
        raise OptionError(f"channels is {channels!r}; expected at least two, e.g. channels=(16, 32).")
    return widths


def _encoder(image_shape: Sequence[int], channels: tuple[int, ...]) -> tuple[nn.Sequential, tuple[int, int]]:
    """The layers, and the size (height, width) of what they return."""
    n, height, width = image_size(image_shape)
    halvings = len(channels) - 1
    least = 2**halvings
    if min(height, width) < least:
        raise OptionError(
            f"images of {height} x {width} are too small for channels={list(channels)}, which halve them "
            f"{halvings} times: expected at least {least} x {least}. Use fewer channels."
        )
    layers = halving((n, *channels[:-1]))
    layers += [nn.Conv2d(channels[-2], channels[-1], 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers), (height >> halvings, width >> halvings)


def _decoder(channels: tuple[int, ...], n_out: int) -> nn.Sequential:
    *doubled, last = reversed(channels)
    layers = doubling(doubled)
    layers += [nn.Conv2d(doubled[-1], last, 3, padding=1), nn.ReLU(), nn.Conv2d(last, n_out, 3, padding=1)]
    return nn.Sequential(*layers)
