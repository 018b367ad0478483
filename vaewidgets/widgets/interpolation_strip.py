"""The path between two encoded images, decoded, with a verdict on how it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch

from vaewidgets.checks import is_whole, one_of, whole, wholes
from vaewidgets.contract.packing import unpack
from vaewidgets.data import SAMPLE_POINTS
from vaewidgets.diagnostics import PathVerdict, interpolate, judge_path
from vaewidgets.errors import OptionError, did_you_mean
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.latent import LatentWidget
from vaewidgets.runs import Run
from vaewidgets.sections.state import items_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_JUDGED = 31  # points at least; the same number stands in js/widgets/interpolation_strip.js


class InterpolationStrip(LatentWidget):
    """Images decoded along the path from one image's code to another's: smooth, a jump or a detour.

    Parameters
    ----------
    run : Run
    a, b : int or str, optional
        The two ends: the number of an image among the 2,000 of the sample (test images first), or the name
        of a class, of which the first image is taken. By default images of two classes.
    images : int, default 11
        How many to show, 3 to 41, the two ends among them.
    mode : {"lerp", "slerp"}
        Straight, or turning about the origin at a norm that goes linearly from one end's to the other's.

    Attributes
    ----------
    verdict : PathVerdict
        Of the path that the page shows.

    Notes
    -----
    View keys: ``ends`` ([i, j], numbers of images) and ``mode``; ``selected`` (two points chosen in another
    widget of the run become the ends), ``hover`` and ``time`` are shared.
    """

    _esm = STATIC / "interpolation_strip.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("ends", "mode")
    _sends_points = True
    _time_options: ClassVar = {"points": False, "weights": True, "posteriors": True}

    def __init__(
        self,
        run: Run,
        *,
        a: int | str | None = None,
        b: int | str | None = None,
        images: int = 11,
        mode: Literal["lerp", "slerp"] = "lerp",
    ) -> None:
        images = whole("images", images, 3, 41)
        super().__init__(run, SAMPLE_POINTS, options={"images": images})
        self.view = {"ends": [self._end("a", a, 0.1), self._end("b", b, 0.7)], "mode": mode}

    def _end(self, name: str, wanted: int | str | None, share: float) -> int:
        """Return the number of an image; by default one of the class at `share` of all classes."""
        labels, n = self.sample.labels, self._count
        if wanted is None:
            if labels is None:
                return int(share * (n - 1))
            there = np.unique(labels[:n])
            return int(np.flatnonzero(labels[:n] == there[int(share * len(there))])[0])
        if is_whole(wanted):
            return whole(name, wanted, 0, n - 1, also=", the index of an image")
        return self._first_of(name, str(wanted))

    def _first_of(self, name: str, wanted: str) -> int:
        labels = self.sample.labels
        if labels is None:
            raise OptionError(f"{name} is {wanted!r}, but the data have no labels; give an image's number.")
        classes = self.run.data.classes
        by_name = {classes.name(label): label for label in np.unique(labels[: self._count]).tolist()}
        if wanted not in by_name:
            raise OptionError(
                f"{name} is {wanted!r}, which is no class; there are {', '.join(map(repr, by_name))}."
                f"{did_you_mean(wanted, by_name)}"
            )
        return int(np.flatnonzero(labels == by_name[wanted])[0])

    @property
    def _count(self) -> int:
        """How many images the page has codes and thumbnails of."""
        codes = (self.frame or {}).get("latent", {}).get("points")
        pictures = self._live.get("originals")
        return min((part["shape"][0] for part in (codes, pictures) if part), default=len(self.sample))

    def _check_view(self, key: str, value: Any) -> None:
        if key == "mode":
            one_of(key, value, ("lerp", "slerp"))
        if key == "ends":
            wholes(key, value, 0, self._count - 1, count=2, also=", the indices of two images")

    @property
    def verdict(self) -> PathVerdict:
        """How the path that the page shows reads, with its evidence."""
        return self._judged(self._every)

    @property
    def _every(self) -> int:
        """How many judged points a shown image stands for."""
        return max(1, -(-(_JUDGED - 1) // (int(self.options["images"]) - 1)))

    def _judged(self, every: int) -> PathVerdict:
        snapshot, (a, b) = self.run.snapshot(), self.view["ends"]
        latent = (self.frame or {})["latent"]
        codes = torch.from_numpy(unpack(latent["points"]))
        n = (int(self.options["images"]) - 1) * every + 1
        z = interpolate(codes[a], codes[b], n, self.view["mode"])
        labels = None if self.sample.labels is None else torch.from_numpy(self.sample.labels[: len(codes)])
        if labels is None:
            return judge_path(snapshot.decode(z), z=z)
        classes = labels[torch.cdist(z.double(), codes.double()).argmin(dim=1)]
        return judge_path(snapshot.decode(z), z=z, classes=classes, ends=(int(labels[a]), int(labels[b])))

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The images that the page shows, with the verdict, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import rows_figure

        verdict = self.verdict
        unit = self.run.data.to_unit(verdict.images[:: self._every]).clamp(0, 1)
        images = (unit * 255).round().to(torch.uint8).numpy()
        a, b = self.view["ends"]
        caption = f"Image {a} to image {b}, {self.view['mode']}: {verdict.verdict}"
        return rows_figure({"": images}, caption=caption, items=items_state(self.run.data), size=size)
