"""Likelihoods of counts, on the log of their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaewidgets.errors import DataError, ShapeError
from vaewidgets.models.pixels import count
from vaewidgets.objectives.likelihoods.base import Likelihood, parts_of

if TYPE_CHECKING:
    from vaewidgets.data import ImageDataset


@final
@dataclass(frozen=True)
class Poisson(Likelihood):
    """Probability of counts 0, 1, 2, ... of a rate, on its log l.

    −ln p(x) = e^l − x l + ln x!, in nats; `torch.distributions.Poisson(rate)` with rate = e^l.
    """

    name = "poisson"

    def recon(self, raw: Tensor, x: Tensor) -> Tensor:
        """Negative log-likelihood of each image, shape (B,)."""
        return self.per_pixel(raw, x).flatten(1).sum(1)

    def total(self, raw: Tensor, x: Tensor) -> Tensor:
        """Sum of `recon` over the batch."""
        return self.per_pixel(raw, x).sum()

    def mean(self, raw: Tensor) -> Tensor:
        """Rate of each pixel."""
        return torch.exp(raw)

    def sample(self, raw: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw counts."""
        return torch.poisson(torch.exp(raw), generator=generator)

    def check(self, data: ImageDataset) -> None:
        """Refuse what is no count."""
        _check_counts("poisson", data)

    def per_pixel(self, raw: Tensor, x: Tensor) -> Tensor:
        """Minus the log-probability of each count, of the shape of `x`."""
        return torch.exp(raw) - x * raw + torch.lgamma(x + 1.0)


@final
@dataclass(frozen=True)
class NegativeBinomial(Likelihood):
    """Probability of counts with a variance above their mean m: m + m² / total_count.

    `torch.distributions.NegativeBinomial(total_count, logits=ln(m / total_count))`, on ln m. Single-cell
    papers call `total_count` the inverse dispersion. As it grows this becomes a Poisson likelihood.

    Parameters
    ----------
    total_count : float, "shared" or "dimension"
        A number above 0 is that of every pixel. Otherwise it is learned, one for all pixels or one for each
        pixel of the data; raw then holds ln m and, behind it on the channel axis, ln total_count,
        (B, 2C, H, W).
    """

    total_count: float | str = "shared"

    name = "negative_binomial"

    def __post_init__(self) -> None:
        object.__setattr__(self, "total_count", count(self.total_count))

    @property
    def learned(self) -> bool:
        """Whether raw holds the total count."""
        return isinstance(self.total_count, str)

    def recon(self, raw: Tensor, x: Tensor) -> Tensor:
        """Negative log-likelihood of each image, shape (B,)."""
        return self.per_pixel(raw, x).flatten(1).sum(1)

    def total(self, raw: Tensor, x: Tensor) -> Tensor:
        """Sum of `recon` over the batch."""
        return self.per_pixel(raw, x).sum()

    def mean(self, raw: Tensor) -> Tensor:
        """Mean of each pixel."""
        return torch.exp(raw.chunk(2, dim=1)[0] if self.learned else raw)

    def sample(self, raw: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw counts: Poisson ones, whose rate is drawn from a Gamma distribution."""
        log_mean, r = self._parts(raw)
        rate = torch._standard_gamma(r, generator=generator) * torch.exp(log_mean) / r
        return torch.poisson(rate, generator=generator)

    def check(self, data: ImageDataset) -> None:
        """Refuse what is no count."""
        _check_counts("negative_binomial", data)

    def _parts(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Log mean and total count, each (B, C, H, W)."""
        if not self.learned:
            return raw, torch.full_like(raw, float(self.total_count))
        log_mean, log_count = raw.chunk(2, dim=1)
        return log_mean, torch.exp(log_count)

    def per_pixel(self, raw: Tensor, x: Tensor) -> Tensor:
        """Minus the log-probability of each count, of the shape of `x`."""
        if self.learned and raw.shape[1] != 2 * x.shape[1]:
            raise ShapeError(
                f"the decoder returned {raw.shape[1]} channels for images of {x.shape[1]}; a negative "
                f"binomial with total_count={self.total_count!r} wants {2 * x.shape[1]}: ln mean and ln "
                "total_count."
            )
        log_mean, r = self._parts(raw)
        # Those that hold at every r have ln Γ(x + r) − ln Γ(r), which loses all its digits where r is large.
        m = torch.exp(log_mean)
        shared = torch.lgamma(x + 1.0) + (x + r) * torch.log1p(m / r)
        return shared - x * (log_mean - torch.log(r)) - log_rising(x, r)


_LARGE = 8.0  # above it Stirling's series is exact to a rounding of float32


def log_rising(x: Tensor, r: Tensor) -> Tensor:
    """Return ln Γ(x + r) − ln Γ(r), to a rounding of the result for x ≥ 0 and r > 0; shape of both."""
    large = r > _LARGE
    # The branch not taken must be finite too, or its gradient spoils the other one's.
    far, near = torch.where(large, r, _LARGE), torch.where(large, _LARGE, r)
    series = x * torch.log(far) + (x + far - 0.5) * torch.log1p(x / far) - x
    series = series + _stirling(x + far) - _stirling(far)
    return torch.where(large, series, torch.lgamma(x + near) - torch.lgamma(near))


def _stirling(y: Tensor) -> Tensor:
    """Return ln Γ(y) − [(y − ½) ln y − y + ½ ln 2π]."""
    square = y.square()
    return (1 / 12 - (1 / 360 - 1 / (1260 * square)) / square) / y


def _check_counts(name: str, data: ImageDataset) -> None:
    for x in parts_of(data):
        wrong = x[(x < 0) | (x != x.round())]
        if len(wrong):
            other = "gaussian" if bool((wrong < 0).any()) or float(x.max()) > 1 else "bernoulli"
            raise DataError(
                f"likelihood {name!r} wants counts 0, 1, 2, ...; {data.name!r} has {float(wrong[0]):g}. Give "
                f'the counts themselves, not scaled ones, or use likelihood="{other}".'
            )
