"""What is minimised: likelihoods, the KL term, objectives made of them, and schedules for its weight.

Never imports the engine: an objective does not know who minimises it.
"""

from vaewidgets.objectives.aggregate import BetaTC, InfoVAE, KLParts, kl_parts, mmd
from vaewidgets.objectives.base import (
    TERMS,
    Batch,
    Objective,
    Terms,
    Traits,
    Weight,
    decode_raw,
    encode,
    posterior,
    reparameterise,
    traits,
)
from vaewidgets.objectives.controllers import GECO, TargetKL
from vaewidgets.objectives.elbo import ELBO, Capacity, FreeBits
from vaewidgets.objectives.kl import kl_per_dim, shift_cost, spread_cost
from vaewidgets.objectives.likelihoods import (
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    Gaussian,
    Likelihood,
    NegativeBinomial,
    Poisson,
    SquaredError,
    check_likelihood,
    get_likelihood,
)
from vaewidgets.objectives.named import get_objective, objective_from_dict, schedule_from_dict
from vaewidgets.objectives.plain import VQ, Reconstruction
from vaewidgets.objectives.schedules import (
    Constant,
    Custom,
    Cyclical,
    LinearWarmup,
    LogUniform,
    Schedule,
    as_schedule,
)

__all__ = [
    "ELBO",
    "GECO",
    "TERMS",
    "VQ",
    "Batch",
    "Bernoulli",
    "BetaTC",
    "Capacity",
    "Categorical",
    "Constant",
    "ContinuousBernoulli",
    "Custom",
    "Cyclical",
    "FreeBits",
    "Gaussian",
    "InfoVAE",
    "KLParts",
    "Likelihood",
    "LinearWarmup",
    "LogUniform",
    "NegativeBinomial",
    "Objective",
    "Poisson",
    "Reconstruction",
    "Schedule",
    "SquaredError",
    "TargetKL",
    "Terms",
    "Traits",
    "Weight",
    "as_schedule",
    "check_likelihood",
    "decode_raw",
    "encode",
    "get_likelihood",
    "get_objective",
    "kl_parts",
    "kl_per_dim",
    "mmd",
    "objective_from_dict",
    "posterior",
    "reparameterise",
    "schedule_from_dict",
    "shift_cost",
    "spread_cost",
    "traits",
]
