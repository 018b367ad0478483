"""What the widgets share that draw a sample of images as points."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import traitlets

from vaewidgets.data import SAMPLE_POINTS
from vaewidgets.diagnostics import Projection
from vaewidgets.errors import OptionError
from vaewidgets.training import Run, Snapshot
from vaewidgets.widgets.base import RunWidget
from vaewidgets.widgets.state import Sample, originals_state

__all__ = ["PointsWidget"]


class PointsWidget(RunWidget):
    """A widget whose points can be decoded by hovering and selected with a lasso (abstract).

    Parameters
    ----------
    run : Run
    points : int
        How many images at most: test images first, topped up with training images.
    """

    _time_options: ClassVar = {"points": True, "weights": True}

    selected = traitlets.Any(
        help="Numbers of the points inside the lasso, int64 array (k,). Owner: the browser."
    )

    def __init__(self, run: Run, points: int) -> None:
        # Before the base class, which builds the first frame.
        self._points = points
        self._sample: Sample | None = None
        self._projection: Projection | None = None
        super().__init__(run)

    @traitlets.default("selected")
    def _nothing_selected(self) -> np.ndarray:
        return np.empty(0, np.int64)

    @property
    def sample(self) -> Sample:
        """The images behind the points, in the points' order."""
        if self._sample is None:
            kept = self.run.time_line.sample if self._points == SAMPLE_POINTS else None
            self._sample = kept or Sample(self.run.data, self._points)
        return self._sample

    def selected_images(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Images inside the lasso: uint8 array (k, C, H, W), and their labels (k,) or None."""
        sample, index = self.sample, self.selected
        labels = None if sample.labels is None else sample.labels[index]
        return sample.images_u8[index].numpy(), labels

    def _check_view(self, key: str, value: Any) -> None:
        if key != "selected":
            return
        index = np.asarray(value, np.int64).reshape(-1)
        if len(index) and (index.min() < 0 or index.max() >= len(self.sample)):
            raise OptionError(f"selected holds point {index.max()} of {len(self.sample)}.")

    def _view_changed(self, key: str, value: Any) -> None:
        if key == "selected":
            self.selected = np.asarray(value, np.int64).reshape(-1)

    def _plane(self, run: Run) -> Projection | None:
        return self._projection

    def _weights_state(self, run: Run, snapshot: Snapshot) -> dict[str, Any]:
        state = {"decoder": self._feed.decoder_state(snapshot)}
        if "originals" not in self._live:
            state["originals"] = originals_state(self.sample)
        return state
