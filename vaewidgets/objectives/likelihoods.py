"""How an image is scored against what the decoder says: one final class a likelihood."""

from __future__ import annotations

import difflib
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaewidgets.errors import DataError, OptionError

if TYPE_CHECKING:
    from vaewidgets.data import ImageDataset

__all__ = ["LIKELIHOODS", "Bernoulli", "Likelihood", "SquaredError", "get_likelihood"]


class Likelihood(ABC):
    """Scores images, summed over channels and pixels.

    Attributes
    ----------
    name : str
        As `get_likelihood` knows it.
    recon_name : str
        What the reconstruction term is called on an axis.
    normalised : bool
        Whether `recon` is minus the log of a density that integrates to 1 over the data at hand, so that
        −(recon + kl) is a lower bound on their log-likelihood.
    unit : str
        Unit of `recon`.
    """

    name: str
    recon_name: str

    @property
    @abstractmethod
    def normalised(self) -> bool:
        """Whether `recon` is a negative log-likelihood of the data at hand."""

    @property
    @abstractmethod
    def unit(self) -> str:
        """Unit of `recon`."""

    @abstractmethod
    def recon(self, raw: Tensor, x: Tensor) -> Tensor:
        """Reconstruction term of each image.

        Parameters
        ----------
        raw : Tensor, shape (B, C, H, W)
            What `model.decode_raw` returned.
        x : Tensor, shape (B, C, H, W)

        Returns
        -------
        Tensor, shape (B,)
            Summed over C, H and W.
        """

    @abstractmethod
    def total(self, raw: Tensor, x: Tensor) -> Tensor:
        """Sum of `recon` over the batch, a 0-d tensor, in the fewest passes over memory."""

    @abstractmethod
    def mean(self, raw: Tensor) -> Tensor:
        """Mean image ``x_hat``, of the shape of `raw`."""

    @abstractmethod
    def check(self, data: ImageDataset) -> None:
        """Refuse data that this likelihood cannot score (DataError), before any training."""

    @abstractmethod
    def fitted_to(self, data: ImageDataset) -> Self:
        """Return this likelihood with `normalised` and `unit` as they are for `data`."""


@final
@dataclass(frozen=True)
class Bernoulli(Likelihood):
    """Binary cross-entropy of pixels in [0, 1], on logits l with p = 1 / (1 + e^−l).

    −[x ln p + (1 − x) ln(1 − p)], in nats. A likelihood of binary pixels; on grey ones it is a score with
    the same minimiser but no normalised density, so that no ELBO is made of it.

    Parameters
    ----------
    binary : bool
        Whether all pixels are 0 or 1.
    """

    binary: bool = False

    name = "bernoulli"
    recon_name = "binary cross-entropy"

    @property
    def normalised(self) -> bool:
        """Only on binary pixels."""
        return self.binary

    @property
    def unit(self) -> str:
        """Nats, or "BCE on grey pixels"."""
        return "nats" if self.binary else "BCE on grey pixels"

    def recon(self, raw: Tensor, x: Tensor) -> Tensor:
        """Binary cross-entropy of each image, shape (B,)."""
        return F.binary_cross_entropy_with_logits(raw, x, reduction="none").flatten(1).sum(1)

    def total(self, raw: Tensor, x: Tensor) -> Tensor:
        """Sum of `recon` over the batch."""
        if raw.device.type == "cpu" and raw.dtype == torch.float32:
            return _CrossEntropyTotal.apply(raw, x)
        return F.binary_cross_entropy_with_logits(raw, x, reduction="sum")

    def mean(self, raw: Tensor) -> Tensor:
        """Probability of each pixel."""
        return torch.sigmoid(raw)

    def check(self, data: ImageDataset) -> None:
        """Refuse a value range beyond [0, 1]."""
        lo, hi = data.value_range
        if lo < 0 or hi > 1:
            raise DataError(
                f"the Bernoulli likelihood wants images in [0, 1]; {data.name!r} has "
                f"value_range=({lo:g}, {hi:g}). Load the data with value_range=(0, 1), or "
                'use likelihood="squared_error".'
            )

    def fitted_to(self, data: ImageDataset) -> Bernoulli:
        """Look at the pixels: binary or grey?"""
        return replace(self, binary=_is_binary(data))


@final
@dataclass(frozen=True)
class SquaredError(Likelihood):
    """Sum of squared differences, ‖x − x_hat‖².

    Up to a constant minus the log of a Gaussian with sigma² = ½; the constant is left out, so no ELBO is
    made of it.
    """

    name = "squared_error"
    recon_name = "squared error"

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
        return (raw - x).square().flatten(1).sum(1)

    def total(self, raw: Tensor, x: Tensor) -> Tensor:
        """Sum of `recon` over the batch."""
        return F.mse_loss(raw, x, reduction="sum")

    def mean(self, raw: Tensor) -> Tensor:
        """The decoder's output as it is."""
        return raw

    def check(self, data: ImageDataset) -> None:
        """Any finite image will do, and the data set holds no other."""

    def fitted_to(self, data: ImageDataset) -> SquaredError:
        """Return itself."""
        return self


LIKELIHOODS: dict[str, type[Bernoulli] | type[SquaredError]] = {
    Bernoulli.name: Bernoulli,
    SquaredError.name: SquaredError,
}


def get_likelihood(likelihood: str | Likelihood, **options: Any) -> Likelihood:
    """Likelihood of a name; a likelihood is returned as it is.

    Raises
    ------
    OptionError
        If the name is unknown; it names the nearest known one.
    """
    if isinstance(likelihood, Likelihood):
        return likelihood
    if likelihood in LIKELIHOODS:
        return LIKELIHOODS[likelihood](**options)
    near = difflib.get_close_matches(str(likelihood), LIKELIHOODS, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise OptionError(f"unknown likelihood {likelihood!r}; known: {', '.join(LIKELIHOODS)}.{hint}")


class _CrossEntropyTotal(torch.autograd.Function):
    """Sum of binary cross-entropy with logits, about twice as fast on a CPU as torch's.

    The cross-entropy is max(l, 0) − l x + ln(1 + e^−|l|), and 1 / (1 + e^−|l|) = max(s, 1 − s) with
    s = sigmoid(l), which the gradient s − x needs anyway. That leaves one logarithm a pixel; since the
    factors lie in [½, 1], a product of up to 64 of them cannot underflow, so one logarithm does for 64.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, x: Tensor) -> Tensor:
        logits = logits.contiguous()
        s = torch.sigmoid(logits)
        ctx.save_for_backward(s, x)
        n = s.numel()
        factors = 1.0 - s
        torch.maximum(s, factors, out=factors)
        logarithms = factors.view(_factor_count(n), -1).prod(0).log_()
        return F.relu(logits).sum() - torch.dot(logits.view(-1), x.reshape(-1)) - logarithms.sum()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        s, x = ctx.saved_tensors
        return torch.sub(s, x).mul_(grads[0]), None


def _factor_count(n: int) -> int:
    """Largest power of two up to 64 that divides `n`."""
    return math.gcd(n, 64)


def _is_binary(data: ImageDataset, chunk: int = 1024) -> bool:
    """Whether all pixels of the training images are 0 or 1; the first grey one ends the search."""
    for start in range(0, len(data.train), chunk):
        x = data.train.images(slice(start, start + chunk))
        if not bool(((x == 0) | (x == 1)).all()):
            return False
    return True
