"""The encoded means of a sample of images, as points that can be decoded by hovering."""

from __future__ import annotations

from typing import Any

from vaewidgets.training import Run, Snapshot
from vaewidgets.widgets.base import STATIC
from vaewidgets.widgets.points import PointsWidget
from vaewidgets.widgets.state import scatter_state

__all__ = ["LatentScatter"]


class LatentScatter(PointsWidget):
    """Posterior means of up to `points` images; hover to decode, drag to select.

    With two latent dimensions the axes are z₁ and z₂; with more the points are projected on the first
    two principal components of the means, and hovering decodes the point of that plane.

    Parameters
    ----------
    run : Run
    points : int, default 2000
        How many images at most: test images first, topped up with training images.

    Attributes
    ----------
    selected : ndarray of int64, shape (k,)
        Numbers of the points inside the lasso; `selected_images()` gives the images.
    """

    _esm = STATIC / "latent_scatter.js"
    _figure_size = (5.0, 5.0)

    def __init__(self, run: Run, *, points: int = 2000) -> None:
        super().__init__(run, points)

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> dict[str, Any]:
        mu, _ = snapshot.encode(self.sample.images)
        scatter, self._projection = scatter_state(self.sample, snapshot, mu, self._projection)
        return {"scatter": scatter}
