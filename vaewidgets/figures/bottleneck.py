"""A sweep over the size of the bottleneck for print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaewidgets.contract.palette import COLORS
from vaewidgets.figures.style import DASHED, SMALL_POINTS, new_axes, new_figure, note, per_image

Part = Mapping[str, Any]


def bottleneck_figure(frame: Part, *, size: tuple[float, float] = (7.6, 5.2)) -> Figure:
    """Recon, kl, loss and active units against latent_dim: a point a run, a line through the means.

    Parameters
    ----------
    frame : mapping
        "size", "active" and "run" of the first run, the same of the others in "others", and "sweep".
    """
    parts = [frame, *frame.get("others", ())]
    unit = str((frame.get("run") or {}).get("unit", ""))
    figure = new_figure(size)
    grid = figure.add_gridspec(2, 2)
    elbow = (frame.get("sweep") or {}).get("elbow", {}).get("latent_dim")
    panels = [("recon", unit), ("kl", "nats"), ("loss", unit), ("active", "units")]
    for i, (name, what) in enumerate(panels):
        axes = new_axes(figure, grid[i // 2, i % 2])
        color = COLORS["fg"] if name == "active" else COLORS[name]
        pairs = _pairs(parts, name)
        dims = sorted({d for d, _ in pairs})
        axes.plot([d for d, _ in pairs], [v for _, v in pairs], "o", color=color, markersize=3.5, alpha=0.6)
        means = [float(np.mean([v for d, v in pairs if d == dim])) for dim in dims]
        axes.plot(dims, means, color=color, linewidth=1.3)
        axes.set_xscale("log", base=2)
        axes.set_xticks(dims, [str(dim) for dim in dims])
        axes.minorticks_off()
        axes.set_xlabel("latent_dim")
        title = "active units, by KL" if name == "active" else f"{name}, {per_image(what)}"
        note(axes, title)
        if elbow is not None:
            axes.axvline(elbow, color=COLORS["fg2"], linewidth=0.8, linestyle=DASHED, gid="elbow")
            if i == 0:
                axes.annotate(
                    f"elbow at {elbow}", (elbow, 1), xycoords=("data", "axes fraction"), xytext=(3, -8),
                    textcoords="offset points", fontsize=SMALL_POINTS, color=COLORS["fg2"],
                )  # fmt: skip
    return figure


def _pairs(parts: list[Part], name: str) -> list[tuple[int, float]]:
    found = []
    for part in parts:
        state = part["size"]
        value = (part.get("active") or {}).get("kl") if name == "active" else state[name]
        if value is not None:
            found.append((int(state["latent_dim"]), float(value)))
    return found
