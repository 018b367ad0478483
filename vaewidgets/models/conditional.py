"""A VAE conditioned on the class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, final

import torch
from torch import Tensor, nn

from vaewidgets.checks import number, one_of, whole, wholes
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.models.base import ACTIVATIONS, Model, stack
from vaewidgets.models.pixels import (
    LikelihoodName,
    NamedLikelihood,
    OutputName,
    Sigma2,
    TotalCount,
    pixel_head,
)

Labels = Tensor | int | None


@final
class ConditionalVAE(Model):
    """Fully connected VAE with the class as an input of both halves: q(z|x, y) and p(x|z, y).

    z then carries what the class does not say, such as slant and stroke, and ``decode(z, labels=3)`` of a
    z ~ N(0, I) is a new image of class 3. The class comes in as a one-hot vector beside the first layer's
    input; "no class" is all zeros, which `drop_labels` trains, so that the model works without labels
    too.

    Parameters
    ----------
    image_shape : (C, H, W)
    latent_dim : int, default 2
    n_classes : int, default 10
        Labels are 0 to n_classes − 1.
    hidden : sequence of int, default (512, 256)
        Widths of the encoder's hidden layers, at least one; the decoder mirrors them.
    activation : {"relu", "tanh"}
    label_dropout : float, default 0.1
        Share of training images whose class is left out, 0 to 1.
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

    References
    ----------
    Sohn, Lee & Yan 2015, NeurIPS 28; Kingma et al. 2014, arXiv:1406.5298. Dropping labels: Ho & Salimans
    2022, arXiv:2207.12598.
    """

    takes_labels = True

    def __init__(
        self,
        image_shape: Sequence[int],
        latent_dim: int = 2,
        *,
        n_classes: int = 10,
        hidden: Sequence[int] = (512, 256),
        activation: Literal["relu", "tanh"] = "relu",
        label_dropout: float = 0.1,
        likelihood: LikelihoodName | NamedLikelihood = "bernoulli",
        output: OutputName | None = None,
        sigma2: Sigma2 | None = None,
        total_count: TotalCount | None = None,
    ) -> None:
        head = pixel_head(likelihood, output, sigma2, total_count)
        super().__init__(image_shape, latent_dim, head)
        self.n_classes = whole("n_classes", n_classes, 1)
        self.hidden = wholes("hidden", hidden, 1, also=", the widths of the layers, e.g. (512, 256)")
        if not self.hidden:
            raise OptionError(f"hidden is {hidden!r}; expected at least one layer, for the class to enter.")
        self.activation = one_of("activation", activation, ACTIVATIONS)
        self.label_dropout = number("label_dropout", label_dropout, 0, 1)
        n_pixels, first, last = math.prod(self.image_shape), self.hidden[0], self.hidden[-1]
        # two matrices into the first layer are one on the concatenation, and "no class" costs nothing
        self.from_x = nn.Linear(n_pixels, first)
        self.from_class = nn.Linear(self.n_classes, first, bias=False)
        self.act = ACTIVATIONS[self.activation]()
        self.encoder = stack(self.hidden, self.activation)
        self.to_mu = nn.Linear(last, self.latent_dim)
        self.to_logvar = nn.Linear(last, self.latent_dim)
        self.from_z = nn.Linear(self.latent_dim, last)
        self.class_with_z = nn.Linear(self.n_classes, last, bias=False)
        self.decoder = stack(tuple(reversed(self.hidden)), self.activation)
        self.to_pixels = nn.Linear(first, n_pixels * head.channels(1))

    def encode(self, x: Tensor, labels: Labels = None) -> tuple[Tensor, Tensor]:
        """Posterior of each image.

        Parameters
        ----------
        x : Tensor, shape (B, C, H, W)
        labels : Tensor of int, shape (B,), or int, optional
            Classes; −1, like None, is none. Or one-hot rows, floats of shape (B, n_classes), all 0 for none.

        Returns
        -------
        mu, logvar : Tensor, each of shape (B, latent_dim)

        Raises
        ------
        ShapeError
            If the images have another shape than `image_shape`, or the labels another length.
        OptionError
            If a label is no class.
        """
        self._check_images(x)
        return self._posterior(x, labels)

    def decode_raw(self, z: Tensor, labels: Labels = None) -> Tensor:
        """What the likelihood reads, of z (B, latent_dim) and classes as in `encode`."""
        return self._raw(self._pixels(z, labels))

    def decode(self, z: Tensor, labels: Labels = None) -> Tensor:
        """Mean image (B, C, H, W) of each z (B, latent_dim), of the classes given as in `encode`."""
        return self._head.image(self._pixels(z, labels))

    def decode_told(self, z: Tensor, one_hot: Tensor) -> Tensor:
        """`decode` with each class as a row of `one_hot` (B, n_classes): one 1, or all 0 for none."""
        return self._head.image(self._image_rows(self.from_z(z) + self.class_with_z(one_hot)))

    def forward(self, x: Tensor, labels: Labels = None) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, draw z once an image (torch's global generator), decode: (x_hat, mu, logvar)."""
        mu, logvar = self.encode(x, labels)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z, labels), mu, logvar

    def drop_labels(self, labels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Replace a share `label_dropout` of the labels by −1, "no class"; in training mode only.

        Once a batch, before `encode` and `decode_raw`, so that both halves of one image get the same.

        Parameters
        ----------
        labels : Tensor of int, shape (B,), or one-hot rows, floats of shape (B, n_classes)
        generator : torch.Generator, optional
            On the device of `labels`; torch's global one by default.

        Returns
        -------
        Tensor, as `labels`
        """
        if not self.training or self.label_dropout == 0:
            return labels
        chance = torch.rand(labels.shape[:1], generator=generator, device=labels.device)
        if labels.is_floating_point():
            return labels * (chance >= self.label_dropout).to(labels.dtype).unsqueeze(1)
        return torch.where(chance < self.label_dropout, -1, labels)

    def _posterior(self, x: Tensor, labels: Labels = None) -> tuple[Tensor, Tensor]:
        h = self.from_x(x.flatten(1))
        h = self.encoder(self.act(self._with_class(h, self.from_class, labels)))
        return self.to_mu(h), self.to_logvar(h)

    def _pixels(self, z: Tensor, labels: Labels = None) -> Tensor:
        return self._image_rows(self._with_class(self.from_z(z), self.class_with_z, labels))

    def _image_rows(self, h: Tensor) -> Tensor:
        """From the decoder's first layer, before its activation, to the pixels."""
        h = self.decoder(self.act(h))
        channels, *size = self.image_shape
        return self.to_pixels(h).view(-1, self._head.channels(channels), *size)

    def _with_class(self, h: Tensor, layer: nn.Linear, labels: Labels) -> Tensor:
        """Add the class's share to what enters the first layer, h (B, width)."""
        if labels is None:
            return h
        if isinstance(labels, Tensor) and labels.is_floating_point():
            return h + layer(labels)
        classes = torch.arange(self.n_classes, device=h.device)
        labels = torch.as_tensor(labels, device=h.device)
        if labels.ndim == 0:
            labels = labels.expand(len(h))
        self._check(labels, len(h))
        return h + layer((labels[:, None] == classes).to(h.dtype))

    def _check(self, labels: Tensor, n: int) -> None:
        if labels.shape != (n,):
            raise ShapeError(f"labels have shape {tuple(labels.shape)}; expected ({n},), one class an image.")
        # elsewhere a look at the values would wait for the device in every step
        if labels.device.type != "cpu" or n == 0:
            return
        low, high = int(labels.min()), int(labels.max())
        if low < -1 or high >= self.n_classes:
            raise OptionError(
                f"labels run from {low} to {high}; this ConditionalVAE has classes 0 to "
                f"{self.n_classes - 1} (-1 for none). Build it with n_classes={max(high + 1, 1)}."
            )
