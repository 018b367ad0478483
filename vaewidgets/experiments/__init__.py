"""The five published experiments as runnable configurations with their published numbers.

Never imported by another room; only the command line runs them.
"""

from __future__ import annotations

from vaewidgets.experiments.base import Claim, Recipe, Results, Row, Scale, Setting, Target
from vaewidgets.experiments.experiment import Experiment
from vaewidgets.experiments.report import Report
from vaewidgets.experiments.reproduce import reproduce
from vaewidgets.experiments.table import RECIPES, get_recipe

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
