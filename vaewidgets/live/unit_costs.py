"""What switching latent dimensions off costs: measured once a snapshot for all widgets of a run, in slices.

It takes a pass through the decoder for each unit, too long for a frame of a slow decoder. So whoever has time
(the run's feed between two frames, or who saves a page) measures a slice of a few images after the other,
and widgets show how far that has come.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor

from vaewidgets.concurrency import Lock
from vaewidgets.contract.frame import Ablation
from vaewidgets.contract.packing import pack
from vaewidgets.data import Sample
from vaewidgets.data.sample import evenly
from vaewidgets.diagnostics.ablation import recon_without
from vaewidgets.engine import Snapshot
from vaewidgets.engine.snapshot import model_tensors

IMAGES = 500
FEWER = (256, 128, 64, 32, 16, 8)  # images of which it is measured where the decoder is slow
MOST_UNITS = 64  # of more, only those that are switched off are tried
SLICE = 32  # images in one pass
BUDGET_SECONDS = 10.0  # for all units of one snapshot; decides how many images are taken
PATIENCE_SECONDS = 0.1  # what a frame waits for: enough for a small model


def _unknown(snapshot: Snapshot) -> Ablation:
    """The costs of a run whose recon is known as logged alone."""
    return {
        "step": snapshot.step,
        "unit": snapshot.likelihood.unit,
        "recon": None,
        "n": 0,
        "cost": pack(np.full(int(snapshot.model.latent_dim), np.nan, np.float32), "f32"),
        "off": [],
        "together": None,
        "measuring": None,
    }


@final
class UnitCosts:
    """Measures for the widgets of one run, by any thread; nothing is measured twice.

    Widgets that show fewer than `IMAGES` images have measurements of their own.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._current: dict[int, _Measurement] = {}  # by number of images
        self._complete: dict[int, _Measurement] = {}  # the newest that was finished

    def state(
        self, snapshot: Snapshot, sample: Sample, off: Sequence[int], *, rests: bool
    ) -> Ablation | None:
        """What is known by now, and have the rest measured; see js/panels/units/index.js.

        Parameters
        ----------
        off : sequence of int
            Units that are switched off: their costs come first.
        rests : bool
            Whether the run rests. While it trains only units that are off are measured, of which another
            snapshot's costs are shown until those of the newest are known.

        Returns
        -------
        dict or None
            `cost` has NaN where a unit was not measured (yet); `together` is the cost of all of `off`;
            `measuring` says how many of how many units are measured, and is None when all are. None: the run
            trains and nothing is off.

        Raises
        ------
        Exception
            What the model raised when it was measured.
        """
        if not snapshot.likelihood.is_computed:
            return _unknown(snapshot)
        off = sorted({j for j in off if j < snapshot.model.latent_dim})  # of a run before there may be more
        if not rests and not off:
            return None
        images = min(IMAGES, len(sample))
        with self._lock:
            current = self._current.get(images)
            if current is None or (not current.is_of(snapshot) and (rests or not current.is_pending)):
                current = self._current[images] = _Measurement(snapshot, sample, images)
            current.want(off, every=rests)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while current.is_pending and time.monotonic() < deadline:
                self._advance(images)
            if current.error is not None:
                raise current.error
            complete = self._complete.get(images)
            if complete is not None and complete.knows(off) and not current.knows(off):
                return {**complete.state(off), "measuring": current.progress}
            return current.state(off)

    @property
    def is_pending(self) -> bool:
        return any(one.is_pending for one in list(self._current.values()))

    @property
    def progress(self) -> tuple[int, int]:
        """How many units of how many are measured."""
        parts = [one.progress or [0, 0] for one in list(self._current.values())]
        return sum(done for done, _ in parts), sum(of for _, of in parts)

    def advance(self) -> None:
        """Measure one slice. What the model raises is raised by `state`, to those who want the costs."""
        with self._lock:
            for images, one in self._current.items():
                if one.is_pending:
                    self._advance(images)
                    return

    def _advance(self, images: int) -> None:
        one = self._current[images]
        try:
            one.advance()
        except Exception as error:
            one.error = error
        except BaseException:  # an interrupt: from the start when it is wanted again
            del self._current[images]
            raise
        if not one.is_pending and one.error is None:
            self._complete[images] = one


class _Measurement:
    """Costs of the units of one snapshot, as far as they are measured."""

    def __init__(self, snapshot: Snapshot, sample: Sample, images: int) -> None:
        self._snapshot = snapshot
        self._inference = snapshot.inference
        self._x = sample.images[:images]
        self._labels: Tensor | None = None
        if sample.labels is not None:
            self._labels = torch.from_numpy(sample.labels[:images])
        self._dims = int(snapshot.model.latent_dim)
        self._every = self._dims <= MOST_UNITS  # whether there is time for each unit
        self.error: Exception | None = None
        self._recon: float | None = None
        self._known: dict[tuple[int, ...], float] = {}
        self._off: list[int] = []
        self._wanted: list[tuple[int, ...]] = []
        self._slices = self._measure()

    def is_of(self, snapshot: Snapshot) -> bool:
        """Whether it holds for the weights of `snapshot`, which may be another copy of the same."""
        mine = self._snapshot
        if mine is snapshot or mine.step != snapshot.step:
            return mine is snapshot
        pairs = zip(model_tensors(mine.model), model_tensors(snapshot.model), strict=True)
        return all(torch.equal(a, b) for a, b in pairs)

    def want(self, off: Sequence[int], *, every: bool) -> None:
        """Measure these next: all of `off` together, each of them, and where asked for each unit."""
        self._off = list(off)
        first = [tuple(off)] if off else []
        units = [*first, *((j,) for j in off), *((j,) for j in range(self._dims) if every and self._every)]
        wanted = dict.fromkeys([*units, *self._wanted])
        self._wanted = [units for units in wanted if units not in self._known]

    def knows(self, off: Sequence[int]) -> bool:
        return self._recon is not None and all(
            units in self._known for units in (*((j,) for j in off), *([tuple(off)] if off else []))
        )

    @property
    def is_pending(self) -> bool:
        """Whether something that is wanted is not measured."""
        return self.error is None and (bool(self._wanted) or self._recon is None)

    @property
    def progress(self) -> list[int] | None:
        """How many of how many units are measured; None: all that are wanted."""
        left = sum(len(units) == 1 for units in self._wanted)
        done = sum(len(units) == 1 for units in self._known)
        return [done, done + left] if self.is_pending else None

    def advance(self) -> None:
        next(self._slices)

    def state(self, off: Sequence[int]) -> Ablation:
        cost = np.full(self._dims, np.nan, np.float32)
        for units, rise in self._known.items():
            if len(units) == 1:
                cost[units[0]] = rise
        together = self._known.get(tuple(off)) if off else None
        return {
            "step": self._snapshot.step,
            "unit": self._inference.likelihood.unit,
            "recon": self._recon,
            "n": len(self._x),
            "cost": pack(cost, "f32"),
            "off": [] if together is None else list(off),
            "together": together,
            "measuring": self.progress,
        }

    def _measure(self) -> Iterator[None]:
        means: list[Tensor] = []
        for part in self._parts():
            labels = None if self._labels is None else self._labels[part]
            means.append(self._inference.encode(self._x[part], labels)[0])
            yield
        self._mu = torch.cat(means)
        self._silent = self._mu.mean(dim=0)
        yield from self._base()
        while True:
            if not self._wanted:
                yield
                continue
            units = self._wanted[0]
            terms: list[Tensor] = []
            for part in self._parts():
                terms.append(self._terms(units, part))
                yield
            assert self._recon is not None
            self._known[units] = float(torch.cat(terms).mean()) - self._recon
            self._wanted = [other for other in self._wanted if other != units]

    def _base(self) -> Iterator[None]:
        """The term with all units on; decides by its pace over how many images."""
        terms: list[Tensor] = []
        pace = np.inf
        parts = self._parts()
        for i, part in enumerate(parts):
            start = time.perf_counter()
            terms.append(self._terms((), part))
            pace = min(pace, (time.perf_counter() - start) / len(terms[-1]))
            yield
            if i == min(1, len(parts) - 1) and self._limit(pace):  # the first one warms up
                terms = []
                break
        for part in () if terms else self._parts():
            terms.append(self._terms((), part))
            yield
        self._recon = float(torch.cat(terms).mean())

    def _limit(self, seconds_an_image: float) -> bool:
        """Take fewer images if all would cost too much; returns whether it did."""
        passes = 2 + (self._dims if self._every else 0)
        most = BUDGET_SECONDS / (passes * seconds_an_image)
        if len(self._x) <= most:
            return False
        counts = [count for count in FEWER if count < len(self._x)] or [len(self._x)]
        n = next((count for count in counts if count <= most), counts[-1])
        if n > most:  # not even of so few each unit
            self._every = False
            self._wanted = [units for units in self._wanted if len(units) > 1 or units[0] in self._off]
        index = evenly(len(self._x), n)
        self._x, self._mu = self._x[index], self._mu[index]
        self._labels = None if self._labels is None else self._labels[index]
        return True

    def _terms(self, units: tuple[int, ...], part: slice) -> Tensor:
        labels = None if self._labels is None else self._labels[part]
        return recon_without(
            self._inference, self._x[part], self._mu[part], units=units, silent=self._silent, labels=labels
        )

    def _parts(self) -> list[slice]:
        return [slice(start, start + SLICE) for start in range(0, len(self._x), SLICE)]
