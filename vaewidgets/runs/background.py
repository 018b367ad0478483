"""A run that trains in a thread of its own, or in turns with others in one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, final

from vaewidgets.checks import whole
from vaewidgets.concurrency import BackgroundThread
from vaewidgets.engine.engine import Control, Engine, EngineState
from vaewidgets.engine.snapshot import Snapshot
from vaewidgets.engine.steps import Steps, exhaust
from vaewidgets.errors import DataError, DivergedError, OptionError
from vaewidgets.objectives import Schedule, as_schedule
from vaewidgets.runs.autosave import Autosave
from vaewidgets.runs.claims import check_unclaimed, claim, release
from vaewidgets.runs.gate import ENDED, LONG_SECONDS, Ask, Gate, Loop, Status
from vaewidgets.runs.notebook import at_cell_end
from vaewidgets.runs.options import check_epochs, check_lr, check_speed
from vaewidgets.runs.pace import Pace
from vaewidgets.runs.run import Run
from vaewidgets.runs.run_file import Checkpoint, capture, write
from vaewidgets.runs.team import Team
from vaewidgets.runs.threads import release_idle_team
from vaewidgets.runs.turns import Turn, Worker

__all__ = ["TrainingRun"]

_LET_GO_SECONDS = 10.0  # for a run that was stopped to end its step and be saved


@final
class TrainingRun(Run):
    """Trains in the background: one daemon thread, gone when the run has ended.

    The runs of a sweep take turns in one such thread (`share_thread`). Made by `vaewidgets.train` and
    `vaewidgets.load_run`; see `Run` for what it offers.

    Attributes
    ----------
    epochs : int or None
        Epochs to train in all; may be set at any time. None for no end.
    speed : float or None
        Epochs a second at most; may be set at any time. None for full speed.
    autosave_path : Path or None
        Where the run is saved by itself.
    """

    can_train = True

    def __init__(
        self,
        engine: Engine | EngineState,
        *,
        autosave_seconds: float | None,
        speed: float | None = None,
        status: Status = "created",
        cannot_resume: str | None = None,
        **what: Any,
    ) -> None:
        super().__init__(**what)
        self._engine = engine
        self._autosave = None
        if autosave_seconds is not None:
            self._autosave = Autosave(self.name, self.id, autosave_seconds)
        self._cannot_resume = cannot_resume
        self._gate = Gate(before_halt=self._before_halt, served=self.recorder.notify, status=status)
        self._lock = self._gate.lock
        self._worker: Worker | None = None
        self._team: Team | None = None
        self._company = ""
        self._clone_ask: Ask | None = None
        self._pace = Pace(on_cpu=self.device.type == "cpu")
        self._halts = 0
        self.speed = speed
        at_cell_end(self._cell_ended)

    # what it is -------------------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The `ImageDataset`."""
        if self._data is None:
            raise DataError(
                f"{self!r} was loaded without its data, {self.options.get('dataset')!r}. "
                "Give them: load_run(path, data=...)."
            )
        return self._data

    @property
    def step(self) -> int:
        """Updates made."""
        return self._engine.step

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return self._engine.epoch

    @property
    def epochs(self) -> int | None:
        """Epochs to train in all."""
        return self._engine.epochs

    @epochs.setter
    def epochs(self, epochs: int | None) -> None:
        self._engine.epochs = check_epochs(epochs)
        self.recorder.notify()

    @property
    def steps_per_epoch(self) -> int | None:
        """Updates an epoch."""
        return self._engine.steps_per_epoch

    @property
    def engine(self) -> str:
        """How its steps are taken: written out or by autograd, on which device, in which precision."""
        engine = self._engine
        if not isinstance(engine, Engine):
            return f"none: it {self._cannot_resume}"
        return f"{engine.describe()}; {self._company}" if self._company else engine.describe()

    @property
    def autosave_path(self) -> Path | None:
        """Where the run is saved by itself."""
        return None if self._autosave is None else self._autosave.path

    def save_to(self, path: Path, seconds: float) -> None:
        """Save by itself to `path` every so many seconds and at the end; before the run is started."""
        self._autosave = Autosave(self.name, self.id, seconds, path)

    def mark_failed(self, error: BaseException) -> None:
        """Say of a run that was loaded what ended it where it was trained."""
        self.error = error
        self._gate.mark("failed")

    # controls ---------------------------------------------------------------------------------

    @property
    def beta(self) -> float:
        """Weight of the KL term at the next step. Set a number, a function of the step, or a schedule."""
        return self.current_beta

    @beta.setter
    def beta(self, beta: float | Callable[[int], float] | Schedule) -> None:
        self._engine.schedule = as_schedule(beta)
        self.recorder.notify()

    @property
    def current_beta(self) -> float:
        """Weight of the KL term in force now."""
        try:
            return self._engine.schedule(self._engine.step)
        except Exception:  # a function of the user's; training raises it, a widget must not
            return self.recorder.last("beta") or 0.0

    @property
    def beta_description(self) -> str:
        """The schedule of beta in a few words."""
        return self._engine.schedule.describe()

    @property
    def beta_is_controllable(self) -> bool:
        """True."""
        return True

    @property
    def lr(self) -> float:
        """Learning rate; takes effect at the next step when set."""
        return self._engine.lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._engine.lr = check_lr(lr)
        self.recorder.notify()

    @property
    def lr_is_controllable(self) -> bool:
        """True."""
        return True

    @property
    def speed(self) -> float | None:
        """Epochs a second at most."""
        return self._gate.speed

    @speed.setter
    def speed(self, speed: float | None) -> None:
        speed = check_speed(speed)
        self._gate.slow_down(speed, 0.0 if speed is None else 1.0 / (speed * self._engine.steps_per_epoch))
        self.recorder.notify()

    def pause(self) -> None:
        """Halt before the next step. Returns at once."""
        self._gate.change("paused", "running")
        self.recorder.notify()

    def stop(self) -> None:
        """End before the next step. Returns at once; `resume` takes it up again."""
        self._gate.change("stopped", "created", "running", "paused")
        self.recorder.notify()

    def resume(self) -> None:
        """Start, or go on: after a pause, a stop, a failure, or the end once `epochs` was raised.

        Returns at once.

        Raises
        ------
        OptionError
            If there is nothing left to train, or the run has diverged or was closed.
        DataError
            If the run was loaded without its data.
        """
        self._go(None)

    def advance(self, n: int = 1) -> None:
        """Train `n` steps, then pause. Returns at once; on a run that is advancing, `n` more."""
        self._go(whole("n", n, 1, also=", the steps to take"))

    def _go(self, steps: int | None) -> None:
        release_idle_team()
        check_unclaimed(self.model, run=self)
        with self._lock:
            self._check_can_go()
            claim(self)
            self._gate.go(steps, self._start_thread)
        self.recorder.notify()

    def _check_can_go(self) -> None:
        if isinstance(self.error, DivergedError):
            raise OptionError(
                f"{self!r} diverged at step {self.error.step} and cannot go on. Its weights are finite: "
                "start a new run on run.model with a smaller lr."
            )
        engine = self._engine
        if not isinstance(engine, Engine):
            raise DataError(f"{self!r} cannot go on: it {self._cannot_resume}.")
        if self._gate.is_closed:
            raise OptionError(
                f"{self!r} was closed (by run.close(), at the end of its `with` block, or by its cell, "
                "run again) and cannot go on. Start a new run on run.model."
            )
        if not self._gate.is_open and not engine.has_more:
            raise OptionError(
                f"{self!r} has trained its {engine.epochs} epochs. Raise the number first, for example "
                f"run.epochs = {(engine.epochs or 0) + 10}."
            )

    def has_let_go(self) -> bool:
        """Whether its model is free: it has ended, or does so in a moment."""
        loop = self._gate.loop
        return loop is None or loop.done.wait(_LET_GO_SECONDS if self.status in ENDED else 0.0)

    def how_to_end(self) -> str:
        """Say how the user ends it."""
        return "Stop that first, run.stop(),"

    # the thread -------------------------------------------------------------------------------

    def share_thread(self, worker: Worker, team: Team | None = None, company: str = "") -> None:
        """Train in turns with others in `worker`'s thread; before the run is started.

        Parameters
        ----------
        worker : Worker
        team : Team, optional
            Those that it goes from step to step with.
        company : str
            What `engine` says of that.

        Raises
        ------
        OptionError
            If it has been started.
        """
        with self._lock:
            if self._gate.is_busy:
                raise OptionError(f"{self!r} has its own thread already: train(..., start=False) has none.")
            self._worker = worker
            self._team = team
            self._company = company
            self._gate.share(worker.wake)

    @property
    def team(self) -> Team | None:
        """With whom it takes its turns; nobody while it is slowed down, and would slow them down."""
        return self._team if self.speed is None else None

    @property
    def evaluates(self) -> bool:
        """Whether an evaluation comes before its next step."""
        return isinstance(self._engine, Engine) and self._engine.is_at_end_of_epoch

    def _start_thread(self, loop: Loop) -> None:
        """Called with the lock held; an interrupt in here leaves the run as it was."""
        before = self._gate.loop
        if self._worker is not None:
            loop.work = self._worker.take(self, loop)
        else:
            loop.work = BackgroundThread(f"vaewidgets-{self.id}", stop=self.stop)
            loop.work.start(self._main, loop, before)
        self.error = None
        self._rate_marks = []

    @property
    def _thread(self) -> threading.Thread | None:
        """The newest thread that trains or has trained it."""
        loop = self._gate.loop
        return None if loop is None or loop.work is None else loop.work.thread

    def _main(self, loop: Loop, before: Loop | None) -> None:
        if before is not None:
            before.done.wait()
        if not self._gate.begin(loop):
            return
        engine = self._engine
        assert isinstance(engine, Engine)
        error: BaseException | None = None
        ended: Status = "failed"
        try:
            ended = exhaust(self._train(engine, self, loop))
        except BaseException as raised:  # kept: wait() raises it
            error = raised
        self._finish(engine, loop, ended, error)

    def _finish(self, engine: Engine, loop: Loop, ended: Status, error: BaseException | None) -> None:
        """Put things in order: whatever fails, the rest is done, and whoever waits goes on."""
        try:
            for act in (
                self._rest,
                engine.take_weights_back,
                lambda: engine.flush(wait=True),
                self._note_time,
            ):
                try:
                    act()
                except BaseException as raised:
                    error, ended = error or raised, "failed"
            with self._lock:
                if self._gate.loop is loop:  # not taken up again meanwhile
                    self.error = error
                self._gate.finish(loop, ended)
            if self._autosave is not None:
                self._autosave.write_now(self._capture_at_end)
            with self._lock:
                if self._gate.loop is loop:
                    release(self)
        finally:
            loop.takes_steps, loop.is_over = False, True
            loop.done.set()
        self.recorder.notify()

    def _rest(self) -> None:
        if self._worker is None:
            self._pace.rest()

    def give_up(self, loop: Loop, error: BaseException) -> None:
        """The thread that it shares has failed: it ends with that error."""
        engine = self._engine
        assert isinstance(engine, Engine)
        if not loop.done.is_set and self._gate.begin(loop):
            self._finish(engine, loop, "failed", error)

    def seconds_until_due(self) -> float:
        """Seconds until the run can use a turn; infinite while it is paused."""
        return self._gate.seconds_until_due()

    def serve(self) -> None:
        """Do what was asked for between two steps; in the thread of the run's worker, between two turns."""
        self._gate.serve()

    def take_turn(self, seconds: float, loop: Loop) -> bool:
        """Train for about so long in the calling thread, that of the run's worker.

        Returns
        -------
        bool
            Whether there is more to do; if not, `loop` is over.
        """
        return exhaust(self.turn(Turn(self, seconds), loop))

    def turn(self, control: Control, loop: Loop) -> Steps[bool]:
        """`take_turn` as long as `control` allows, halted before each update; see `Engine.steps`."""
        if not self._gate.begin(loop):
            return False
        engine = self._engine
        assert isinstance(engine, Engine)
        error: BaseException | None = None
        ended: Status = "failed"
        try:
            ended = yield from self._train(engine, control, loop)
            if ended == "stopped" and loop.takes_steps:  # only the turn is over
                self._flush_turn(engine)
                self._gate.end_turn()
                return True
        except BaseException as raised:  # kept: wait() raises it
            error, ended = raised, "failed"
        self._finish(engine, loop, ended, error)
        return False

    def _flush_turn(self, engine: Engine) -> None:
        """All curves move together; before a longer halt nothing measured is held back."""
        halts = self._gate.seconds_until_due() >= LONG_SECONDS
        engine.flush(wait=halts)
        self._halts += halts
        self.flushed()

    def _train(self, engine: Engine, control: Control, loop: Loop) -> Steps[Status]:
        """Train until the end; once more if the end was moved at the last moment."""
        if not len(self._time_line):
            self._note_time()
        while (yield from engine.steps(control)):
            with self._lock:
                if not engine.has_more:
                    self._gate.end(loop)
                    return "finished"
        return "stopped"

    def may_step(self) -> bool:
        """Asked by the engine before each step."""
        return self._gate.may_step()

    def may_go_on(self) -> bool:
        """Asked by the engine while it evaluates."""
        return self._gate.may_go_on()

    def flushed(self) -> None:
        """Told by the engine, between two steps, that the recorder is up to date."""
        self._mark_rate()
        if self._worker is None and self.speed is None:
            self._pace.tick(self.step, self.epoch, self._halts)
        if self._time_line.is_due(self.epoch):
            self._note_time()
        if self._autosave is not None:
            self._autosave.write_if_due(self._capture)
        self.recorder.notify()

    def _before_halt(self) -> None:
        """What was measured must be seen before a long halt."""
        engine = self._engine
        assert isinstance(engine, Engine)
        engine.halting()
        self.flushed()
        self._halts += 1
        self._pace.rest()

    def _cell_ended(self) -> None:
        """Any torch in a cell leaves the notebook's thread a team, on whose account ours would sleep."""
        if self.trains_now:
            release_idle_team()

    @property
    def trains_now(self) -> bool:
        """Whether a thread may write to the weights."""
        return self._gate.is_busy

    # weights ----------------------------------------------------------------------------------

    def request_snapshot(self) -> None:
        """Ask for a copy of the weights between two steps. Returns at once; see `latest_snapshot`."""
        ask = self._clone_ask
        if ask is None or ask.done.is_set or not self.trains_now:
            ask = Ask(self._clone)
            self._gate.post(ask)
            self._clone_ask = ask

    def snapshot(self, timeout: float = 10.0) -> Snapshot:
        """Copy of the model as it is between two steps; see `Run.snapshot`."""
        self._gate.call(self._clone, timeout)
        snapshot = self.latest_snapshot
        assert snapshot is not None
        return snapshot

    def save(self, path: Any) -> None:
        """Write history, weights, optimiser and random state, as they are between two steps.

        Parameters
        ----------
        path : str or Path
            Replaced as a whole, or not at all.
        """
        write(self._gate.call(self._capture, timeout=60.0), path)

    def _capture(self, *, copy: bool = True) -> Checkpoint:
        if isinstance(self._engine, Engine):
            with contextlib.suppress(DivergedError):  # the loop raises it, too
                self._engine.flush(wait=True)
        return capture(self, self._engine.state(copy=copy), copy=copy)

    def _capture_at_end(self) -> Checkpoint:
        try:
            return self._capture()
        except (MemoryError, RuntimeError):  # torch's for a full device
            return self._capture(copy=False)  # no step follows before it is written

    # waiting, ending --------------------------------------------------------------------------

    def _has_ended(self) -> bool:
        return self._gate.has_ended

    def _wait_for_end(self, seconds: float) -> None:
        loop = self._gate.loop
        if loop is not None:
            loop.done.wait(seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop for good, and wait until the thread has gone: nothing resumes a run that was closed."""
        self._gate.close()
        self.recorder.notify()
        loop = self._gate.loop
        if loop is None or self._gate.is_mine:
            return
        loop.done.wait()
        if self._worker is None and loop.work is not None:  # else others may go on in that thread
            loop.work.join()
