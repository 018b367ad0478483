"""One cell of a sweep as a task for another process: it trains, writes a run file, returns plain values."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vaewidgets.data import ImageDataset
from vaewidgets.errors import CellError, CheckpointError, DivergedError, VAEWidgetsError
from vaewidgets.objectives import get_objective
from vaewidgets.runs.api import train
from vaewidgets.runs.background import TrainingRun
from vaewidgets.runs.load import load_run
from vaewidgets.runs.run_file import read_facts
from vaewidgets.sweeps.data import read_data
from vaewidgets.sweeps.grid import Plan, build_model

AUTOSAVE_SECONDS = 30.0
_POLL_SECONDS = 0.2  # between two checks of whether to stop


@dataclass(frozen=True)
class Task:
    """What a worker needs to know."""

    plan: Plan
    data: Path | ImageDataset  # a file of `write_data`, or the set itself where it is read piece by piece
    path: Path  # of the run file
    stop_path: Path  # when this file is there, the cell ends early
    mark_path: Path  # made when the cell is begun
    threads: int  # torch's, for a cell in another process
    attempt: int  # from 0
    home: tuple[str, int]  # machine and process that the sweep was started in


@dataclass(frozen=True)
class Outcome:
    """How a cell ended, as plain values: an exception of another process may not survive the way back."""

    status: str
    where: tuple[str, int]  # machine and process
    kind: str | None = None  # of the error
    message: str | None = None
    trace: str | None = None
    step: int | None = None  # of a `DivergedError`
    term: str | None = None

    def error(self) -> VAEWidgetsError | None:
        """What to show for it here."""
        if self.message is None:
            return None
        if self.step is not None and self.term is not None:
            return DivergedError(self.message, step=self.step, term=self.term)
        error = CellError(f"{self.kind}: {self.message}")
        if self.trace:
            error.add_note(f"where it was trained, {self.where[0]} (process {self.where[1]}):\n{self.trace}")
        return error


def here() -> tuple[str, int]:
    """Machine and process that ask."""
    return socket.gethostname(), os.getpid()


def run_task(task: Task) -> Outcome:
    """Train a cell to its end. Called in a worker; never raises what training raised."""
    if task.home != here():
        _settle_in(task.threads)
    with contextlib.suppress(OSError):  # a folder that this worker does not see: said below
        task.mark_path.touch()
    try:
        data = task.data if isinstance(task.data, ImageDataset) else read_data(task.data)
        run = open_cell(task.plan, data, task.path)
        _train(run, task.stop_path)
        status = run.status
        if read_status(task.path) != status:
            raise CheckpointError(f"the cell was trained, but could not be written to {str(task.path)!r}.")
        return _outcome(status, run.error)
    except Exception as error:  # belongs to the sweep
        return _outcome("failed", error)


def open_cell(plan: Plan, data: ImageDataset, path: Path | None) -> TrainingRun:
    """Make a cell's run, not started: anew, or from the file that it is saved to, as far as it got."""
    return open_run(lambda: build_model(plan), data, path, training=plan.train_options, name=plan.name)


def open_run(
    make_model: Callable[[], nn.Module],
    data: ImageDataset,
    path: Path | None,
    *,
    training: Mapping[str, Any],
    name: str,
) -> TrainingRun:
    """Make a run, not started, that saves itself to `path`: anew, or from that file, as far as it got."""
    model = make_model()
    if path is not None and read_status(path) in ("running", "paused", "stopped"):
        with contextlib.suppress(CheckpointError):
            run = _load(model, data, path, training)
            if run.epochs is None or run.epoch < run.epochs:
                return run
        model = make_model()
    run = train(model, data, **{**training, "autosave": False, "start": False, "name": name})
    if path is not None:
        run.save_to(path, AUTOSAVE_SECONDS)
    return run


def _load(model: Any, data: ImageDataset, path: Path, training: Mapping[str, Any]) -> TrainingRun:
    objective = get_objective(training["objective"]) if "objective" in training else None
    run = load_run(path, model=model, data=data, device=training.get("device"), objective=objective)
    if not isinstance(run, TrainingRun):
        raise CheckpointError(f"{str(path)!r} cannot be gone on with: {run.engine}.")
    if "beta" in training:  # a function is not kept in a file
        run.beta = training["beta"]
    run.speed = training.get("speed")
    run.save_to(path, AUTOSAVE_SECONDS)
    return run


def read_status(path: Path) -> str | None:
    """Status that a run file holds; None where there is no such file, or a damaged one."""
    try:
        return str(read_facts(path)["status"])
    except CheckpointError:
        return None


def _settle_in(threads: int) -> None:
    # Ctrl-C reaches the whole group of processes, and is meant for the one that waits.
    with contextlib.suppress(ValueError):  # not in the main thread of a worker, which looks after itself
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)


def _train(run: TrainingRun, stop_path: Path) -> None:
    try:
        run.resume()
        while not run.has_ended:
            run.wait(timeout=_POLL_SECONDS, progress=False)
            if stop_path.exists():
                run.stop()
    except Exception:
        if not run.has_ended:
            raise
    finally:
        run.close()


def _outcome(status: str, error: BaseException | None) -> Outcome:
    if error is None:
        return Outcome(status, here())
    diverged = error if isinstance(error, DivergedError) else None
    return Outcome(
        status,
        here(),
        kind=type(error).__name__,
        message=str(error),
        trace="".join(traceback.format_exception(error)),
        step=None if diverged is None else diverged.step,
        term=None if diverged is None else diverged.term,
    )
