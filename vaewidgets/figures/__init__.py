"""Matplotlib figures for print, from the plain sections of a frame.

`size` is (width, height) in inches; where it may be left out, it follows from what is drawn.
Never imports a widget, the builders of sections or pyplot.
"""

from __future__ import annotations

from vaewidgets.contract.palette import class_color
from vaewidgets.figures.architecture import architecture_figure
from vaewidgets.figures.axis import axis_figure
from vaewidgets.figures.bottleneck import bottleneck_figure
from vaewidgets.figures.codebook import codebook_figure
from vaewidgets.figures.compare import compare_figure, rate_figure
from vaewidgets.figures.concepts import annealing_figure, kl_figure, reparameterization_figure
from vaewidgets.figures.curves import curves_figure, runs_curves_figure
from vaewidgets.figures.diagnosis import diagnosis_figure
from vaewidgets.figures.explorer import explorer_figure
from vaewidgets.figures.game import game_figure
from vaewidgets.figures.geometry import geometry_figure
from vaewidgets.figures.grid import grid_figure
from vaewidgets.figures.images import rows_figure, tiles_figure
from vaewidgets.figures.learned_prior import learned_prior_figure
from vaewidgets.figures.lines import histograms_figure, lines_figure
from vaewidgets.figures.microscope import microscope_figure
from vaewidgets.figures.prediction import prediction_figure
from vaewidgets.figures.scatter import scatter_figure
from vaewidgets.figures.style import figure_pixels, figure_png
from vaewidgets.figures.tour import tour_figure
from vaewidgets.figures.units import units_figure

__all__ = [
    "annealing_figure",
    "architecture_figure",
    "axis_figure",
    "bottleneck_figure",
    "class_color",
    "codebook_figure",
    "compare_figure",
    "curves_figure",
    "diagnosis_figure",
    "explorer_figure",
    "figure_pixels",
    "figure_png",
    "game_figure",
    "geometry_figure",
    "grid_figure",
    "histograms_figure",
    "kl_figure",
    "learned_prior_figure",
    "lines_figure",
    "microscope_figure",
    "prediction_figure",
    "rate_figure",
    "reparameterization_figure",
    "rows_figure",
    "runs_curves_figure",
    "scatter_figure",
    "tiles_figure",
    "tour_figure",
    "units_figure",
]
