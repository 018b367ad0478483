"""AnnealingSchedule: the weight of the KL over training, drawn by hand or set by a controller."""

from vaewidgets.widgets.annealing_schedule.widget import AnnealingSchedule

__all__ = ["AnnealingSchedule"]
