"""Several runs side by side over beta, or over any other setting in which they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from vaewidgets.checks import one_of, whole
from vaewidgets.contract.compared import Pictures, Rate
from vaewidgets.contract.frame import LiveState, Sections
from vaewidgets.contract.packing import pack, pack_integers
from vaewidgets.contract.random import normals
from vaewidgets.diagnostics import Projection, rate_distortion
from vaewidgets.engine import Snapshot
from vaewidgets.errors import ShapeError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.feed import Feed
from vaewidgets.live.run_widget import RunWidget, sample_of
from vaewidgets.runs import Run
from vaewidgets.sections.state import Sample, curves_state, scatter_state, to_u8
from vaewidgets.sweeps import Sweep
from vaewidgets.widgets.reconstruction_grid import check_images, pick_images
from vaewidgets.widgets.training_curves import CURVE_KEYS, check_curves_view

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VIEWS = ("recon", "samples", "latent", "curves", "rate")
MOST_DECODERS = 6  # runs whose decoder goes to the page
SAMPLE_STREAM = 1000  # of the draws from the prior; those before belong to the images
RATE_IMAGES = 256
MOST_SEED = 2**31 - 1


class BetaCompare(RunWidget):
    """Runs side by side: the same images with the same ε, the same samples from the prior, latent spaces on
    one scale, curves, and their places in the rate–distortion plane; live while all of them train.

    Parameters
    ----------
    runs : sequence of Run, or Sweep
        With images of one shape. Each is named by the setting that differs ("β = 4"). What is shown of all is
        encoded from images of the first run's data.
    images : int or sequence of int, default 10
        How many images to reconstruct, or which (numbers below 2,000 of test images first, topped up with
        training images).
    samples : int, default 10
        Draws from the prior.
    points : int, default 500
        Images in each latent space.

    Notes
    -----
    Noise comes from a seed alone, so that the page, the kernel and the figure draw the same numbers: image i
    has the noise of stream i, and a run of fewer latent dimensions the first of them.

    Keys of the view: `show` ("recon", "samples", "latent", "curves" or "rate"), `at` (number of the run that
    is brought to the front; None: all alike), `seed` (of ε and of the draws, 0 to begin with), and `log`,
    `smoothing`, `quantity` as in `TrainingCurves`. Where the page has the decoders (of up to six runs) it
    draws again by itself.

    References
    ----------
    Higgins et al. 2017 (beta-VAE); Alemi et al. 2018, arXiv:1711.00464 (rate and distortion).

    Examples
    --------
    >>> sweep = vw.sweep(vw.MLPVAE, data, beta=[0.1, 1, 4], epochs=20)   # doctest: +SKIP
    >>> BetaCompare(sweep)                                               # doctest: +SKIP
    """

    _esm = STATIC / "beta_compare.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("show", "at", "seed", *CURVE_KEYS)
    _takes_several = True
    _figure_size = (8.0, 5.0)

    def __init__(
        self,
        runs: Run | Iterable[Run] | Sweep,
        *,
        images: int | Sequence[int] = 10,
        samples: int = 10,
        points: int = 500,
    ) -> None:
        self._images, self._samples = check_images(images), whole("samples", samples, 1)
        self._points = whole("points", points, 1)
        self._shown: Sample | None = None
        self._projections: dict[str, Projection] = {}
        self._drawn: dict[str, Snapshot] = {}
        super().__init__(runs)

    def _checked_runs(self, source: Any) -> tuple[Run, ...]:
        runs = super()._checked_runs(source)
        shapes = {run.name: tuple(run.data.image_shape) for run in runs}
        if len(set(shapes.values())) > 1:
            listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise ShapeError(f"BetaCompare got several image shapes ({listed}); expected one for all runs.")
        return runs

    @property
    def _sample(self) -> Sample:
        if self._shown is None:
            self._shown = sample_of(self.run)
            self._index = pick_images(self._shown, self._images)
            self._cloud = sample_of(self.run, self._points)
        return self._shown

    @property
    def seed(self) -> int:
        """Of ε and of the draws from the prior."""
        return int(self.view.get("seed") or 0)

    def _common_state(self) -> Sections:
        sample = self._sample
        labels = sample.classes
        return {
            "compare": {
                "originals": pack(sample.images_u8[self._index].numpy(), "u8"),
                "labels": None if labels is None else pack_integers(labels[self._index]),
                "n_samples": self._samples,
                "sample_stream": SAMPLE_STREAM,
            }
        }

    def _history_state(self, run: Run) -> Sections:
        pictures = self._sections.get(run.id, {}).get("pictures")
        if pictures is not None and pictures["seed"] != self.seed and run.id in self._drawn:
            self._sections[run.id]["pictures"] = self._pictures(self._drawn[run.id])
        return {"curves": curves_state(run)}

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        pictures = self._pictures(snapshot)
        mu, logvar = snapshot.encode(self._cloud.images, snapshot.labels_needed(self._cloud.labels))
        scatter, self._projections[run.id] = scatter_state(
            self._cloud, snapshot, mu, self._projections.get(run.id)
        )
        self._drawn[run.id] = snapshot
        sections: Sections = {"pictures": pictures, "scatter": scatter}
        if logvar is not None:
            sections["rate"] = self._rate(run, snapshot)
        return sections

    def _pictures(self, snapshot: Snapshot) -> Pictures:
        """Reconstructions of the images with the seed's ε, and decoded draws from the prior."""
        seed, d = self.seed, snapshot.model.latent_dim
        labels = self._sample.labels
        known = snapshot.labels_needed(None if labels is None else labels[self._index])
        mu, logvar = snapshot.encode(self._sample.images[self._index], known)
        z = mu
        if logvar is not None:
            z = mu + torch.exp(0.5 * logvar) * _noise(len(mu), d, seed, 0)
        draws = None
        if logvar is not None:
            drawn = snapshot.decode(_noise(self._samples, d, seed, SAMPLE_STREAM))
            draws = pack(to_u8(snapshot.data, drawn), "u8")
        return {
            "step": snapshot.step,
            "seed": seed,
            "mu": pack(mu.numpy(), "f32"),
            "sigma": None if logvar is None else pack(torch.exp(0.5 * logvar).numpy(), "f32"),
            "recon": pack(to_u8(snapshot.data, snapshot.decode(z, known)), "u8"),
            "samples": draws,
        }

    def _rate(self, run: Run, snapshot: Snapshot) -> Rate:
        images = self._sample.images[:RATE_IMAGES].to(run.device)
        generator = torch.Generator(run.device).manual_seed(0)
        found = rate_distortion(snapshot.model, run.likelihood, images, generator=generator)
        return {
            "step": snapshot.step,
            "rate": found.rate,
            "distortion": found.distortion,
            "rate_error": found.rate_error if found.n > 1 else None,
            "distortion_error": found.distortion_error if found.n > 1 else None,
            "n": found.n,
            "unit": found.unit,
            "normalised": found.normalised,
        }

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        if self._runs.index(run) >= MOST_DECODERS:
            return {}
        return {"decoder": Feed.of(run).networks.decoder(snapshot)}

    def _check_view(self, key: str, value: Any) -> None:
        check_curves_view(key, value)
        if key == "show":
            one_of(key, value, VIEWS)
        if key == "at" and value is not None:
            whole(key, value, 0, len(self._runs) - 1)
        if key == "seed":
            whole(key, value, 0, MOST_SEED)

    def _view_changed(self, key: str, value: Any) -> None:
        if key == "seed":
            for run in self._runs:
                Feed.of(run).wake(urgent=True)

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """What the view shows, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import compare_figure

        view = self.view
        return compare_figure(
            self._named_frame(),
            show=view.get("show") or "recon",
            log=bool(view.get("log")),
            smoothing=float(view.get("smoothing") or 0),
            quantity=view.get("quantity"),
            size=size or self._figure_size,
        )


def _noise(n: int, d: int, seed: int, stream: int) -> Tensor:
    """N(0, I) of shape (n, d), as the page draws it."""
    return torch.from_numpy(np.stack([normals(d, seed, stream + i) for i in range(n)]))
