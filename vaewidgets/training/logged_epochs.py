"""Epoch means of a loop of the user's own, from the epoch that it logs with each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import numpy as np

from vaewidgets.training.recorder import Recorder

__all__ = ["LoggedEpochs"]

_TERMS = ("loss", "recon", "kl")


@final
class LoggedEpochs:
    """Where the logged epochs begin and end.

    The loop's thread says it; what writes to the recorder may be called from one thread at a time.

    A value of `epoch` that differs from the one before begins a new epoch. The last one has no successor to
    end it: it counts where the loop ended and it is at least as long as the epoch before, so that half an
    epoch of a loop that was stopped is not taken for a whole one. In a loop that names the epoch only where
    it evaluates, that ends it.

    Attributes
    ----------
    count : int
        Whole epochs recorded.
    """

    def __init__(self) -> None:
        self._value: int | None = None
        self._steps_name_it = False
        self._start = 0  # in rows of the recorder
        self._length = 0  # of the last whole epoch
        self._whole: list[tuple[int, int, int]] = []  # first row, end row and end step, not yet recorded
        self._evaluated = -1  # step of the newest evaluation
        self._values: dict[str, list[float]] = {}  # of that step
        self.count = 0

    def note(self, row: int, step: int, epoch: int) -> None:
        """Say which epoch a row belongs to, before it is counted."""
        self._steps_name_it = True
        if epoch == self._value:
            return
        if self._value is not None:
            self._add(row, step)
        self._value, self._start = epoch, row

    def note_evaluation(self, row: int, step: int) -> None:
        """Say that an epoch was named after its last step, when the loop evaluated."""
        if not self._steps_name_it and row > self._start:
            self._add(row, step)
            self._start = row

    def end(self, row: int, step: int) -> None:
        """Say that the loop ended after so many rows and steps."""
        if self._value is not None and row - self._start >= max(1, self._length):
            self._add(row, step)
        self._value = None

    def record(self, recorder: Recorder) -> None:
        """Write the means of whole epochs, once all of their steps are in the recorder."""
        names = [name for name in _TERMS if name in recorder.names]
        while self._whole and self._whole[0][1] <= len(recorder):
            first, end, step = self._whole.pop(0)
            self.count += 1
            terms = {name: recorder.read(name, first)[1][: end - first].astype(np.float64) for name in names}
            means = {f"train_{name}": _mean(values) for name, values in terms.items()}
            recorder.append_epoch(step, {"epoch": self.count, **means}, notify=False)

    def evaluated(self, recorder: Recorder, step: int, values: Mapping[str, float]) -> None:
        """Write what was measured after `step` updates; of several values for one step the mean.

        A loop may log its validation batches one by one.
        """
        if step != self._evaluated:
            self._evaluated, self._values = step, {}
        for name, value in values.items():
            self._values.setdefault(name, []).append(value)
        means = {name: _mean(np.array(self._values[name])) for name in values}
        recorder.append_epoch(step, means, notify=False)

    def _add(self, row: int, step: int) -> None:
        self._length = row - self._start
        self._whole.append((self._start, row, step))


def _mean(values: np.ndarray) -> float:
    """Mean of the values that are finite; NaN if none is."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")
