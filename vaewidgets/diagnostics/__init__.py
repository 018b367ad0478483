"""Pure functions of tensors that say what a trained model does with its latent space."""

from __future__ import annotations

from vaewidgets.diagnostics.bound import ImportanceBound, importance_bound
from vaewidgets.diagnostics.factors import MutualInformationGap, mutual_information_gap
from vaewidgets.diagnostics.information import AggregatePosterior, aggregate_posterior
from vaewidgets.diagnostics.ppca import PPCA, linear_log_likelihood, probabilistic_pca
from vaewidgets.diagnostics.projection import PriorCircle, Projection, prior_circle, project
from vaewidgets.diagnostics.rate import Elbow, RateDistortion, elbow, rate_distortion
from vaewidgets.diagnostics.subspace import PrincipalAngles, principal_angles
from vaewidgets.diagnostics.units import ActiveUnits, active_units

__all__ = [
    "PPCA",
    "ActiveUnits",
    "AggregatePosterior",
    "Elbow",
    "ImportanceBound",
    "MutualInformationGap",
    "PrincipalAngles",
    "PriorCircle",
    "Projection",
    "RateDistortion",
    "active_units",
    "aggregate_posterior",
    "elbow",
    "importance_bound",
    "linear_log_likelihood",
    "mutual_information_gap",
    "principal_angles",
    "prior_circle",
    "probabilistic_pca",
    "project",
    "rate_distortion",
]
