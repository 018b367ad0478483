"""What all widgets share that draw a sample of images as points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets
from torch import Tensor

from vaewidgets.checks import one_of, whole
from vaewidgets.contract.frame import LiveState
from vaewidgets.contract.sections import Packed, ScatterData
from vaewidgets.data import Classes
from vaewidgets.diagnostics import Projection
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError
from vaewidgets.live.feed import Feed
from vaewidgets.live.path_picture import path_state
from vaewidgets.live.run_widget import RunWidget, sample_of
from vaewidgets.runs import Run
from vaewidgets.sections.layout import Layout
from vaewidgets.sections.state import MOST_EXACT, Sample, originals_state, scatter_state
from vaewidgets.sections.values import BUILT_IN, check_values, point_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class PointsWidget(RunWidget):
    """A widget whose points can be decoded by hovering and selected with a lasso (abstract).

    Parameters
    ----------
    run : Run
    points : int
        How many images at most: test images first, topped up with training images.
    values : mapping of str to array of shape (n,), optional
        What else the points can be colored by, in the order of `sample`; by default the known factors of the
        images, where the data set has some (`ImageDataset.factors`).

    Notes
    -----
    Keys of `view` beside the shared ones: `projection` ("plane", or "tsne": a map of neighbors, computed by
    Python when it is first asked for and after the run) and `ellipses` (true: the posterior's 1 sigma of
    every image).
    `color` is "label", "recon", "kl", "|mu|" or a name of `values`.
    """

    _view_keys: ClassVar[tuple[str, ...]] = ("projection", "ellipses")
    _time_options: ClassVar = {"points": True, "weights": True}

    selected = traitlets.Any(
        help="Numbers of the points inside the lasso, int64 array (k,). Owner: the browser."
    )

    def __init__(self, run: Run, points: int, values: Mapping[str, Any] | None = None) -> None:
        # Before the base class, which builds the first frame.
        self._points = whole("points", points, 1)
        self._sample: Sample | None = None
        self._projection: Projection | None = None
        self._posterior: tuple[Snapshot, Tensor, Tensor | None] | None = None
        self._layout = Layout(self._layout_done)
        self._runs = self._checked_runs(run)
        self._values = check_values(_factors(self.sample) if values is None else values, self.sample)
        super().__init__(run)

    @traitlets.default("selected")
    def _nothing_selected(self) -> np.ndarray:
        return np.empty(0, np.int64)

    @property
    def sample(self) -> Sample:
        """The images behind the points, in the points' order."""
        if self._sample is None:
            self._sample = sample_of(self.run, self._points)
        return self._sample

    def selected_images(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Images inside the lasso: uint8 array (k, C, H, W), and their labels (k,) or None.

        Items that are no images are those of the data set: float32, (k, *shape), in its units.
        """
        sample, index = self.sample, self.selected
        labels = None if sample.labels is None else sample.labels[index]
        if self.run.data.holds_images:
            return sample.images_u8[index].numpy(), labels
        return sample.images[index].reshape(len(index), *self.run.data.items.shape).numpy(), labels

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Matplotlib figure of the newest frame, for print, colored as in the page; see `RunWidget`."""
        from vaewidgets.figures import explorer_figure

        frame = self._named_frame()
        items = (self._live.get("values") or {}).get("items", [])
        chosen = next((item for item in items if item["name"] == self.view.get("color")), None)
        if chosen is not None and frame.get("scatter"):
            frame["scatter"] = {**frame["scatter"], "values": chosen["values"], "value_name": chosen["name"]}
        frame["way"] = self._path_state(frame.get("scatter"))
        return explorer_figure(frame, size=size or self._figure_size)

    def _path_state(self, scatter: Any) -> dict[str, Packed] | None:
        """The decoded strip of the still picture; None for a model that cannot decode a point by itself."""
        if not scatter or self._posterior is None or self._projection is None:
            return None
        snapshot = self._posterior[0]
        if snapshot.labels_needed(self.sample.labels) is not None:
            return None
        return path_state(scatter, self._projection, snapshot, self.view.get("path") or (None, None))

    def _check_view(self, key: str, value: Any) -> None:
        if key == "color":
            one_of(key, value, ("label", *BUILT_IN, *self._values, None))
        if key == "projection":
            one_of(key, value, ("plane", "tsne", None))
        if key == "classes" and value is not None:
            _check_classes(value, self.run.data.classes)
        if key != "selected" or value is None:
            return
        index = np.asarray(value, np.int64).reshape(-1)
        if len(index) and (index.min() < 0 or index.max() >= len(self.sample)):
            raise OptionError(f"selected holds point {index.max()} of {len(self.sample)}.")

    def _view_changed(self, key: str, value: Any) -> None:
        if key == "selected":
            index = np.asarray([] if value is None else value, np.int64).reshape(-1)
            self.selected = index[index < len(self.sample)]  # another widget may show more points
        elif key == "projection":
            self._ask_layout(self.run)
        elif key == "color" and value == "recon":
            self._feed.forget_weights()

    def _points_state(self, run: Run, snapshot: Snapshot) -> tuple[ScatterData, Tensor, Tensor | None]:
        """The section `scatter`, and the posterior that it was drawn from."""
        mu, logvar = snapshot.encode(self.sample.images, snapshot.labels_needed(self.sample.labels))
        scatter, self._projection = scatter_state(self.sample, snapshot, mu, self._projection, logvar)
        self._posterior = (snapshot, mu, logvar)
        if run.status != "running":
            self._ask_layout(run)
        return scatter, mu, logvar

    def _ask_layout(self, run: Run) -> None:
        """Have t-SNE computed if it is looked at."""
        if self.view.get("projection") == "tsne" and self._posterior is not None:
            snapshot, mu, _ = self._posterior
            self._layout.ask(snapshot.step, mu)
            self._publish({"tsne": self._layout.state})
            self._feed.wake(urgent=True)

    def _layout_done(self) -> None:
        self._publish({"tsne": self._layout.state})
        self._feed.wake(urgent=True)

    def _plane(self, run: Run) -> Projection | None:
        return self._projection

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        state: LiveState = {"decoder": Feed.of(run).networks.decoder(snapshot)}
        if self._posterior is not None:
            drawn, mu, logvar = self._posterior
            wanted = run.status != "running" or self.view.get("color") == "recon"
            state["values"] = point_values(self.sample, drawn, mu, logvar, self._values, recon=wanted)
        if "originals" not in self._live:
            state["originals"] = originals_state(self.sample)
        return state


def _check_classes(value: Any, classes: Classes | None) -> None:
    """Raise an `OptionError` unless `value` holds labels that occur, those beyond 2⁵³ as text."""
    known = [] if classes is None else classes.values.tolist()
    exact = {one if abs(one) <= MOST_EXACT else str(one) for one in known}
    if isinstance(value, list) and all(type(one) in (int, str) and one in exact for one in value):
        return
    shown = ", ".join(map(repr, sorted(exact, key=str)[:12])) + (", ..." if len(exact) > 12 else "")
    raise OptionError(
        f"classes is {value!r}; expected None (all) or a list of labels that occur: "
        f"{shown or 'the data have none'}."
    )


def _factors(sample: Sample) -> dict[str, np.ndarray]:
    """The known factors, but for one that is the label."""
    return {
        name: level
        for name, level in sample.factors.items()
        if sample.labels is None or (level != sample.labels).any()
    }
