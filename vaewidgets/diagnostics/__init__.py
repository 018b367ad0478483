"""Pure functions of tensors that say what a trained model does with its latent space.

Never imports a run or a widget: a snapshot and tensors are all that is needed.
"""

from __future__ import annotations

from vaewidgets.diagnostics.ablation import Ablation, ablation
from vaewidgets.diagnostics.audit import Audit
from vaewidgets.diagnostics.bound import ImportanceBound, importance_bound
from vaewidgets.diagnostics.diagnose import THRESHOLDS, VERDICTS, Diagnosis, Thresholds, diagnose
from vaewidgets.diagnostics.distil import Distilled, SmallEncoder, distil, posterior_kl
from vaewidgets.diagnostics.factors import MutualInformationGap, mutual_information_gap
from vaewidgets.diagnostics.features import Clusters, LinearProbe, Neighbours, cluster, linear_probe, retrieve
from vaewidgets.diagnostics.information import AggregatePosterior, aggregate_posterior
from vaewidgets.diagnostics.learned_prior import (
    GaussianMixture,
    Holes,
    PriorCodes,
    find_holes,
    fit_prior,
    prior_codes,
)
from vaewidgets.diagnostics.measurements import Measurements, NotFinite
from vaewidgets.diagnostics.neighbours import tsne
from vaewidgets.diagnostics.outliers import OutlierReport, Unfamiliarity, auroc, tell_apart, unfamiliarity
from vaewidgets.diagnostics.path import (
    PathVerdict,
    interpolate,
    judge_path,
    lerp,
    nearest_class,
    path_between,
    slerp,
)
from vaewidgets.diagnostics.ppca import PPCA, linear_log_likelihood, probabilistic_pca
from vaewidgets.diagnostics.procrustes import turned_onto
from vaewidgets.diagnostics.projection import PriorCircle, Projection, prior_circle, project
from vaewidgets.diagnostics.rate import Elbow, RateDistortion, elbow, rate_distortion
from vaewidgets.diagnostics.stats import RunStats, run_stats
from vaewidgets.diagnostics.subspace import PrincipalAngles, principal_angles
from vaewidgets.diagnostics.trace import UnitLives, unit_lives
from vaewidgets.diagnostics.units import ActiveUnits, active_units

__all__ = [
    "PPCA",
    "THRESHOLDS",
    "VERDICTS",
    "Ablation",
    "ActiveUnits",
    "AggregatePosterior",
    "Audit",
    "Clusters",
    "Diagnosis",
    "Distilled",
    "Elbow",
    "GaussianMixture",
    "Holes",
    "ImportanceBound",
    "LinearProbe",
    "Measurements",
    "MutualInformationGap",
    "Neighbours",
    "NotFinite",
    "OutlierReport",
    "PathVerdict",
    "PrincipalAngles",
    "PriorCircle",
    "PriorCodes",
    "Projection",
    "RateDistortion",
    "RunStats",
    "SmallEncoder",
    "Thresholds",
    "Unfamiliarity",
    "UnitLives",
    "ablation",
    "active_units",
    "aggregate_posterior",
    "auroc",
    "cluster",
    "diagnose",
    "distil",
    "elbow",
    "find_holes",
    "fit_prior",
    "importance_bound",
    "interpolate",
    "judge_path",
    "lerp",
    "linear_log_likelihood",
    "linear_probe",
    "mutual_information_gap",
    "nearest_class",
    "path_between",
    "posterior_kl",
    "principal_angles",
    "prior_circle",
    "prior_codes",
    "probabilistic_pca",
    "project",
    "rate_distortion",
    "retrieve",
    "run_stats",
    "slerp",
    "tell_apart",
    "tsne",
    "turned_onto",
    "unfamiliarity",
    "unit_lives",
]
