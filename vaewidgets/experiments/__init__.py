"""The five published experiments as runnable configurations with their published numbers.

Never imported by another room; only the command line runs them.
"""

from __future__ import annotations

from vaewidgets.errors import OptionError
from vaewidgets.experiments import (
    a_two_against_twenty,
    b_chapter_13_4,
    c_convolutional,
    d_kingma_welling,
    e_lecture,
)
from vaewidgets.experiments.base import Claim, Recipe, Results, Row, Scale, Setting, Target
from vaewidgets.experiments.experiment import Experiment
from vaewidgets.experiments.report import Report
from vaewidgets.experiments.reproduce import reproduce

__all__ = [
    "RECIPES",
    "Claim",
    "Experiment",
    "Recipe",
    "Report",
    "Results",
    "Row",
    "Scale",
    "Setting",
    "Target",
    "get_recipe",
    "reproduce",
]

RECIPES: dict[str, Recipe] = {
    module.RECIPE.name: module.RECIPE
    for module in (a_two_against_twenty, b_chapter_13_4, c_convolutional, d_kingma_welling, e_lecture)
}


def get_recipe(name: str) -> Recipe:
    """Return a recipe by its letter, in either case; OptionError names those that there are."""
    recipe = RECIPES.get(name.upper())
    if recipe is None:
        known = "; ".join(f"{letter}: {one.title}" for letter, one in RECIPES.items())
        raise OptionError(f"there is no experiment {name!r}. Known: {known}.")
    return recipe
