"""A fully connected autoencoder: no posterior, no prior."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn

from vaewidgets.models.mlp import FullyConnected


@final
class Autoencoder(FullyConnected):
    """Autoencoder of fully connected layers: image → hidden → z → hidden reversed → image.

    Its `encode` returns (z, None). Nothing draws its codes towards a prior, so that samples of one mean
    little: that is what it is for, beside a VAE of the same layers (`MLPVAE`).

    Parameters
    ----------
    image_shape : (C, H, W)
    latent_dim : int, default 2
        At least 1.
    hidden : sequence of int, default (512, 256)
        Widths of the encoder's hidden layers; the decoder mirrors them.
    activation : {"relu", "tanh"}
    likelihood : str or Likelihood
        "bernoulli", "continuous_bernoulli" (images in [0, 1]), "squared_error", "gaussian", "poisson",
        "negative_binomial" (counts) or "categorical" (one-hot); "bernoulli" by default.
    output : str, optional
        Function on the decoder's mean: "sigmoid", "identity" or "tanh"; by default
        "identity" for squared error, else "sigmoid". For counts "exp" (the
        default) or "softplus".
    sigma2 : float, "shared" or "pixel", optional
        Variance of "gaussian": fixed, one learned number (the default), or learned for each pixel.
    total_count : float, "shared" or "dimension", optional
        Of "negative_binomial": fixed, one learned number (the default), or learned for each dimension.

    Raises
    ------
    OptionError
        If an option is unknown or out of its range.
    """

    default_objective = "reconstruction"

    def _add_heads(self, width: int) -> None:
        self.to_z = nn.Linear(width, self.latent_dim)

    def _posterior(self, x: Tensor) -> tuple[Tensor, None]:
        return self.to_z(self.encoder(x.flatten(1))), None
