"""From a decoder's last layer to what the likelihood reads, and to the mean image.

Every built-in model has one `PixelHead`; what it hands over per likelihood is:

    bernoulli, continuous_bernoulli   logits                              (B, C, H, W)
    squared_error                     the mean                            (B, C, H, W)
    gaussian, sigma2 a number         the mean                            (B, C, H, W)
    gaussian, sigma2 learned          mean and log sigma2 on the channels (B, 2C, H, W)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, final

import torch
from torch import Tensor

from vaewidgets.checks import number, one_of
from vaewidgets.errors import OptionError

LikelihoodName: TypeAlias = Literal["bernoulli", "continuous_bernoulli", "squared_error", "gaussian"]
OutputName: TypeAlias = Literal["sigmoid", "identity", "tanh"]
Sigma2: TypeAlias = float | Literal["shared", "pixel"]

# likelihood -> functions on its decoder's mean, the default first; a mean through a sigmoid stays in [0, 1]
OUTPUTS: dict[str, tuple[str, ...]] = {
    "bernoulli": ("sigmoid",),
    "continuous_bernoulli": ("sigmoid",),
    "squared_error": ("identity", "sigmoid", "tanh"),
    "gaussian": ("sigmoid", "identity", "tanh"),
}
SIGMA2_FLOOR = 1e-4  # pixel values squared; the density of a constant pixel is unbounded without it
# Of grey pixels in [0, 1] about their mean: a first guess from which a learned variance is soon right.
FIRST_LOG_SIGMA2 = math.log(0.05)
_LOGITS = ("bernoulli", "continuous_bernoulli")
_SQUASH = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}
_LEARNED = ("shared", "pixel")


def floored_log_sigma2(log_sigma2: Tensor, sigma2_floor: float = SIGMA2_FLOOR) -> Tensor:
    """ln(sigma2 + floor): the log variance that a likelihood uses, smooth, never below ln(floor)."""
    lowest = math.log(sigma2_floor)
    return lowest + torch.nn.functional.softplus(log_sigma2 - lowest)


@final
@dataclass(frozen=True)
class PixelHead:
    """Likelihood of a model, the function on its mean, its variance. Made by `pixel_head`.

    Attributes
    ----------
    likelihood, output : str
    sigma2 : float, "shared", "pixel" or None
        Variance of a Gaussian in pixel values squared: fixed, one learned number (the model's 0-d parameter
        ``log_sigma2``), or one learned for each pixel by the decoder. None for other likelihoods.
    """

    likelihood: str
    output: str
    sigma2: float | str | None = None

    @property
    def shared(self) -> bool:
        """Whether the model owns a ``log_sigma2``."""
        return self.sigma2 == "shared"

    @property
    def learned(self) -> bool:
        """Whether `raw` carries ln sigma2 beside the mean."""
        return self.sigma2 in _LEARNED

    @property
    def options(self) -> dict[str, Any]:
        """What the likelihood must be built with, besides its name."""
        return {} if self.sigma2 is None else {"sigma2": self.sigma2}

    def channels(self, n: int) -> int:
        """Channels that the decoder's last layer must have for images of `n`."""
        return 2 * n if self.sigma2 == "pixel" else n

    def raw(self, values: Tensor, log_sigma2: Tensor | None = None) -> Tensor:
        """What the likelihood reads, of the last layer's values (B, channels(C), H, W)."""
        if not self.learned:
            return self._squash(values)
        if self.sigma2 == "pixel":
            mean, log_variance = values.chunk(2, dim=1)
        else:
            assert log_sigma2 is not None
            mean, log_variance = values, log_sigma2.expand_as(values)
        return torch.cat((self._squash(mean), log_variance), dim=1)

    def image(self, values: Tensor) -> Tensor:
        """Mean image ``x_hat`` (B, C, H, W), of the last layer's values: what `mean` makes of `raw`."""
        if self.likelihood in _LOGITS:
            return torch.sigmoid(values)
        return self._squash(values.chunk(2, dim=1)[0] if self.sigma2 == "pixel" else values)

    def mean(self, raw: Tensor) -> Tensor:
        """Mean image ``x_hat`` (B, C, H, W), of what `raw` returned; for logits l, 1 / (1 + e^−l)."""
        if self.likelihood in _LOGITS:
            return torch.sigmoid(raw)
        return raw.chunk(2, dim=1)[0] if self.learned else raw

    def _squash(self, values: Tensor) -> Tensor:
        if self.likelihood in _LOGITS or self.output == "identity":
            return values
        return _SQUASH[self.output](values)


class NamedLikelihood(Protocol):
    """A likelihood as an object, such as `vaewidgets.Gaussian`: what a model needs to know of it."""

    name: str


def pixel_head(
    likelihood: str | NamedLikelihood,
    output: str | None = None,
    sigma2: float | str | None = None,
    *,
    likelihoods: Sequence[str] = tuple(OUTPUTS),
    default_output: str | None = None,
) -> PixelHead:
    """Check what a user gave.

    Parameters
    ----------
    likelihood : str or Likelihood
        One as an object stands for its name and its `sigma2`.
    output : {"sigmoid", "identity", "tanh"}, optional
        On the mean; by default `default_output` where the likelihood has it, else the first of `OUTPUTS`.
    sigma2 : float or {"shared", "pixel"}, optional
        For "gaussian" only, by default "shared"; a number is a variance above 0, in pixel values squared.
    likelihoods : sequence of str
        Those that the model takes.
    default_output : str, optional

    Raises
    ------
    OptionError
        If an option is unknown, out of its range, or has no meaning for the likelihood.
    """
    if not isinstance(likelihood, str) and isinstance(getattr(likelihood, "name", None), str):
        likelihood, sigma2 = _name_and_variance(likelihood, sigma2)
    likelihood = one_of("likelihood", likelihood, likelihoods)
    known = OUTPUTS[likelihood]
    if output is None:
        output = default_output if default_output in known else known[0]
    output = one_of("output", output, known)
    if likelihood != "gaussian":
        if sigma2 is not None:
            raise OptionError(
                f"sigma2 is {sigma2!r}, but likelihood={likelihood!r} has no variance. Leave it out, or use "
                'likelihood="gaussian".'
            )
        return PixelHead(likelihood, output)
    return PixelHead(likelihood, output, "shared" if sigma2 is None else variance(sigma2))


def _name_and_variance(given: NamedLikelihood, sigma2: float | str | None) -> tuple[str, float | str | None]:
    own = getattr(given, "sigma2", None)
    if sigma2 is not None and sigma2 != own:
        raise OptionError(f"sigma2 is {sigma2!r}, but the likelihood is {given!r}; say it in one of them.")
    floor = getattr(given, "sigma2_floor", SIGMA2_FLOOR)
    if floor != SIGMA2_FLOOR:
        raise OptionError(
            f"sigma2_floor is {floor!r}; a built-in model has {SIGMA2_FLOOR:g}, and takes no other. Leave it "
            "out."
        )
    return given.name, own


def variance(sigma2: object) -> float | str:
    """Return a variance in squared pixel values, or how it is learned."""
    unit = "(a variance in squared pixel values, e.g. 0.05)"
    if isinstance(sigma2, str):
        return one_of("sigma2", sigma2, _LEARNED, also=f" to learn it, or a number above 0 {unit}")
    return number("sigma2", sigma2, above=0, also=f""" {unit}, or "shared" or "pixel" to learn it""")
