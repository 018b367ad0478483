"""What a wider bottleneck gains: recon, kl, total and active units against latent_dim."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vaewidgets.checks import number, whole
from vaewidgets.contract.compared import Elbow, Size
from vaewidgets.contract.frame import Sections
from vaewidgets.contract.sections import Split
from vaewidgets.diagnostics import active_units, elbow
from vaewidgets.engine import Snapshot
from vaewidgets.errors import DataError, OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.run_widget import RunWidget
from vaewidgets.objectives import TERMS
from vaewidgets.runs import Run
from vaewidgets.sweeps import Sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAST_SHARE = 0.05  # of the steps, over which a run without a test set is averaged


class BottleneckSweep(RunWidget):
    """Recon, kl, loss and active units of runs of several sizes, with the elbow marked and a table below.

    Parameters
    ----------
    runs : sequence of Run, or Sweep
        Several of one latent_dim (seeds) become a mean with its points.
    delta, var_threshold : float, default 0.01
        A unit is active above these, by its mean KL in nats and by Var(mu).
    tolerance : float, default 0.05
        Share of the whole drop in recon that may be left at the elbow; see `vaewidgets.elbow`.
    images : int, default 1000
        Over how many test images units are counted.

    Attributes
    ----------
    picked_run : Run or None

    Notes
    -----
    recon, kl and loss are those of the test set after the last whole epoch; of the last steps in training
    where there is no test set, and a caption says so: they fall for ever, and show no elbow to trust.

    Key of the view: `picked` (number of the run that is looked at, or None).

    Examples
    --------
    >>> sweep = vw.sweep(vw.MLPVAE, data, latent_dim=[1, 2, 4, 8, 16], seed=range(3))   # doctest: +SKIP
    >>> BottleneckSweep(sweep)                                                          # doctest: +SKIP
    """

    _esm = STATIC / "bottleneck_sweep.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("picked",)
    _takes_several = True
    _figure_size = (7.6, 5.2)

    def __init__(
        self,
        runs: Run | Iterable[Run] | Sweep,
        *,
        delta: float = 0.01,
        var_threshold: float = 0.01,
        tolerance: float = 0.05,
        images: int = 1000,
    ) -> None:
        delta, var_threshold = number("delta", delta, 0), number("var_threshold", var_threshold, 0)
        number("tolerance", tolerance, above=0, below=1, also=", e.g. 0.05")
        self._thresholds = {"delta": delta, "var_threshold": var_threshold}
        self._tolerance, self._images = tolerance, whole("images", images, 1)
        super().__init__(runs)

    @property
    def picked_run(self) -> Run | None:
        """The run that was picked in the page, or by ``widget.view = {"picked": 2}``."""
        picked = self.view.get("picked")
        return None if picked is None else self._runs[picked]

    def _history_state(self, run: Run) -> Sections:
        return {"size": _size_state(run)}

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        split = run.data.test if run.data.test is not None else run.data.train
        n = min(len(split), self._images)
        index = np.linspace(0, len(split) - 1, n).round().astype(np.int64)
        mu, logvar = snapshot.encode(split.images(index))
        if logvar is None:
            return {"active": None}
        units = active_units(mu, logvar, **self._thresholds)
        kl, var = int(units.by_kl.sum()), int(units.by_var.sum())
        return {"active": {"step": snapshot.step, "kl": kl, "var": var, "n": units.n}}

    def _common_state(self) -> Sections:
        delta, var_threshold = self._thresholds["delta"], self._thresholds["var_threshold"]
        return {"sweep": {"delta": delta, "var_threshold": var_threshold, "elbow": self._elbow()}}

    def _elbow(self) -> Elbow:
        """Where it is, or why there is none."""
        known = [(run.model.latent_dim, _size_state(run)) for run in self._runs]
        pairs = [(d, s["recon"]) for d, s in known if s["recon"] is not None and s["split"] == "test"]
        nowhere: Elbow = {"latent_dim": None, "limit": None, "tolerance": self._tolerance, "notes": []}
        if not pairs:
            return {**nowhere, "notes": ["no recon on test images yet"]}
        if len({run.unit for run in self._runs}) > 1:
            return {**nowhere, "notes": ["the runs measure recon in different units"]}
        try:
            found = elbow([d for d, _ in pairs], [recon for _, recon in pairs], tolerance=self._tolerance)
        except (OptionError, DataError) as error:  # fewer than three sizes so far
            return {**nowhere, "notes": [str(error).rstrip(".")]}  # the page ends the sentence
        return {
            "latent_dim": found.latent_dim,
            "limit": found.limit,
            "tolerance": found.tolerance,
            "notes": list(found.notes),
        }

    def _check_view(self, key: str, value: Any) -> None:
        if key == "picked" and value is not None:
            whole(key, value, 0, len(self._runs) - 1)

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Four panels against latent_dim, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import bottleneck_figure

        return bottleneck_figure(self.frame or {}, size=size or self._figure_size)


def _size_state(run: Run) -> Size:
    """A run's size and its newest losses; None where there are none yet."""
    values = run.recorder.epochs()[1]
    losses = {name: _newest(values.get(f"test_{name}")) for name in TERMS}
    split: Split = "train" if losses["recon"] is None else "test"
    for name in losses if split == "train" else ():
        mean = run.recorder.curve(name, 200).mean
        last = mean[-max(1, int(len(mean) * LAST_SHARE)) :]
        losses[name] = float(last.mean()) if len(last) and np.isfinite(last).all() else None
    return {
        "latent_dim": run.model.latent_dim,
        "seed": run.options.get("seed"),
        "epoch": run.epoch,
        "recon": losses["recon"],
        "kl": losses["kl"],
        "loss": losses["loss"],
        "split": split,
    }


def _newest(values: np.ndarray | None) -> float | None:
    known = [] if values is None else values[np.isfinite(values)]
    return float(known[-1]) if len(known) and math.isfinite(known[-1]) else None
