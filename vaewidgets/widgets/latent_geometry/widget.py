"""The decoder's geometry on a plane: magnification, ellipses, and the shortest path beside lerp and slerp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from vaewidgets.checks import is_whole, number, shown, whole
from vaewidgets.data import SAMPLE_POINTS
from vaewidgets.diagnostics import PathVerdict, interpolate
from vaewidgets.diagnostics.geometry import (
    SEGMENTS,
    Array,
    evenly,
    geodesic,
    lattice_path,
    length,
    magnification,
)
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.ends import EndsWidget
from vaewidgets.runs import Run
from vaewidgets.sections.state import to_u8
from vaewidgets.widgets.latent_geometry.surface import Surface

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 7  # images of a strip
_DRAWN = {"lerp": "dashed", "slerp": "dotted", "geodesic": "solid"}  # in print
_FAR = 32  # images at most, of which two far apart are the ends


@dataclass(frozen=True, eq=False)
class LatentPath:
    """A path between the two ends.

    Attributes
    ----------
    points : ndarray of float64, shape (n, 2)
        On the plane.
    z : Tensor, float32, shape (n, d)
    images : Tensor, shape (n, C, H, W)
    length : float
        How far the image goes, in pixel values, with what the uncertainty adds.
    verdict : PathVerdict
        How it reads.
    """

    points: Array
    z: Tensor
    images: Tensor
    length: float
    verdict: PathVerdict

    def __repr__(self) -> str:
        return f"LatentPath(length {self.length:.3g}, {self.verdict.verdict})"


class LatentGeometry(EndsWidget):
    """The decoder's geometry on a plane of the latent space, and the shortest path between two places of it.

    The ground is the magnification sqrt(det G) of the pull-back metric G = JᵀJ: how much the image changes
    for a step. An ellipse holds all steps that change it alike. From A to B lead the straight line, the arc
    about the origin and the geodesic, the path along which the image changes least; each is decoded, measured
    and judged.

    Away from the codes a decoder is uncertain. Becoming less certain counts as a change too, so that the
    geodesic keeps to where there are data: a precision that falls off away from the codes is fitted to them.

    Parameters
    ----------
    run : Run
        Of a model with two latent dimensions at least; of more, the plane is that of the two principal
        directions of the means.
    a, b : int or str, optional
        The two ends: the number of an image among the 2,000 of the sample (test images first), or the name
        of a class, of which the first image is taken. By default two whose codes
        are far apart.
    uncertainty : float, default 3
        0 to 10: standard deviation of a pixel away from the codes, in those of the data; 0: left out.
    cells : int, default 24
        8 to 64: how finely the metric is measured, cells across.

    Attributes
    ----------
    paths : dict of str to LatentPath
        "lerp", "slerp" and "geodesic" between the ends that the page shows.

    Notes
    -----
    View keys: ``ends`` (two, each the number of an image or [u, v] on the plane) and ``uncertainty``;
    ``selected`` (two points chosen in another widget of the run become the ends), ``hover`` and ``time`` are
    shared.

    References
    ----------
    Arvanitidis, Hansen & Hauberg 2018, arXiv:1710.11379.
    """

    _esm = STATIC / "latent_geometry.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("ends", "uncertainty")
    _time_options: ClassVar = {"points": False, "weights": True, "posteriors": True}
    _figure_size = (9.0, 4.2)

    def __init__(
        self,
        run: Run,
        *,
        a: int | str | None = None,
        b: int | str | None = None,
        uncertainty: float = 3.0,
        cells: int = 24,
    ) -> None:
        cells = whole("cells", cells, 8, 64)
        super().__init__(run, SAMPLE_POINTS, options={"cells": cells})
        far = self._far_apart() if a is None or b is None else (0, 0)
        ends = [
            self._end(name, i if end is None else end, 0)
            for name, end, i in zip("ab", (a, b), far, strict=True)
        ]
        self.view = {"ends": ends, "uncertainty": uncertainty}

    def _checked_runs(self, source: Any) -> tuple[Run, ...]:
        runs = super()._checked_runs(source)
        d = runs[0].model.latent_dim
        if d < 2:
            raise OptionError(
                f"LatentGeometry(run) got a run with latent_dim={d}; expected at least 2: it shows a plane."
            )
        return runs

    def _far_apart(self) -> tuple[int, int]:
        """The two images whose codes are furthest apart, of the first ones of each class.

        Before training, and where the codes could not be computed, two of any classes: codes will move.
        """
        labels, n = self.sample.labels, self._count
        if "latent" not in (self.frame or {}) or self.run.step == 0:
            return self._end("a", None, 0.1), self._end("b", None, 0.7)
        first = np.arange(n) if labels is None else np.unique(labels[:n], return_index=True)[1]
        chosen = torch.from_numpy(first[:_FAR])
        codes = self._codes()[chosen].double().nan_to_num()
        i, j = divmod(int(torch.cdist(codes, codes).argmax()), len(chosen))
        return int(chosen[i]), int(chosen[j])

    def _check_view(self, key: str, value: Any) -> None:
        if key == "uncertainty":
            number(key, value, 0, 10)
        if key == "ends":
            if not isinstance(value, list) or len(value) != 2:
                raise OptionError(f"ends is {shown(value)}; expected two, each an image's number or [u, v].")
            for i, end in enumerate(value):
                if isinstance(end, list) and len(end) == 2:
                    for part in end:
                        number(f"ends[{i}]", part)
                elif is_whole(end):
                    whole(f"ends[{i}]", end, 0, self._count - 1, also=", the index of an image")
                else:
                    raise OptionError(
                        f"ends[{i}] is {shown(end)}; expected an image's number or [u, v] on the plane."
                    )

    @property
    def paths(self) -> dict[str, LatentPath]:
        """The straight line, the arc and the geodesic between the ends that the page shows."""
        surface = self._surface()
        return self._paths(surface, surface.metric(int(self.options["cells"])))

    def _surface(self) -> Surface:
        latent = (self.frame or {})["latent"]
        return Surface(latent, self.run.snapshot(), self.sample, float(self.view["uncertainty"]))

    def _paths(self, surface: Surface, metric: Array) -> dict[str, LatentPath]:
        ends = self.view["ends"]
        a, b = (np.array(end if isinstance(end, list) else surface.codes[end]) for end in ends)
        line = evenly(np.stack([a, b]))
        shortest = geodesic(surface, [line, lattice_path(metric, surface.extent, a, b)], surface.step)
        za, zb = surface.z(np.stack([a, b]))
        numbers = tuple(None if isinstance(end, list) else int(end) for end in ends)
        found = {
            "lerp": surface.z(line),
            "slerp": interpolate(za, zb, SEGMENTS + 1, "slerp"),
            "geodesic": surface.z(shortest),
        }
        return {name: self._measured(surface, z, (numbers[0], numbers[1])) for name, z in found.items()}

    def _measured(self, surface: Surface, z: Tensor, ends: tuple[int | None, int | None]) -> LatentPath:
        points, images = surface.seen(z), self.run.snapshot().decode(z)
        far = length(surface.lift(images, points))
        return LatentPath(points, z, images, far, self._judged(z, images, ends))

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The plane and the three paths that the page shows, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import geometry_figure

        surface, frame = self._surface(), self._named_frame()
        metric = surface.metric(int(self.options["cells"]))
        paths = self._paths(surface, metric)
        latent, data = frame["latent"], self.run.data
        center = surface.seen(np.zeros((1, self.run.model.latent_dim)))[0]
        scene = {
            "codes": surface.codes,
            "labels": latent["labels"],
            "axes": surface.axes,
            "center": center if latent["prior"] else None,
            "extent": surface.extent,
            "magnification": magnification(metric),
            "paths": {name: path.points for name, path in paths.items()},
            "images": {
                f"{name} ({_DRAWN[name]})\nlength {path.length:.3g}": to_u8(
                    data, path.images[:: SEGMENTS // (_SHOWN - 1)]
                )
                for name, path in paths.items()
            },
        }
        return geometry_figure(frame["run"], scene, size=size or self._figure_size)
