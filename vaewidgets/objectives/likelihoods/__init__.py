"""How an image is scored against what the decoder says: one final class a likelihood."""

from __future__ import annotations

from typing import Any

from vaewidgets.checks import instance, one_of
from vaewidgets.objectives.likelihoods.base import Likelihood
from vaewidgets.objectives.likelihoods.bernoulli import Bernoulli, ContinuousBernoulli
from vaewidgets.objectives.likelihoods.categorical import Categorical
from vaewidgets.objectives.likelihoods.counts import NegativeBinomial, Poisson
from vaewidgets.objectives.likelihoods.gaussian import Gaussian, SquaredError
from vaewidgets.objectives.likelihoods.own import OwnLikelihood

__all__ = [
    "LIKELIHOODS",
    "Bernoulli",
    "Categorical",
    "ContinuousBernoulli",
    "Gaussian",
    "Likelihood",
    "NegativeBinomial",
    "Poisson",
    "SquaredError",
    "check_likelihood",
    "get_likelihood",
]

LIKELIHOODS: dict[str, type[Likelihood]] = {
    kind.name: kind
    for kind in (
        Bernoulli,
        ContinuousBernoulli,
        SquaredError,
        Gaussian,
        Poisson,
        NegativeBinomial,
        Categorical,
    )
}


def check_likelihood(likelihood: object) -> Likelihood:
    """Return a likelihood; OptionError if it is none."""
    return instance("likelihood", likelihood, Likelihood, "a Likelihood, such as vw.Bernoulli()")  # type: ignore[type-abstract]


def get_likelihood(likelihood: str | Likelihood, **options: Any) -> Likelihood:
    """Likelihood of a name; a likelihood is returned as it is.

    Raises
    ------
    OptionError
        If the name is unknown; it names the nearest known one.
    """
    if isinstance(likelihood, Likelihood):
        return likelihood
    if likelihood == OwnLikelihood.name:  # of a foreign model alone
        return OwnLikelihood()
    return LIKELIHOODS[one_of("likelihood", likelihood, LIKELIHOODS)](**options)
