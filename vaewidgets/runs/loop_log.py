"""What a loop of the user's own logs: sorted into steps and epochs, and what is wrong with it noted."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any, NamedTuple, final

import numpy as np

from vaewidgets.concurrency import Lock
from vaewidgets.engine.recorder import Recorder
from vaewidgets.errors import OptionError
from vaewidgets.objectives import TERMS
from vaewidgets.runs.log_buffer import Pending, Taken, is_by_epoch
from vaewidgets.runs.log_faults import BadStep, LogFaults
from vaewidgets.runs.logged_epochs import LoggedEpochs


class Logged(NamedTuple):
    """The values of one call, those that are not None."""

    by_step: dict[str, Any]
    by_epoch: dict[str, Any]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Logged:
        found = cls({}, {})
        for name, value in values.items():
            if value is not None:
                found[is_by_epoch(name)][name] = value
        return found

    @property
    def is_step(self) -> bool:
        """Whether they make a step: those of an epoch alone do not."""
        return not self.by_epoch or any(name != "beta" for name in self.by_step)


@final
class LoopLog:
    """Takes logged values in the loop's thread; any thread may hand them to the recorder.

    With `raises`, each value that is no number is an OptionError, and not in the first call alone. The
    recorder may hold an earlier run of so many `epochs`: then steps and epochs are counted on from it.
    """

    def __init__(self, recorder: Recorder, pending: Pending, *, raises: bool, epochs: int = 0) -> None:
        self._recorder = recorder
        self.pending = pending
        self._raises = raises
        self._epochs = LoggedEpochs(len(recorder), epochs)
        self.faults = LogFaults()
        self._flushing = Lock()
        self._goes_on = len(recorder) > 0  # until the loop names its first step
        self._shift = 0  # added to the loop's own numbers of its steps
        self._epochs_before: int | None = epochs or None  # until the loop names its first epoch
        self._epoch_shift = 0
        self.epoch = epochs  # completed, as logged

    @property
    def rows(self) -> int:
        newest = self.pending.newest
        return len(self._recorder) if newest is None else newest[0] + 1

    @property
    def step(self) -> int:
        """One more than the number of the newest step."""
        newest = self.pending.newest
        return self._recorder.next_step if newest is None else newest[1] + 1

    def add(self, logged: Logged, *, step: int | None, epoch: int | None, batch_size: int | None) -> None:
        """Take the values of a call; OptionError if one is no number and nothing was logged, or `raises`."""
        strict = self._raises or not self.rows
        faults = []
        if logged.is_step:
            faults += self._add_step(logged.by_step, step, epoch, batch_size, strict=strict)
            batch_size = None  # that of the step
        elif epoch is not None:
            self._epochs.note_evaluation(self.rows, self.step)
            self.epoch = max(self.epoch, self._counted_on(epoch))
        if logged.by_epoch:
            faults += self.pending.add_evaluation(self.step, logged.by_epoch, batch_size, strict=strict)
        for fault in faults:
            self.faults.say(fault)

    def _add_step(
        self,
        values: dict[str, Any],
        step: int | None,
        epoch: int | None,
        batch_size: int | None,
        *,
        strict: bool,
    ) -> list[str]:
        number, faults = self._number(step, strict=strict)
        if epoch is not None:
            self.epoch = self._counted_on(epoch)
            self._epochs.note(self.rows, self.step, epoch)
        return faults + self.pending.add(number, values, batch_size, strict=strict)

    def _counted_on(self, epoch: int) -> int:
        """Epochs completed, with those of the run before where the loop counts from its own start."""
        if self._epochs_before is not None:
            self._epoch_shift = self._epochs_before if epoch < self._epochs_before else 0
            self._epochs_before = None
        return epoch + self._epoch_shift

    def _number(self, step: int | None, *, strict: bool) -> tuple[int, list[str]]:
        """Number that a step is recorded under, which never falls; and why it is not the loop's own.

        Several calls with the same `step` are several values of one step.
        """
        if step is None:
            return self.step, []
        try:
            own = operator.index(step)
        except TypeError:
            fault = f"log got step of type {type(step).__name__}; expected a whole number."
        else:
            if self._goes_on and 0 <= own < self.step:
                self._shift = self.step - own  # it counts from its own start, not from the run's before
            self._goes_on = False
            number = own + self._shift
            if number >= max(self.step - 1, 0):
                return number, []
            fault = f"log got step={own:,}; expected a whole number of at least 0."
            if self.rows:
                self._shift = self.step - own
                return self.step, [
                    f"step went back to {own:,} after {self.step - 1:,}, as after a return to a checkpoint: "
                    f"it is counted on as step {self.step:,}."
                ]
        if strict:
            raise OptionError(fault)
        return self.step, [f"{fault} Counted on as step {self.step:,}."]

    def end(self) -> None:
        """Say that the loop has ended, for now; after `flush`."""
        with self._flushing:
            self._epochs.end(self.rows, self.step)
            self._epochs.record(self._recorder)
        self.epoch = max(self.epoch, self._epochs.count)

    def flush(self) -> BadStep | None:
        """Read back what was logged, hand it to the recorder; return the first step that is not finite."""
        with self._flushing:
            taken = self.pending.read()
            self._note(taken)
            new = max(0, len(self._recorder) - taken.first)  # not 0 where a flush was interrupted
            columns = {name: values[new:] for name, values in taken.columns.items()}
            self._recorder.extend(taken.steps[new:], columns)
            for evaluation in taken.evaluations:
                self._epochs.evaluated(self._recorder, evaluation)
            self._epochs.record(self._recorder)
            self.pending.forget(taken)
        return taken.bad[0] if taken.bad else None

    def _note(self, taken: Taken) -> None:
        known = np.zeros(len(taken.steps), bool)
        for term in TERMS:
            if term in taken.columns:
                known |= np.isfinite(taken.columns[term])
        self.faults.note(taken.steps, known, taken.bad)
        for _, step, values in taken.evaluations:
            for name, value in values.items():
                if not math.isfinite(value):
                    self.faults.say(
                        f"{name} was NaN or infinite after {step:,} steps; left out of its curve."
                    )
