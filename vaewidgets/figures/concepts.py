"""The pictures of ideas for print, from plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaewidgets.figures.palette import COLORS
from vaewidgets.figures.style import SMALL_POINTS, new_axes, new_figure, note

__all__ = ["kl_figure"]

DASHED = (0, (4, 3))


def log_density(x: NDArray[Any], mu: float, sigma: float) -> NDArray[Any]:
    """Natural log of the density of N(mu, sigma²)."""
    return -0.5 * ((x - mu) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)


def kl_figure(view: Mapping[str, Any], *, size: tuple[float, float] = (6.4, 4.2)) -> Figure:
    """Two Gaussian densities, above the integrand of their KL with its positive and negative areas.

    Parameters
    ----------
    view : mapping
        mu, sigma, prior_mu, prior_sigma, and direction: "qp" for KL(q || p), "pq" for KL(p || q).
    size : tuple of float
        Inches.
    """
    q, p = (view["mu"], view["sigma"]), (view["prior_mu"], view["prior_sigma"])
    reach = [side * 5 * sigma + mu for mu, sigma in (q, p) for side in (-1, 1)]
    x = np.linspace(max(min(reach), -9.0), min(max(reach), 9.0), 1201)
    log_q, log_p = log_density(x, *q), log_density(x, *p)
    forward = view.get("direction", "qp") == "qp"
    first, second = (log_q, log_p) if forward else (log_p, log_q)
    inside = np.exp(first) * (first - second)
    name = "KL(q ‖ p)" if forward else "KL(p ‖ q)"
    (mu, sigma), (other_mu, other_sigma) = (q, p) if forward else (p, q)
    shift = 0.5 * ((mu - other_mu) / other_sigma) ** 2
    ratio = 2 * np.log(sigma / other_sigma)
    spread = 0.5 * (np.expm1(ratio) - ratio)
    figure = new_figure(size)
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 2))
    above = new_axes(figure, grid[0])
    below = new_axes(figure, grid[1], sharex=above)
    above.plot(x, np.exp(log_p), color=COLORS["fg"], linewidth=1.1, linestyle=DASHED, gid="prior")
    above.plot(x, np.exp(log_q), color=COLORS["accent"], linewidth=1.6, gid="posterior")
    for label, (mean, sd), log, color in (("p", p, log_p, "fg"), ("q", q, log_q, "accent")):
        above.annotate(
            f"{label} = N({mean:.2f}, {sd:.2f}²)", (x[log.argmax()], np.exp(log.max())), xytext=(0, 3),
            textcoords="offset points", ha="center", fontsize=SMALL_POINTS, color=COLORS[color],
        )  # fmt: skip
    above.set_ylim(bottom=0)
    above.set_ylabel("density")
    above.tick_params(labelbottom=False)
    below.fill_between(x, inside.clip(min=0), color=COLORS["kl"], alpha=0.55, linewidth=0, gid="gain")
    below.fill_between(x, inside.clip(max=0), color=COLORS["off"], alpha=0.9, linewidth=0, gid="loss")
    below.axhline(0, color=COLORS["fg3"], linewidth=0.6)
    below.set_ylabel("q ln(q/p)" if forward else "p ln(p/q)")
    below.set_xlabel("z")
    total = shift + spread
    note(
        above,
        f"{name} = {total:.3f} nats: shift {shift:.3f} + spread {spread:.3f}; below, what it sums over z",
    )
    return figure
