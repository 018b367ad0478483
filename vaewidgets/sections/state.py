"""Sections of a frame, each built by one pure function of a run's records or of a snapshot.

A section is a plain dict of small JSON values and packed arrays (`vaewidgets.contract.packing`), complete and
bounded: it costs the same after a million steps as after a thousand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaewidgets.contract.packing import pack, pack_integers, pack_quantised
from vaewidgets.contract.random import normals
from vaewidgets.contract.sections import (
    Classes,
    Curves,
    GridData,
    Items,
    Packed,
    RunState,
    ScatterData,
    Series,
    Units,
)
from vaewidgets.data import ImageDataset, Sample
from vaewidgets.diagnostics import Projection, active_units, prior_circle, project
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.objectives import TERMS
from vaewidgets.runs import Run

CURVE_POINTS = 1000  # min-max buckets a series
THUMBNAIL_BYTES = 1_600_000  # of all originals of one widget, sent once
MOST_NAMES = 512  # of features, sent with each frame
LARGEST = 1e30  # number of a point, well within float32
MOST_EXACT = 2**53 - 1  # a whole number that JavaScript holds exactly
MOST_DECODED = 4096  # numbers or points that a page may ask for at once


def explain(error: BaseException) -> str:
    """Return an error as one line for a widget's panel."""
    return f"{type(error).__name__}: {error}"


def items_state(data: ImageDataset) -> Items | None:
    """How items are drawn; None for grey and color images. Long lists of names stay in Python."""
    items = data.items
    if items is None:
        return None
    known = items.names is not None and len(items.names) <= MOST_NAMES
    return {
        "draw": items.draw,
        "shape": list(items.drawn_shape),
        "channels": items.channels,
        "range": list(data.value_range),
        "names": list(items.names or ()) if known else None,
    }


def run_state(run: Run) -> RunState:
    """Who is running, how far, with which controls."""
    data, likelihood = run.data, run.likelihood
    items = items_state(data)
    state: RunState = {
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "error": run.error_text or run.warning,
        "can_train": run.can_train,
        "step": run.step,
        "epoch": run.epoch,
        "epochs": run.epochs,
        "steps_per_epoch": run.steps_per_epoch,
        "steps_per_second": run.steps_per_second,
        "beta": run.current_beta,
        "beta_controllable": run.beta_is_controllable,
        "beta_schedule": run.beta_description,
        "lr": run.lr,
        "lr_controllable": run.lr_is_controllable,
        "speed": run.speed,
        "unit": run.unit,
        "likelihood": likelihood.name,
        "dataset": data.name,
        "device": str(run.device),
        "image_shape": list(data.image_shape),
        "value_range": list(data.value_range),
        "latent_dim": run.model.latent_dim,
    }
    if items is not None:
        state["items"] = items
    if run.test_name != "test":
        state["test_name"] = run.test_name
    return state


def classes_state(data: ImageDataset) -> Classes | None:
    """What class indices in a frame stand for: their names, and the labels by which the view knows them.

    Sent once, not with each frame: there may be thousands. JavaScript's numbers are exact up to 2⁵³; a larger
    value travels as text.
    """
    classes = data.classes
    if classes is None:
        return None
    values = [value if abs(value) <= MOST_EXACT else str(value) for value in classes.values.tolist()]
    return {"names": list(classes.names), "values": values}


def curves_state(run: Run, max_points: int = CURVE_POINTS) -> Curves:
    """Loss, recon, kl and beta against the step; the test set's once an epoch, or means of many."""
    series: list[Series] = []
    for name in (*TERMS, "beta"):
        curve = run.recorder.curve(name, max_points)
        if len(curve.step):
            band = name != "beta"
            series.append(
                {
                    "name": name,
                    "split": "train",
                    "step": pack(curve.step, "f32"),
                    "mean": pack(curve.mean, "f32"),
                    "low": pack(curve.low, "f32") if band else None,
                    "high": pack(curve.high, "f32") if band else None,
                }
            )
    for name in TERMS:
        curve = run.recorder.held_out_curve(name, max_points)
        if len(curve.step):
            series.append(
                {
                    "name": name,
                    "split": "test",
                    "step": pack(curve.step, "f32"),
                    "mean": pack(curve.mean, "f32"),
                    "low": None,
                    "high": None,
                }
            )
    return {"series": series}


def scatter_state(
    sample: Sample,
    snapshot: Snapshot,
    mu: Tensor,
    previous: Projection | None,
    logvar: Tensor | None = None,
) -> tuple[ScatterData, Projection]:
    """Posterior means of the sample on a plane, and the plane (so that the next one does not flip)."""
    projection = project(mu, previous=previous)
    center, radii = prior_circle(projection)
    direct = projection.mode != "pca"
    state: ScatterData = {
        "step": snapshot.step,
        "mode": projection.mode,
        "axes": list(projection.axes),
        "explained": None if direct else [float(ratio) for ratio in projection.explained],
        "points": pack_quantised(np.asarray(projection.points)),
        "labels": None if sample.classes is None else pack_integers(sample.classes),
        "spread": None if logvar is None else pack_quantised(plane_covariance(projection, logvar)),
        "projection": None
        if direct
        else {"mean": pack(projection.mean, "f32"), "components": pack(projection.components, "f32")},
        "prior": {"center": [float(c) for c in center], "radii": [float(r) for r in radii]},
        "n_test": sample.n_test,
        "n_train": sample.n_train,
    }
    return state, projection


def plane_covariance(projection: Projection, logvar: Tensor) -> np.ndarray:
    """Covariance of each posterior as seen on the plane: C diag(sigma²) Cᵀ.

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Its entries 11, 12 and 22.
    """
    across, up = projection.components
    var = logvar.double().exp()
    return torch.stack([var @ across**2, var @ (across * up), var @ up**2], dim=1).numpy()


def units_state(
    snapshot: Snapshot, mu: Tensor, logvar: Tensor | None, delta: float, var_threshold: float
) -> Units:
    """KL and Var(mu) of each latent dimension, with both thresholds."""
    if logvar is None:
        raise OptionError(
            f"{type(snapshot.model).__name__} has no posterior variance, so there is no KL and no unit that "
            "could be active: this is for variational models."
        )
    units = active_units(mu, logvar, delta=delta, var_threshold=var_threshold)
    return {
        "step": snapshot.step,
        "kl": pack(np.asarray(units.kl), "f32"),
        "var_mu": pack(np.asarray(units.var_mu), "f32"),
        "delta": delta,
        "var_threshold": var_threshold,
        "n": units.n,
    }


def grid_state(
    sample: Sample, index: np.ndarray, snapshot: Snapshot, name: str, *, seed: int | None = None
) -> GridData:
    """Originals over reconstructions, decoded from the posterior means or, with a seed, from draws."""
    known = snapshot.labels_needed(None if sample.labels is None else sample.labels[index])
    z, logvar = snapshot.encode(sample.images[index], known)
    if seed is not None and logvar is not None:
        eps = np.stack([normals(z.shape[1], seed, int(i)) for i in index])
        z = z + (logvar / 2).exp() * torch.from_numpy(eps)
    x_hat = snapshot.decode(z, known)
    labels = None if sample.classes is None else pack_integers(sample.classes[index])
    return {
        "step": snapshot.step,
        "indices": pack(index, "i32"),
        "seed": seed,
        "labels": labels,
        "originals": pack(sample.images_u8[index].numpy(), "u8"),
        "rows": [{"name": name, "images": pack(to_u8(snapshot.data, x_hat), "u8")}],
    }


def originals_state(sample: Sample) -> Packed:
    """Thumbnails of the first points, as many as fit into `THUMBNAIL_BYTES`."""
    images = sample.images_u8
    fit = max(1, THUMBNAIL_BYTES // max(1, images[0].numel()))
    return pack(images[:fit].numpy(), "u8")


def decoded_image(snapshot: Snapshot, z: Any) -> Packed:
    """Decode one point, or a list of points, for a page that cannot run the decoder itself."""
    wanted = snapshot.model.latent_dim
    points = _asked_points(z, wanted)
    images = to_u8(snapshot.data, snapshot.decode(points.reshape(-1, wanted)))
    return pack(images if points.ndim == 2 else images[0], "u8")


def _asked_points(z: Any, wanted: int) -> Tensor:
    """Read one point (latent_dim,) or several (n, latent_dim) from what a page sent."""
    rows = z if isinstance(z, list) and z and isinstance(z[0], list) else [z]
    if not 1 <= len(rows) <= MOST_DECODED:
        raise ShapeError(f"the page asked to decode {len(rows):,} points; expected at most {MOST_DECODED:,}.")
    for row in rows:
        if not isinstance(row, list) or len(row) != wanted:
            got = f"{len(row)} numbers" if isinstance(row, list) else type(row).__name__
            raise ShapeError(f"the page asked to decode {got}; this model wants {wanted} numbers.")
        if not all(isinstance(one, int | float) and abs(one) <= LARGEST for one in row):
            raise ShapeError(f"the page asked to decode what is no finite number; expected {wanted} of them.")
    return torch.tensor(z, dtype=torch.float32)


def to_u8(data: ImageDataset, x_hat: Tensor) -> np.ndarray:
    """Images for display: `value_range` to 0 ... 255, shape (n, C, H, W)."""
    unit = data.to_unit(x_hat.detach().float().cpu()).clamp(0, 1)
    return (unit * 255).round().to(torch.uint8).numpy()
