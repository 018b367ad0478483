"""Likelihood of one class out of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaewidgets.errors import DataError
from vaewidgets.models.pixels import class_axis
from vaewidgets.objectives.likelihoods.base import Likelihood, parts_of

if TYPE_CHECKING:
    from vaewidgets.data import ImageDataset

_NEAR_ONE = 1e-3


@final
@dataclass(frozen=True)
class Categorical(Likelihood):
    """Probability of a class at each place of one-hot data, on logits; classes along one axis.

    −Σ x ln softmax(logits), in nats; `torch.distributions.OneHotCategorical(logits=...)`. The class axis is C
    of images (C, H, W), or W of data with one channel.
    """

    name = "categorical"

    def recon(self, raw: Tensor, x: Tensor) -> Tensor:
        """Negative log-likelihood of each image, shape (B,)."""
        return self.per_pixel(raw, x).flatten(1).sum(1)

    def per_pixel(self, raw: Tensor, x: Tensor) -> Tensor:
        """Minus the log-probability where `x` is 1, 0 elsewhere, of the shape of `x`."""
        return -(x * torch.log_softmax(raw, class_axis(raw)))

    def total(self, raw: Tensor, x: Tensor) -> Tensor:
        """Sum of `recon` over the batch."""
        return self.per_pixel(raw, x).sum()

    def mean(self, raw: Tensor) -> Tensor:
        """Probability of each class."""
        return torch.softmax(raw, class_axis(raw))

    def sample(self, raw: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw a class at each place, one-hot."""
        axis = class_axis(raw)
        noise = torch.empty_like(raw).exponential_(generator=generator).log()
        drawn = (raw - noise).argmax(axis, keepdim=True)
        return torch.zeros_like(raw).scatter_(axis, drawn, 1.0)

    def check(self, data: ImageDataset) -> None:
        """Refuse what does not sum to 1 along the class axis."""
        for x in parts_of(data):
            axis = class_axis(x)
            total = x.sum(axis)
            wrong = total[(total - 1).abs() > _NEAR_ONE]
            if len(wrong) or bool((x < 0).any()):
                got = f"{float(wrong[0]):g}" if len(wrong) else "1, with values below 0"
                raise DataError(
                    f"likelihood 'categorical' wants one-hot data, which sum to 1 along the class axis "
                    f"({x.shape[axis]} entries); {data.name!r} sums to {got}. Encode them: "
                    "torch.nn.functional.one_hot(classes), the classes on the channel axis."
                )
