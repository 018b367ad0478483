"""Epoch means of a loop of the user's own, from the epoch that it logs with each step."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, final

import numpy as np

from vaewidgets.engine.recorder import Recorder
from vaewidgets.objectives import TERMS
from vaewidgets.runs.log_buffer import Evaluation


class _Whole(NamedTuple):
    """An epoch that has ended: its number, its rows in the recorder, and the step after its last."""

    number: int
    first: int
    end: int
    step: int


@final
class LoggedEpochs:
    """Where the logged epochs begin and end.

    The loop's thread notes them; what writes to the recorder may be called from one thread at a time. Whoever
    writes may be interrupted anywhere: what is written once more is then the same again.

    A value of `epoch` that differs from the one before begins a new epoch. The last one has no successor to
    end it: it counts where the loop ended and it is at least as long as the epoch before, so that half an
    epoch of a loop that was stopped is not taken for a whole one. In a loop that names the epoch only where
    it evaluates, that ends it.

    Parameters
    ----------
    rows, epochs : int
        Of an earlier run, which the recorder holds already.
    """

    def __init__(self, rows: int = 0, epochs: int = 0) -> None:
        self._value: int | None = None
        self._steps_name_it = False
        self._start = rows  # of the recorder
        self._length = 0  # of the last whole epoch
        self._ended = epochs  # that have ended
        self._whole: deque[_Whole] = deque()  # not yet recorded
        # values of one step, by name and serial
        self._values: tuple[int, dict[str, dict[int, float]]] = (-1, {})
        self.count = epochs  # whole ones recorded

    def note(self, row: int, step: int, epoch: int) -> None:
        """Note which epoch a row belongs to, before it is counted."""
        self._steps_name_it = True
        if epoch == self._value:
            return
        if self._value is not None:
            self._add(row, step)
        self._value, self._start = epoch, row

    def note_evaluation(self, row: int, step: int) -> None:
        """Note that an epoch was named after its last step, when the loop evaluated."""
        if not self._steps_name_it and row > self._start:
            self._add(row, step)
            self._start = row

    def end(self, row: int, step: int) -> None:
        """Note that the loop ended after so many rows and steps."""
        if self._value is not None and row - self._start >= max(1, self._length):
            self._add(row, step)
        self._value = None

    def record(self, recorder: Recorder) -> None:
        """Write the means of whole epochs, once all of their steps are in the recorder."""
        names = [name for name in TERMS if name in recorder.names]
        while self._whole and self._whole[0].end <= len(recorder):
            number, first, end, step = self._whole[0]
            terms = {name: recorder.read(name, first)[1][: end - first].astype(np.float64) for name in names}
            means = {f"train_{name}": _mean(values) for name, values in terms.items()}
            recorder.append_epoch(step, {"epoch": number, **means})
            self.count = number
            self._whole.popleft()

    def evaluated(self, recorder: Recorder, one: Evaluation) -> None:
        """Write what was measured; of several values for one step the mean.

        A loop may log its validation batches one by one.
        """
        if one.step != self._values[0]:
            self._values = (one.step, {})
        known = self._values[1]
        for name, value in one.values.items():
            known.setdefault(name, {})[one.serial] = value
        means = {name: _mean(np.array(list(known[name].values()))) for name in one.values}
        recorder.append_epoch(one.step, means)

    def _add(self, row: int, step: int) -> None:
        if row > self._start:  # else the step that began it was interrupted before it was recorded
            self._length = row - self._start
            self._ended += 1
            self._whole.append(_Whole(self._ended, self._start, row, step))


def _mean(values: np.ndarray) -> float:
    """Mean of the values that are finite; NaN if none is."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")
