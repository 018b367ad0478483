"""What a run is doing, in words."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from vaewidgets.checks import flag, whole
from vaewidgets.contract.compared import Change, DiagnosisData, Lives
from vaewidgets.contract.frame import Sections
from vaewidgets.diagnostics import Diagnosis as Verdict
from vaewidgets.diagnostics import UnitLives, run_stats
from vaewidgets.engine import Snapshot
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.run_widget import RunWidget
from vaewidgets.objectives import traits
from vaewidgets.runs import Run
from vaewidgets.runs.measure import judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE = 0.01  # of the training's time that looking may take
LEAST_SECONDS = 1.0
MOST_CHANGES = 32
MOST_UNITS = 256


class Diagnosis(RunWidget):
    """Live verdict on a run: healthy, posterior collapse, memorising, under-fitting or diverged; the numbers
    that it rests on, what to change, and when units died.

    Parameters
    ----------
    run : Run
    images : int, default 500
        Of each split, to measure the model on.
    watch : bool, default True
        Note the units' KL from now on (`Run.watch_units`), to tell when each died. It has no meaning for a
        model without a posterior variance, and none for a run that has ended.

    Attributes
    ----------
    verdict : vaewidgets.diagnostics.Diagnosis or None
        The newest one.

    Notes
    -----
    While the run trains, the model is measured at most once a second, and for at most a hundredth of the
    time; at rest it is measured once. A verdict on few steps is a verdict on few steps: under-fitting.

    See Also
    --------
    vaewidgets.diagnose : the rules and their thresholds.
    """

    _esm = STATIC / "diagnosis.js"

    def __init__(self, run: Run, *, images: int = 500, watch: bool = True) -> None:
        self._images = whole("images", images, 2)
        flag("watch", watch)
        self._next = 0.0
        self._section: DiagnosisData | None = None
        self._changes: list[Change] = []
        self.verdict: Verdict | None = None
        (run,) = self._checked_runs(run)
        if watch and run.unit_watch is None and not run.has_ended and _has_units(run):
            run.watch_units(n=min(images, 256))
        super().__init__(run)

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        at_rest = run.status != "running"
        if self._section is None or at_rest or time.monotonic() >= self._next:
            start = time.thread_time()
            self._section = self._look(run, snapshot)
            # Sentences need not change faster than one reads, and must not cost what training needs.
            self._next = time.monotonic() + max(LEAST_SECONDS, (time.thread_time() - start) / SHARE)
        return {"diagnosis": self._section}

    def _look(self, run: Run, snapshot: Snapshot) -> DiagnosisData:
        stats = run_stats(snapshot.model, run.data, run.likelihood, n=self._images, test_name=run.test_name)
        watch = run.unit_watch
        lives = None
        if watch is not None:
            watch.note(snapshot)  # a short run can end before the watch's next turn
            lives = watch.lives()
        found = self.verdict = judge(run, stats, lives)
        if not self._changes or self._changes[-1]["verdict"] != found.verdict:
            change: Change = {"step": snapshot.step, "verdict": found.verdict}
            self._changes = [*self._changes, change][-MOST_CHANGES:]
        return {
            "step": snapshot.step,
            "verdict": found.verdict,
            "evidence": list(found.evidence),
            "advice": list(found.advice),
            "notes": list(found.notes),
            "changes": list(self._changes),
            "lives": None if lives is None else _lives_state(lives),
            "n_images": self._images,
            "explained": _finite(stats.explained),
        }

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The verdict in words, the units' lives below, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import diagnosis_figure

        return diagnosis_figure((self.frame or {})["diagnosis"], size=size or self._figure_size)


def _has_units(run: Run) -> bool:
    """Whether the model has a posterior variance, as one real image tells."""
    if traits(run.model).default_objective != "elbo":
        return False
    first = run.data.train.images([0])
    return run.snapshot().encode(first)[1] is not None


def _lives_state(lives: UnitLives) -> Lives:
    """When units were born and died; at most `MOST_UNITS` of them, those that died first."""
    dims = len(lives.born_at)
    order = [*lives.dead, *(j for j in range(dims) if j not in set(lives.dead))][:MOST_UNITS]
    return {
        "latent_dim": dims,
        "delta": lives.delta,
        "first": lives.steps[0],
        "last": lives.steps[-1],
        "dead": len(lives.dead),
        "never": len(lives.never_alive),
        "units": [{"unit": j, "born": lives.born_at[j], "died": lives.died_at[j]} for j in sorted(order)],
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
