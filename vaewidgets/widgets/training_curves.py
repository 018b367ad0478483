"""Loss, recon and kl against the step."""

from __future__ import annotations

from typing import Any

from vaewidgets.training import Run
from vaewidgets.widgets.base import STATIC, RunWidget
from vaewidgets.widgets.state import curves_state

__all__ = ["TrainingCurves"]


class TrainingCurves(RunWidget):
    """Live curves of loss, recon and kl: every step in training, every epoch on the test set.

    Parameters
    ----------
    run : Run

    Notes
    -----
    A series is thinned to at most 1,000 buckets; each keeps its lowest, mean and highest value, so no
    peak is lost. The unit is that of the run's likelihood.
    """

    _esm = STATIC / "training_curves.js"

    def _history_state(self, run: Run) -> dict[str, Any]:
        return {"curves": curves_state(run)}
