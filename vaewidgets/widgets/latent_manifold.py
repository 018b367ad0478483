"""A plane of the latent space, decoded cell by cell at the quantiles of the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch

from vaewidgets.checks import number, shown, whole
from vaewidgets.contract.packing import unpack
from vaewidgets.contract.texts import dim_name
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.latent import LatentWidget, decode_u8
from vaewidgets.runs import Run
from vaewidgets.sections.state import items_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELLS = 20


class LatentManifold(LatentWidget):
    """Decoded images of a latent plane, spaced evenly in probability under the prior.

    Each cell stands for the quantiles of N(0, 1) at its middle, so that equal areas of the picture hold equal
    shares of the prior. With more than two latent dimensions the plane is that of two of them, the others at
    0, or that of the two principal directions of the means. A model without prior (an autoencoder) is shown
    at the quantiles of a Gaussian fitted to its codes, the other dimensions at their means.

    Parameters
    ----------
    run : Run
    cells : int, optional
        Images across, 5 to 40; by default 20, of bars and lines 10.
    plane : (int, int), "principal" or None
        Two dimensions, counted from 0; by default the first of two, else those of the
        greatest KL.
    points : int, default 2000
        How many images are encoded for the order of the dimensions and their principal directions.

    Notes
    -----
    View keys: ``center`` ([u, v], 0 to 1: the share of the prior below) and ``span`` (0.002 to 1) of the part
    seen, ``cells``, ``plane`` (null, "principal" or [i, j]), ``label`` (the class given to a conditional
    decoder, null: none); ``hover``, the z pointed at, and ``time`` are shared.

    References
    ----------
    Kingma & Welling 2014, arXiv:1312.6114, figure 4.
    """

    _esm = STATIC / "latent_manifold.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("plane", "center", "span", "cells", "label")
    _time_options: ClassVar = {"points": False, "weights": True}
    _figure_size = (5.0, 5.2)

    def __init__(
        self,
        run: Run,
        *,
        cells: int | None = None,
        plane: tuple[int, int] | Literal["principal"] | None = None,
        points: int = 2000,
    ) -> None:
        super().__init__(run, points)
        if cells is None:
            items = self.run.data.items
            cells = _CELLS if items is None or items.draw not in ("bars", "line") else 10
        self.view = {"cells": cells, "plane": list(plane) if isinstance(plane, tuple) else plane}

    def _check_view(self, key: str, value: Any) -> None:
        match key:
            case "center":
                if not isinstance(value, list) or len(value) != 2:
                    raise OptionError(f"center is {shown(value)}; expected two numbers from 0 to 1.")
                for part in value:
                    number(key, part, 0, 1)
            case "span":
                number(key, value, 0.002, 1)
            case "cells":
                whole(key, value, 5, 40)
            case "plane" if value not in (None, "principal"):
                self._check_dims(key, value, 2)

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The plane and part that the page shows, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import tiles_figure

        snapshot = self.run.snapshot()
        z, axes = self._grid(self.view)
        rows, across, d = z.shape
        images = decode_u8(snapshot, z.reshape(-1, d), self.view.get("label"))
        caption = f"Decoded plane at quantiles: {axes[0]} across" + (f", {axes[1]} up" if rows > 1 else "")
        tiles = images.reshape(rows, across, *images.shape[1:])
        items = items_state(self.run.data)
        return tiles_figure(tiles, caption=caption, items=items, size=size or self._figure_size)

    def _grid(self, view: dict[str, Any]) -> tuple[np.ndarray, tuple[str, str]]:
        """The z of each cell, shape (rows, columns, d), the uppermost row first; and what the axes are."""
        latent = (self.frame or {})["latent"]
        mean, std = unpack(latent["mean"]), unpack(latent["std"])
        d, cells = len(mean), int(view.get("cells") or _CELLS)
        span = float(view.get("span") or 1)
        center = np.clip(view.get("center") or [0.5, 0.5], span / 2, 1 - span / 2)
        steps = (np.arange(cells) + 0.5) / cells - 0.5
        across, up = _quantiles(center[0] + span * steps), _quantiles(center[1] - span * steps)
        if d == 1:
            up = np.zeros(1)
        s, t = np.meshgrid(across, up)
        if view.get("plane") == "principal" and d > 1:
            directions, scales = unpack(latent["directions"]), unpack(latent["scales"])
            z = mean + s[..., None] * scales[0] * directions[0] + t[..., None] * scales[1] * directions[1]
            return z.astype(np.float32), ("principal direction 1", "principal direction 2")
        worth = std**2 if latent["kl"] is None else unpack(latent["kl"])
        order = np.argsort(-worth, kind="stable") if d > 2 else range(d)
        i, j = view.get("plane") or [*order, 0][:2]
        z = np.zeros((*s.shape, d)) if latent["prior"] else np.broadcast_to(mean, (*s.shape, d)).copy()
        for axis, q in ((j, t), (i, s)):
            z[..., axis] = q if latent["prior"] else mean[axis] + std[axis] * q
        return z.astype(np.float32), (dim_name(i), dim_name(j))


def _quantiles(shares: np.ndarray) -> np.ndarray:
    return torch.special.ndtri(torch.from_numpy(shares)).numpy()
