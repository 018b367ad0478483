"""What every run offers to its user and to widgets, whoever trains it."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, Self

import torch

from vaewidgets.diagnostics import NotFinite
from vaewidgets.engine.evaluate import evaluate
from vaewidgets.engine.recorder import Recorder
from vaewidgets.engine.snapshot import Shell, Snapshot, Weights, model_tensors
from vaewidgets.errors import OptionError
from vaewidgets.objectives import Likelihood, Objective, Schedule, get_objective, traits
from vaewidgets.objectives.base import class_name
from vaewidgets.runs import measure as inspect
from vaewidgets.runs.gate import ENDED, Gate, Status
from vaewidgets.runs.history import History
from vaewidgets.runs.progress import progress_bar
from vaewidgets.runs.run_file import describe_data
from vaewidgets.runs.snapshot_check import SnapshotCheck
from vaewidgets.runs.threads import release_idle_team
from vaewidgets.runs.time_line import TimeLine

__all__ = ["ENDED", "Run", "Status"]

_RATE_SECONDS = 2.0  # steps a second are taken over so long


class Run(ABC):
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
        Whether the run trains by itself; False for a loop of the user's own.
    error : BaseException or None
        What ended the run, if it failed.
    """

    can_train: bool
    _gate: Gate

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
    ) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.model = model
        self.likelihood = likelihood
        self.objective = objective or get_objective(traits(model).default_objective)
        self._recorder = recorder
        self._history = History(recorder, likelihood, self.objective)
        self.device = device
        self.options = options
        self.error: BaseException | None = None
        self._data = data
        self.data_facts = None if data is None else describe_data(data)
        self.name = name or _default_name(model, data)
        self._shell = shell
        self._weights: Weights | None = None
        self._build_lock = threading.Lock()
        self._built: tuple[Weights, Snapshot] | None = None
        self._rate_marks: list[tuple[float, int]] = []
        self._unit_watch: inspect.UnitWatch | None = None
        self._time_line = TimeLine(data)
        self._snapshot_check: SnapshotCheck | None = None
        if data is not None:
            self._snapshot_check = SnapshotCheck(model, shell, data.train.images([0, len(data.train) - 1]))

    # what it is -------------------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The `ImageDataset`."""
        return self._data

    @property
    def recorder(self) -> Recorder:
        """What was measured."""
        return self._recorder

    @property
    def history(self) -> History:
        """What was measured, as a mapping of names to numpy arrays."""
        return self._history

    @property
    def time_line(self) -> TimeLine:
        """Frames of its latent space and sets of its weights, taken while it trains."""
        return self._time_line

    @property
    def status(self) -> Status:
        """One of "created", "running", "paused", "stopped", "finished" and "failed"."""
        return self._gate.status

    @property
    def error_text(self) -> str | None:
        """What ended the run, in one line; None unless it failed."""
        return None if self.error is None else f"{type(self.error).__name__}: {self.error}"

    @property
    def warning(self) -> str | None:
        """What is wrong without ending the run, a sentence a line; None if nothing is."""
        return None if self._snapshot_check is None else self._snapshot_check.fault

    @property
    def not_finite(self) -> NotFinite | None:
        """Steps that a loop of its own logged as NaN or infinite; None where such a step ends the run."""
        return None

    @property
    @abstractmethod
    def step(self) -> int:
        """Updates made."""

    @property
    @abstractmethod
    def epoch(self) -> int:
        """Epochs completed."""

    @property
    @abstractmethod
    def epochs(self) -> int | None:
        """Epochs to train in all; None if that is open."""

    @epochs.setter
    @abstractmethod
    def epochs(self, epochs: int | None) -> None: ...

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
    def engine(self) -> str:
        """How its steps are taken: written out or by autograd, on which device, in which precision."""
        return "a loop of its own"

    # controls ---------------------------------------------------------------------------------

    @property
    @abstractmethod
    def current_beta(self) -> float:
        """Weight of the KL term in force now."""

    @property
    @abstractmethod
    def beta_description(self) -> str:
        """The schedule of beta in a few words."""

    @property
    @abstractmethod
    def beta_is_controllable(self) -> bool:
        """Whether setting `beta` has an effect."""

    @property
    @abstractmethod
    def lr_is_controllable(self) -> bool:
        """Whether setting `lr` has an effect."""

    @property
    @abstractmethod
    def speed(self) -> float | None:
        """Epochs a second at most; None for full speed."""

    @speed.setter
    @abstractmethod
    def speed(self, speed: float | None) -> None: ...

    @property
    @abstractmethod
    def beta(self) -> float:
        """Weight of the KL term at the next step. Set a number, a function of the step, or a schedule."""

    @beta.setter
    @abstractmethod
    def beta(self, beta: float | Callable[[int], float] | Schedule) -> None: ...

    @property
    @abstractmethod
    def lr(self) -> float | None:
        """Learning rate at the next step; None if unknown."""

    @lr.setter
    @abstractmethod
    def lr(self, lr: float) -> None: ...

    @abstractmethod
    def pause(self) -> None:
        """Halt before the next step. Returns at once."""

    @abstractmethod
    def resume(self) -> None:
        """Go on. Returns at once."""

    @abstractmethod
    def stop(self) -> None:
        """End before the next step. Returns at once; `resume` can take it up again."""

    @abstractmethod
    def advance(self, n: int = 1) -> None:
        """Train `n` steps, then pause. Returns at once."""

    # waiting ----------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None, progress: bool = True) -> Self:
        """Wait until the run has ended, with a progress bar. A paused run is waited for.

        An interrupt (the kernel's stop button) ends the waiting, not the training.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; then it returns all the same.
        progress : bool
            Show a bar.

        Returns
        -------
        Run
            Itself.

        Raises
        ------
        Exception
            What ended the run, if it failed.
        """
        self._check_waitable()
        release_idle_team()
        end = None if timeout is None else time.monotonic() + timeout
        with progress_bar(self, progress) as refresh:
            while not self._has_ended():
                left = 0.1 if end is None else min(0.1, end - time.monotonic())
                if left <= 0:
                    break
                self._wait_for_end(left)
                refresh()
        self._raise_error()
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self._wait_async().__await__()

    async def _wait_async(self) -> Self:
        self._check_waitable()
        while not self._has_ended():
            await asyncio.sleep(0.05)
        self._raise_error()
        return self

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def has_ended(self) -> bool:
        """Whether it is over: stopped, finished or failed, and all put in order."""
        return self._has_ended()

    @abstractmethod
    def _has_ended(self) -> bool: ...

    @abstractmethod
    def _wait_for_end(self, seconds: float) -> None: ...

    def _check_waitable(self) -> None:
        if self.status == "created":
            raise OptionError(
                f"{self!r} was not started, so waiting would never end: call run.resume() first."
            )

    def _raise_error(self) -> None:
        if self.status == "failed" and self.error is not None:
            raise self.error

    # weights ----------------------------------------------------------------------------------

    @abstractmethod
    def request_snapshot(self) -> None:
        """Ask for a copy of the weights between two steps. Returns at once; see `latest_snapshot`."""

    @abstractmethod
    def snapshot(self, timeout: float = 10.0) -> Snapshot:
        """Copy of the model as it is between two steps.

        Parameters
        ----------
        timeout : float
            Seconds to wait for the end of the step under way.

        Raises
        ------
        TimeoutError
        """

    @property
    def latest_snapshot(self) -> Snapshot | None:
        """Newest snapshot taken, None before the first. The same object until there is a newer one."""
        with self._build_lock:
            weights = self._weights
            if weights is None:
                return None
            if self._built is None or self._built[0] is not weights:
                self._built = (weights, self._make_snapshot(weights))
            return self._built[1]

    def _make_snapshot(self, weights: Weights) -> Snapshot:
        model = self._shell.build(weights)
        return Snapshot(model, self._data, self.likelihood, step=weights.step, epoch=weights.epoch)

    def _clone(self) -> None:
        """Copy the weights; only where no step can be under way."""
        self._check_snapshots()
        self._weights = self._shell.clone(self.model, step=self.step, epoch=self.epoch)

    def snapshot_at(self, step: int) -> Snapshot:
        """Model as it was at or before `step`: the nearest set of weights of `time_line`, in half precision.

        Raises
        ------
        OptionError
            If there is none.
        """
        kept = self._time_line.weights_at(step)
        if kept is None:
            have = ", ".join(str(one.step) for one in self._time_line.weights) or "none"
            raise OptionError(
                f"the time line of {self!r} has no weights at or before step {step}; it has {have}."
            )
        own = model_tensors(self.model)
        tensors = tuple(t.to(o.device, o.dtype) for t, o in zip(kept.tensors, own, strict=True))
        return self._make_snapshot(Weights(kept.step, kept.epoch, tensors))

    def _note_time(self, weights: Weights | None = None) -> None:
        """Take a frame of the time line, between two steps."""
        self._check_snapshots()
        weights = weights or self._shell.clone(self.model, step=self.step, epoch=self.epoch)
        self._time_line.take(weights, self._make_snapshot)

    def _check_snapshots(self) -> None:
        """See whether snapshots tell the truth, between two steps; costs something twice in a run."""
        if self._snapshot_check is not None:
            self._snapshot_check.look()

    # measuring, saving ------------------------------------------------------------------------

    def evaluate(self, split: str | None = None) -> dict[str, float]:
        """Mean of "loss", "recon", "kl" and further terms over a split, on a snapshot, by a fixed seed.

        Parameters
        ----------
        split : {"test", "train"}, optional
            By default "test", or where there is no test split "train", with a warning.
        """
        images = self.data.split(inspect.split_or_default(self, split))
        snapshot = self.snapshot()
        values = evaluate(
            snapshot.model,
            images,
            self.likelihood,
            self.objective,
            beta=self.current_beta,
            step=max(self.step - 1, 0),
            device=self.device,
            seed=int(self.options.get("seed", 0)),
        )
        assert values is not None
        return values

    # what the model does with its latent space: see `vaewidgets.diagnostics`
    stats = inspect.measure
    diagnose = inspect.diagnose_run
    active_units = inspect.count_units
    ablation = inspect.ablate
    path = inspect.path
    watch_units = inspect.watch_units

    @abstractmethod
    def save(self, path: Any) -> None:
        """Write history, weights and what training needs to go on (safetensors, no code)."""

    def add_listener(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback()` when there is something new: values, a status, a snapshot.

        It is called from any thread and must be quick. Returns a function that ends it.
        """
        return self.recorder.add_listener(callback)

    def _mark_rate(self) -> None:
        now = time.monotonic()
        marks = [mark for mark in self._rate_marks if now - mark[0] <= _RATE_SECONDS]
        self._rate_marks = [*marks, (now, self.step)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


def _default_name(model: Any, data: Any) -> str:
    inner = getattr(model, "module", model)
    name = type(inner).__name__
    return name if data is None else f"{name} on {data.name}"
