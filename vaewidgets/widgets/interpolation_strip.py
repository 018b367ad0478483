"""The path between two encoded images, decoded, with a verdict on how it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch

from vaewidgets.checks import one_of, whole, wholes
from vaewidgets.data import SAMPLE_POINTS
from vaewidgets.diagnostics import PathVerdict, interpolate
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.ends import EndsWidget
from vaewidgets.runs import Run
from vaewidgets.sections.state import items_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_JUDGED = 31  # points at least; the same number stands in js/widgets/interpolation_strip.js


class InterpolationStrip(EndsWidget):
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

    def _check_view(self, key: str, value: Any) -> None:
        if key == "mode":
            one_of(key, value, ("lerp", "slerp"))
        if key == "ends":
            wholes(key, value, 0, self._count - 1, count=2, also=", the indices of two images")

    @property
    def verdict(self) -> PathVerdict:
        """How the path that the page shows reads, with its evidence."""
        (a, b), codes = self.view["ends"], self._codes()
        z = interpolate(
            codes[a], codes[b], (int(self.options["images"]) - 1) * self._every + 1, self.view["mode"]
        )
        return self._judged(z, self.run.snapshot().decode(z), (a, b))

    @property
    def _every(self) -> int:
        """How many judged points a shown image stands for."""
        return max(1, -(-(_JUDGED - 1) // (int(self.options["images"]) - 1)))

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The images that the page shows, with the verdict, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import rows_figure

        verdict = self.verdict
        unit = self.run.data.to_unit(verdict.images[:: self._every]).clamp(0, 1)
        images = (unit * 255).round().to(torch.uint8).numpy()
        a, b = self.view["ends"]
        caption = f"Image {a} to image {b}, {self.view['mode']}: {verdict.verdict}"
        return rows_figure({"": images}, caption=caption, items=items_state(self.run.data), size=size)
