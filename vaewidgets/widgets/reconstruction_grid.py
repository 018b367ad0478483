"""Originals over their reconstructions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vaewidgets.checks import whole, wholes
from vaewidgets.contract.frame import LiveState, Sections
from vaewidgets.contract.packing import pack_integers
from vaewidgets.data import Sample
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.feed import Feed
from vaewidgets.live.run_widget import RunWidget, sample_of
from vaewidgets.live.view import is_list
from vaewidgets.runs import Run
from vaewidgets.sections.state import grid_state, originals_state
from vaewidgets.sections.time_line import posterior_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ReconstructionGrid(RunWidget):
    """Originals (top) and reconstructions, one row per run, decoded from the posterior means.

    Parameters
    ----------
    run : Run, or several
        Of several the images are those of the first one's data; all are shown the same, with the same ε.
    images : int or sequence of int, default 10
        How many images, spread over the sample, or which (numbers below 2,000 of test images first,
        topped up with training images).

    Notes
    -----
    Keys of `view` beside the shared ones: `images` (numbers of the images shown; None: as given) and `seed`
    (reconstruct from a draw z = mu + sigma·eps, its noise by this seed; None: from the means). A set of
    images that is selected in a scatter can be taken over. One run can be dragged back in time.

    Raises
    ------
    OptionError
        If the runs' images differ in shape, or `images` names none of the sample.
    """

    _esm = STATIC / "reconstruction_grid.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("images", "seed")
    _takes_several = True
    _time_options: ClassVar = {"points": False, "weights": True, "posteriors": True}

    def __init__(self, run: Run | Iterable[Run], *, images: int | Sequence[int] = 10) -> None:
        self._images = check_images(images)
        self._runs = self._checked_runs(run)
        shapes = {tuple(one.data.image_shape) for one in self._runs}
        if len(shapes) > 1:
            raise OptionError(f"the runs' images have the shapes {sorted(shapes)}; expected all alike.")
        self._sample: Sample | None = None
        super().__init__(self._runs)

    def _shown(self) -> tuple[Sample, np.ndarray]:
        """The sample, and which of its images are shown."""
        if self._sample is None:
            self._sample = sample_of(self.run)
            self._index = pick_images(self._sample, self._images)
        chosen = self.view.get("images")
        return self._sample, self._index if not chosen else np.asarray(chosen, np.int64)

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        sample, index = self._shown()
        return {"grid": grid_state(sample, index, snapshot, run.name, seed=self.view.get("seed"))}

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        sample, _ = self._shown()
        state: LiveState = {
            "decoder": Feed.of(run).networks.decoder(snapshot),
            "posteriors": {**posterior_state(snapshot, sample), "step": snapshot.step},
        }
        if run is self.run and "originals" not in self._live:
            state["originals"] = originals_state(sample)
            state["sample_labels"] = None if sample.classes is None else pack_integers(sample.classes)
        return state

    def _time_state(self, run: Run) -> LiveState:
        # Eight sets of weights of each of several runs would be the larger part of a page.
        return super()._time_state(run) if len(self._runs) == 1 else {}

    def _words(self) -> str:
        return "Reconstructions"

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Matplotlib figure of the images that are shown, for print; see `RunWidget.figure`."""
        from vaewidgets.figures import explorer_figure

        frame = self.frame or {}
        shown = frame.get("grid") or {}
        chosen = self._shown()[1].tolist()
        if shown and (shown["seed"] != self.view.get("seed") or _numbers(shown) != chosen):
            self._refresh()
        frame = self._named_frame()
        others = [part["grid"] for part in frame.get("others", []) if part.get("grid")]
        if frame.get("grid") and others:
            rows = [row for part in (frame["grid"], *others) for row in part["rows"]]
            frame["grid"] = {**frame["grid"], "rows": rows}
        down = 1 + len((frame.get("grid") or {"rows": ()})["rows"])
        across = len(_numbers(frame["grid"])) if frame.get("grid") else 10
        return explorer_figure(frame, size=size or (6.4, 0.75 + 5.4 * down / max(across, 4)))

    def _check_view(self, key: str, value: Any) -> None:
        if value is None:
            return
        if key == "images":
            sample = self._shown()[0]
            if not is_list(value, int) or len(value) > len(sample):
                raise OptionError(
                    f"images is {value!r}; expected numbers from 0 to {len(sample) - 1}, at most "
                    f"{len(sample)} of them."
                )
            pick_images(sample, value)
        if key == "seed":
            whole(key, value, 0, also=", or None for the means")


def _numbers(grid: dict[str, Any]) -> list[int]:
    return [int(i) for i in np.frombuffer(grid["indices"]["data"], "<i4")]


def check_images(images: object) -> int | Sequence[int]:
    if hasattr(images, "__len__") and not isinstance(images, str):
        return wholes("images", images, 0)
    return whole("images", images, 1, also=", or the indices of images")


def pick_images(sample: Sample, images: int | Sequence[int]) -> np.ndarray:
    """Return the numbers of the images to show: one of each class in turn where there are labels."""
    n = len(sample)
    if not isinstance(images, int):
        try:
            index = np.asarray(images, np.int64)
        except (TypeError, ValueError) as error:
            raise OptionError(f"images is {images!r}; expected numbers from 0 to {n - 1}.") from error
        if index.ndim != 1 or len(index) == 0 or index.min() < 0 or index.max() >= n:
            raise OptionError(f"images is {list(images)}; expected numbers from 0 to {n - 1}, at least one.")
        return index
    count = min(whole("images", images, 1), n)
    if sample.labels is None:
        return np.linspace(0, n - 1, count).round().astype(np.int64)
    rank = np.zeros(n, np.int64)  # how many of its class come before it
    for label in np.unique(sample.labels):
        members = np.flatnonzero(sample.labels == label)
        rank[members] = np.arange(len(members))
    return np.lexsort((sample.labels, rank))[:count]
