"""What the built-in models share: the declared traits, the head on the pixels, the way into a run file."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vaewidgets.checks import image_size, whole
from vaewidgets.errors import ShapeError
from vaewidgets.models.pixels import PixelHead

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


class Model(nn.Module, ABC):
    """A built-in model: `_posterior` and `_pixels` make it whole.

    Attributes
    ----------
    takes_labels : bool
        encode(x, labels), decode_raw(z, labels), decode(z, labels).
    sees_pixels : bool
        decode_raw(z, x).
    takes_beta : bool
        encode(x, beta), decode_raw(z, beta), decode(z, beta).
    default_objective : {"elbo", "reconstruction", "vq"}
        With another than "elbo", `encode` returns no variance.
    image_shape : (C, H, W)
    latent_dim : int
        Length of one image's code.
    """

    takes_labels: ClassVar[bool] = False
    sees_pixels: ClassVar[bool] = False
    takes_beta: ClassVar[bool] = False
    default_objective: ClassVar[str] = "elbo"

    def __init__(self, image_shape: Sequence[int], latent_dim: int, head: PixelHead) -> None:
        super().__init__()
        self.image_shape = image_size(image_shape)
        self.latent_dim = whole("latent_dim", latent_dim, 1)
        self._head = head
        self.log_sigma2: nn.Parameter | None = None
        self.log_total_count: nn.Parameter | None = None
        own = head.parameter(self.image_shape)
        if own is not None:
            setattr(self, own[0], nn.Parameter(own[1]))

    def _check_images(self, x: Tensor) -> None:
        if x.shape[1:] != self.image_shape:
            raise ShapeError(
                f"{type(self).__name__}.encode got images of shape {tuple(x.shape)}; expected "
                f"(batch, {', '.join(map(str, self.image_shape))}). Build it with the data's image_shape."
            )

    @property
    def likelihood(self) -> str:
        """Name of the likelihood that the model is trained with."""
        return self._head.likelihood

    @property
    def likelihood_options(self) -> dict[str, Any]:
        """What that likelihood is built with besides its name, e.g. ``{"sigma2": 0.05}``."""
        return self._head.options

    @property
    def output(self) -> str:
        """Function on the decoder's mean, such as "sigmoid" or "identity"."""
        return self._head.output

    @property
    def sigma2(self) -> float | str | None:
        """Variance of a Gaussian likelihood: a number, or "shared" or "pixel" where it is learned."""
        return self._head.sigma2

    @property
    def total_count(self) -> float | str | None:
        """Of a negative binomial: a number, or "shared" or "dimension" where it is learned."""
        return self._head.total_count

    def _raw(self, values: Tensor) -> Tensor:
        """What the likelihood reads, of the decoder's last layer (B, head.channels(C), H, W)."""
        spread = self.log_total_count if self.log_sigma2 is None else self.log_sigma2
        return self._head.raw(values, spread)

    @abstractmethod
    def _posterior(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Mean and log variance, each (B, latent_dim), of images (B, C, H, W)."""

    @abstractmethod
    def _pixels(self, z: Tensor) -> Tensor:
        """The decoder's last layer, (B, head.channels(C), H, W), of z (B, latent_dim)."""

    def _cropped(self, values: Tensor) -> Tensor:
        """Cut a size that doubling cannot reach from the next larger one."""
        _, height, width = self.image_shape
        return values if values.shape[2:] == (height, width) else values[:, :, :height, :width]

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Posterior of each image.

        Parameters
        ----------
        x : Tensor, shape (B, C, H, W)

        Returns
        -------
        mu, logvar : Tensor, each of shape (B, latent_dim)
            logvar is None where the model has no posterior variance.

        Raises
        ------
        ShapeError
            If the images have another shape than `image_shape`.
        """
        self._check_images(x)
        return self._posterior(x)

    def decode_raw(self, z: Tensor) -> Tensor:
        """What the likelihood reads: logits, log rates or the mean (B, C, H, W).

        With a learned variance or total count, the mean and the log of that on the channel axis:
        (B, 2C, H, W).
        """
        return self._raw(self._pixels(z))

    def decode(self, z: Tensor) -> Tensor:
        """Mean image of each latent point (B, latent_dim), shape (B, C, H, W)."""
        return self._head.image(self._pixels(z))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Encode, draw z once an image (torch's global generator), decode: (x_hat, mu, logvar)."""
        mu, logvar = self.encode(x)
        z = mu if logvar is None else mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z), mu, logvar

    def config(self) -> dict[str, Any]:
        """Plain values from which `vaewidgets.models.build` makes the same model with fresh weights."""
        # Each built-in model keeps the arguments of its constructor under their names.
        arguments = list(inspect.signature(type(self)).parameters)
        values = {name: getattr(self, name) for name in arguments if hasattr(self, name)}
        plain = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
        return {"class": type(self).__name__, **plain}


def halving(channels: Sequence[int]) -> list[nn.Module]:
    """Convolutions of these channels, the image's first, each of which halves the image."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(channels):
        layers += [nn.Conv2d(n_in, n_out, 4, stride=2, padding=1), nn.ReLU()]
    return layers


def doubling(channels: Sequence[int]) -> list[nn.Module]:
    """Transposed convolutions of these channels, each of which doubles the image."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(channels):
        layers += [nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1), nn.ReLU()]
    return layers


def stack(widths: Sequence[int], activation: str) -> nn.Sequential:
    """Fully connected layers of these widths, the input's first, an activation behind each."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)
