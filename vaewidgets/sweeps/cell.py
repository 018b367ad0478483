"""One cell of a sweep: its settings, where it stands, and its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, final

from vaewidgets.concurrency import Lock
from vaewidgets.data import ImageDataset
from vaewidgets.runs.background import TrainingRun
from vaewidgets.runs.load import load_run
from vaewidgets.runs.run import Run
from vaewidgets.sweeps.grid import Plan, Settings, build_model
from vaewidgets.sweeps.key import label
from vaewidgets.sweeps.task import Outcome

CellStatus = Literal["waiting", "submitted", "running", "paused", "finished", "stopped", "failed"]
_AS_CELL: dict[str, CellStatus] = {
    "created": "waiting",
    "running": "running",
    "paused": "paused",
    "finished": "finished",
    "stopped": "stopped",
    "failed": "failed",
}


@final
class Cell:
    """One cell of a `Sweep`. Not made by hand.

    Attributes
    ----------
    settings : dict
        Its place in the grid.
    name : str
        The same in a line.
    path : Path or None
        Its run file.
    lost : int
        How often a worker was lost with it.
    live : TrainingRun or None
        Its run, if it trains in this process.
    where : tuple of str and int, or None
        Machine and process that trained it, if it was sent to one.
    """

    def __init__(self, plan: Plan, data: ImageDataset, path: Path | None) -> None:
        self.plan = plan
        self.settings: Settings = dict(plan.settings)
        self.name = plan.name
        self.path = path
        self.lost = 0
        self.where: tuple[str, int] | None = None
        self._data = data
        self._lock = Lock()
        self.live: TrainingRun | None = None
        self._run: Run | None = None
        self._status: CellStatus = "waiting"
        self._error: BaseException | None = None

    @property
    def status(self) -> CellStatus:
        """One of "waiting", "submitted" (to an executor), "running", "paused", and how it ended."""
        if self.live is not None and self._error is None:
            return _AS_CELL[self.live.status]
        return self._status

    @property
    def error(self) -> BaseException | None:
        """What ended it, if it failed."""
        return self._error if self._error is not None or self._run is None else self._run.error

    @property
    def has_ended(self) -> bool:
        """Whether it finished, stopped or failed, and all is put in order."""
        if self.live is not None and self._error is None:
            return self.live.has_ended
        return self._status in ("finished", "stopped", "failed")

    @property
    def run(self) -> Run | None:
        """Its run; None as long as there is none, which is for an executor to train first.

        The run of a finished file is read when it is first asked for.
        """
        with self._lock:
            if self._run is None and self.path is not None and self.has_ended and self.path.is_file():
                device = self.plan.train_options.get("device")
                self._run = load_run(self.path, model=build_model(self.plan), data=self._data, device=device)
                if self._error is not None:
                    self._run.mark_failed(self._error)
            return self._run

    def row(self) -> dict[str, Any]:
        """Settings, status, and the last epoch's values."""
        run = self.run
        out = {name: _plain(value) for name, value in self.settings.items()}
        out |= {"status": self.status, "step": run.step if run else 0, "epoch": run.epoch if run else 0}
        if run is not None:
            values = run.recorder.epochs()[1]
            out |= {name: float(v[-1]) for name, v in values.items() if name != "epoch" and len(v)}
        error = self.error
        return out | {"error": None if error is None else f"{type(error).__name__}: {error}"}

    def __repr__(self) -> str:
        return f"Cell({self.name})"

    def trains_here(self, run: TrainingRun) -> None:
        """Note that it is trained in this process, by this run."""
        self._run = self.live = run

    def becomes(self, status: CellStatus, error: BaseException | None = None) -> None:
        """Set the status."""
        self._error = error
        self._status = status

    def takes(self, outcome: Outcome) -> None:
        """Take over how it ended in another process."""
        self.where = outcome.where
        status = _AS_CELL.get(outcome.status, "failed")
        self.becomes(status, outcome.error())


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else label(value)
