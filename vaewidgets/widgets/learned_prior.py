"""The aggregate posterior against N(0, I), and a prior that is fitted to the codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vaewidgets.checks import one_of, whole
from vaewidgets.contract.frame import LiveState, Sections
from vaewidgets.contract.packing import pack_integers, unpack
from vaewidgets.data import SAMPLE_POINTS
from vaewidgets.diagnostics.learned_prior import (
    MOST_COMPONENTS,
    PRIOR_DRAWS,
    GaussianMixture,
    Holes,
    PriorCodes,
    find_holes,
    fit_prior,
    log_aggregate,
    normal_draws,
    prior_codes,
)
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.latent import LatentWidget, decode_u8
from vaewidgets.models import VQVAE
from vaewidgets.runs import Run
from vaewidgets.sections.state import items_state
from vaewidgets.sections.time_line import posterior_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 40  # of EM, once "fit" is pressed


class LearnedPrior(LatentWidget):
    """Where the codes are against where N(0, I) looks for them, and a prior that is fitted to the codes.

    The aggregate posterior q(z) of the images is compared with N(0, I): by KL(q(z) || N(0, I)), and by its
    holes, the share of prior samples that fall where q(z) is less dense than at the least likely per cent of
    the codes. "Fit" then fits a mixture of Gaussians to the codes in the page, and decodes samples of both.

    Parameters
    ----------
    run : Run
        Of a variational model. A VQ-VAE is refused: its codes are entries of a table.
    samples : int, default 10
        Decoded samples of each prior, 1 to 40.
    components : int, default 20
        Gaussians in the mixture, 1 to 40.
    seed : int, default 0
        Of the samples, from 0 up; both priors are given the same eps.

    Raises
    ------
    OptionError
        If the model is a VQ-VAE, or an option is out of its range.

    Notes
    -----
    View keys: ``steps`` (of EM that the prior was fitted by; 0: it is not fitted), ``components``, ``seed``,
    ``show`` ("normal" or "learned": whose samples are on the map; None: of the newest), ``label`` (the class
    given to a conditional decoder). ``hover``, the z of the sample pointed at, is shared.

    The first 1,000 images of the sample are used. The fit needs no kernel, and follows a run that trains.

    References
    ----------
    Hoffman & Johnson 2016, "ELBO surgery" (q(z) against the prior); Tomczak & Welling 2018,
    arXiv:1705.07120 (a mixture as prior); Rombach et al. 2022, arXiv:2112.10752 (latent diffusion).
    """

    _esm = STATIC / "learned_prior.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("steps", "components", "seed", "show", "label")
    _figure_size = (6.4, 5.2)

    def __init__(self, run: Run, *, samples: int = 10, components: int = 20, seed: int = 0) -> None:
        samples = whole("samples", samples, 1, 40)
        (run,) = self._checked_runs(run)
        if isinstance(run.model, VQVAE):
            raise OptionError(
                "LearnedPrior(run) got a run of a VQVAE, whose codes are entries of a table: there is no "
                "N(0, I) to compare them with, and a prior for them is learned over their numbers. Give it a "
                "run of a VAE, or see how the codes are used: vw.CodebookUsage(run)."
            )
        super().__init__(run, SAMPLE_POINTS, options={"samples": samples})
        self.view = {"components": components, "seed": seed}

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        state = super()._snapshot_state(run, snapshot)
        if not state["latent"]["prior"]:
            raise OptionError(
                f"{type(run.model).__name__} has no posterior variance, so its codes are points without a "
                "density, and no prior was asked of them: this is for variational models."
            )
        return state

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        sample = self.sample
        state = super()._weights_state(run, snapshot)
        state["posteriors"] = {**posterior_state(snapshot, sample), "step": snapshot.step}
        if "sample_labels" not in self._live:
            state["sample_labels"] = None if sample.classes is None else pack_integers(sample.classes)
        return state

    def _check_view(self, key: str, value: Any) -> None:
        if key == "steps":
            whole(key, value, 0, STEPS)
        if key == "components":
            whole(key, value, 1, MOST_COMPONENTS)
        if key == "seed":
            whole(key, value, 0)
        if key == "show" and value is not None:
            one_of(key, value, ("normal", "learned"))

    def codes(self) -> PriorCodes:
        """Posteriors that the page has, and a draw of each; see `vaewidgets.diagnostics.prior_codes`."""
        packed = self._live.get("posteriors")
        if packed is None:
            raise OptionError(f"there are no codes: {(self.frame or {})['run']['error']}")
        log = packed["logvar"]
        return prior_codes(unpack(packed["mu"]), None if log is None else unpack(log))

    def holes(self) -> Holes:
        """How q(z) differs from N(0, I), as the page says it."""
        return find_holes(self.codes())

    def fitted(self) -> GaussianMixture:
        """The prior as the page fits it: after its steps of EM, or 40 where "fit" was not pressed."""
        steps = int(self.view.get("steps") or STEPS)
        return fit_prior(self.codes(), components=int(self.view["components"]), steps=steps)

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Codes, fitted prior and samples of both priors, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import learned_prior_figure

        codes, run = self.codes(), self.run
        holes, fitted = find_holes(codes), self.fitted()
        seed, d = int(self.view["seed"]), codes.mu.shape[1]
        snapshot, label = run.snapshot(), self.view.get("label")
        rows, shares, inside = {}, {}, {}
        draws = {"N(0, I)": normal_draws(PRIOR_DRAWS, d, seed), "learned": fitted.draws(PRIOR_DRAWS, seed)}
        for name, z in draws.items():
            inside[name] = log_aggregate(codes, z, holes.smoothing) < holes.threshold
            shares[name] = float(inside[name].mean())
            rows[name] = decode_u8(snapshot, z[: int(self.options["samples"])], label)
        axes = unpack(self.frame["latent"]["directions"]) if d > 2 and self.frame else np.eye(d)
        return learned_prior_figure(
            codes, holes, fitted, plane=axes[:2], draws=draws["N(0, I)"], is_hole=inside["N(0, I)"],
            labels=None if self._live["sample_labels"] is None else unpack(self._live["sample_labels"]),
            rows=rows, shares=shares, items=items_state(run.data), size=size or self._figure_size,
        )  # fmt: skip
