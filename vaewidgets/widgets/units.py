"""What switching latent dimensions off costs, as a live key; and the keys of the view that say which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from vaewidgets.data import Sample
from vaewidgets.diagnostics.forward import Forward
from vaewidgets.errors import OptionError
from vaewidgets.packing import pack
from vaewidgets.training import Run, Snapshot

__all__ = ["ablation_state", "check_units_view"]

IMAGES = 500
MOST_UNITS = 64  # of more, only those that are switched off are tried


def check_units_view(key: str, value: Any, latent_dim: int) -> None:
    """Raise an `OptionError` if `value` cannot be `delta`, `var_threshold` or `off`."""
    if value is None:
        return
    if key in ("delta", "var_threshold") and (
        isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0
    ):
        raise OptionError(f"{key} is {value!r}; wanted a number of at least 0.")
    if key == "off" and (
        not isinstance(value, list)
        or not all(isinstance(j, int) and not isinstance(j, bool) and 0 <= j < latent_dim for j in value)
    ):
        raise OptionError(f"off is {value!r}; wanted numbers of units from 0 to {latent_dim - 1}.")


def ablation_state(
    run: Run, snapshot: Snapshot, sample: Sample, view: Mapping[str, Any]
) -> dict[str, Any] | None:
    """By how much the mean reconstruction term rises with each unit at its mean, and with all of `off`.

    While the run trains it is computed only once a unit is switched off: it takes a pass through the decoder
    for each unit.

    Returns
    -------
    dict or None
        `cost` has NaN where a unit was not tried; see js/parts/units.js.
    """
    # Of a run before there may be more.
    off = [int(j) for j in view.get("off") or [] if j < snapshot.model.latent_dim]
    if run.status == "running" and not off:
        return None
    forward = Forward(snapshot.model, snapshot.likelihood)
    x = sample.images[:IMAGES]
    labels = None
    if forward.takes_labels and sample.labels is not None:
        labels = torch.from_numpy(sample.labels[:IMAGES])
    mu, _ = forward.encode(x, labels)
    silent = mu.mean(dim=0)

    def recon_without(units: list[int]) -> float:
        z = mu.clone()
        z[:, units] = silent[units]
        return float(forward.score(z, x, labels)[0].mean())

    base = recon_without([])
    dims = mu.shape[1]
    cost = np.full(dims, np.nan, np.float32)
    for j in range(dims) if dims <= MOST_UNITS else off:
        cost[j] = recon_without([j]) - base
    return {
        "step": snapshot.step,
        "unit": forward.likelihood.unit,
        "recon": base,
        "n": len(x),
        "cost": pack(cost, "f32"),
        "off": off,
        "together": recon_without(off) - base if off else None,
    }
