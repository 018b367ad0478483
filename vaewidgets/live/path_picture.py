"""The strip of a still picture: images decoded along a line between two classes, as the page shows it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vaewidgets.contract.packing import pack, unpack
from vaewidgets.contract.sections import Packed, ScatterData
from vaewidgets.diagnostics import Projection
from vaewidgets.engine import Snapshot
from vaewidgets.live.latent import decode_u8

IMAGES = 9  # as in js/widgets/latent_explorer/strip.js


def path_state(
    scatter: ScatterData, projection: Projection, snapshot: Snapshot, ends: Sequence[Any] = (None, None)
) -> dict[str, Packed] | None:
    """Decode from A to B on the plane of a scatter.

    Parameters
    ----------
    scatter, projection, snapshot
        The points, the plane that they are drawn on, and the weights.
    ends : two of [u, v] or None
        Where A and B were dragged; None: at one of the two classes furthest apart.

    Returns
    -------
    dict of Packed or None
        ``ends`` (2, 2) and ``images`` (9, C, H, W); None where there is nothing to go between.
    """
    found = _furthest_classes(scatter)
    a, b = (own if own is not None else at for own, at in zip(ends, found or (None, None), strict=True))
    if a is None or b is None:
        return None
    near = scatter["prior"]["radii"][0] / 4 if scatter["prior"] else 0.0
    if np.hypot(*(np.asarray(a, np.float64) - b)) <= near:
        return None  # nothing was learned yet: nine equal images
    line = np.linspace(np.asarray(a, np.float64), np.asarray(b, np.float64), IMAGES)
    images = decode_u8(snapshot, projection.to_latent(torch.from_numpy(line)))
    return {"ends": pack(line[[0, -1]], "f32"), "images": pack(images, "u8")}


def _furthest_classes(scatter: ScatterData) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Where the two classes stand that are furthest apart."""
    from vaewidgets.figures.classes import anchor, named_classes

    if scatter["labels"] is None:
        return None
    points, labels = unpack(scatter["points"]), unpack(scatter["labels"])
    known = np.isfinite(points).all(axis=1)
    places = [anchor(points[known & (labels == one)]) for one in named_classes(labels[known])[0]]
    pairs = list(itertools.combinations(places, 2))
    return max(pairs, key=lambda pair: float(np.hypot(*(pair[0] - pair[1])))) if pairs else None
