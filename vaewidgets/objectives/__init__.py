"""What is minimised: likelihoods, the KL term, objectives made of them, and schedules for its weight."""

from vaewidgets.objectives.base import Objective, Terms, Traits, decode_raw, encode, reparameterise, traits
from vaewidgets.objectives.elbo import ELBO
from vaewidgets.objectives.kl import kl_per_dim, shift_cost, spread_cost
from vaewidgets.objectives.likelihoods import Bernoulli, Likelihood, SquaredError, get_likelihood
from vaewidgets.objectives.named import get_objective, objective_from_dict
from vaewidgets.objectives.schedules import Constant, Custom, Cyclical, LinearWarmup, Schedule, as_schedule

__all__ = [
    "ELBO",
    "Bernoulli",
    "Constant",
    "Custom",
    "Cyclical",
    "Likelihood",
    "LinearWarmup",
    "Objective",
    "Schedule",
    "SquaredError",
    "Terms",
    "Traits",
    "as_schedule",
    "decode_raw",
    "encode",
    "get_likelihood",
    "get_objective",
    "kl_per_dim",
    "objective_from_dict",
    "reparameterise",
    "shift_cost",
    "spread_cost",
    "traits",
]
