"""Beta as a continuous axis: one network conditioned on it, or separate runs cross-faded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vaewidgets.checks import number, whole
from vaewidgets.contract.frame import LiveState, Sections
from vaewidgets.diagnostics import Projection
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.feed import Feed
from vaewidgets.live.run_widget import RunWidget, sample_of
from vaewidgets.objectives import traits
from vaewidgets.runs import Run
from vaewidgets.sections.state import Sample
from vaewidgets.sweeps import Sweep
from vaewidgets.widgets.beta_axis.stops import Stop, aligned, axis_state, between, evenly_spaced, stop_at
from vaewidgets.widgets.reconstruction_grid import check_images, pick_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TRAIN = "vw.train(vw.MultiRateVAE(data.image_shape), data, beta=vw.LogUniform(0.1, 10))"


class BetaAxis(RunWidget):
    """Beta on a slider: codes, reconstructions, active units and the place on the rate–distortion curve
    follow it, by one network that is conditioned on beta, or across the runs of a sweep.

    Parameters
    ----------
    runs : Run, sequence of Run, or Sweep
        One run of a `MultiRateVAE`, or at least two that differ in beta, with images of one shape.
    images : int or sequence of int, default 8
        How many images to reconstruct, or which, as in `BetaCompare`.
    points : int, default 400
        Images in the latent space.
    stops : int, default 13
        At how many betas the one network is measured.

    Raises
    ------
    OptionError
        If one run is not conditioned on beta, or several do not each have a beta above 0 of their own.
    ShapeError
        If the runs have images of several shapes.

    Notes
    -----
    Between two betas that were measured, codes, units, rate and distortion are interpolated over log beta.
    One network is decoded at the very beta of the slider, in the page. Of separate runs the images are
    cross-faded, and their codes turned onto each other first (`vaewidgets.diagnostics.turned_onto`): what
    lies between two runs is a picture, not a model.

    Rate and distortion are those of up to 256 test images, with the same noise at every beta. The dashed line
    has the slope −beta: where the loss is least, it touches the curve.

    Key of the view: `beta` (None: the middle).

    References
    ----------
    Bae et al. 2023, arXiv:2212.03905 (Multi-Rate VAE); Alemi et al. 2018, arXiv:1711.00464.

    Examples
    --------
    >>> model = vw.MultiRateVAE(data.image_shape)                          # doctest: +SKIP
    >>> BetaAxis(vw.train(model, data, beta=vw.LogUniform(0.1, 10)))       # doctest: +SKIP
    >>> BetaAxis(vw.sweep(vw.MLPVAE, data, beta=[0.1, 1, 10], epochs=20))  # doctest: +SKIP
    """

    _esm = STATIC / "beta_axis.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("beta",)
    _takes_several = True
    _figure_size = (9.0, 6.4)

    def __init__(
        self,
        runs: Run | Iterable[Run] | Sweep,
        *,
        images: int | Sequence[int] = 8,
        points: int = 400,
        stops: int = 13,
    ) -> None:
        self._images = check_images(images)
        self._points, self._count = whole("points", points, 2), whole("stops", stops, 2)
        self._shown: Sample | None = None
        self._stops: dict[str, list[Stop]] = {}  # by run
        self._snapshots: dict[str, Snapshot] = {}
        self._plane_before: Projection | None = None
        super().__init__(runs)

    def _checked_runs(self, source: Any) -> tuple[Run, ...]:
        runs = super()._checked_runs(source)
        if len(runs) == 1:
            if not traits(runs[0].model).takes_beta:
                name = type(runs[0].model).__name__
                raise OptionError(
                    f"BetaAxis got one run, of {name}, which knows one beta; expected a model conditioned on "
                    f"beta, run = {_TRAIN}, or several runs: vw.sweep(vw.{name}, data, beta=[0.1, 1, 10])."
                )
            return runs
        betas = [run.current_beta for run in runs]
        if len(set(betas)) < len(runs) or min(betas) <= 0:
            listed = ", ".join(f"{beta:g}" for beta in betas)
            raise OptionError(f"BetaAxis got runs of beta {listed}; expected each another, above 0.")
        shapes = {tuple(run.data.image_shape) for run in runs}
        if len(shapes) > 1:
            raise ShapeError(f"BetaAxis got several image shapes ({sorted(shapes)}); expected one for all.")
        for run in runs:
            if traits(run.model).default_objective != "elbo":
                name = type(run.model).__name__
                raise OptionError(
                    f"BetaAxis got a run of {name}, which has no posterior variance and so no rate. Leave it "
                    "out."
                )
        return runs

    @property
    def _is_one(self) -> bool:
        return len(self._runs) == 1

    @property
    def _sample(self) -> Sample:
        if self._shown is None:
            self._shown = sample_of(self.run, self._points)
            self._index = pick_images(self._shown, self._images)
        return self._shown

    @property
    def beta(self) -> float:
        """Where the slider stands."""
        ends = self._ends()
        beta = self.view.get("beta")
        return (ends[0] * ends[1]) ** 0.5 if beta is None else min(max(float(beta), ends[0]), ends[1])

    def _ends(self) -> tuple[float, float]:
        if self._is_one:
            return self.run.model.betas
        betas = [run.current_beta for run in self._runs]
        return min(betas), max(betas)

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        sample = self._sample
        if self._is_one:
            found = [
                stop_at(_at(snapshot, beta), sample, self._index, beta=beta)
                for beta in evenly_spaced(self._ends(), self._count)
            ]
        else:
            name = self._settings[run.id]["label"]
            found = [stop_at(snapshot, sample, self._index, beta=run.current_beta, name=name)]
        self._stops[run.id], self._snapshots[run.id] = found, snapshot
        return {}

    def _common_state(self) -> Sections:
        stops = sorted((stop for found in self._stops.values() for stop in found), key=lambda one: one.beta)
        if len(stops) < 2:
            return {}  # of separate runs, the others are still to be measured
        codes = [stop.mu for stop in stops] if self._is_one else aligned(stops)
        state, self._plane_before = axis_state(
            stops,
            codes,
            self._sample,
            self._index,
            unit=self.run.unit,
            is_one=self._is_one,
            previous=self._plane_before,
        )
        return {"axis": state}

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        return {"axis_decoder": Feed.of(run).networks.decoder_at(snapshot)} if self._is_one else {}

    def _check_view(self, key: str, value: Any) -> None:
        if key == "beta" and value is not None:
            number(key, value, above=0)

    def _recon(self) -> np.ndarray:
        """The shown images at the slider's beta, u8 (m, C, H, W), as the page shows them."""
        stops = sorted((stop for found in self._stops.values() for stop in found), key=lambda one: one.beta)
        i, share = between([stop.beta for stop in stops], self.beta)
        near = stops[i : i + 2]
        if not self._is_one:
            low, high = (stop.recon.astype(float) for stop in (near[0], near[-1]))
            return (low + (high - low) * share).round().astype(np.uint8)
        exact = stop_at(
            _at(self._snapshots[self.run.id], self.beta), self._sample, self._index, beta=self.beta
        )
        return exact.recon

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Codes, the curve, units and reconstructions at the slider's beta; see `LiveWidget.figure`."""
        from vaewidgets.figures import axis_figure

        frame = self._named_frame()
        return axis_figure(frame, self._recon(), beta=self.beta, size=size or self._figure_size)


def _at(snapshot: Snapshot, beta: float) -> Snapshot:
    """A conditioned model at one beta."""
    return Snapshot(
        snapshot.model.at(beta), snapshot.data, snapshot.likelihood, step=snapshot.step, epoch=snapshot.epoch
    )
