"""Pure functions of tensors that say what a trained model does with its latent space."""

from __future__ import annotations

from vaewidgets.diagnostics.projection import PriorCircle, Projection, prior_circle, project
from vaewidgets.diagnostics.units import ActiveUnits, active_units

__all__ = ["ActiveUnits", "PriorCircle", "Projection", "active_units", "prior_circle", "project"]
