"""Objectives and schedules by name, and their way into run files and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaewidgets.checks import one_of
from vaewidgets.objectives.aggregate import BetaTC, InfoVAE
from vaewidgets.objectives.base import Objective
from vaewidgets.objectives.controllers import GECO, TargetKL
from vaewidgets.objectives.elbo import ELBO, Capacity, FreeBits
from vaewidgets.objectives.plain import VQ, Reconstruction
from vaewidgets.objectives.schedules import Constant, Cyclical, LinearWarmup, LogUniform, Schedule

OBJECTIVES: dict[str, type[Objective]] = {
    kind.name: kind for kind in (ELBO, FreeBits, Capacity, InfoVAE, BetaTC, Reconstruction, VQ)
}
SCHEDULES: dict[str, type[Schedule]] = {
    kind.kind: kind for kind in (Constant, LinearWarmup, Cyclical, LogUniform, TargetKL, GECO)
}


def get_objective(objective: str | Objective) -> Objective:
    """Objective of a name, with its default settings; an objective is returned as it is.

    Raises
    ------
    OptionError
        If the name is unknown; it names the nearest known one.
    """
    if isinstance(objective, Objective):
        return objective
    return OBJECTIVES[one_of("objective", objective, OBJECTIVES)]()


def objective_from_dict(kept: Mapping[str, Any]) -> Objective | None:
    """Rebuild an objective from what `Objective.to_dict` returned; None if it is none of ours."""
    settings = dict(kept)
    kind = OBJECTIVES.get(settings.pop("name"))
    return None if kind is None else kind(**settings)


def schedule_from_dict(kept: Mapping[str, Any]) -> Schedule:
    """Rebuild a schedule from what `Schedule.to_dict` returned; OptionError where it is none."""
    values = dict(kept)
    return SCHEDULES[one_of("the kind of schedule", values.pop("kind"), SCHEDULES)](**values)
