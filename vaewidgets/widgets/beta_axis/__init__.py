"""Beta as a continuous axis."""

from vaewidgets.widgets.beta_axis.widget import BetaAxis

__all__ = ["BetaAxis"]
