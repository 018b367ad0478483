"""A fully connected VAE."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal, final

from torch import Tensor, nn

from vaewidgets.checks import one_of, wholes
from vaewidgets.models.base import ACTIVATIONS, Model, stack
from vaewidgets.models.pixels import (
    LikelihoodName,
    NamedLikelihood,
    OutputName,
    Sigma2,
    TotalCount,
    pixel_head,
)


class FullyConnected(Model):
    """Layers of image → hidden → code → hidden reversed → image; a subclass has the heads of the code."""

    def __init__(
        self,
        image_shape: Sequence[int],
        latent_dim: int = 2,
        *,
        hidden: Sequence[int] = (512, 256),
        activation: Literal["relu", "tanh"] = "relu",
        likelihood: LikelihoodName | NamedLikelihood = "bernoulli",
        output: OutputName | None = None,
        sigma2: Sigma2 | None = None,
        total_count: TotalCount | None = None,
    ) -> None:
        head = pixel_head(likelihood, output, sigma2, total_count)
        super().__init__(image_shape, latent_dim, head)
        self.hidden = wholes("hidden", hidden, 1, also=", the widths of the layers, e.g. (512, 256)")
        self.activation = one_of("activation", activation, ACTIVATIONS)
        n_pixels = math.prod(self.image_shape)
        widths = (n_pixels, *self.hidden)
        self.encoder = stack(widths, self.activation)
        self._add_heads(widths[-1])
        back = (self.latent_dim, *reversed(self.hidden))
        self.decoder = stack(back, self.activation)
        self.to_pixels = nn.Linear(back[-1], n_pixels * head.channels(1))

    @abstractmethod
    def _add_heads(self, width: int) -> None:
        """Add the layers from the encoder's last one to the code."""

    def _pixels(self, z: Tensor) -> Tensor:
        channels, *size = self.image_shape
        return self.to_pixels(self.decoder(z)).view(-1, self._head.channels(channels), *size)


@final
class MLPVAE(FullyConnected):
    """VAE of fully connected layers: image → hidden → z → hidden reversed → image.

    Parameters
    ----------
    image_shape : (C, H, W)
    latent_dim : int, default 2
        At least 1.
    hidden : sequence of int, default (512, 256)
        Widths of the encoder's hidden layers; the decoder mirrors them. Empty for a linear model.
    activation : {"relu", "tanh"}
    likelihood : str or Likelihood
        "bernoulli", "continuous_bernoulli" (images in [0, 1]), "squared_error", "gaussian", "poisson",
        "negative_binomial" (counts) or "categorical" (one-hot); "bernoulli" by default.
    output : str, optional
        Function on the decoder's mean: "sigmoid", "identity" or "tanh"; by default
        "identity" for squared error, else "sigmoid". For counts "exp" (the
        default) or "softplus".
    sigma2 : float, "shared" or "pixel", optional
        For "gaussian": its variance in pixel values squared; or one learned number, which is the default; or
        one that the decoder says for each pixel.
    total_count : float, "shared" or "dimension", optional
        Of "negative_binomial": fixed, one learned number (the default), or learned for each dimension.

    Attributes
    ----------
    likelihood_options : dict
        What the likelihood is built with besides its name.
    log_sigma2 : Parameter, 0-d, or None
        Of a shared variance; see `vaewidgets.models.pixels.floored_log_sigma2` for what becomes of it.

    log_total_count : Parameter, 0-d or of the image's shape, or None
        Log of a learned total count of a negative binomial.

    Raises
    ------
    OptionError
        If an option is unknown or out of its range.

    Notes
    -----
    Weights are drawn from torch's global generator: call ``torch.manual_seed`` first to repeat them.
    """

    def _add_heads(self, width: int) -> None:
        self.to_mu = nn.Linear(width, self.latent_dim)
        self.to_logvar = nn.Linear(width, self.latent_dim)

    def _posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder(x.flatten(1))
        return self.to_mu(h), self.to_logvar(h)
