"""A new likelihood is known everywhere, or one of these fails; CONTRIBUTING.md lists the places."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from typing import get_args

import pytest

import vaewidgets as vw
from vaewidgets import objectives
from vaewidgets.models.pixels import OUTPUTS, LikelihoodName
from vaewidgets.objectives import likelihoods
from vaewidgets.objectives.likelihoods import LIKELIHOODS, Likelihood
from vaewidgets.objectives.likelihoods.own import OwnLikelihood


def classes() -> list[type[Likelihood]]:
    """Each class of the room that can be made."""
    kinds = set()
    for found in pkgutil.iter_modules(likelihoods.__path__, f"{likelihoods.__name__}."):
        for _, kind in inspect.getmembers(import_module(found.name), inspect.isclass):
            if (
                kind.__module__ == found.name
                and issubclass(kind, Likelihood)
                and not inspect.isabstract(kind)
                and kind is not OwnLikelihood  # of foreign models alone: it has no formula
            ):
                kinds.add(kind)
    return sorted(kinds, key=lambda kind: kind.name)


def test_every_class_has_its_name() -> None:
    assert sorted(LIKELIHOODS.values(), key=lambda kind: kind.name) == classes()
    assert all(kind.name == name for name, kind in LIKELIHOODS.items())


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_every_class_is_public(kind: type[Likelihood]) -> None:
    assert kind.__name__ in likelihoods.__all__
    assert kind.__name__ in objectives.__all__
    assert getattr(vw, kind.__name__) is kind


def test_every_name_has_a_decoder_in_the_models() -> None:
    assert set(OUTPUTS) == set(LIKELIHOODS)
    assert set(get_args(LikelihoodName)) == set(LIKELIHOODS)
