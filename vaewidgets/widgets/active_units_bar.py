"""Which latent dimensions carry information, and how much."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from vaewidgets.checks import number, whole
from vaewidgets.contract.frame import LiveState, Sections
from vaewidgets.data import Sample
from vaewidgets.engine import Snapshot
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.run_widget import RunWidget, sample_of
from vaewidgets.runs import Run
from vaewidgets.sections.state import units_state
from vaewidgets.sections.units import check_units_view, thresholds


class ActiveUnitsBar(RunWidget):
    """KL and Var(mu) of each latent dimension, sorted, with both thresholds and both counts.

    Parameters
    ----------
    run : Run
    delta : float, default 0.01
        A dimension is active by the first criterion if its mean KL is above it, in nats.
    var_threshold : float, default 0.01
        ... and by the second if the variance of its posterior mean over the data is above it.
    points : int, default 2000
        Over how many images both are taken.

    Notes
    -----
    Keys of `view` beside the shared ones: `delta` and `var_threshold` (the thresholds, as dragged), and `off`
    (numbers of units, from 0, that are switched off to see what that costs in recon).

    References
    ----------
    Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, section 5.2 (the variance criterion).
    """

    _esm = STATIC / "active_units_bar.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("delta", "var_threshold", "off")
    _time_options: ClassVar = {"points": False, "weights": False}

    def __init__(
        self, run: Run, *, delta: float = 0.01, var_threshold: float = 0.01, points: int = 2000
    ) -> None:
        delta, var_threshold = number("delta", delta, 0), number("var_threshold", var_threshold, 0)
        self._delta, self._var_threshold = delta, var_threshold
        self._points = whole("points", points, 1)
        super().__init__(run)

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        mu, logvar = snapshot.encode(self.sample.images, snapshot.labels_needed(self.sample.labels))
        delta, var_threshold = thresholds(self.view, self._delta, self._var_threshold)
        return {"units": units_state(snapshot, mu, logvar, delta, var_threshold)}

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        return self._slow_state(run, snapshot)

    def _slow_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        return self._unit_costs(run, snapshot, self.sample)

    @cached_property
    def sample(self) -> Sample:
        """The images whose codes are measured."""
        return sample_of(self.run, self._points)

    def _check_view(self, key: str, value: Any) -> None:
        check_units_view(key, value, self.run.model.latent_dim)

    def _view_changed(self, key: str, value: Any) -> None:
        if key == "off":
            self._feed.forget_weights()
