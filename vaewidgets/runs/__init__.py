"""Runs: training in the background or in a loop of your own, and what is kept of it.

Never imports a sweep, a figure or a widget.
"""

from vaewidgets.runs.api import attach, train
from vaewidgets.runs.archived import ArchivedRun
from vaewidgets.runs.attached import AttachedRun
from vaewidgets.runs.background import TrainingRun
from vaewidgets.runs.history import History
from vaewidgets.runs.load import load_run
from vaewidgets.runs.openmp import release_cores
from vaewidgets.runs.run import Run
from vaewidgets.runs.time_line import TimeFrame, TimeLine

release_idle_team = release_cores  # its name in the release before

__all__ = [
    "ArchivedRun",
    "AttachedRun",
    "History",
    "Run",
    "TimeFrame",
    "TimeLine",
    "TrainingRun",
    "attach",
    "load_run",
    "release_cores",
    "release_idle_team",
    "train",
]
