"""The reparameterization trick: noise outside the gradient's path."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, ClassVar, final

from vaewidgets.checks import one_of, whole
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.concept import ConceptWidget, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class ReparameterizationDemo(ConceptWidget):
    """z = mu + sigma·eps, and its estimates of the gradient of E[f(z)] beside those of the score function.

    Parameters
    ----------
    mu, sigma : float, default 0.5 and 1.2
        Mean, from -3 to 3, and standard deviation, from 0.1 to 3, of z.
    f : {"square", "sine", "cube", "step"}
        What is averaged: z², sin z, z³, or 1 where z > 0, which has no slope to follow.
    samples : int, default 16
        Draws for one estimate, 1 to 256.
    seed : int, default 0
        Of the draws.
    eps : float, default -0.3
        The draw that is followed, from -3 to 3.

    Attributes
    ----------
    gradient : tuple of two floats
        The exact derivatives of E[f(z)] by mu and by sigma.

    Notes
    -----
    Keys of `view`: the parameters, by their names.

    References
    ----------
    Kingma & Welling 2014, arXiv:1312.6114, section 2.4; Williams 1992 (the score function).
    """

    _esm = STATIC / "reparameterization_demo.js"
    _keys: ClassVar = {
        "mu": partial(number, least=-3, most=3),
        "sigma": partial(number, least=0.1, most=3),
        "f": partial(one_of, known=("square", "sine", "cube", "step")),
        "samples": partial(whole, least=1, most=256),
        "seed": partial(whole, least=0, most=99_999),
        "eps": partial(number, least=-3, most=3),
    }

    def __init__(
        self,
        mu: float = 0.5,
        sigma: float = 1.2,
        *,
        f: str = "square",
        samples: int = 16,
        seed: int = 0,
        eps: float = -0.3,
    ) -> None:
        super().__init__({"mu": mu, "sigma": sigma, "f": f, "samples": samples, "seed": seed, "eps": eps})

    @property
    def gradient(self) -> tuple[float, float]:
        """The exact derivatives of E[f(z)] by mu and by sigma."""
        mu, sigma = float(self.view["mu"]), float(self.view["sigma"])
        match self.view["f"]:
            case "square":
                return 2 * mu, 2 * sigma
            case "cube":
                return 3 * (mu**2 + sigma**2), 6 * mu * sigma
            case "sine":
                damp = math.exp(-0.5 * sigma**2)
                return math.cos(mu) * damp, -sigma * math.sin(mu) * damp
            case _:
                peak = math.exp(-0.5 * (mu / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
                return peak, -mu / sigma * peak

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """The draws on their way to z and both spreads, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import reparameterization_figure

        return reparameterization_figure(self.view, self.gradient, size=size or (7.2, 4.2))

    def __repr__(self) -> str:
        start = self._start
        return f"ReparameterizationDemo(mu={start['mu']:g}, sigma={start['sigma']:g}, f={start['f']!r})"
