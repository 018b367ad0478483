"""A model and one training step of it for print."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from vaewidgets.contract.packing import unpack
from vaewidgets.contract.palette import COLORS
from vaewidgets.figures.items import Form, draw_vectors, is_vector, to_rgb
from vaewidgets.figures.style import FONT_POINTS, SMALL_POINTS, literal, new_axes, new_figure, note

# the page's own places, in thousandths of the width
_ENCODER, _DECODER, _HEAD, _Z = (128, 352), (622, 846), 412, 530
_IMAGE, _LAYER, _BELOW = 88, 26, -205
_NAMES = {"mu": "μ", "sigma": "σ", "eps": "ε"}


def architecture_figure(step: Mapping[str, Any], *, size: tuple[float, float] = (7.6, 3.4)) -> Figure:
    """Image, encoder, latent, decoder and image, with shapes, gradient norms, and the terms of the loss.

    Parameters
    ----------
    step : mapping
        One training step: kind, encoder, decoder (rows of name, out, params, grad), values, images, terms.
    """
    figure = new_figure(size)
    axes = new_axes(figure)
    axes.set_axis_off()
    axes.set_xlim(0, 1000)
    axes.set_ylim(-250, 170)
    axes.set_aspect("equal")
    most = max([2, *(math.prod(row["out"]) for row in (*step["encoder"], *step["decoder"]))])
    form = step.get("items")
    _image(axes, step["images"]["x"], 16, "x", form)
    _half(axes, step["encoder"], _ENCODER, most, "encoder")
    _latent(axes, step)
    _half(axes, step["decoder"], _DECODER, most, "decoder")
    _image(axes, step["images"]["x_hat"], 1000 - 16 - _IMAGE, "x̂", form)
    _arrow(axes, (16 + _IMAGE, 0), (_ENCODER[0], 0))
    _arrow(axes, (_Z + 27, 0), (_DECODER[0] + 8, 0))
    _arrow(axes, (_DECODER[1] - 8, 0), (1000 - 16 - _IMAGE, 0))
    terms = [("recon", step["recon"], 760), ("loss", step["loss"], 586)]
    if step["kl"] is not None:
        terms.append(("kl", step["kl"], _HEAD))
    for name, value, x in terms:
        _text(axes, x, _BELOW, f"{'KL' if name == 'kl' else name} {value:.4g}", COLORS[name], bold=True)
    note(axes, f"One training step ({step['kind']}): shapes below the layers, norm of the gradient above")
    return figure


def _text(
    axes: Axes, x: float, y: float, text: str, color: str = COLORS["fg2"], *, bold: bool = False
) -> None:
    axes.text(
        x, y, literal(text), ha="center", va="center", color=color,
        fontsize=FONT_POINTS if bold else SMALL_POINTS, fontweight="bold" if bold else "normal",
    )  # fmt: skip


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], dashed: bool = False) -> None:
    style = {"arrowstyle": "-|>", "color": COLORS["fg3"], "lw": 0.8, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops={**style, "linestyle": ":" if dashed else "-"})


def _image(axes: Axes, packed: Mapping[str, Any], x: float, name: str, form: Form) -> None:
    stack, half = unpack(packed)[None], _IMAGE / 2
    if form is not None and is_vector(form):
        draw_vectors(axes, stack, form, np.array([[x, -half, x + _IMAGE, half]]))
    else:
        extent = (x, x + _IMAGE, -half, half)
        axes.imshow(to_rgb(stack, form)[0], extent=extent, interpolation="nearest", aspect="equal", zorder=1)
        axes.set_xlim(0, 1000)
        axes.set_ylim(-250, 170)
    _text(axes, x + _IMAGE / 2, _IMAGE / 2 + 14, name, COLORS["fg"], bold=True)


def _half(axes: Axes, rows: Any, zone: tuple[int, int], most: int, name: str) -> None:
    step = (zone[1] - zone[0]) / max(len(rows), 1)
    _text(axes, sum(zone) / 2, 145, name, COLORS["fg"], bold=True)
    _text(axes, sum(zone) / 2, 122, f"{sum(row['params'] for row in rows):,} weights")
    for i, row in enumerate(rows):
        x = zone[0] + step * (i + 0.5)
        tall = 34 + 130 * math.log(math.prod(row["out"]) + 1) / math.log(most + 1)
        bar = Rectangle((x - _LAYER / 2, -tall / 2), _LAYER, tall, color=COLORS["accent"], alpha=0.7, lw=0)
        bar.set_gid("layer")
        axes.add_patch(bar)
        # shapes of convolutions are long: every second one stands lower where bars are close
        lower = 14 if len(rows) > 3 and i % 2 else 0
        _text(axes, x, -tall / 2 - 12 - lower, "×".join(map(str, row["out"])))
        _text(axes, x, tall / 2 + 12, f"{row['grad']:.3g}", COLORS["loss"])


def _latent(axes: Axes, step: Mapping[str, Any]) -> None:
    balls = {"z": (_Z, 0.0)}
    if step["kind"] != "ae":
        balls |= {"mu": (_HEAD, 68.0), "sigma": (_HEAD, -68.0)}
        for y in (68.0, -68.0):
            _arrow(axes, (_ENCODER[1] - 20, y / 6), (_HEAD - 27, y * 0.8))
            # dotted: no gradient comes back this way
            _arrow(axes, (_HEAD + 25, y * 0.85), (_Z - 22, y / 4), dashed=step["kind"] == "vae")
    else:
        _arrow(axes, (_ENCODER[1] - 20, 0), (_Z - 27, 0))
    if step["kind"] == "reparameterised":
        balls["eps"] = (_Z, -128.0)
        _arrow(axes, (_Z, -103), (_Z, -27))
    for name, (x, y) in balls.items():
        axes.add_patch(Circle((x, y), 25, facecolor="white", edgecolor=COLORS["fg2"], lw=1.0, zorder=3))
        axes.text(x, y, _NAMES.get(name, name), ha="center", va="center", fontsize=FONT_POINTS, zorder=4)
        values = step["values"].get(name)
        if values:
            shown = ", ".join(f"{value:.2f}" for value in values[:2]) + (", …" if len(values) > 2 else "")
            _text(axes, x, y + (38 if y >= 0 else -38), shown)
