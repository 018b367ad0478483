"""What every run offers to its user and to widgets, whoever trains it."""

from __future__ import annotations

import os
import time
import uuid
import weakref
from abc import abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

from vaewidgets.adapters import LossConvention, doubts
from vaewidgets.diagnostics import Audit
from vaewidgets.engine.engine import EngineState
from vaewidgets.engine.recorder import Recorder
from vaewidgets.engine.snapshot import Shell
from vaewidgets.errors import OptionError
from vaewidgets.objectives import TERMS, Likelihood, Objective, get_objective, traits
from vaewidgets.objectives.base import class_name
from vaewidgets.runs.auditor import Auditor, copy_in_mode
from vaewidgets.runs.autosave import Autosave
from vaewidgets.runs.copies import Copies
from vaewidgets.runs.events import Events
from vaewidgets.runs.gate import Gate, Status
from vaewidgets.runs.history import History
from vaewidgets.runs.measure import Measured
from vaewidgets.runs.openmp import ThreadTuner
from vaewidgets.runs.progress import Progress
from vaewidgets.runs.run_file import Checkpoint, LoadedRun, describe_data, write
from vaewidgets.runs.time_line import TimeLine
from vaewidgets.runs.waiting import Waitable

_RATE_SECONDS = 2.0  # steps a second are taken over so long
_SAVE_SECONDS = 60.0  # for the step under way to end

_runs: weakref.WeakSet[Run] = weakref.WeakSet()


class Run(Measured, Waitable):
    """A model in training, or trained: what was measured, snapshots of its weights, its controls.

    Attributes
    ----------
    id : str
        Unique.
    name : str
    model : nn.Module
        The live model. Anything that reads it while it trains must use `snapshot()` instead.
    likelihood : Likelihood
    objective : Objective
        What is minimised; of a loop of the user's own, what `evaluate` computes.
    device : torch.device
    options : dict of plain values
        As given.
    can_train : bool
        Whether it is a run of `train`; False for a loop of the user's own.
    error : BaseException or None
        What ended the run, if it failed.
    lost : tuple of str
        Of a damaged file that ``load_run(path, salvage=True)`` read: what it no longer held.
    """

    can_train: bool
    lost: tuple[str, ...] = ()

    def __init__(
        self,
        model: Any,
        data: Any,
        likelihood: Likelihood,
        *,
        recorder: Recorder,
        device: torch.device,
        options: dict[str, Any],
        name: str | None,
        shell: Shell,
        objective: Objective | None = None,
        autosave_seconds: float | None = None,
        status: Status = "created",
    ) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.model = model
        self.likelihood = likelihood
        self.objective = objective or get_objective(traits(model).default_objective)
        self.device = device
        self.options = options
        self.error: BaseException | None = None
        self.data_facts = None if data is None else describe_data(data)
        self.name = name or _default_name(model, data)
        self._data = data
        self._recorder = recorder
        self._history = History(recorder, likelihood, self.objective)
        self._events = Events()
        self._gate = self._new_gate(status)
        self._tuner = ThreadTuner(on_cpu=device.type == "cpu")
        self._halts = 0
        self._autosave: Autosave | None = None
        if autosave_seconds is not None:
            self._autosave = Autosave(self.name, self.id, autosave_seconds)
        self._rate_marks: list[tuple[float, int]] = []
        self._copies = Copies(model, data, likelihood, shell, lambda: (self.step, self.epoch))
        _runs.add(self)

    def _new_gate(self, status: Status) -> Gate:
        return Gate(before_halt=self._before_halt, served=self._events.notify, status=status)

    def _leave_to_parent(self) -> None:
        """In a process that was forked off: the run's threads, and its loop, are not here."""
        self.error = OptionError(
            f"{self!r} belongs to another process, of which this one (pid {os.getpid()}) was forked off: "
            "here it can be looked at as it was then. Start a run in this process: vw.train or vw.attach."
        )
        self._gate = self._new_gate("failed")
        self._gate.close()

    @property
    def recorder(self) -> Recorder:
        """What was recorded."""
        return self._recorder

    @property
    def time_line(self) -> TimeLine:
        """Frames of its latent space and sets of its weights, taken while it trains."""
        return self._copies.time_line

    @property
    def has_ended(self) -> bool:
        return self._gate.has_ended

    @property
    def is_halted(self) -> bool:
        """Whether its loop waits between two steps, as it does soon after `pause`."""
        return self._gate.is_halted

    @property
    def error_text(self) -> str | None:
        """What ended the run, in one line; None unless it failed."""
        return None if self.error is None else f"{type(self.error).__name__}: {self.error}"

    @property
    def warning(self) -> str | None:
        """What is wrong without ending the run, a sentence a line; None if nothing is."""
        unsaved = None if self._autosave is None else self._autosave.fault
        words = (self._copies.fault, unsaved, *doubts(getattr(self.model, "convention", None)))
        return "\n".join(filter(None, words)) or None

    @property
    def steps_per_epoch(self) -> int | None:
        """Updates an epoch, None if unknown."""
        return None

    @property
    def steps_per_second(self) -> float:
        """Updates a second over the last two seconds; 0 unless it is running."""
        marks = self._rate_marks
        if self.status != "running" or len(marks) < 2:
            return 0.0
        (t0, s0), (t1, s1) = marks[0], marks[-1]
        return (s1 - s0) / (t1 - t0) if t1 > t0 else 0.0

    @property
    def unit(self) -> str:
        """Unit of loss and recon."""
        return self.likelihood.unit

    @property
    def adapted(self) -> str:
        """How the model is read (what encode takes, what decode returns, what recon is), and why."""
        convention = getattr(self.model, "convention", None)
        if convention is not None:
            return str(convention.describe())
        return (
            f"{class_name(self.model)} says itself how it is read: its likelihood is {self.likelihood.name}"
        )

    @property
    @abstractmethod
    def engine(self) -> str:
        """How its steps are taken: written out or by autograd, on which device, in which precision."""

    def audit(self) -> Audit:
        """Compare the recon and kl that are logged with those of the model.

        The model, as it is and as it was at a few steps before, is measured on training images by each of the
        usual readings: what its outputs are, how recon and kl are reduced, which sign and weight they have.

        Returns
        -------
        Audit
            Which of them reproduces what is logged, the numbers, and the line to write if it is not the one
            in force.

        Raises
        ------
        OptionError
            If the run was loaded without its data.
        """
        if self._data is None:
            raise OptionError(
                f"{self!r} was loaded without its data, so nothing can be measured. Say which: "
                "vw.load_run(path, data=data)."
            )
        self.snapshot()
        weights = self._copies.newest
        assert weights is not None
        auditor = self._auditor or Auditor(self.model, self._data, LossConvention())
        model = copy_in_mode(self._copies, weights, auditor.modes)
        return auditor.report(model, self.recorder, weights.step)

    def _before_halt(self) -> None:
        """In the loop's thread, before a halt that a person would notice."""

    def _mark_rate(self) -> None:
        now = time.monotonic()
        marks = [mark for mark in self._rate_marks if now - mark[0] <= _RATE_SECONDS]
        self._rate_marks = [*marks, (now, self.step)]

    def join(self, seconds: float) -> None:
        loop = self._gate.loop
        if loop is not None:
            loop.done.wait(seconds)

    def _check_waitable(self) -> None:
        if self.status == "created":
            raise OptionError(
                f"{self!r} was not started, so waiting would never end: call run.resume() first."
            )

    def _report(self) -> None:
        if self.status == "failed" and self.error is not None:
            raise self.error

    @property
    def progress(self) -> Progress:
        """Steps made, of how many, and the newest losses."""
        total = None
        if self.epochs is not None and self.steps_per_epoch is not None:
            total = self.epochs * self.steps_per_epoch
        losses = {name: self.recorder.last(name) for name in TERMS}
        values = {name: f"{value:.2f}" for name, value in losses.items() if value is not None}
        return Progress(self.step, total, "step", values)

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def autosave_path(self) -> Path | None:
        """Where the run is saved by itself; None if it is not. Why it could not be: `warning`."""
        return None if self._autosave is None else self._autosave.path

    def save(self, path: Any) -> None:
        """Write history, weights and what training needs to go on (safetensors, no code).

        The optimiser of a loop of the user's own is not known here, and not in the file.

        Parameters
        ----------
        path : str or Path
            Replaced as a whole, or not at all.
        """
        write(self.checkpoint(), path)

    def checkpoint(self) -> Checkpoint:
        """Clone what `save` writes, between two steps."""
        return self._gate.call(self._capture, _SAVE_SECONDS)

    def _capture(self, *, copy: bool = True) -> Checkpoint:
        """Clone what a run file holds, between two steps; with ``copy=False`` for a write before the next."""
        facts = {
            "id": self.id,
            "name": self.name,
            "step": self.step,
            "epoch": self.epoch,
            "epochs": self.epochs,
            "status": self.status,
            "error": self.error_text,
            "options": self.options,
            "data": self.data_facts,
            "beta": self.current_beta,
        }
        return Checkpoint.of(
            facts,
            self.model,
            self.likelihood,
            self.objective,
            recorder=self._recorder,
            engine=self._engine_state(copy=copy),
            time_line=self.time_line.state(),
            copy=copy,
        )

    def _engine_state(self, *, copy: bool) -> EngineState | None:
        """What training needs to go on; None where that is not known here."""
        return None

    def restore(self, loaded: LoadedRun) -> None:
        """Take over what a run file says of the past; its weights are in the model."""
        if loaded.facts["data"] is not None:
            self.data_facts = loaded.facts["data"]
        self.lost = tuple(loaded.faults.lost)
        self._copies.time_line.restore(*loaded.time_line)

    def mark_failed(self, error: BaseException) -> None:
        """Note what ended a run where it was trained, after it was loaded."""
        self.error = error
        self._gate.change("failed")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


def _default_name(model: Any, data: Any) -> str:
    inner = getattr(model, "module", model)
    name = type(inner).__name__
    return name if data is None else f"{name} on {data.name}"


def _after_fork() -> None:
    for run in list(_runs):
        run._leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
