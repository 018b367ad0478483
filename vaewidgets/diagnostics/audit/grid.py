"""The usual ways in which a loop reduces recon and kl: what each makes of ours, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Facts:
    """What the factors depend on.

    Attributes
    ----------
    n_pixels, channels, latent_dim : int
    batch_size : int or None
        None where it is not known.
    batch_is_guessed : bool
        Whether it is no more than what recon and kl have in common.
    beta : float or None
        Weight that the loop logs beside its terms.
    """

    n_pixels: int
    channels: int
    latent_dim: int
    batch_size: int | None = None
    batch_is_guessed: bool = False
    beta: float | None = None


@dataclass(frozen=True)
class Reduction:
    """One way to reduce a term.

    Attributes
    ----------
    name : tuple of str
        What is different from ours, which is summed and averaged over images; empty for ours.
    factor : float
        The logged value over ours.
    words : tuple of str
        The same in words that go after "is".
    options : tuple of (str, value)
        Keywords of `LossConvention` that undo it, beside the offset.
    offset : float
        What is added, of the scale of the logged value.
    """

    name: tuple[str, ...]
    factor: float
    words: tuple[str, ...]
    options: tuple[tuple[str, Any], ...]
    offset: float = 0.0


_Base = tuple[str, float, str, str, float]  # name, factor, words, word of LossConvention, what that leaves


def recon_reductions(facts: Facts, likelihood: str) -> list[Reduction]:
    """Ways to reduce recon, the plainest first."""
    pixels, batch = facts.n_pixels, facts.batch_size
    bases: list[_Base] = [
        ("", 1.0, "", "sum", 1.0),
        ("pixel_mean", 1 / pixels, f"averaged over {pixels:,} pixels", "pixel_mean", 1.0),
    ]
    if facts.channels > 1:
        area = pixels // facts.channels
        words = f"averaged over {area:,} positions and summed over {facts.channels} channels"
        bases.append(("position_mean", facts.channels / pixels, words, "pixel_mean", facts.channels))
    if batch is not None and batch > 1:
        summed = _over_batch(facts)
        again = f"divided by the batch size, {batch:,}, once more"
        mean = f"averaged over {pixels:,} pixels"
        bases += [
            ("batch_sum", batch, summed, "batch_sum", 1.0),
            ("batch_again", 1 / batch, again, "sum", 1 / batch),
            ("pixel_mean+batch_sum", batch / pixels, f"{mean} and {summed}", "pixel_mean", batch),
            ("pixel_mean+batch_again", 1 / (pixels * batch), f"{mean} and {again}", "pixel_mean", 1 / batch),
        ]
    found = []
    for name, factor, words, option, left in bases:
        for times, extra, said_extra, constant in _recon_extras(facts, likelihood):
            for sign in (1, -1):
                said = [word for word in (words, said_extra) if word]
                said += ["negative, as a log-likelihood is"] if sign < 0 else []
                options = _options(
                    recon=(option, "sum"), recon_factor=(left * times, 1.0), recon_sign=(sign, 1)
                )
                scale = factor * sign
                names = _names(name, extra, sign)
                found.append(Reduction(names, scale * times, tuple(said), options, scale * constant))
    return sorted(found, key=lambda one: len(one.name))


def _recon_extras(facts: Facts, likelihood: str) -> Iterator[tuple[float, str, str, float]]:
    """What is done to the sum over an image: times, a name, words, and what is added."""
    yield 1.0, "", "", 0.0
    yield 0.5, "halved", "halved", 0.0
    if likelihood == "squared_error":
        constant = 0.5 * facts.n_pixels * math.log(2 * math.pi)
        words = f"minus the log of a Gaussian with sigma = 1, whose constant is {constant:.4g} an image"
        yield 0.5, "unit_gaussian", words, constant


def _names(name: str, extra: str, sign: int) -> tuple[str, ...]:
    return tuple(one for one in (*name.split("+"), extra, "sign" if sign < 0 else "") if one)


def kl_reductions(facts: Facts) -> list[Reduction]:
    """Ways to reduce kl, the plainest first."""
    found = []
    for name, factor, words, option, left in _kl_bases(facts):
        for times, extra, said_extra in _kl_extras(facts):
            for sign in (1, -1):
                said = [word for word in (words, said_extra) if word]
                said += ["negative"] if sign < 0 else []
                options = _options(kl=(option, "sum"), kl_weight=(left * times, 1.0), kl_sign=(sign, 1))
                found.append(
                    Reduction(_names(name, extra, sign), factor * times * sign, tuple(said), options)
                )
    return sorted(found, key=lambda one: len(one.name))


def _kl_bases(facts: Facts) -> Iterator[_Base]:
    dims, pixels, batch = facts.latent_dim, facts.n_pixels, facts.batch_size
    over_dims = f"averaged over {dims:,} dimensions"
    yield "", 1.0, "", "sum", 1.0
    if dims > 1:
        yield "latent_mean", 1 / dims, over_dims, "latent_mean", 1.0
    yield "pixel_mean", 1 / pixels, f"divided by the number of pixels, {pixels:,}", "pixel_mean", 1.0
    if batch is None or batch < 2:
        return
    again = f"divided by the batch size, {batch:,}, once more"
    yield "batch_sum", batch, _over_batch(facts), "batch_sum", 1.0
    yield "batch_again", 1 / batch, again, "sum", 1 / batch
    if dims > 1:
        summed = f"{over_dims} and {_over_batch(facts)}"
        yield "latent_mean+batch_sum", batch / dims, summed, "latent_mean", batch
        yield (
            "latent_mean+batch_again",
            1 / (dims * batch),
            f"{over_dims} and {again}",
            "latent_mean",
            1 / batch,
        )
    both = f"divided by the number of pixels, {pixels:,}, and by the batch size, {batch:,}"
    yield "pixel_mean+batch_again", 1 / (pixels * batch), both, "pixel_mean", 1 / batch


def _over_batch(facts: Facts) -> str:
    about = "some " if facts.batch_is_guessed else ""
    return f"summed over a batch of {about}{facts.batch_size:,} images"


def _kl_extras(facts: Facts) -> Iterator[tuple[float, str, str]]:
    yield 1.0, "", ""
    yield 2.0, "no_half", "without its factor ½"
    if facts.beta is not None and facts.beta > 0 and facts.beta != 1:
        yield facts.beta, "weighted", f"multiplied by beta, {facts.beta:g}, already"


def _options(**pairs: tuple[Any, Any]) -> tuple[tuple[str, Any], ...]:
    """Options that differ from their defaults."""
    return tuple((name, value) for name, (value, default) in pairs.items() if value != default)
