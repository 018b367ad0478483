"""What is wrong with the values that a loop of the user's own logs."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

from vaewidgets.diagnostics import NotFinite
from vaewidgets.engine.faults import divergence
from vaewidgets.errors import DivergedError

_MOST_SAID = 3


class BadStep(NamedTuple):
    """A step of which a term was logged as NaN or infinite."""

    step: int
    term: str  # the one to be blamed: "kl" before "recon" before "loss"
    finite: frozenset[str]  # terms of that step that were logged and are finite


@final
class LogFaults:
    """What was wrong with the values that a loop logged. Used by one thread at a time."""

    def __init__(self) -> None:
        self._first: BadStep | None = None
        self._count = 0
        self._streak = 0  # steps with a term up to the newest, all of them bad
        self._since: BadStep | None = None  # the first of these
        self._last = -1
        self._said: list[str] = []
        self._unsaid = 0

    def note(self, steps: np.ndarray, has_term: np.ndarray, bad: list[BadStep]) -> None:
        """Note steps in their order, whether loss, recon or kl of each is finite, and those that are not."""
        if bad:
            self._first = self._first or bad[0]
            self._count += len(bad)
            self._last = bad[-1].step
        by_step = {one.step: one for one in bad}
        if not by_step and has_term.any():
            self._streak, self._since = 0, None
            return
        for step, fine in zip(steps.tolist(), has_term.tolist(), strict=True):
            if step in by_step:
                self._since = self._since or by_step[step]
                self._streak += 1
            elif fine:
                self._streak, self._since = 0, None

    def say(self, sentence: str) -> None:
        """Keep a sentence, once; the first few are shown."""
        if sentence in self._said:
            return
        if len(self._said) < _MOST_SAID:
            self._said.append(sentence)
        else:
            self._unsaid += 1

    @property
    def not_finite(self) -> NotFinite:
        """Steps that were not finite, as a diagnosis wants them."""
        first, since = self._first, self._since
        return NotFinite(
            count=self._count,
            step=-1 if first is None else first.step,
            term="" if first is None else first.term,
            last=self._last,
            streak=self._streak,
            since=-1 if since is None else since.step,
            since_term="" if since is None else since.term,
        )

    @property
    def text(self) -> str | None:
        """All of it, a sentence a line; None if nothing was wrong."""
        found = self.not_finite
        lines = [found.sentence()] if found.count else []
        lines += self._said
        if self._unsaid:
            lines.append(f"... and {self._unsaid} more values that could not be recorded.")
        return "\n".join(lines) or None


def logged_divergence(bad: BadStep, kept: int | None) -> DivergedError:
    """Make the error for a loop that is to raise; `kept` is the step of the last good weights."""
    otherwise = "Log recon and kl, too, to see where it comes from."
    if {"recon", "kl"} <= bad.finite:
        otherwise = "At that step recon and kl were finite: it lies in what your loss makes of them, or adds."
    good = "" if kept is None else f" run.restore_last_good() puts back those of step {kept}."
    return divergence(bad.step, bad.term, f"The weights may be spoilt.{good}", otherwise=otherwise)
