"""Epoch means of a loop of the user's own, from the epoch that it logs with each step."""

from __future__ import annotations

from typing import final

import numpy as np

from vaewidgets.training.recorder import Recorder

__all__ = ["LoggedEpochs"]

_TERMS = ("loss", "recon", "kl")


@final
class LoggedEpochs:
    """Where the logged epochs begin and end; used by the thread that runs the loop.

    A value of `epoch` that differs from the one before begins a new epoch. The last one has no successor to
    end it: it counts where the loop ended and it is at least as long as the epoch before, so that half an
    epoch of a loop that was stopped is not taken for a whole one.

    Attributes
    ----------
    count : int
        Whole epochs recorded.
    """

    def __init__(self) -> None:
        self._value: int | None = None
        self._start = 0
        self._length = 0  # of the last whole epoch
        self._whole: list[tuple[int, int]] = []  # first step and end, not yet recorded
        self.count = 0

    def note(self, step: int, epoch: int) -> None:
        """Say which epoch `step` belongs to, before it is counted."""
        if epoch == self._value:
            return
        if self._value is not None:
            self._add(step)
        self._value, self._start = epoch, step

    def end(self, step: int) -> None:
        """Say that the loop ended after `step` steps."""
        if self._value is not None and step - self._start >= max(1, self._length):
            self._add(step)
        self._value = None

    def record(self, recorder: Recorder) -> None:
        """Write the means of whole epochs, once all of their steps are in the recorder."""
        names = [name for name in _TERMS if name in recorder.names]
        while self._whole and self._whole[0][1] <= len(recorder):
            first, end = self._whole[0]
            terms = {name: recorder.read(name, first)[1][: end - first].astype(np.float64) for name in names}
            means = {f"train_{name}": float(values.mean()) for name, values in terms.items()}
            if end > recorder.last_epoch_step:  # else an interrupt came after it was recorded
                recorder.append_epoch(end, {"epoch": self.count + 1, **means}, notify=False)
            self.count += 1
            self._whole = self._whole[1:]

    def _add(self, end: int) -> None:
        if end > self._start:  # else the step that began it was interrupted before it was recorded
            self._length = end - self._start
            self._whole.append((self._start, end))
