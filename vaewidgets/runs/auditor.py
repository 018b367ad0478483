"""When the loss is audited: a few steps of a loop, for a bounded share of its time."""

from __future__ import annotations

import contextlib
import math
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from vaewidgets.adapters import LossConvention
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import is_whole
from vaewidgets.diagnostics.audit import (
    FEWEST_VALUES,
    Audit,
    Facts,
    Images,
    Look,
    agrees_to_noise,
    audit,
    look_at,
)
from vaewidgets.engine.recorder import Recorder
from vaewidgets.engine.snapshot import Weights
from vaewidgets.objectives import TERMS, traits

SHARE = 0.005  # of the loop's time that it may take
FEWEST_LOOKS = 3  # before anything is said of a loop that goes on
_IMAGES = 128
_MANY_IMAGES = 512  # where no loop waits
_GUESSED_COST = 0.01  # seconds, until a look was timed
_SPACING = 1.25  # each look waits for so many times as many steps as the one before
_MOST_LOOKS = 16
_WATCHED = 4  # parameters, of the decoder as a rule
_TAIL = 256  # newest rows that are read


@final
class Auditor:
    """Looks at a loop now and then, and keeps what it saw.

    `settle` is asked, in the loop's thread, to read the model as an audit has found it; it says if it did.

    Attributes
    ----------
    latest : Audit or None
        What the newest look has shown; None while nothing can be said.
    batch : Tensor or None
        Images that the newest logged values are of, where the loop hands them over.
    batch_size : int or None
        As logged.
    spent : float
        Seconds that looking took so far.
    modes : list of bool
        Of each module, whether it was in training mode when the newest values were read.
    """

    def __init__(
        self,
        model: Any,
        data: Any,
        losses: LossConvention,
        *,
        settle: Callable[[Audit], bool] = lambda _: False,
    ) -> None:
        self._settle = settle
        self._model = model
        self.modes = _modes(model)
        self._rows = 0
        self._first = _fingerprint(model)
        self._data = data
        self._losses = losses
        self._generator = torch.Generator().manual_seed(0)
        self._looks: deque[Look] = deque(maxlen=_MOST_LOOKS)
        self._start: float | None = None
        self.spent = 0.0
        self._cost = _GUESSED_COST
        self._next_row = 4 * FEWEST_VALUES  # a window of the newest quarter
        self._seen = 0
        self._fault: str | None = None
        self._is_said = False
        self.latest: Audit | None = None
        self.batch: Tensor | None = None
        self.batch_size: int | None = None

    @property
    def looks(self) -> Sequence[Look]:
        return tuple(self._looks)

    def is_due(self, rows: int, *, is_last: bool = False) -> bool:
        """Whether to look after so many logged steps: seldom enough, and paid for by the time gone by."""
        if rows > self._rows and not is_last:  # a loop that has ended, or evaluates, is in another mode
            self._rows, self.modes = rows, _modes(self._model)
        if is_last:
            return rows >= FEWEST_VALUES and not (self._looks and rows - self._seen < FEWEST_VALUES)
        now = time.monotonic()
        if self._start is None:
            self._start = now
        return rows >= self._next_row and self.spent + self._cost <= SHARE * (now - self._start)

    def note_batch(self, x: Any, batch_size: Any) -> Any:
        """Note what one call of the loop says of its batch; returns its size, None if that is not said."""
        self.batch = x if isinstance(x, Tensor) and x.ndim > 1 else None
        if batch_size is None and self.batch is not None:
            batch_size = len(self.batch)
        if is_whole(batch_size):
            self.batch_size = int(batch_size)
        return batch_size

    def watch(
        self, build: Callable[[], Any], recorder: Recorder, step: int, *, is_last: bool = False
    ) -> None:
        """Look at a copy of the model, whose buffers may change, and at what was logged up to `step`.

        It never raises into a training. `is_last` says that no loop waits.
        """
        known = self.finding is not None
        try:
            self._watch(build(), recorder, step, is_last=is_last)
        except Exception as error:
            self._next_row = sys.maxsize
            self._fault = f"the loss could not be audited: {type(error).__name__}: {error}"
        if self.finding is not None and not known and not self._is_said:
            self._is_said = True
            with contextlib.suppress(Warning):  # where warnings are errors
                warnings.warn(self.finding.sentence, stacklevel=5)

    @property
    def finding(self) -> Audit | None:
        """What is wrong with what is logged, once it shows; None while nothing is."""
        return self.latest if self.latest is not None and self.latest.is_finding else None

    @property
    def text(self) -> str | None:
        """What is wrong, in a line; None while nothing is."""
        return self._fault if self.finding is None else self.finding.sentence

    def _watch(self, model: Any, recorder: Recorder, step: int, *, is_last: bool) -> None:
        if _fingerprint(model) == self._first:
            return  # made-up numbers, or a model that is not trained: nothing to compare
        start = time.monotonic()
        images = _MANY_IMAGES if is_last else _IMAGES
        self._looks.append(self.look(model, recorder, step, images=images))
        fewest = 1 if is_last else FEWEST_LOOKS
        found = audit(self._looks, fewest=fewest)
        if found is not None and found.read_as is not None and self._settle(found):
            looks = [look.read_as(*found.read_as) for look in self._looks]
            self._looks = deque(filter(None, looks), maxlen=_MOST_LOOKS)
            found = audit(self._looks, fewest=fewest)
        self.latest = found or self.latest
        rows = self._seen = len(recorder)
        self._next_row = max(rows + FEWEST_VALUES, math.ceil(_SPACING * rows))
        self._cost = time.monotonic() - start
        self.spent += self._cost

    def report(self, model: Any, recorder: Recorder, step: int) -> Audit:
        """Take one look more, and say what all of them show. Any thread may call it."""
        found = audit([*self._looks, self.look(model, recorder, step, images=_MANY_IMAGES)])
        if found is not None:
            return found
        words = (
            f"Nothing can be compared: expected at least {FEWEST_VALUES} steps of recon, kl or loss, and a "
            "model with a posterior variance."
        )
        code = "run.log(loss=loss, recon=recon, kl=kl)"
        return Audit("unknown", words, code, (), (), None, (step,))

    def look(self, model: Any, recorder: Recorder, step: int, *, images: int) -> Look:
        """Measure the model by its own reading, and by all if that is not what was logged."""
        facts = Facts(
            n_pixels=self._data.n_pixels,
            channels=self._data.image_shape[0],
            latent_dim=model.latent_dim,
            batch_size=self.batch_size,
            beta=recorder.last("beta"),
        )
        seen = self._images(model, images)
        rows = _logged(recorder, step, self._losses, facts)
        found = None
        for whole in (False, True):
            found = look_at(
                model,
                seen,
                rows,
                facts,
                step=step,
                losses=self._losses,
                generator=self._generator,
                whole=whole,
            )
            if agrees_to_noise(found):
                break
        assert found is not None
        return found

    def _images(self, model: Any, count: int) -> Images:
        takes_labels = traits(model).takes_labels
        batch = self.batch
        if batch is not None and not takes_labels:
            x = batch.detach().float().reshape(len(batch), *self._data.image_shape)
            return Images(x, None, are_the_batch=True)
        train = self._data.train
        index = torch.randperm(len(train), generator=self._generator)[:count]
        labels = train.labels[index] if takes_labels and train.labels is not None else None
        return Images(train.images(index), labels, share=len(index) / len(train))


def copy_in_mode(copies: Any, weights: Weights, modes: Sequence[bool]) -> Any:
    """Build a copy in training or evaluation mode, layer by layer, whose buffers are its own."""
    model = copies.build(weights).model
    for copied, mode in zip(model.modules(), modes, strict=True):
        copied.training = mode
        for name, buffer in list(copied.named_buffers(recurse=False)):
            setattr(copied, name, buffer.clone())
    return model


def _modes(model: Any) -> list[bool]:
    return [module.training for module in model.modules()]


def _fingerprint(model: Any) -> tuple[float, ...]:
    """What tells whether the weights have changed, at little cost."""
    with restored_modes(), torch.no_grad():
        watched = [p for p in model.parameters() if not is_lazy(p)][-_WATCHED:]
        return tuple(float(p.float().abs().sum()) for p in watched)


def _logged(recorder: Recorder, step: int, losses: LossConvention, facts: Facts) -> dict[str, np.ndarray]:
    """The newest rows before `step`, reduced as the loop reduces them."""
    recon, kl = losses.canonical(1.0, 1.0, facts.batch_size or 1, facts.n_pixels, facts.latent_dim)
    scale = {"loss": abs(recon), "recon": recon, "kl": kl, "beta": 1.0}
    found = {}
    for name in (*TERMS, "beta"):
        steps, values, _ = recorder.read(name, max(0, len(recorder) - _TAIL))
        values = values[steps < step]
        if np.isfinite(values).any():
            found[name] = values / scale[name]
    return found
