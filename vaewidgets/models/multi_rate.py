"""A VAE conditioned on beta: one network for the whole rate-distortion curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, cast, final

import torch
from torch import Tensor, nn

from vaewidgets.checks import number, one_of, sequence, wholes
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
class _Gate(nn.Module):
    """Factors that depend on t: 2·sigmoid(offset + slope · t), 1 before training."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(width))
        self.offset = nn.Parameter(torch.zeros(width))

    def forward(self, t: Tensor) -> Tensor:
        return 2 * torch.sigmoid(self.offset + self.slope * t)


@final
class _Turned(nn.Module):
    """A fully connected layer whose bias and outputs change with t: gate(t) · f(W h + b + shift · t)."""

    def __init__(self, n_in: int, n_out: int, activation: str | None) -> None:
        super().__init__()
        self.layer = nn.Linear(n_in, n_out)
        self.act: nn.Module = nn.Identity() if activation is None else ACTIVATIONS[activation]()
        self.shift = nn.Parameter(torch.zeros(n_out))
        self.gate = _Gate(n_out)

    def forward(self, h: Tensor, t: Tensor) -> Tensor:
        return self.act(self.layer(h) + self.shift * t) * self.gate(t)


@final
class MultiRateVAE(Model):
    """Fully connected VAE conditioned on beta: q(z|x, beta) and p(x|z, beta) for every beta of a range.

    Trained with another beta at each step (``beta=vw.LogUniform(0.1, 10)``), one network stands for separate
    runs of `MLPVAE` (how closely: docs/experiments.md): ``encode(x, beta)``, ``decode(z, beta)``, and
    ``at(beta)``, which is an ordinary `MLPVAE`. Log beta shifts the bias of each layer and gates its outputs,
    and z.

    Parameters
    ----------
    image_shape : (C, H, W)
    latent_dim : int, default 2
    betas : (float, float), default (0.1, 10)
        Least and largest beta. One outside is taken for the nearest end.
    hidden : sequence of int, default (512, 256)
        Widths of the encoder's hidden layers, at least one; the decoder mirrors them.
    activation : {"relu", "tanh"}
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
    Bae, Zhang, Ruan, Wang, Hasegawa, Ba & Grosse 2023, arXiv:2212.03905 (Multi-Rate VAE). There the gates
    alone depend on log beta; here the biases do, too.
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
        n_pixels, last = math.prod(self.image_shape), self.hidden[-1]
        self.encoder = _turned((n_pixels, *self.hidden), self.activation)
        self.to_mu = _Turned(last, self.latent_dim, None)
        self.to_logvar = nn.Linear(last, self.latent_dim)
        self.logvar_shift = nn.Parameter(torch.zeros(self.latent_dim))
        self.z_gate = _Gate(self.latent_dim)  # a unit that is off at a large beta is noise to the decoder
        self.decoder = _turned((self.latent_dim, *reversed(self.hidden)), self.activation)
        self.to_pixels = nn.Linear(self.hidden[0], n_pixels * head.channels(1))

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
        like = self.logvar_shift if like is None else like
        if beta is None:
            return torch.zeros((), dtype=like.dtype, device=like.device)
        least, most = self.betas
        inside = torch.as_tensor(beta, dtype=like.dtype, device=like.device).clamp(least, most)
        middle = math.log(least * most) / 2
        return (torch.log(inside) - middle) / (math.log(most) - middle)

    @torch.no_grad()
    def at(self, beta: float) -> MLPVAE:
        """The VAE at one beta, as an `MLPVAE` that gives the same to rounding and shares no weight."""
        options = {key: value for key, value in self.config().items() if key not in ("class", "betas")}
        with torch.device("meta"):  # no weight is drawn: torch's generator is the caller's
            made = MLPVAE(**options)
        made = made.to_empty(device=self.logvar_shift.device).to(self.logvar_shift.dtype)
        t = self.place(number("beta", beta, above=0))
        for plain, turned in ((made.encoder, self.encoder), (made.decoder, self.decoder)):
            gate = None if turned is self.encoder else self.z_gate(t)
            for layer, source in zip((m for m in plain if isinstance(m, nn.Linear)), turned, strict=True):
                one = cast("_Turned", source)
                _fold(layer, one.layer, gate, one.shift * t)
                gate = one.gate(t)
            if plain is made.encoder:
                _fold(made.to_mu, self.to_mu.layer, gate, self.to_mu.shift * t, self.to_mu.gate(t))
                _fold(made.to_logvar, self.to_logvar, gate, self.logvar_shift * t)
            else:
                _fold(made.to_pixels, self.to_pixels, gate)
        for name in ("log_sigma2", "log_total_count"):
            if getattr(self, name) is not None:
                getattr(made, name).copy_(getattr(self, name))
        return made.train(self.training)

    def _posterior(self, x: Tensor, t: Tensor | None = None) -> tuple[Tensor, Tensor]:
        t = self.place() if t is None else t
        h = x.flatten(1)
        for layer in self.encoder:
            h = layer(h, t)
        return self.to_mu(h, t), self.to_logvar(h) + self.logvar_shift * t

    def _pixels(self, z: Tensor, t: Tensor | None = None) -> Tensor:
        t = self.place() if t is None else t
        h = z * self.z_gate(t)
        for layer in self.decoder:
            h = layer(h, t)
        channels, *size = self.image_shape
        return self.to_pixels(h).view(-1, self._head.channels(channels), *size)


def _range(betas: object) -> tuple[float, float]:
    """Check a range of beta."""
    expected = "two numbers above 0, the least and the largest beta, e.g. (0.1, 10)"
    least, most = (number("betas", value, above=0) for value in sequence("betas", betas, expected, count=2))
    if not least < most:
        raise OptionError(f"betas is {betas!r}; expected {expected}.")
    return least, most


def _turned(widths: Sequence[int], activation: str) -> nn.ModuleList:
    """Layers of these widths, the input's first."""
    return nn.ModuleList(_Turned(n_in, n_out, activation) for n_in, n_out in pairwise(widths))


def _fold(
    into: nn.Linear,
    layer: nn.Linear,
    before: Tensor | None,
    shift: Tensor | float = 0.0,
    behind: Tensor | float = 1.0,
) -> None:
    """Write a layer between two gates, and its shift, into a plain layer."""
    weight = layer.weight if before is None else layer.weight * before
    into.weight.copy_(weight * torch.as_tensor(behind).reshape(-1, 1))
    into.bias.copy_((layer.bias + shift) * behind)
