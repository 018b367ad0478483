"""A run that trains in a thread of its own, or interleaved with others in one."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Protocol, final

from vaewidgets.cells import at_cell_end
from vaewidgets.concurrency import BackgroundThread
from vaewidgets.engine.batched import likeness, why_alone
from vaewidgets.engine.engine import Engine, EngineState
from vaewidgets.engine.faults import spoilt
from vaewidgets.engine.steps import Control, Steps, exhaust
from vaewidgets.errors import DivergedError, OptionError
from vaewidgets.objectives import Schedule
from vaewidgets.runs.autosave import Autosave
from vaewidgets.runs.claims import check_unclaimed, claim, release
from vaewidgets.runs.gate import ENDED, LONG_SECONDS, Loop, Status
from vaewidgets.runs.openmp import release_cores
from vaewidgets.runs.options import check_epochs, check_lr, check_speed
from vaewidgets.runs.run import Run
from vaewidgets.runs.run_file import Checkpoint

_LET_GO_SECONDS = 10.0  # for a run that was stopped to end its step and be saved


class SharedThread(Protocol):
    """A thread in which several runs train; see `vaewidgets.runs.interleave`."""

    def take(self, run: TrainingRun, loop: Loop) -> BackgroundThread:
        """Train a run until its loop has ended. Called with the run's lock held."""
        ...

    def wake(self) -> None:
        """Find out again which runs can go on. Called with a run's lock held."""
        ...


@final
class TrainingRun(Run):
    """Trains in the background: one daemon thread, gone when the run has ended.

    The runs of a sweep are interleaved in one such thread. Made by `vaewidgets.train` and
    `vaewidgets.load_run`; see `Run` for what it offers.
    """

    can_train = True

    def __init__(self, engine: Engine, *, speed: float | None = None, **what: Any) -> None:
        super().__init__(**what, shell=engine.shell)
        self._engine = engine
        self._lock = self._gate.lock
        self._shared: SharedThread | None = None
        self._note = ""
        self.speed = speed
        at_cell_end(self._cell_ended)

    @property
    def step(self) -> int:
        return self._engine.step

    @property
    def epoch(self) -> int:
        return self._engine.epoch

    @property
    def epochs(self) -> int | None:
        return self._engine.epochs

    @epochs.setter
    def epochs(self, epochs: int | None) -> None:
        self._engine.epochs = check_epochs(epochs)
        self._events.notify()

    @property
    def steps_per_epoch(self) -> int:
        return self._engine.steps_per_epoch

    @property
    def engine(self) -> str:
        text = self._engine.describe()
        return f"{text}; {self._note}" if self._note else text

    @property
    def trains_now(self) -> bool:
        """Whether a thread may write to the weights."""
        return self._gate.is_busy

    @property
    def _schedule(self) -> Schedule:
        return self._engine.beta_schedule

    @_schedule.setter
    def _schedule(self, schedule: Schedule) -> None:
        self._engine.schedule = schedule

    @property
    def lr(self) -> float:
        return self._engine.lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._engine.lr = check_lr(lr)
        self._events.notify()

    @property
    def lr_is_controllable(self) -> bool:
        return True

    @property
    def speed(self) -> float | None:
        return self._gate.speed

    @speed.setter
    def speed(self, speed: float | None) -> None:
        speed = check_speed(speed)
        self._gate.slow_down(speed, 0.0 if speed is None else 1.0 / (speed * self._engine.steps_per_epoch))
        self._events.notify()

    def _go(self, steps: int | None) -> None:
        release_cores()
        check_unclaimed(self.model, run=self)
        with self._lock:
            self._check_can_go()
            claim(self)
            self._gate.go(steps, self._start_thread)
        self._events.notify()

    def _check_can_go(self) -> None:
        if isinstance(self.error, DivergedError):
            raise OptionError(
                f"{self!r} diverged at step {self.error.step} and cannot go on. Its weights are finite: "
                "start a new run on run.model with a smaller lr."
            )
        if self._gate.is_closed:
            raise self.error or OptionError(
                f"{self!r} was closed (by run.close(), at the end of its `with` block, or by its cell, "
                "run again) and cannot go on. Start a new run on run.model."
            )
        if not self._gate.is_open and not self._engine.has_more:
            raise OptionError(
                f"{self!r} has trained its {self.epochs} epochs. Raise the number first, for example "
                f"run.epochs = {(self.epochs or 0) + 10}."
            )

    def has_let_go(self) -> bool:
        """Whether its model is free: it has ended, or does so in a moment."""
        loop = self._gate.loop
        if loop is not None and not loop.done.wait(_LET_GO_SECONDS if self.status in ENDED else 0.0):
            return False
        with self._lock:
            loop = self._gate.loop
            is_free = loop is None or loop.done.is_set
            if is_free:
                release(self)  # it was interrupted between its claim and its start
            return is_free

    def how_to_end(self) -> str:
        """Say how the user ends it."""
        return "Stop that first, run.stop(),"

    def _start_thread(self, loop: Loop) -> None:
        """Called with the lock held; an interrupt in here leaves the run as it was."""
        before = self._gate.loop
        if self._shared is not None:
            loop.work = self._shared.take(self, loop)
        else:
            loop.work = BackgroundThread(f"vaewidgets-{self.id}", stop=self.stop)
            loop.work.start(self._main, loop, before)
        self.error = None
        self._rate_marks = []

    def _main(self, loop: Loop, before: Loop | None) -> None:
        if before is not None:
            before.done.wait()
        if not self._gate.begin(loop):
            return
        error: BaseException | None = None
        ended: Status = "failed"
        try:
            ended = exhaust(self._train(self, loop))
        except BaseException as raised:  # kept: wait() raises it
            error = raised
        self._finish(loop, ended, error)

    def _train(self, control: Control, loop: Loop) -> Steps[Status]:
        """Train until the end; once more if the end was moved at the last moment."""
        if not len(self.time_line):
            self._copies.note_time()
        while (yield from self._engine.steps(control)):
            with self._lock:
                if not self._engine.has_more:
                    self._gate.end(loop)
                    return "finished"
        return "stopped"

    def _finish(self, loop: Loop, ended: Status, error: BaseException | None) -> None:
        """Put things in order: whatever fails, the rest is done, and whoever waits goes on."""
        engine = self._engine
        try:
            for act in (
                self._release_threads,
                engine.take_weights_back,
                lambda: engine.flush(wait=True),
                self._mend_weights,
                self._copies.note_time,
            ):
                try:
                    act()
                except BaseException as raised:
                    # weights that are spoilt are why a term diverged
                    is_cause = isinstance(raised, DivergedError) and raised.term == "weights"
                    error, ended = raised if is_cause else error or raised, "failed"
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
        self._events.notify()

    def _release_threads(self) -> None:
        if self._shared is None:
            self._tuner.rest()

    def _mend_weights(self) -> None:
        step = self._copies.put_back()
        if step is not None:
            raise spoilt(self.step, step)

    def may_step(self) -> bool:
        """Asked by the engine before each step."""
        return self._gate.may_step()

    def may_go_on(self) -> bool:
        """Asked by the engine while it evaluates."""
        return self._gate.may_go_on()

    def flushed(self) -> None:
        """Called by the engine, between two steps, when the recorder is up to date."""
        self._mark_rate()
        if self._shared is None and self.speed is None:
            self._tuner.tick(self.step, self.epoch, self._halts)
        if self.time_line.is_due(self.epoch):
            self._copies.note_time()
        if self._autosave is not None:
            self._autosave.write_if_due(self._capture)
        self._events.notify()

    def _before_halt(self) -> None:
        """What was measured must be seen before a long halt."""
        self._engine.halting()
        self.flushed()
        self._halts += 1
        self._tuner.rest()

    def _cell_ended(self) -> None:
        """Any torch operation in a cell leaves idle threads, which would slow ours down."""
        if self.trains_now:
            release_cores()

    def interleave(self, shared: SharedThread, note: str = "") -> None:
        """Train in `shared` once it is started; `note` is added to `engine`. Before it is started."""
        with self._lock:
            if self._gate.is_busy:
                raise OptionError(f"{self!r} has its own thread already: train(..., start=False) has none.")
            self._shared = shared
            self._note = note
            self._gate.share(shared.wake)

    @property
    def why_not_batched(self) -> str | None:
        """Why its updates cannot be made as one batch with others'; None if they can."""
        return why_alone(self._engine)

    @property
    def likeness(self) -> Hashable:
        """Equal for runs whose updates can be made as one batch; only where `why_not_batched` is None."""
        return likeness(self._engine)

    @property
    def evaluates(self) -> bool:
        """Whether an evaluation comes before its next step."""
        return self._engine.is_at_end_of_epoch

    def seconds_until_due(self) -> float:
        """Seconds until the run can use a slice; infinite while it is paused."""
        return self._gate.seconds_until_due()

    def serve(self) -> None:
        """Serve requests; in the shared thread, between two slices."""
        self._gate.serve()

    def slice(self, control: Control, loop: Loop) -> Steps[bool]:
        """Train in the shared thread as long as `control` allows, halted before each update.

        Returns whether there is more to do; if not, `loop` is over.
        """
        if not self._gate.begin(loop):
            return False
        error: BaseException | None = None
        ended: Status = "failed"
        try:
            ended = yield from self._train(control, loop)
            if ended == "stopped" and loop.takes_steps:  # only the slice is over
                halts = self._gate.seconds_until_due() >= LONG_SECONDS
                self._engine.flush(wait=halts)  # all curves move together; before a halt nothing is held back
                self._halts += halts
                self.flushed()
                self._gate.end_slice()
                return True
        except BaseException as raised:  # kept: wait() raises it
            error, ended = raised, "failed"
        self._finish(loop, ended, error)
        return False

    def give_up(self, loop: Loop, error: BaseException) -> None:
        """End with that error: the shared thread has failed."""
        if not loop.done.is_set and self._gate.begin(loop):
            self._finish(loop, "failed", error)

    def save_to(self, path: Path, seconds: float) -> None:
        """Save by itself to `path` every so many seconds and at the end; before the run is started."""
        self._autosave = Autosave(self.name, self.id, seconds, path)

    def _engine_state(self, *, copy: bool) -> EngineState:
        return self._engine.state(copy=copy)

    def _capture(self, *, copy: bool = True) -> Checkpoint:
        with contextlib.suppress(DivergedError):  # the loop raises it, too
            self._engine.flush(wait=True)
        return super()._capture(copy=copy)

    def _capture_at_end(self) -> Checkpoint:
        try:
            return self._capture()
        except (MemoryError, RuntimeError):  # torch's for a full device
            return self._capture(copy=False)  # no step follows before it is written

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop for good, and wait until the thread has gone: nothing resumes a run that was closed."""
        self._gate.close()
        self._events.notify()
        loop = self._gate.loop
        if loop is None or self._gate.is_mine:
            return
        loop.done.wait()
        if self._shared is None and loop.work is not None:  # else others may go on in that thread
            loop.work.join()
