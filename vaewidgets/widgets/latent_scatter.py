"""The encoded means of a sample of images, as points that can be decoded by hovering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaewidgets.contract.frame import Sections
from vaewidgets.engine import Snapshot
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.points import PointsWidget
from vaewidgets.runs import Run


class LatentScatter(PointsWidget):
    """Posterior means of up to `points` images; hover to decode, drag to select.

    With two latent dimensions the axes are z₁ and z₂; with more the points are projected on the first
    two principal components of the means, and hovering decodes the point of that plane.

    Parameters
    ----------
    run : Run
    points : int, default 2000
        How many images at most: test images first, topped up with training images.
    values : mapping of str to array of shape (n,), optional
        What else the points can be colored by: a number for each image of `sample`, in its order; by default
        the known factors of the images, where the data set has some (`ImageDataset.factors`).

    Attributes
    ----------
    selected : ndarray of int64, shape (k,)
        Numbers of the points inside the lasso; `selected_images()` gives the images.

    Notes
    -----
    Keys of `view` beside the shared ones: `projection` ("plane" or "tsne") and `ellipses` (true: the
    posterior's 1 sigma of every image). `color` is "label", "recon", "kl", "|mu|" or a name of `values`.

    Examples
    --------
    >>> LatentScatter(run, values={"stroke width": widths})     # doctest: +SKIP
    """

    _esm = STATIC / "latent_scatter.js"
    _figure_size = (5.6, 6.4)

    def __init__(self, run: Run, *, points: int = 2000, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(run, points, values)

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        return {"scatter": self._points_state(run, snapshot)[0]}
