"""What is minimised: likelihoods, the KL term, the ELBO, and schedules for its weight."""

from vaewidgets.objectives.elbo import ELBO, Terms
from vaewidgets.objectives.kl import kl_per_dim, shift_cost, spread_cost
from vaewidgets.objectives.likelihoods import Bernoulli, Likelihood, SquaredError, get_likelihood
from vaewidgets.objectives.schedules import Constant, Custom, Cyclical, LinearWarmup, Schedule, as_schedule

__all__ = [
    "ELBO",
    "Bernoulli",
    "Constant",
    "Custom",
    "Cyclical",
    "Likelihood",
    "LinearWarmup",
    "Schedule",
    "SquaredError",
    "Terms",
    "as_schedule",
    "get_likelihood",
    "kl_per_dim",
    "shift_cost",
    "spread_cost",
]
