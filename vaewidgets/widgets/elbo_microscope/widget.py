"""One image's loss, taken apart: what each pixel and each dimension costs, and what pulls its mean where."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import number, one_of, whole
from vaewidgets.contract.frame import LiveState, Sections
from vaewidgets.contract.packing import pack_integers, unpack
from vaewidgets.contract.sections import Items
from vaewidgets.contract.texts import dim_name
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.feed import Feed
from vaewidgets.live.latent import LatentWidget
from vaewidgets.live.view import is_list
from vaewidgets.runs import Run
from vaewidgets.sections.state import items_state, originals_state, to_u8
from vaewidgets.sections.time_line import posterior_state
from vaewidgets.widgets.elbo_microscope.pulls import Pulls, balance, draws, pulls

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS = 400  # images to choose from, and codes around them
_DRAWS = (1, 16)  # of eps; the same stand in js/widgets/elbo_microscope


class ElboMicroscope(LatentWidget):
    """One image's loss under the microscope, and the two forces that hold its posterior mean.

    Which pixels cost how much (−log p), what each dimension's KL is made of (the shift of its mean, mu²/2,
    and its spread, (sigma² − 1 − ln sigma²)/2), and two arrows at the mean: one along −∂recon/∂mu, towards
    what would reproduce the image better, one along −∂(beta·KL)/∂mu, towards the prior. Where they cancel
    is the best mean for this image; a trained encoder puts it near there. Drag the mean, turn beta, draw eps
    again, let the mean walk to the balance.

    Parameters
    ----------
    run : Run
        Of a model with a posterior variance, and a likelihood that is known pixel by pixel.
    image : int, default 0
        Number of an image among the first 400 of the sample (test images first).
    beta : float, optional
        Weight of the KL in this picture; by default the run's own, as it changes. The run is left alone.

    Attributes
    ----------
    pulls : vaewidgets.widgets.elbo_microscope.pulls.Pulls
        The numbers of the picture as it is turned now.
    balance : vaewidgets.widgets.elbo_microscope.pulls.Pulls
        The same where the pulls cancel, for this beta and the encoder's sigma.

    Notes
    -----
    View keys: ``image``, ``mu`` (where the mean was dragged, null: where the encoder puts it), ``beta``
    (null: the run's), ``samples`` (16 draws of eps in pairs of opposite sign, whose mean is shown, or 1),
    ``seed`` of the draws, ``axes`` ([i, j], the dimensions of the plane, null: those of the greatest KL),
    ``show`` ("prior" or "close": what of the plane is in sight); ``hover`` is shared. The page has the images
    in 256 levels, and the gradient by the decoder's recorded backward pass.
    """

    _esm = STATIC / "elbo_microscope.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("image", "mu", "beta", "samples", "seed", "axes", "show")
    _figure_size = (9.6, 3.8)
    _scores_images = True

    def __init__(self, run: Run, *, image: int = 0, beta: float | None = None) -> None:
        (run,) = self._checked_runs(run)
        told = bool(getattr(run.model, "needs_labels", False))  # the image's class
        super().__init__(run, _POINTS, options={"told": told})
        self.view = {"image": image, "beta": beta, "samples": _DRAWS[-1], "seed": 0}

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        snapshot.likelihood.check_computed("ElboMicroscope")
        sections = super()._snapshot_state(run, snapshot)
        if sections["latent"]["kl"] is None:
            raise OptionError(
                f"{type(snapshot.model).__name__} has no posterior variance, so there is no KL to balance "
                "the reconstruction: this is for variational models. vw.LatentExplorer(run) shows this one."
            )
        return sections

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        sample = self.sample
        state: LiveState = {
            "score": Feed.of(run).networks.score(snapshot),
            "posteriors": {**posterior_state(snapshot, sample), "step": snapshot.step},
        }
        if "originals" not in self._live:
            state["originals"] = originals_state(sample)
            state["sample_labels"] = None if sample.classes is None else pack_integers(sample.classes)
        return state

    def _check_view(self, key: str, value: Any) -> None:
        d = self.run.model.latent_dim
        match key:
            case "image":
                whole(key, value, 0, len(self.sample) - 1, also=", the index of an image")
            case "mu" if value is not None:
                if not is_list(value, int | float) or len(value) != d:
                    raise OptionError(f"mu is {value!r}; expected a list of {d} numbers, or None.")
            case "beta" if value is not None:
                number(key, value, 0, also=", or None for that of the run")
            case "samples":
                one_of(key, value, _DRAWS)
            case "seed":
                whole(key, value, 0)
            case "show":
                one_of(key, value, ("prior", "close"))
            case "axes" if value is not None:
                self._check_dims(key, value, min(2, d))

    def _words(self) -> str:
        return "ELBO microscope"

    @property
    def pulls(self) -> Pulls:
        """What the picture shows: the terms of the loss at the mean, and the two pulls on it."""
        at, mu = self._at(int(self.view["samples"]))
        dragged = self.view.get("mu")
        return at(mu if dragged is None else torch.tensor(dragged).to(mu))

    @property
    def balance(self) -> Pulls:
        """Where the two pulls cancel, by Newton's steps from the encoder's mean over 16 draws."""
        at, mu = self._at(_DRAWS[-1])
        return balance(at, mu, self.run.current_beta)

    def _at(self, n: int) -> tuple[Any, Tensor]:
        """The pulls as a function of the mean, over `n` draws, and the encoder's mean."""
        snapshot, i, view = self.run.snapshot(), int(self.view["image"]), self.view
        x, labels = self.sample.images[i : i + 1], self.sample.labels
        told = snapshot.labels_needed(None if labels is None else labels[i : i + 1])
        mu, logvar = snapshot.encode(x, told)
        if logvar is None:
            raise OptionError("the model has no posterior variance, so nothing pulls towards a prior.")
        device = snapshot.inference.device
        look = partial(
            pulls,
            snapshot.model,
            snapshot.likelihood,
            x[0].to(device),
            logvar=logvar[0].to(device),
            eps=draws(n, mu.shape[1], int(view["seed"])),
            beta=self.run.current_beta if view["beta"] is None else float(view["beta"]),
            labels=None if told is None else told.to(device),
        )

        def at(mean: Tensor) -> Pulls:
            # A foreign model may draw numbers, which a training loop beside it needs.
            with restored_modes(), seeded(0):
                return look(mean)

        return at, mu[0].to(device)

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """What the page shows, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import microscope_figure

        found, settled, run = self.pulls, self.balance, self.run
        sample, d = self.sample, found.mu.numel()
        codes, _ = run.snapshot().encode(sample.images, run.snapshot().labels_needed(sample.labels))
        form, cost = items_state(run.data), found.cost.cpu()
        pixels, cost_form = cost_image(cost.numpy(), form)
        state = {
            **{name: getattr(found, name).cpu().tolist() for name in ("mu", "shift", "spread")},
            **{name: getattr(found, name).cpu().tolist() for name in ("of_recon", "of_kl")},
            **{name: getattr(found, name) for name in ("recon", "beta", "kl", "loss")},
            "sigma": (found.logvar / 2).exp().cpu().tolist(),
            "balance": settled.mu.cpu().tolist(),
            "points": codes.numpy(),
            "classes": sample.classes,
            "names": [dim_name(j) for j in range(d)],
            "dims": self._dims(d),
        }
        images = {
            "x": sample.images_u8[int(self.view["image"])][None].numpy(),
            "x̂": to_u8(run.data, found.x_hat[None]),
            f"−log p of each, at most {float(cost.max()):.3g}": pixels,
        }
        items = dict(zip(images, (form, form, cost_form), strict=True))
        return microscope_figure(
            state, images=images, items=items, unit=run.unit, size=size or self._figure_size
        )

    def _dims(self, d: int) -> list[int]:
        """The dimensions of the plane, as the page chooses them."""
        if self.view.get("axes"):
            return [int(j) for j in self.view["axes"]]
        if d < 3:
            return list(range(d))
        kl = unpack((self.frame or {})["latent"]["kl"])
        return [int(j) for j in np.argsort(-kl, kind="stable")[:2]]


def cost_image(cost: np.ndarray, form: Items | None) -> tuple[np.ndarray, Items]:
    """The cost of each pixel (C, H, W) as bytes, shape (1, C, H, W), and how they are drawn.

    Of images and volumes the channels are summed up and drawn as a heat map, with the least in the darkest
    colour (0, where nothing is below it); values of a vector, series or heat map are drawn as those are.
    """
    if form is None or form["draw"] == "slices":
        cost = cost.sum(axis=0, keepdims=True)
        shape = list(cost.shape[1:])
        form = {"draw": "heatmap", "shape": shape, "channels": "last", "range": [], "names": None}
    low, high = min(float(cost.min()), 0.0), max(float(cost.max()), 1e-12)
    pixels = np.round(255 * (cost - low) / (high - low)).astype(np.uint8)
    return pixels[None], {**form, "range": [low, high]}
