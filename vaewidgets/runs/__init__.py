"""Runs: training in the background or in a loop of your own, and what is kept of it. Imports no widget."""

from vaewidgets.runs.api import attach, train
from vaewidgets.runs.attached import AttachedRun
from vaewidgets.runs.background import TrainingRun
from vaewidgets.runs.history import History
from vaewidgets.runs.load import load_run
from vaewidgets.runs.run import Run
from vaewidgets.runs.threads import release_idle_team
from vaewidgets.runs.time_line import TimeFrame, TimeLine

__all__ = [
    "AttachedRun",
    "History",
    "Run",
    "TimeFrame",
    "TimeLine",
    "TrainingRun",
    "attach",
    "load_run",
    "release_idle_team",
    "train",
]
