"""Which latent dimensions carry information, and how much."""

from __future__ import annotations

from typing import Any, ClassVar

from vaewidgets.errors import OptionError
from vaewidgets.training import Run, Snapshot
from vaewidgets.widgets.base import STATIC, RunWidget
from vaewidgets.widgets.state import Sample, units_state

__all__ = ["ActiveUnitsBar"]


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

    References
    ----------
    Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, section 5.2 (the variance criterion).
    """

    _esm = STATIC / "active_units_bar.js"
    _time_options: ClassVar = {"points": False, "weights": False}

    def __init__(
        self, run: Run, *, delta: float = 0.01, var_threshold: float = 0.01, points: int = 2000
    ) -> None:
        for name, value in (("delta", delta), ("var_threshold", var_threshold)):
            if not value >= 0:
                raise OptionError(f"{name} is {value}; wanted a number of at least 0.")
        self._delta, self._var_threshold = delta, var_threshold
        self._points = points
        self._sample: Sample | None = None
        super().__init__(run)

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> dict[str, Any]:
        if self._sample is None:
            self._sample = Sample(self.run.data, self._points)
        mu, logvar = snapshot.encode(self._sample.images)
        return {"units": units_state(snapshot, mu, logvar, self._delta, self._var_threshold)}
