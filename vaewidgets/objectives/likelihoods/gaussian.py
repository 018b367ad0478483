"""Likelihoods of the squared distance between an image and its mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch.nn.functional as F
from torch import Tensor

from vaewidgets.objectives.likelihoods.base import Likelihood

if TYPE_CHECKING:
    from vaewidgets.data import ImageDataset

__all__ = ["SquaredError"]


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
