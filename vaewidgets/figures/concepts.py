"""The pictures of ideas for print, from plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaewidgets.contract.packing import unpack
from vaewidgets.contract.palette import COLORS
from vaewidgets.contract.random import normals
from vaewidgets.figures.style import DASHED, SMALL_POINTS, new_axes, new_figure, note, stacked


def log_density(x: NDArray[Any], mu: float, sigma: float) -> NDArray[Any]:
    """Natural log of the density of N(mu, sigma²)."""
    return -0.5 * ((x - mu) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)


def kl_figure(view: Mapping[str, Any], *, size: tuple[float, float] = (6.4, 4.2)) -> Figure:
    """Two Gaussian densities, above the integrand of their KL with its positive and negative areas.

    Parameters
    ----------
    view : mapping
        mu, sigma, prior_mu, prior_sigma, and direction: "qp" for KL(q || p), "pq" for KL(p || q).
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
    above, below = stacked(figure, (3, 2))
    above.plot(x, np.exp(log_p), color=COLORS["fg"], linewidth=1.1, linestyle=DASHED, gid="prior")
    above.plot(x, np.exp(log_q), color=COLORS["accent"], linewidth=1.6, gid="posterior")
    for label, (mean, sd), log, color in (("p", p, log_p, "fg"), ("q", q, log_q, "accent")):
        above.annotate(
            f"{label} = N({mean:.2f}, {sd:.2f}²)", (x[log.argmax()], np.exp(log.max())), xytext=(0, 3),
            textcoords="offset points", ha="center", fontsize=SMALL_POINTS, color=COLORS[color],
        )  # fmt: skip
    above.set_ylim(bottom=0)
    above.set_ylabel("density")
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


Function = Callable[[NDArray[Any]], NDArray[Any]]
# f, its slope, its name
_TARGETS: dict[str, tuple[Function, Function, str]] = {
    "square": (np.square, lambda z: 2 * z, "z²"),
    "sine": (np.sin, np.cos, "sin z"),
    "cube": (lambda z: z**3, lambda z: 3 * z**2, "z³"),
    "step": (lambda z: (z > 0).astype(float), np.zeros_like, "1 where z > 0"),
}
_GREEK = {"mu": "μ", "sigma": "σ"}
_REPEATS = 400


def gradient_estimates(view: Mapping[str, Any]) -> dict[str, dict[str, NDArray[Any]]]:
    """Estimates of the derivatives of E[f(z)], as the page draws them: by parameter, then "path" or "score".

    Parameters
    ----------
    view : mapping
        mu, sigma, f, samples, seed.

    Returns
    -------
    dict of dict of ndarray, shape (400,)
        The first is that of the draws in the picture.
    """
    mu, sigma, n = view["mu"], view["sigma"], view["samples"]
    f, slope, _ = _TARGETS[view["f"]]
    eps = normals(n * _REPEATS, view["seed"]).astype(np.float64).reshape(_REPEATS, n)
    z = mu + sigma * eps
    each = {
        "mu": {"path": slope(z), "score": f(z) * eps / sigma},
        "sigma": {"path": slope(z) * eps, "score": f(z) * (eps**2 - 1) / sigma},
    }
    return {by: {way: values.mean(1) for way, values in ways.items()} for by, ways in each.items()}


def reparameterization_figure(
    view: Mapping[str, Any], exact: tuple[float, float], *, size: tuple[float, float] = (7.2, 4.2)
) -> Figure:
    """Draws of eps on their way to z; below, how far both estimates of the gradient spread.

    Parameters
    ----------
    view : mapping
        mu, sigma, f, samples, seed.
    exact : (by mu, by sigma)
        The derivatives of E[f(z)].
    """
    figure = new_figure(size)
    grid = figure.add_gridspec(2, 2, height_ratios=(3, 2))
    above = new_axes(figure, grid[0, :])
    eps = normals(view["samples"], view["seed"])[:48]
    for one in eps:
        above.plot(
            (one, view["mu"] + view["sigma"] * one), (0, 1), color=COLORS["accent"], linewidth=0.6, alpha=0.6
        )
    above.plot(eps, np.zeros_like(eps), "|", color=COLORS["fg"], markersize=7)
    above.plot(view["mu"] + view["sigma"] * eps, np.ones_like(eps), "|", color=COLORS["accent"], markersize=7)
    above.set_yticks((0, 1), ("ε", "z"))
    above.set_ylim(-0.15, 1.15)
    above.set_xlim(-6, 6)
    note(
        above,
        f"z = μ + σ·ε with μ = {view['mu']:g}, σ = {view['sigma']:g}: the noise stays outside",
    )
    found = gradient_estimates(view)
    text = _TARGETS[view["f"]][2]
    for column, (by, value) in enumerate(zip(("mu", "sigma"), exact, strict=True)):
        axes = new_axes(figure, grid[1, column])
        sds = {way: float(found[by][way].std()) for way in ("path", "score")}
        spread = max(*sds.values(), 0.02)
        for way, color in (("score", "fg3"), ("path", "accent")):
            axes.hist(
                found[by][way], bins=40, range=(value - 3 * spread, value + 3 * spread), color=COLORS[color],
                alpha=0.75, gid=way,
            )  # fmt: skip
        axes.axvline(value, color=COLORS["fg"], linewidth=1.0, linestyle=DASHED, gid="exact")
        axes.set_yticks([])
        axes.set_xlabel(
            f"∂E[{text}]/∂{_GREEK[by]} = {value:.3f}: ±{sds['path']:.3f} path, ±{sds['score']:.3f} score",
            fontsize=SMALL_POINTS,
        )
    return figure


def annealing_figure(
    steps: Sequence[int],
    beta: Sequence[float],
    view: Mapping[str, Any],
    *,
    held: tuple[str, Sequence[float]] | None = None,
    recorded: Mapping[str, Any] | None = None,
    size: tuple[float, float] = (6.4, 4.2),
) -> Figure:
    """Beta over the steps; below, the loss and its two terms if recon and KL stayed constant.

    Below a schedule that holds a term: that term of an example.

    Parameters
    ----------
    steps, beta : sequence
        Of the same length.
    view : mapping
        recon and kl, the costs that are held; target_kl and target_recon, where a schedule holds one.
    held : (str, sequence), optional
        "kl" or "recon", and the example's values at the steps.
    recorded : mapping, optional
        Of a run: name, and step and beta packed.
    """
    figure = new_figure(size)
    grid = figure.add_gridspec(2, 1)
    above, below = new_axes(figure, grid[0]), new_axes(figure, grid[1])
    weights = np.asarray(beta, float)
    above.plot(steps, weights, color=COLORS["beta"], linewidth=1.8, gid="beta")
    if recorded is not None:
        above.plot(
            unpack(recorded["step"]), unpack(recorded["beta"]), color=COLORS["fg2"], linewidth=1.0,
            linestyle=DASHED, gid="recorded",
        )  # fmt: skip
    above.set_ylim(bottom=0)
    above.set_ylabel("β")
    if held is None:
        note(above, "KL weight β at each step; below, the loss if recon and KL stayed constant")
        recon, kl = float(view["recon"]), float(view["kl"])
        terms = {"recon": np.full_like(weights, recon), "kl": weights * kl, "loss": recon + weights * kl}
        names = {"kl": "β · KL"}
        below.set_ylabel("cost")
    else:
        name, values = held
        term = {"kl": "KL", "recon": "recon"}[name]
        note(above, f"KL weight β that holds the {term} of an example; below, that {term}")
        terms, names = {name: np.asarray(values, float)}, {"kl": "KL"}
        target = float(view[f"target_{name}"])
        below.axhline(target, color=COLORS["fg2"], linewidth=1.0, linestyle=DASHED, gid="target")
        said = f"dashed: {target:g} nats wanted"
        if recorded is not None and recorded[name] is not None:
            said += f", and {term} as recorded"
            seen = unpack(recorded[f"{name}_step"]), unpack(recorded[name])
            below.plot(*seen, color=COLORS[name], linewidth=1.0, linestyle=DASHED, gid="recorded")
        note(below, said)
        below.set_ylabel(f"{term} (nats)")
    for name, costs in terms.items():
        below.plot(steps, costs, color=COLORS[name], linewidth=1.4, gid=name)
        below.annotate(
            names.get(name, name), (1, costs[-1]), xycoords=("axes fraction", "data"),
            xytext=(3, 0), textcoords="offset points", va="center", fontsize=SMALL_POINTS, color=COLORS[name],
        )  # fmt: skip
    below.set_ylim(bottom=0)
    below.set_xlabel("step")
    return figure
