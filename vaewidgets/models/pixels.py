"""From a decoder's last layer to what the likelihood reads, and to the mean image.

Every built-in model has one `PixelHead`; what it hands over per likelihood is:

    bernoulli, continuous_bernoulli   logits                              (B, C, H, W)
    squared_error                     the mean                            (B, C, H, W)
    gaussian, sigma2 a number         the mean                            (B, C, H, W)
    gaussian, sigma2 learned          mean and log sigma2 on the channels (B, 2C, H, W)
    poisson                           log of the rate                     (B, C, H, W)
    negative_binomial, fixed          log of the mean                     (B, C, H, W)
    negative_binomial, learned        log mean and log total_count on the channels (B, 2C, H, W)
    categorical                       logits along the class axis         (B, C, H, W)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, final

import torch
from torch import Tensor

from vaewidgets.checks import number, one_of
from vaewidgets.errors import OptionError

LikelihoodName: TypeAlias = Literal[
    "bernoulli",
    "continuous_bernoulli",
    "squared_error",
    "gaussian",
    "poisson",
    "negative_binomial",
    "categorical",
]
OutputName: TypeAlias = Literal["sigmoid", "identity", "tanh", "exp", "softplus", "softmax"]
Sigma2: TypeAlias = float | Literal["shared", "pixel"]
TotalCount: TypeAlias = float | Literal["shared", "dimension"]

# likelihood -> functions on its decoder's mean, the default first; a mean through a sigmoid stays in [0, 1]
OUTPUTS: dict[str, tuple[str, ...]] = {
    "bernoulli": ("sigmoid",),
    "continuous_bernoulli": ("sigmoid",),
    "squared_error": ("identity", "sigmoid", "tanh"),
    "gaussian": ("sigmoid", "identity", "tanh"),
    "poisson": ("exp", "softplus"),
    "negative_binomial": ("exp", "softplus"),
    "categorical": ("softmax",),
}
SIGMA2_FLOOR = 1e-4  # pixel values squared; the density of a constant pixel is unbounded without it
# Of grey pixels in [0, 1] about their mean: a first guess from which a learned variance is soon right.
FIRST_LOG_SIGMA2 = math.log(0.05)
_LOGITS = ("bernoulli", "continuous_bernoulli")
_COUNTS = ("poisson", "negative_binomial")
_SQUASH: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda values: values,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "exp": torch.exp,
    "softplus": torch.nn.functional.softplus,
    "softmax": lambda values: torch.softmax(values, class_axis(values)),
}
_LEARNED = ("shared", "pixel")
_LEARNED_COUNT = ("shared", "dimension")
_SOFTPLUS_IS_EXP = -15.0  # below it they differ by less than a rounding of float32


def class_axis(values: Tensor) -> int:
    """Axis of one-hot images (B, C, H, W) that counts the classes: C, or W where there is one channel."""
    return 1 if values.shape[1] > 1 else 3


def floored_log_sigma2(log_sigma2: Tensor, sigma2_floor: float = SIGMA2_FLOOR) -> Tensor:
    """ln(sigma2 + floor): the log variance that a likelihood uses, smooth, never below ln(floor)."""
    lowest = math.log(sigma2_floor)
    return lowest + torch.nn.functional.softplus(log_sigma2 - lowest)


@final
@dataclass(frozen=True)
class PixelHead:
    """Likelihood of a model, the function on its mean, its spread. Made by `pixel_head`.

    Attributes
    ----------
    likelihood, output : str
    sigma2 : float, "shared", "pixel" or None
        Variance of a Gaussian in pixel values squared: fixed, one learned number (the model's 0-d parameter
        ``log_sigma2``), or one learned for each pixel by the decoder. None for other likelihoods.
    total_count : float, "shared", "dimension" or None
        Of a negative binomial: fixed, one learned number, or one learned for each pixel of the data, the
        model's parameter ``log_total_count``. None for other likelihoods.
    """

    likelihood: str
    output: str
    sigma2: float | str | None = None
    total_count: float | str | None = None

    @property
    def learned(self) -> bool:
        """Whether `raw` carries ln sigma2 or ln total_count beside the mean."""
        return self.sigma2 in _LEARNED or self.total_count in _LEARNED_COUNT

    @property
    def options(self) -> dict[str, Any]:
        """What the likelihood must be built with, besides its name."""
        found = {"sigma2": self.sigma2, "total_count": self.total_count}
        return {name: value for name, value in found.items() if value is not None}

    def parameter(self, image_shape: tuple[int, ...]) -> tuple[str, Tensor] | None:
        """Name and first value of the spread that the model owns as a parameter, where it owns one."""
        if self.sigma2 == "shared":
            return "log_sigma2", torch.tensor(FIRST_LOG_SIGMA2)
        if self.total_count in _LEARNED_COUNT:
            return "log_total_count", torch.zeros(() if self.total_count == "shared" else image_shape)
        return None

    def channels(self, n: int) -> int:
        """Channels that the decoder's last layer must have for images of `n`."""
        return 2 * n if self.sigma2 == "pixel" else n

    def raw(self, values: Tensor, spread: Tensor | None = None) -> Tensor:
        """What the likelihood reads, of the last layer's values (B, channels(C), H, W).

        `spread` is the parameter that the model owns, if it owns one.
        """
        if not self.learned:
            return self._natural(values)
        if self.sigma2 == "pixel":
            mean, log_spread = values.chunk(2, dim=1)
        else:
            assert spread is not None
            mean, log_spread = values, spread.expand_as(values)
        return torch.cat((self._natural(mean), log_spread), dim=1)

    def image(self, values: Tensor) -> Tensor:
        """Mean image ``x_hat`` (B, C, H, W), of the last layer's values: what `mean` makes of `raw`."""
        return _SQUASH[self.output](values.chunk(2, dim=1)[0] if self.sigma2 == "pixel" else values)

    def mean(self, raw: Tensor) -> Tensor:
        """Mean image ``x_hat`` (B, C, H, W), of what `raw` returned; for logits l, 1 / (1 + e^−l)."""
        mean = raw.chunk(2, dim=1)[0] if self.learned else raw
        if self.likelihood in _COUNTS:
            return torch.exp(mean)
        return _SQUASH[self.output](mean) if self._reads_before_output else mean

    @property
    def _reads_before_output(self) -> bool:
        """Whether the likelihood is computed of the last layer's values, and not of their function."""
        return self.likelihood in (*_LOGITS, "categorical")

    def _natural(self, values: Tensor) -> Tensor:
        """Logits, log rates or means, of the last layer's values."""
        if self._reads_before_output or self.output == "exp":
            return values
        if self.output == "softplus":
            log = torch.nn.functional.softplus(values.clamp_min(_SOFTPLUS_IS_EXP)).log()
            return torch.where(values < _SOFTPLUS_IS_EXP, values, log)
        return _SQUASH[self.output](values)


class NamedLikelihood(Protocol):
    """A likelihood as an object, such as `vaewidgets.Gaussian`: what a model needs to know of it."""

    name: str


def pixel_head(
    likelihood: str | NamedLikelihood,
    output: str | None = None,
    sigma2: float | str | None = None,
    total_count: float | str | None = None,
    *,
    likelihoods: Sequence[str] = tuple(OUTPUTS),
    default_output: str | None = None,
) -> PixelHead:
    """Check what a user gave.

    Parameters
    ----------
    likelihood : str or Likelihood
        One as an object stands for its name and its `sigma2` or `total_count`.
    output : {"sigmoid", "identity", "tanh", "exp", "softplus", "softmax"}, optional
        On the mean; by default `default_output` where the likelihood has it, else the first of `OUTPUTS`.
    sigma2 : float or {"shared", "pixel"}, optional
        For "gaussian" only, by default "shared"; a number is a variance above 0, in pixel values squared.
    total_count : float or {"shared", "dimension"}, optional
        For "negative_binomial" only, by default "shared"; a number above 0.
    likelihoods : sequence of str
        Those that the model takes.
    default_output : str, optional

    Raises
    ------
    OptionError
        If an option is unknown, out of its range, or has no meaning for the likelihood.
    """
    if not isinstance(likelihood, str) and isinstance(getattr(likelihood, "name", None), str):
        given = likelihood
        likelihood = given.name
        sigma2, total_count = _own(given, "sigma2", sigma2), _own(given, "total_count", total_count)
        _check_floor(given)
    likelihood = one_of("likelihood", likelihood, likelihoods)
    known = OUTPUTS[likelihood]
    if output is None:
        output = default_output if default_output in known else known[0]
    output = one_of("output", output, known)
    for wanted, name, value, what in (
        ("gaussian", "sigma2", sigma2, "variance"),
        ("negative_binomial", "total_count", total_count, "total count"),
    ):
        if likelihood != wanted and value is not None:
            raise OptionError(
                f"{name} is {value!r}, but likelihood={likelihood!r} has no {what}. Leave it out, or use "
                f'likelihood="{wanted}".'
            )
    if likelihood == "gaussian":
        return PixelHead(likelihood, output, sigma2="shared" if sigma2 is None else variance(sigma2))
    if likelihood == "negative_binomial":
        return PixelHead(
            likelihood, output, total_count=count("shared" if total_count is None else total_count)
        )
    return PixelHead(likelihood, output)


def _own(given: NamedLikelihood, option: str, said: float | str | None) -> float | str | None:
    """An option of a likelihood that was given as an object."""
    own: float | str | None = getattr(given, option, None)
    if said is not None and said != own:
        raise OptionError(f"{option} is {said!r}, but the likelihood is {given!r}; say it in one of them.")
    return own


def _check_floor(given: NamedLikelihood) -> None:
    floor = getattr(given, "sigma2_floor", SIGMA2_FLOOR)
    if floor != SIGMA2_FLOOR:
        raise OptionError(
            f"sigma2_floor is {floor!r}; a built-in model has {SIGMA2_FLOOR:g}, and takes no other. Leave it "
            "out."
        )


def variance(sigma2: object) -> float | str:
    """Return a variance in squared pixel values, or how it is learned."""
    unit = "(a variance in squared pixel values, e.g. 0.05)"
    if isinstance(sigma2, str):
        return one_of("sigma2", sigma2, _LEARNED, also=f" to learn it, or a number above 0 {unit}")
    return number("sigma2", sigma2, above=0, also=f""" {unit}, or "shared" or "pixel" to learn it""")


def count(total_count: object) -> float | str:
    """Return the total count of a negative binomial, or how it is learned."""
    if isinstance(total_count, str):
        return one_of("total_count", total_count, _LEARNED_COUNT, also=" to learn it, or a number above 0")
    return number("total_count", total_count, above=0, also=', or "shared" or "dimension" to learn it')
