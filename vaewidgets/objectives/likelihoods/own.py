"""The reconstruction loss of a loop that says not how it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from vaewidgets.errors import OptionError
from vaewidgets.objectives.likelihoods.base import Likelihood


@final
@dataclass(frozen=True)
class OwnLikelihood(Likelihood):
    """A likelihood that only the user's loop can compute: recon is what was logged.

    What is computed here is NaN, never another formula.
    """

    name = "own"

    @property
    def normalised(self) -> bool:
        """False: nothing is known of it."""
        return False

    @property
    def unit(self) -> str:
        """As logged."""
        return "as logged"

    @property
    def is_computed(self) -> bool:
        """False."""
        return False

    def check_computed(self, what: str) -> None:
        """Refuse."""
        raise OptionError(
            f"{what} needs the reconstruction term, and this run's is known as logged alone, "
            'likelihood="own". If it is one of those that are computed here, say which: '
            'attach(..., likelihood="gaussian"), or likelihood=vw.Poisson().'
        )

    def recon(self, raw: Tensor, x: Tensor) -> Tensor:
        """NaN for each image, shape (B,)."""
        del raw
        return x.new_full((len(x),), torch.nan)

    def total(self, raw: Tensor, x: Tensor) -> Tensor:
        """NaN."""
        del raw
        return x.new_full((), torch.nan)

    def mean(self, raw: Tensor) -> Tensor:
        """The image as the decoder gives it."""
        return raw

    def sample(self, raw: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Refuse: nothing is known of the distribution."""
        del raw, generator
        self.check_computed("a draw")
        raise AssertionError
