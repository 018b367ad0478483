"""A run whose loop is the user's own: it logs, and is paused, stopped and copied inside `log`."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, final

import torch
from torch import Tensor

from vaewidgets.adapters import Convention, LossConvention
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.cells import at_cell_end, give_moment
from vaewidgets.diagnostics import Audit, NotFinite
from vaewidgets.engine.recorder import Recorder
from vaewidgets.engine.snapshot import GoodWeights, Snapshot, Weights, model_tensors
from vaewidgets.errors import OptionError, TrainingStopped
from vaewidgets.objectives import get_likelihood
from vaewidgets.runs.auditor import Auditor, copy_in_mode
from vaewidgets.runs.claims import check_unclaimed, claim, release
from vaewidgets.runs.earlier import Earlier
from vaewidgets.runs.gate import ENDED, Loop, Status
from vaewidgets.runs.history import History
from vaewidgets.runs.log_buffer import Pending
from vaewidgets.runs.log_faults import logged_divergence
from vaewidgets.runs.loop_beta import LoopBeta
from vaewidgets.runs.loop_log import Logged, LoopLog
from vaewidgets.runs.loop_place import LoopPlace
from vaewidgets.runs.measure import PERHAPS_TRAINED_ON
from vaewidgets.runs.reading import Reading
from vaewidgets.runs.run_file import Checkpoint

FLUSH_SECONDS = 0.1


@final
class AttachedRun(LoopBeta):
    """Made by `attach`; see `Run` for what it offers.

    Attributes
    ----------
    losses : LossConvention
        How logged terms are turned into sums over pixels and latent dimensions, averaged over images.
    """

    _auditor: Auditor
    can_train = False
    _stoppable = ("running", "paused")

    @property
    def test_name(self) -> str:
        """What the test split is called: "test" if it was given, or the loop has batches of `data.train`."""
        data = self._data
        if data is None or data.test is None or data.test_is_given or data.train.gave_batches:
            return "test"
        return PERHAPS_TRAINED_ON

    def __init__(
        self,
        *,
        losses: LossConvention,
        raises_on_bad_value: bool = False,
        reading: Reading | None = None,
        past: Earlier | None = None,
        **what: Any,
    ) -> None:
        super().__init__(**what)
        self.losses = losses
        self._raises = raises_on_bad_value
        self._reading = reading
        pending = Pending(losses, self._data.n_pixels, self.model.latent_dim, self._recorder.__len__)
        self._auditor = Auditor(self.model, self._data, losses, settle=self._settle)
        epochs = 0 if past is None else past.epoch
        self._log = LoopLog(self._recorder, pending, raises=raises_on_bad_value, epochs=epochs)
        if past is not None and past.data_facts == self.data_facts:  # else its frames are of other images
            self.time_line.restore(*past.time_line)
        self._next_flush = 0.0
        self._good = self._copies.good = GoodWeights()
        self._place = LoopPlace(repr(self))
        # from the start, not from the first step on: what is drawn at a cell's end then finds the run ended
        self._forget_cell = at_cell_end(self._cell_ended)
        self._copies.check()
        self._decide_reading()

    def log(
        self,
        loss: Tensor | float | None = None,
        recon: Tensor | float | None = None,
        kl: Tensor | float | None = None,
        *,
        beta: float | None = None,
        epoch: int | None = None,
        step: int | None = None,
        batch_size: int | None = None,
        x: Tensor | None = None,
        **other: Tensor | float,
    ) -> None:
        """Record one step of your loop; call it after the update.

        It waits for nothing on the device: values are gathered there and read back every tenth of a second.
        Only in here is the run paused, stopped, or the model copied.

        No value ends a training: one that is NaN or infinite is left out of the curves and said in the
        widgets, in `run.warning` and in `run.diagnose()`; ``attach(..., on_bad_value="raise")`` raises.

        Parameters
        ----------
        loss, recon, kl : 0-d Tensor or float
            As your loop reduces them; `losses` says how that is undone. A scaled recon scales the loss too.
        beta : float, optional
            Weight of the KL term in this step. By default what the loop read from `run.beta`, if it did.
        epoch : int, optional
            Epochs completed: 0 in the first one. With it the history has means by epoch ("train_loss", ...).
        step : int, optional
            Number of this step, for a loop that does not begin at 0; by default one more than the last. One
            that is smaller, as after a return to a checkpoint, is counted on from the last, and said.
        batch_size : int, optional
            Images in the batch; needed where terms are summed over the batch. By default those of `x`.
        x : Tensor, optional
            The batch itself, so that the audit of the loss need not measure on images of its own choice.
        **other
            Names that begin with ``val_``, ``test_`` or ``train_`` (``val_loss=...``) are values of an epoch,
            and make no step; the first two are drawn as the test curve. The reduction of `losses` applies to
            them, too: where it sums over a batch, they are means over images, as in PyTorch's own example,
            unless a call without a step gives `batch_size`, the images that they were summed over. Anything
            else is kept by step, such as lr.

        Raises
        ------
        TrainingStopped
            When a stop was asked for.
        OptionError
            In the first call alone, where nothing is lost yet: a value is no scalar, or `batch_size` is
            needed. Later ones are left out, and said.
        """
        values = {"loss": loss, "recon": recon, "kl": kl, "beta": self._beta_of_step(beta), **other}
        logged = Logged.of(values)
        batch_size = self._auditor.note_batch(x, batch_size)
        is_step = logged.is_step
        # of a loop that has ended, or in another thread beside it
        only_evaluates = not is_step and not self._gate.is_mine and self.status != "created"
        if not self._gate.is_mine:
            if self._place.is_elsewhere():
                return
            if not only_evaluates:
                self._enter()
        self._log.add(logged, step=step, epoch=epoch, batch_size=batch_size)
        if only_evaluates:
            self._flush()
            self._events.notify()
            return
        if self._log.pending.is_full or time.monotonic() >= self._next_flush:
            self._flush()
            self._between_steps()
            give_moment()
        if self.error is not None:
            self._leave("failed")
            raise self.error
        if not self._may_go_on(is_step):
            self._leave("stopped")
            raise TrainingStopped(f"stopped at step {self.step}, as asked. Run the loop again to go on.")

    def _enter(self) -> None:
        """The loop starts, or starts again."""
        if self._gate.is_busy and not self.has_let_go():
            raise OptionError(
                f"{self!r} is logged to by a loop in another thread, and two would be mixed; expected one "
                "loop a run. Attach a run for each, vw.attach(model, data), or end the first: run.finish()."
            )
        check_unclaimed(self.model, run=self, can_train=False)
        claim(self)
        self.error = None
        self._rate_marks = []
        self._gate.enter()
        self._place.watch(self._gate.loop, self._thread_gone)
        self._events.notify()

    def _leave_to_parent(self) -> None:
        super()._leave_to_parent()
        self._place.is_forked = True

    def _thread_gone(self, loop: Loop) -> None:
        if self._gate.loop is loop:
            self.finish()

    def _may_go_on(self, is_step: bool) -> bool:
        try:
            if is_step:
                return self._gate.may_step()
            # halted here it would have leave for one step more than `advance` was asked for
            return self.status == "paused" or self._gate.may_go_on()
        except KeyboardInterrupt:  # of a loop that was paused
            self._leave("stopped")
            raise

    def _leave(self, status: Status) -> None:
        """The loop has ended. That comes first: a second interrupt may cut off the rest."""
        self._gate.leave(status)
        self._place.unwatch()
        self._tuner.rest()
        self._flush()
        self._log.end()
        release(self)
        self._events.notify()

    def has_let_go(self) -> bool:
        """Whether its loop is over: finished, or its thread is gone, or is here and so not in the loop."""
        loop = self._gate.loop
        alive = {t.ident for t in threading.enumerate()} - {threading.get_ident()}
        if loop is not None and loop.ident not in alive:
            self.finish()
        return not self._gate.is_busy

    def how_to_end(self) -> str:
        """Say how the user ends it."""
        return "Say that its loop has ended, run.finish(),"

    def _cell_ended(self) -> None:
        """A loop that ran in this cell has ended with it, whether or not it said so."""
        if self._gate.is_mine and self.status != "paused":
            self.finish()

    def finish(self) -> None:
        """Say that the loop has ended; optional. Logging again takes the run up again."""
        self._leave(self.status if self.status in ENDED else "finished")
        if self.error is None:
            self._copies.renew()
            self._copies.note_time(self._copies.newest)
            self._audit(self._copies.newest, is_last=True)
        if self._autosave is not None:
            self._autosave.write_now(self._capture)
        self._events.notify()

    def _flush(self) -> None:
        """Read back what was logged. Any thread may do it; a fault is kept for the loop to raise."""
        self._next_flush = time.monotonic() + FLUSH_SECONDS
        bad = self._log.flush()
        if bad is not None and self._raises:
            good = self._good.weights
            self.error = logged_divergence(bad, None if good is None else good.step)
            self._gate.change("failed")

    def _between_steps(self) -> None:
        """In the loop's thread, after a flush."""
        self._mark_rate()
        self._tuner.tick(self._log.rows, self.epoch, self._halts)
        if self.error is None:
            self._audit(self._good.keep(self._copies.clone_if_cheap))
            good = self._good.weights
            if good is not None and self.time_line.is_due(good.epoch):
                self._copies.note_time(good)
            if self._autosave is not None:
                self._autosave.write_if_due(self._capture)
        self._decide_reading()
        self._events.notify()

    def _audit(self, weights: Weights | None, *, is_last: bool = False) -> None:
        """Compare what is logged with what a copy of the model gives, if it is time."""
        if self._auditor.is_due(len(self._recorder), is_last=is_last) and weights is not None:
            build = partial(copy_in_mode, self._copies, weights, self._auditor.modes)
            self._auditor.watch(build, self._recorder, weights.step, is_last=is_last)

    def _decide_reading(self) -> None:
        """Find out whether it shows by now how the model is read; between two steps."""
        if self._reading is None or not self._reading.is_due:
            return
        try:
            copy = self._copies.build(self._copies.recent()).model
            found = self._reading.decide(copy, self._recorder.last("recon"))
        except Exception as error:  # never into a training
            self._reading = None
            self._log.faults.say(f"how the model is read was not found out: {type(error).__name__}: {error}")
            return
        if found is not None:
            self._read_as(found)

    def _settle(self, found: Audit) -> bool:
        """Read the model as an audit says, where that was open; returns whether it was."""
        settled = None if self._reading is None else self._reading.settle(self.model.convention, found)
        if settled is not None:
            self._read_as(settled)
        return settled is not None

    def _read_as(self, convention: Convention) -> None:
        self.model.convention = convention
        options = dict(convention.likelihood_options)
        self.likelihood = get_likelihood(convention.likelihood, **options).fitted_to(self._data)
        self._history.likelihood = self.likelihood
        self._copies.read_as(convention, self.likelihood)

    @property
    def recorder(self) -> Recorder:
        if self._log.pending.is_stale(FLUSH_SECONDS):
            self._flush()
        return self._recorder

    @property
    def history(self) -> History:
        self._flush()
        return self._history

    @property
    def warning(self) -> str | None:
        doubt = None if self._reading is None else self._reading.doubt(self.model.convention)
        doubt = doubt or getattr(getattr(self.model, "convention", None), "doubt", None)
        found = (self._auditor.text, self._place.warning, self._log.faults.text, super().warning, doubt)
        return "\n".join(filter(None, found)) or None

    @property
    def not_finite(self) -> NotFinite:
        return replace(self._log.faults.not_finite, ended=self.status in ENDED)

    @property
    def step(self) -> int:
        return self._log.step

    @property
    def epoch(self) -> int:
        return self._log.epoch

    @property
    def engine(self) -> str:
        return ", ".join(filter(None, ("a loop of its own", self._place.words)))

    def _go(self, steps: int | None) -> None:
        if self.status in ("running", "paused"):
            self._gate.go(steps)
        self._events.notify()

    def _before_halt(self) -> None:
        self._flush()
        self._between_steps()
        self._halts += 1
        self._tuner.rest()

    def snapshot(self, timeout: float = 10.0) -> Snapshot:
        """Copy of the model as it is inside `log`, or between two steps if the loop's own thread asks.

        Where the loop does not log within `timeout` seconds, the newest copy there is.
        """
        try:
            return super().snapshot(timeout)
        except TimeoutError:
            good, newest = self._good.weights, self._copies.newest
            if good is not None and (newest is None or good.step > newest.step):
                self._copies.newest = good
            snapshot = self.latest_snapshot
            if snapshot is None:
                raise
            return snapshot

    @property
    def last_good(self) -> Snapshot | None:
        """Newest copy, taken now and then, whose weights were finite."""
        return None if self._good.weights is None else self._copies.build(self._good.weights)

    def restore_last_good(self) -> None:
        """Copy the weights of `last_good` into the live model. The optimiser's state is yours to reset.

        Raises
        ------
        OptionError
            If there is none, or another run trains the model.
        """
        if self._good.weights is None:
            raise OptionError(
                f"{self!r} has no good weights to go back to: none were copied before it diverged."
            )
        check_unclaimed(self.model, run=self, can_train=False)
        with restored_modes(), torch.no_grad():
            for live, kept in zip(model_tensors(self.model), self._good.weights.tensors, strict=True):
                live.copy_(kept)

    def _capture(self, *, copy: bool = True) -> Checkpoint:
        self._flush()
        return super()._capture(copy=copy)

    @property
    def has_ended(self) -> bool:
        # Whoever runs the loop would wait for itself.
        return self.status in (*ENDED, "created") or self._gate.is_mine

    def _check_waitable(self) -> None:
        """Waiting for a loop that has not begun returns at once."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, TrainingStopped) and self.status not in ENDED:
            interrupted = isinstance(error, KeyboardInterrupt)
            self.error = None if interrupted else error
            self._gate.leave("stopped" if interrupted else "failed")
        self.finish()
