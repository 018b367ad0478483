"""The experiments by their letters."""

from __future__ import annotations

from vaewidgets.errors import OptionError
from vaewidgets.experiments import (
    a_two_against_twenty,
    b_chapter_13_4,
    c_convolutional,
    d_kingma_welling,
    e_lecture,
)
from vaewidgets.experiments.base import Recipe

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
