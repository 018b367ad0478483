"""What a likelihood is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from vaewidgets.errors import OptionError

if TYPE_CHECKING:
    from vaewidgets.data import ImageDataset


class Likelihood(ABC):
    """Scores images, summed over channels and pixels.

    Attributes
    ----------
    name : str
        As `get_likelihood` knows it.
    normalised : bool
        Whether `recon` is minus the log of a density that integrates to 1 over the data at hand, so that
        −(recon + kl) is a lower bound on their log-likelihood.
    unit : str
        Unit of `recon`.
    """

    name: str

    @property
    def normalised(self) -> bool:
        """Whether `recon` is a negative log-likelihood of the data at hand."""
        return True

    @property
    def unit(self) -> str:
        """Unit of `recon`."""
        return "nats"

    @property
    def is_computed(self) -> bool:
        """Whether `recon` is known at all; False for the loss of a loop that says not how it is computed."""
        return True

    def check_computed(self, what: str) -> None:
        """OptionError where `recon` is not known; `what` needs it."""
        del what

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

    def per_pixel(self, raw: Tensor, x: Tensor) -> Tensor:
        """What `recon` sums: the term of each pixel, shape (B, C, H, W).

        Raises
        ------
        OptionError
            If this class says only the sum.
        """
        del raw, x
        raise OptionError(
            f"{type(self).__name__} has no per_pixel(raw, x), only recon(raw, x), its sum; expected both, to "
            "show which pixels cost how much: def per_pixel(self, raw, x): return ...  # (B, C, H, W)"
        )

    @abstractmethod
    def total(self, raw: Tensor, x: Tensor) -> Tensor:
        """Sum of `recon` over the batch, a 0-d tensor, in the fewest passes over memory."""

    @abstractmethod
    def mean(self, raw: Tensor) -> Tensor:
        """Mean image ``x_hat``, of the shape of `raw`."""

    @abstractmethod
    def sample(self, raw: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw images from the distribution that `raw` says, shape (B, C, H, W).

        Parameters
        ----------
        raw : Tensor
            What `model.decode_raw` returned.
        generator : torch.Generator, on the device of `raw`
            By default torch's global one.
        """

    def check(self, data: ImageDataset) -> None:
        """Refuse data that this likelihood cannot score (DataError), before any training."""
        del data  # any finite image will do, and a data set holds no other

    def fitted_to(self, data: ImageDataset) -> Self:
        """Return this likelihood with `normalised` and `unit` as they are for `data`."""
        del data
        return self


def parts_of(data: ImageDataset, size: int = 1024) -> Iterator[Tensor]:
    """Training images, float32, (at most `size`, C, H, W) at a time."""
    for start in range(0, len(data.train), size):
        yield data.train.images(slice(start, start + size))
