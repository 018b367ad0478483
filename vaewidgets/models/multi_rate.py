"""A VAE conditioned on beta: one network for the whole rate-distortion curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaewidgets.checks import number, one_of, sequence, whole, wholes
from vaewidgets.errors import OptionError
from vaewidgets.models.base import ACTIVATIONS, Model
from vaewidgets.models.mlp import MLPVAE
from vaewidgets.models.pixels import (
    LikelihoodName,
    NamedLikelihood,
    OutputName,
    Sigma2,
    TotalCount,
    pixel_head,
)

Beta = Tensor | float | None


@final
class _Turned(nn.Module):
    """A fully connected layer that changes with log beta: weights at several knots, and lines between them.

    All knots begin with the same weights. Where betas share the weight, the bias alone changes.
    """

    def __init__(
        self, n_in: int, n_out: int, knots: int, activation: str | None = None, *, shares_weight: bool = False
    ) -> None:
        super().__init__()
        start = nn.Linear(n_in, n_out)
        weight, bias = start.weight.detach(), start.bias.detach()
        self.weight = nn.Parameter(weight.repeat(1 if shares_weight else knots, 1, 1))
        self.bias = nn.Parameter(bias.repeat(knots, 1))
        self.act: nn.Module = nn.Identity() if activation is None else ACTIVATIONS[activation]()

    def forward(self, h: Tensor, near: Tensor) -> Tensor:
        """Of h (B, n_in), at shares of the knots (K,), or (B, K) for each row its own."""
        if near.ndim == 1 or len(self.weight) == 1:
            weight, bias = self.at(near)
            return self.act(functional.linear(h, weight) + bias)
        each = functional.linear(h, self.weight.flatten(0, 1)).unflatten(1, self.bias.shape)
        return self.act((near.unsqueeze(-1) * (each + self.bias)).sum(1))

    def at(self, near: Tensor) -> tuple[Tensor, Tensor]:
        """Weight (n_out, n_in) and bias (n_out,); or, of shares of each row, a shared weight and biases."""
        bias = near @ self.bias
        return self.weight[0] if len(self.weight) == 1 else torch.tensordot(near, self.weight, 1), bias


@final
class MultiRateVAE(Model):
    """Fully connected VAE conditioned on beta: q(z|x, beta) and p(x|z, beta) for every beta of a range.

    Trained with another beta at each step (``beta=vw.LogUniform(0.1, 10)``), one network stands for separate
    runs of `MLPVAE` (how closely: docs/experiments.md): ``encode(x, beta)``, ``decode(z, beta)``, and
    ``at(beta)``, which is an ordinary `MLPVAE`. Each layer has its weights at several values of log beta, and
    weights on a line between two of them; the last, which a page is sent, shares its weight, not its bias.

    Parameters
    ----------
    image_shape : (C, H, W)
    latent_dim : int, default 2
    betas : (float, float), default (0.1, 10)
        Least and largest beta. One outside is taken for the nearest end.
    hidden : sequence of int, default (512, 256)
        Widths of the encoder's hidden layers, at least one; the decoder mirrors them.
    activation : {"relu", "tanh"}
    knots : int, default 5
        At how many values of log beta, at equal distances, there are weights; at least 2.
    likelihood : str or Likelihood
        As for `MLPVAE`.
    output : str, optional
    sigma2 : float, "shared" or "pixel", optional
    total_count : float, "shared" or "dimension", optional

    Notes
    -----
    Without a beta, `encode` and `decode` use the geometric middle of `betas`, which is 1 by default: that is
    what the widgets show that know nothing of beta.

    Raises
    ------
    OptionError
        If an option is unknown or out of its range.

    References
    ----------
    Bae, Zhang, Ruan, Wang, Hasegawa, Ba & Grosse 2023, arXiv:2212.03905 (Multi-Rate VAE). There log beta sets
    gates behind shared weights; here the weights follow it.
    """

    takes_beta = True

    def __init__(
        self,
        image_shape: Sequence[int],
        latent_dim: int = 2,
        *,
        betas: Sequence[float] = (0.1, 10.0),
        hidden: Sequence[int] = (512, 256),
        activation: Literal["relu", "tanh"] = "relu",
        knots: int = 5,
        likelihood: LikelihoodName | NamedLikelihood = "bernoulli",
        output: OutputName | None = None,
        sigma2: Sigma2 | None = None,
        total_count: TotalCount | None = None,
    ) -> None:
        head = pixel_head(likelihood, output, sigma2, total_count)
        super().__init__(image_shape, latent_dim, head)
        self.betas = _range(betas)
        self.hidden = wholes("hidden", hidden, 1, also=", the widths of the layers, e.g. (512, 256)")
        if not self.hidden:
            raise OptionError(f"hidden is {hidden!r}; expected at least one layer, for beta to enter.")
        self.activation = one_of("activation", activation, ACTIVATIONS)
        self.knots = whole("knots", knots, 2)
        n_pixels, last = math.prod(self.image_shape), self.hidden[-1]
        self.encoder = self._layers((n_pixels, *self.hidden))
        self.to_mu = _Turned(last, self.latent_dim, self.knots)
        self.to_logvar = _Turned(last, self.latent_dim, self.knots)
        self.decoder = self._layers((self.latent_dim, *reversed(self.hidden)))
        n_out = n_pixels * head.channels(1)
        self.to_pixels = _Turned(self.hidden[0], n_out, self.knots, shares_weight=True)

    def _layers(self, widths: Sequence[int]) -> nn.ModuleList:
        """Layers of these widths, the input's first."""
        between = pairwise(widths)
        return nn.ModuleList(_Turned(n_in, n_out, self.knots, self.activation) for n_in, n_out in between)

    def encode(self, x: Tensor, beta: Beta = None) -> tuple[Tensor, Tensor]:
        """Posterior of each image at one beta.

        Parameters
        ----------
        x : Tensor, shape (B, C, H, W)
        beta : float, or Tensor that is 0-d or (B, 1), optional

        Returns
        -------
        mu, logvar : Tensor, each of shape (B, latent_dim)

        Raises
        ------
        ShapeError
            If the images have another shape than `image_shape`.
        """
        self._check_images(x)
        return self._posterior(x, self.place(beta, x))

    def decode_raw(self, z: Tensor, beta: Beta = None) -> Tensor:
        """What the likelihood reads, of z (B, latent_dim) and beta as in `encode`."""
        return self._raw(self._pixels(z, self.place(beta, z)))

    def decode(self, z: Tensor, beta: Beta = None) -> Tensor:
        """Mean image (B, C, H, W) of each z (B, latent_dim), at a beta given as in `encode`."""
        return self.decode_at(z, self.place(beta, z))

    def decode_at(self, z: Tensor, t: Tensor) -> Tensor:
        """`decode` with beta by its place t (B, 1) in the range: −1 and 1 are its ends, see `place`."""
        return self._head.image(self._pixels(z, t))

    def place(self, beta: Beta = None, like: Tensor | None = None) -> Tensor:
        """Log beta scaled to the range: −1 at its least, 1 at its largest beta, 0 where none is given.

        Parameters
        ----------
        beta : float or Tensor, optional
        like : Tensor, optional
            Whose device and type of number the result has.
        """
        like = self.to_mu.bias if like is None else like
        if beta is None:
            return torch.zeros((), dtype=like.dtype, device=like.device)
        least, most = self.betas
        inside = torch.as_tensor(beta, dtype=like.dtype, device=like.device).clamp(least, most)
        middle = math.log(least * most) / 2
        return (torch.log(inside) - middle) / (math.log(most) - middle)

    @torch.no_grad()
    def at(self, beta: float) -> MLPVAE:
        """The VAE at one beta, as an `MLPVAE` that gives the same to rounding and shares no weight."""
        options = {
            key: value for key, value in self.config().items() if key not in ("class", "betas", "knots")
        }
        with torch.device("meta"):  # no weight is drawn: torch's generator is the caller's
            made = MLPVAE(**options)
        made = made.to_empty(device=self.to_mu.bias.device).to(self.to_mu.bias.dtype)
        near = self._near(self.place(number("beta", beta, above=0)))
        plain = (*made.encoder, made.to_mu, made.to_logvar, *made.decoder, made.to_pixels)
        turned = [*self.encoder, self.to_mu, self.to_logvar, *self.decoder, self.to_pixels]
        for layer, source in zip((m for m in plain if isinstance(m, nn.Linear)), turned, strict=True):
            weight, bias = cast("_Turned", source).at(near)
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        for name in ("log_sigma2", "log_total_count"):
            if getattr(self, name) is not None:
                getattr(made, name).copy_(getattr(self, name))
        return made.train(self.training)

    def _near(self, t: Tensor) -> Tensor:
        """Shares of the knots at places t, 0-d or (B, 1): (K,) or (B, K), of which at most two are not 0."""
        knots = torch.arange(self.knots, dtype=t.dtype, device=t.device)
        return (1 - ((t + 1) * ((self.knots - 1) / 2) - knots).abs()).clamp(min=0)

    def _posterior(self, x: Tensor, t: Tensor | None = None) -> tuple[Tensor, Tensor]:
        near = self._near(self.place() if t is None else t)
        h = x.flatten(1)
        for layer in self.encoder:
            h = layer(h, near)
        return self.to_mu(h, near), self.to_logvar(h, near)

    def _pixels(self, z: Tensor, t: Tensor | None = None) -> Tensor:
        near = self._near(self.place() if t is None else t)
        h = z
        for layer in self.decoder:
            h = layer(h, near)
        channels, *size = self.image_shape
        return self.to_pixels(h, near).view(-1, self._head.channels(channels), *size)


def _range(betas: object) -> tuple[float, float]:
    """Check a range of beta."""
    expected = "two numbers above 0, the least and the largest beta, e.g. (0.1, 10)"
    least, most = (number("betas", value, above=0) for value in sequence("betas", betas, expected, count=2))
    if not least < most:
        raise OptionError(f"betas is {betas!r}; expected {expected}.")
    return least, most
