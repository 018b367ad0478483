"""Likelihoods of the squared distance between an image and its mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaewidgets.checks import number
from vaewidgets.errors import ShapeError
from vaewidgets.models.pixels import SIGMA2_FLOOR, floored_log_sigma2, variance
from vaewidgets.objectives.likelihoods.base import Likelihood


@final
@dataclass(frozen=True)
class SquaredError(Likelihood):
    """Sum of squared differences, ‖x − x_hat‖².

    Up to a constant minus the log of a Gaussian with sigma² = ½; the constant is left out, so no ELBO is
    made of it.
    """

    name = "squared_error"

    @property
    def normalised(self) -> bool:
        """False: the constant of the density is left out."""
        return False

    @property
    def unit(self) -> str:
        """Squared error: pixel values squared."""
        return "squared error"

    def recon(self, raw: Tensor, x: Tensor) -> Tensor:
        """Squared error of each image, shape (B,)."""
        return self.per_pixel(raw, x).flatten(1).sum(1)

    def per_pixel(self, raw: Tensor, x: Tensor) -> Tensor:
        """Squared error of each pixel, of the shape of `x`."""
        return (raw - x).square()

    def total(self, raw: Tensor, x: Tensor) -> Tensor:
        """Sum of `recon` over the batch."""
        return F.mse_loss(raw, x, reduction="sum")

    def mean(self, raw: Tensor) -> Tensor:
        """The decoder's output as it is."""
        return raw

    def sample(self, raw: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw from the Gaussian of sigma² = ½ that this error belongs to."""
        return raw + math.sqrt(0.5) * _noise(raw, generator)


@final
@dataclass(frozen=True)
class Gaussian(Likelihood):
    """Density N(x; mean, sigma²) of each pixel, with a fixed or a learned variance.

    ½ (x − mean)² / sigma² + ½ ln(2π sigma²), in nats.

    Parameters
    ----------
    sigma2 : float, "shared" or "pixel"
        In pixel values squared. A number is the variance of every pixel. Otherwise it is learned, one for all
        pixels or one for each; the decoder then says it: raw holds the mean and, behind it on the channel
        axis, ln sigma² before the floor, (B, 2C, H, W).
    sigma2_floor : float
        A learned variance is `sigma2_floor` + e^(what the decoder says): the density of a pixel that never
        changes is unbounded without it, and its gradient smooth with it.

    References
    ----------
    Kingma & Welling 2014, arXiv:1312.6114, appendix C.2; on the shared variance: Rybkin et al. 2021,
    arXiv:2006.13202.
    """

    sigma2: float | str = "shared"
    sigma2_floor: float = SIGMA2_FLOOR

    name = "gaussian"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma2", variance(self.sigma2))
        number("sigma2_floor", self.sigma2_floor, above=0)

    @property
    def learned(self) -> bool:
        """Whether the decoder says the variance."""
        return self.sigma2 in ("shared", "pixel")

    def recon(self, raw: Tensor, x: Tensor) -> Tensor:
        """Negative log-likelihood of each image, shape (B,); below 0 where the variance is small."""
        if not self.learned:
            n_pixels = x[0].numel()
            return self._scaled((raw - x).square().flatten(1).sum(1), n_pixels)
        return self.per_pixel(raw, x).flatten(1).sum(1)

    def total(self, raw: Tensor, x: Tensor) -> Tensor:
        """Sum of `recon` over the batch."""
        if not self.learned:
            return self._scaled(F.mse_loss(raw, x, reduction="sum"), x.numel())
        return self.per_pixel(raw, x).sum()

    def mean(self, raw: Tensor) -> Tensor:
        """Mean image, shape (B, C, H, W)."""
        return raw.chunk(2, dim=1)[0] if self.learned else raw

    def sample(self, raw: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw images, shape (B, C, H, W)."""
        mean = self.mean(raw)
        return mean + torch.exp(0.5 * self.log_sigma2(raw)) * _noise(mean, generator)

    def log_sigma2(self, raw: Tensor) -> Tensor:
        """Ln sigma² in force at each pixel, shape (B, C, H, W)."""
        if self.learned:
            return floored_log_sigma2(raw.chunk(2, dim=1)[1], self.sigma2_floor)
        return torch.full_like(raw, math.log(float(self.sigma2)))

    def _scaled(self, squared_error: Tensor, n_pixels: int) -> Tensor:
        sigma2 = float(self.sigma2)
        return squared_error * (0.5 / sigma2) + 0.5 * n_pixels * math.log(2 * math.pi * sigma2)

    def per_pixel(self, raw: Tensor, x: Tensor) -> Tensor:
        """Negative log-density of each pixel, of the shape of `x`."""
        if self.learned and raw.shape[1] != 2 * x.shape[1]:
            raise ShapeError(
                f"the decoder returned {raw.shape[1]} channels for images of {x.shape[1]}; a Gaussian with "
                f"sigma2={self.sigma2!r} wants {2 * x.shape[1]}: the mean and ln sigma2."
            )
        log_sigma2 = self.log_sigma2(raw)
        scaled = (raw[:, : x.shape[1]] - x).square() * torch.exp(-log_sigma2)
        return 0.5 * (scaled + log_sigma2 + math.log(2 * math.pi))


def _noise(like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)
