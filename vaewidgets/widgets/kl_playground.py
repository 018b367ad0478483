"""What it costs a posterior to differ from the prior."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, final

from vaewidgets.checks import one_of, sequence
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.concept import ConceptWidget, number, pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MU = (-4.0, 4.0)
SIGMA = (0.03, 5.0)


@final
class KLPlayground(ConceptWidget):
    """KL of one Gaussian from another, split into the cost of the shift and the cost of the spread.

    Parameters
    ----------
    mu, sigma : float, default 1 and 0.5
        Mean, from -4 to 4, and standard deviation, from 0.03 to 5, of the posterior q.
    prior_mu, prior_sigma : float, default 0 and 1
        The same of the prior p.
    direction : {"qp", "pq"}
        Whose integrand is drawn: KL(q || p), which a VAE pays, or KL(p || q).
    kept : sequence of (mu, sigma), at most 8
        Posteriors to compare, ranked by their KL(q || p).

    Attributes
    ----------
    kl : float
        KL(q || p) of what is shown, in nats; `shift` and `spread` are its two parts.

    Notes
    -----
    Keys of `view`: the parameters, by their names. Against N(0, 1) the parts are ½ mu² and
    ½ (sigma² - ln sigma² - 1).

    Examples
    --------
    >>> KLPlayground(mu=1.0, sigma=0.5).kl      # doctest: +SKIP
    0.8181471805599453
    """

    _esm = STATIC / "kl_playground.js"
    _keys: ClassVar = {
        "mu": partial(number, least=MU[0], most=MU[1]),
        "sigma": partial(number, least=SIGMA[0], most=SIGMA[1]),
        "prior_mu": partial(number, least=MU[0], most=MU[1]),
        "prior_sigma": partial(number, least=SIGMA[0], most=SIGMA[1]),
        "direction": partial(one_of, known=("qp", "pq")),
        "kept": pairs((MU[0], SIGMA[0]), (MU[1], SIGMA[1]), 8),
    }

    def __init__(
        self,
        mu: float = 1.0,
        sigma: float = 0.5,
        *,
        prior_mu: float = 0.0,
        prior_sigma: float = 1.0,
        direction: str = "qp",
        kept: Sequence[tuple[float, float]] = (),
    ) -> None:
        given = sequence("kept", kept, "a sequence of pairs (mu, sigma)")
        super().__init__(
            {
                "mu": mu,
                "sigma": sigma,
                "prior_mu": prior_mu,
                "prior_sigma": prior_sigma,
                "direction": direction,
                "kept": [list(pair) for pair in given],
            }
        )

    @property
    def shift(self) -> float:
        """Part of the KL that the mean's distance costs, in nats."""
        return self._parts()[0]

    @property
    def spread(self) -> float:
        """Part of the KL that the width costs, in nats."""
        return self._parts()[1]

    @property
    def kl(self) -> float:
        """KL(q || p) in nats."""
        return sum(self._parts())

    def _parts(self) -> tuple[float, float]:
        view = self.view
        return gaussian_kl(view["mu"], view["sigma"], view["prior_mu"], view["prior_sigma"])

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Both densities, the integrand and the two costs, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import kl_figure

        return kl_figure(self.view, size=size or (6.4, 4.2))

    def __repr__(self) -> str:
        return f"KLPlayground(mu={self._start['mu']:g}, sigma={self._start['sigma']:g})"


def gaussian_kl(
    mu: float, sigma: float, prior_mu: float = 0.0, prior_sigma: float = 1.0
) -> tuple[float, float]:
    """KL of N(mu, sigma²) from N(prior_mu, prior_sigma²): the costs of shift and of spread, nats."""
    log_ratio = 2 * math.log(sigma / prior_sigma)
    shift = 0.5 * ((mu - prior_mu) / prior_sigma) ** 2
    return shift, 0.5 * (math.expm1(log_ratio) - log_ratio)
