"""What a foreign decoder's result says about its likelihood, and what that likelihood is computed from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch import distributions as td

from vaewidgets.errors import OptionError, ProtocolError
from vaewidgets.models.pixels import OUTPUTS, class_axis

OWN = "own"  # a likelihood that only the user's loop can compute
LIKELIHOODS = (*OUTPUTS, OWN)
TWO_READINGS = ("bernoulli", "squared_error")  # which a decoder's output does not tell apart
# of a Gaussian whose variance the decoder says; a built-in model's floor would change it
_NO_FLOOR = 1e-30
_LOG_MOST = 100.0  # torch's binary cross-entropy takes no logarithm below −100
_TINY = 1e-12  # and no slope beyond one over this


class Look(NamedTuple):
    """What a decoder returned for points of the prior.

    Attributes
    ----------
    where : str
        How messages name the call.
    result : Any
        All of it.
    image : Tensor, shape (B, C, H, W)
        The image in it.
    far : Tensor
        What points far from the prior decode to (finite values).
    """

    where: str
    result: Any
    image: Tensor
    far: Tensor


class Said(NamedTuple):
    """A likelihood as the user, or a decoder's result, says it.

    Attributes
    ----------
    name : str
        One of `LIKELIHOODS`.
    output : str
        What the decoder returns with it, as in `Convention`.
    options : tuple of (str, value)
        What the likelihood is built with.
    evidence : str
    doubt : str
        What is not known, with the line to write; empty where nothing is.
    """

    name: str
    output: str
    options: tuple[tuple[str, Any], ...] = ()
    evidence: str = ""
    doubt: str = ""


_PIXELWISE = (("sigma2", "pixel"), ("sigma2_floor", _NO_FLOOR))
_COUNTED = (("total_count", "dimension"),)
_DISTRIBUTIONS: dict[type[td.Distribution], tuple[str, str, tuple[tuple[str, Any], ...]]] = {
    td.Bernoulli: ("bernoulli", "logits", ()),
    td.ContinuousBernoulli: ("continuous_bernoulli", "logits", ()),
    td.Normal: ("gaussian", "mean", _PIXELWISE),
    td.Poisson: ("poisson", "mean", ()),
    td.NegativeBinomial: ("negative_binomial", "mean", _COUNTED),
    td.OneHotCategorical: ("categorical", "probabilities", ()),
}


def said_by_result(look: Look) -> Said | None:
    """The likelihood that a decoder's result tells; None where it is an image alone."""
    where, result = look.where, look.result
    base = _base(result)
    if isinstance(base, td.Distribution):
        kind = type(base).__name__
        evidence = f"{where} returns a torch.distributions.{kind}"
        if type(base) in _DISTRIBUTIONS:
            return Said(*_DISTRIBUTIONS[type(base)], evidence)
        doubt = (
            f"{where} returns a {kind}, a likelihood that is not computed here: recon is shown as logged, "
            'and what needs more of it has no number. Say likelihood="own" if that is meant.'
        )
        return Said(OWN, "mean", (), evidence, doubt)
    if spread_of(result, look.image) is None:
        return None
    return Said(
        OWN,
        "mean",
        (),
        f"{where} returns a second tensor of the image's shape",
        f"{where} returns two tensors of the image's shape, such as a mean and its log variance or scale: "
        "which likelihood they are of does not show, so recon is shown as logged, and what needs more of it "
        'has no number. Say likelihood="gaussian" if the second is a log variance, or likelihood="own".',
    )


def said_by_user(likelihood: Any, output: str | None) -> Said | None:
    """A likelihood given by its name or as an object such as ``vw.Poisson()``; None if it was not given."""
    if likelihood is None:
        return None
    options: dict[str, Any] = {}
    if not isinstance(likelihood, str):
        options = dataclasses.asdict(likelihood)
        likelihood = likelihood.name
    default = {"bernoulli": "", "continuous_bernoulli": "", "categorical": ""}.get(likelihood, "mean")
    return Said(likelihood, output or default, tuple(options.items()), "it is said")


def completed(said: Said, look: Look) -> Said:
    """What the user said, with the spread that the decoder's result holds, and an output that fits.

    Raises
    ------
    OptionError
        If the likelihood has a spread that nobody says.
    """
    options, image, where = dict(said.options), look.image, look.where
    spread = spread_of(look.result, image) is not None
    for name, option, learned, line in (
        ("gaussian", "sigma2", _PIXELWISE, "vw.Gaussian(sigma2=0.05)"),
        ("negative_binomial", "total_count", _COUNTED, "vw.NegativeBinomial(total_count=10)"),
    ):
        if said.name == name and not isinstance(options.get(option), int | float):
            if not spread:
                raise OptionError(
                    f"likelihood {name!r} has a {option}, and {where} returns none beside the mean. Write "
                    f"the one of your loss: likelihood={line}."
                )
            options |= dict(learned)
    output = said.output
    if not output:
        axis = class_axis(image) if said.name == "categorical" else None
        inside = bool(((image >= 0) & (image <= 1)).all())
        sums = axis is None or bool(((image.sum(axis) - 1).abs() < 1e-3).all())
        output = "probabilities" if inside and sums else "logits"
    if said.name in ("poisson", "negative_binomial") and bool((image < 0).any()):
        raise OptionError(
            f"likelihood {said.name!r} wants the mean of counts, at least 0; {where} returned "
            f"{float(image.min()):.3g}. If it is the log of the mean, write decode=lambda model, z: "
            "model.decode(z).exp()."
        )
    return said._replace(output=output, options=tuple(options.items()))


def spread_of(result: Any, image: Tensor) -> Tensor | None:
    """Log variance, log scale or log total count beside an image in a decoder's result, of its shape."""
    base = _base(result)
    if isinstance(base, td.Normal):
        return (2.0 * base.scale.log()).reshape(image.shape)
    if isinstance(base, td.NegativeBinomial):
        return base.total_count.log().reshape(image.shape)
    if not isinstance(base, tuple | list) or len(base) != 2 or not isinstance(base[0], Tensor):
        return None
    second = base[1]
    if not isinstance(second, Tensor) or not second.is_floating_point() or second.shape != base[0].shape:
        return None
    return second.reshape(image.shape)


def raw_of(likelihood: str, output: str, out: Tensor, mean: Tensor, spread: Tensor | None) -> Tensor:
    """What a likelihood is computed from.

    Parameters
    ----------
    likelihood, output : str
        As in `Convention`.
    out : Tensor, shape (B, C, H, W)
        What the decoder returned.
    mean : Tensor, shape (B, C, H, W)
        What is shown of it.
    spread : Tensor or None
        As in `spread_of`, for a likelihood that reads it.
    """
    read = _READ.get(likelihood)
    raw = mean if read is None else read(out, output, mean)
    return raw if spread is None else torch.cat((raw, spread), dim=1)


def shown(likelihood: str, output: str, out: Tensor, value_range: tuple[float, float]) -> Tensor:
    """The mean image of what a decoder returned."""
    if output != "logits":
        return out
    if likelihood == "categorical":
        return torch.softmax(out, class_axis(out))
    lo, hi = value_range
    x_hat = torch.sigmoid(out)
    return x_hat if (lo, hi) == (0.0, 1.0) else lo + (hi - lo) * x_hat


class _Logits(torch.autograd.Function):
    """Logits of probabilities whose cross-entropy, and its slope, are those of torch's on probabilities."""

    @staticmethod
    def forward(ctx: Any, p: Tensor) -> Tensor:
        ctx.save_for_backward(p)
        return torch.logit(p).clamp(-_LOG_MOST, _LOG_MOST)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        (p,) = ctx.saved_tensors
        return slopes[0] / (p * (1.0 - p)).clamp_min(_TINY)


def _as_logits(out: Tensor, output: str, _: Tensor) -> Tensor:
    return out if output == "logits" else _Logits.apply(out)


def _as_log(_: Tensor, __: str, mean: Tensor) -> Tensor:
    return mean.clamp_min(torch.finfo(mean.dtype).tiny).log()


_READ: Mapping[str, Callable[[Tensor, str, Tensor], Tensor]] = {
    "bernoulli": _as_logits,
    "continuous_bernoulli": _as_logits,
    "poisson": _as_log,
    "negative_binomial": _as_log,
    "categorical": lambda out, output, mean: out if output == "logits" else _as_log(out, output, mean),
}


def _base(result: Any) -> Any:
    while isinstance(result, td.Independent):
        result = result.base_dist
    return result


def refuse_other_shape(where: str, shape: tuple[int, ...], image_shape: tuple[int, int, int]) -> None:
    """ProtocolError for several numbers a pixel, such as logits of its grey levels or of a mixture."""
    n_pixels = image_shape[0] * image_shape[1] * image_shape[2]
    numbers = torch.Size(shape[1:]).numel()
    if numbers > n_pixels and numbers % n_pixels == 0:
        raise ProtocolError(
            f"{where} returned {numbers // n_pixels} numbers for each value of an image, shape {shape}: "
            "parameters of a likelihood, such as logits of its levels or of a mixture. Say which image they "
            "stand for, and that recon is as your loop logs it: decode=lambda model, z: x_hat, "
            'likelihood="own".'
        )
