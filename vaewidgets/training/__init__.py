"""Training in the background or in a loop of your own, and what of it is kept. Needs no widget package."""

from vaewidgets.training.attached import AttachedRun
from vaewidgets.training.background import TrainingRun
from vaewidgets.training.curves import Curve
from vaewidgets.training.history import History
from vaewidgets.training.load import load_run
from vaewidgets.training.recorder import Recorder
from vaewidgets.training.run import Run
from vaewidgets.training.snapshot import Snapshot
from vaewidgets.training.start import attach, train
from vaewidgets.training.sweeps import Cell, Sweep, Table, sweep
from vaewidgets.training.threads import release_idle_team
from vaewidgets.training.time_line import TimeFrame, TimeLine

__all__ = [
    "AttachedRun",
    "Cell",
    "Curve",
    "History",
    "Recorder",
    "Run",
    "Snapshot",
    "Sweep",
    "Table",
    "TimeFrame",
    "TimeLine",
    "TrainingRun",
    "attach",
    "load_run",
    "release_idle_team",
    "sweep",
    "train",
]
