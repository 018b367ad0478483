"""The protocol itself."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class VAE(Protocol):
    """A variational autoencoder with a diagonal Gaussian posterior and the prior N(0, I).

    Attributes
    ----------
    latent_dim : int
        Number of latent dimensions, at least 1.
    """

    latent_dim: int

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior of each image.

        Parameters
        ----------
        x : Tensor, shape (B, C, H, W)
            Floating point images in the data's ``value_range``.

        Returns
        -------
        mu, logvar : Tensor, each of shape (B, latent_dim)
            Posterior mean and natural log of the posterior variance.
        """
        ...

    def decode(self, z: Tensor) -> Tensor:
        """Mean image of each latent point.

        Parameters
        ----------
        z : Tensor, shape (B, latent_dim)
            Latent points.

        Returns
        -------
        Tensor, shape (B, C, H, W)
            ``x_hat``, in the data's ``value_range``.
        """
        ...
