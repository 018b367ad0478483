"""One look at a loop: what it logged lately, and what its model gives for some images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaewidgets.adapters import LossConvention
from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.spread import SPREADS, as_logvar
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.diagnostics.audit.estimate import Estimate, end_of, mean_of, slope_of
from vaewidgets.diagnostics.audit.grid import Facts
from vaewidgets.objectives import decode_raw, encode, get_likelihood, traits
from vaewidgets.objectives.kl import kl_per_dim

FEWEST_VALUES = 8
_MOST_VALUES = 64
_ROUNDING = 1e-5  # of losses that are computed in float32
_DRAWS = 4  # of z, where the batch itself is at hand
LOG_COSH = "log_cosh"  # a loss that is not computed elsewhere: of small errors it is half the squared error


class Reading(NamedTuple):
    """How a model is read."""

    spread: str
    output: str
    likelihood: str


class Images(NamedTuple):
    """Images to measure the model on; `are_the_batch` where they are those that the newest values are of.

    `share` is theirs of all that the loop trains on: all of them are no sample, and have no error but z's.
    """

    x: Tensor
    labels: Tensor | None = None
    are_the_batch: bool = False
    share: float = 0.0


@dataclass(frozen=True)
class Weights:
    """loss = scale · recon + kl_weight · kl, of the logged values themselves."""

    scale: float
    kl_weight: float


@dataclass(frozen=True)
class Look:
    """What was logged lately, and what the model gives.

    Attributes
    ----------
    step : int
    facts : Facts
    logged : mapping of str to Estimate
        loss, recon and kl as the loop reduces them.
    recon : mapping of Reading to Estimate
        Summed over pixels, averaged over images.
    kl : mapping of str to Estimate
        By spread, summed over dimensions, averaged over images.
    declared : mapping of str to float
        Logged over ours, of recon and kl, by the loss convention that was said.
    own : Reading
        As the model is read now.
    weights : Weights or None
        How the logged loss is made of its terms; None where it is not made of these two alone.
    is_exact : bool
        Whether it was measured on the loop's own batch.
    """

    step: int
    facts: Facts
    logged: Mapping[str, Estimate]
    recon: Mapping[Reading, Estimate]
    kl: Mapping[str, Estimate]
    declared: Mapping[str, float]
    own: Reading
    weights: Weights | None = None
    is_exact: bool = False

    def read_as(self, output: str, likelihood: str) -> Look | None:
        """The same, of a model that is now read so; None where that was not measured."""
        own = self.own._replace(output=output, likelihood=likelihood)
        return replace(self, own=own) if own in self.recon else None


def own_reading(model: Any) -> tuple[Reading, frozenset[Reading]]:
    """How a model is read, and all readings of it that are not excluded."""
    convention = getattr(model, "convention", None)
    spread = getattr(convention, "spread", "logvar")
    if convention is None:
        own = Reading(spread, "", model.likelihood)
        return own, frozenset({own})
    own = Reading(spread, convention.output, convention.likelihood)
    others = {Reading(spread, output, likelihood) for output, likelihood in convention.others}
    return own, frozenset({own, *others})


def look_at(
    model: Any,
    images: Images,
    rows: Mapping[str, np.ndarray],
    facts: Facts,
    *,
    step: int,
    losses: LossConvention,
    generator: torch.Generator,
    whole: bool = True,
) -> Look:
    """Measure a copy of the model by all readings, or with ``whole=False`` recon by its own alone.

    Parameters
    ----------
    model : VAE with `decode_raw`
        A copy, in the mode that the loop trains in; its buffers may change.
    images : Images
    rows : mapping of str to ndarray, shape (n,)
        The newest values of "loss", "recon" and "kl", as the loop reduces them; NaN where there is none.
    facts : Facts
    step : int
    losses : LossConvention
        What was said of how the loop reduces its terms.
    generator : torch.Generator
        On the CPU.
    whole : bool
    """
    own, undecided = own_reading(model)
    convention = getattr(model, "convention", None)
    is_drawn = getattr(convention, "spread_is_drawn", False)
    spreads = (own.spread,) if is_drawn else tuple(dict.fromkeys((own.spread, *SPREADS)))
    readings = [own]
    if whole:
        readings += [one for one in _all_readings(model, own, undecided, spreads) if one != own]
    draws = _DRAWS if images.are_the_batch else 1 + (images.share > 0.5)
    device = next((t.device for t in model.parameters()), torch.device("cpu"))
    seed = int(torch.randint(2**31, (), generator=generator))
    with restored_modes(), torch.no_grad(), seeded(seed):  # the model may draw numbers, which the loop needs
        kl, recon = _measure(model, images, readings, spreads, device=device, draws=draws)
    exact = images.are_the_batch
    noise: dict[str, float] = {}
    if exact and own in recon:
        noise = {"kl": kl[own.spread].noise_of_draw, "recon": recon[own].noise_of_draw}
    logged = {}
    prior = getattr(convention, "prior", "standard")
    for name in ("loss", "recon", "kl"):
        found = _newest(rows.get(name), None if name == "loss" or not exact else noise.get(name))
        if found is not None:
            logged[name] = found
    return Look(
        step=step,
        facts=facts,
        logged=logged,
        recon={reading: values.estimate(images) for reading, values in recon.items()},
        kl={} if prior == "learned" else {spread: values.estimate(images) for spread, values in kl.items()},
        declared=declared_factors(losses, facts),
        own=own,
        weights=_weights(rows),
        is_exact=exact,
    )


def declared_factors(losses: LossConvention, facts: Facts) -> dict[str, float]:
    """What the loop's recon and kl are of ours, by what was said."""
    recon, kl = losses.canonical(1.0, 1.0, facts.batch_size or 1, facts.n_pixels, facts.latent_dim)
    return {"recon": 1 / recon, "kl": 1 / kl}


def _all_readings(
    model: Any, own: Reading, undecided: Iterable[Reading], spreads: Iterable[str]
) -> list[Reading]:
    pairs = {(one.output, one.likelihood): None for one in (own, *undecided)}
    if own.likelihood in ("bernoulli", "squared_error"):
        pairs |= {
            (output, kind): None for output, _ in list(pairs) for kind in ("bernoulli", "squared_error")
        }
    if not hasattr(model, "convention"):
        pairs = {(own.output, own.likelihood): None}
    twins = [Reading(own.spread, output, LOG_COSH) for output, kind in pairs if kind == "squared_error"]
    return [Reading(spread, *pair) for spread in spreads for pair in pairs] + twins


def _from_logvar(logvar: Tensor, kind: str) -> Tensor:
    """What the encoder returned: the inverse of `as_logvar`."""
    if kind == "logvar":
        return logvar
    half = 0.5 * logvar
    return half if kind == "logstd" else (logvar if kind == "var" else half).exp()


@dataclass
class _Values:
    """Values an image, for each draw, shape (draws, n)."""

    table: np.ndarray

    def estimate(self, images: Images) -> Estimate:
        by_draw = self.table.mean(1)
        if images.are_the_batch:
            return Estimate(float(by_draw.mean()), self.std_of_draw / math.sqrt(len(by_draw)))
        of_sample = mean_of(self.table.mean(0))
        draws, n = self.table.shape
        of_z = math.sqrt(self.table.var(0, ddof=1).mean() / (draws * n)) if draws > 1 else 0.0
        share = images.share
        return of_sample._replace(
            error=math.hypot(math.sqrt(1 - share) * of_sample.error, math.sqrt(share) * of_z)
        )

    @property
    def noise_of_draw(self) -> float:
        """That of one draw, as a share of the value."""
        return self.std_of_draw / max(abs(float(self.table.mean())), 1e-12)

    @property
    def std_of_draw(self) -> float:
        return float(self.table.mean(1).std(ddof=1)) if len(self.table) > 1 else 0.0


def _measure(
    model: Any,
    images: Images,
    readings: list[Reading],
    spreads: Sequence[str],
    *,
    device: torch.device,
    draws: int,
) -> tuple[dict[str, _Values], dict[Reading, _Values]]:
    x = images.x.to(device)
    labels = None if images.labels is None else images.labels.to(device)
    kl: dict[str, list[Tensor]] = {}
    recon: dict[Reading, list[Tensor]] = {}
    own = readings[0].spread
    before = getattr(model, "convention", None)
    for _ in range(draws):
        mu, logvar = encode(model, x, labels)
        if logvar is None:
            return {}, {}
        raw = _from_logvar(logvar, own)
        eps = torch.randn_like(mu)
        for spread in spreads:  # a KL costs next to nothing, a recon a decoder's pass
            if spread in ("std", "var") and spread != own and not bool((raw > 0).all()):
                continue
            own_logvar = as_logvar(raw, spread)
            kl.setdefault(spread, []).append(kl_per_dim(mu, own_logvar).sum(1))
            z = mu + (0.5 * own_logvar).exp() * eps
            for one in readings:
                if one.spread == spread:
                    score = _score(model, one, z, x, labels=labels, convention=before)
                    if score is not None:
                        recon.setdefault(one, []).append(score)
    if before is not None:
        model.convention = before
    return {k: _table(v) for k, v in kl.items()}, {k: _table(v) for k, v in recon.items()}


def _score(
    model: Any, one: Reading, z: Tensor, x: Tensor, *, labels: Tensor | None, convention: Any
) -> Tensor | None:
    """Recon of each image by one reading; None where that cannot be."""
    kind = "squared_error" if one.likelihood == LOG_COSH else one.likelihood
    try:
        options = {} if convention is not None else traits(model).likelihood_options
        if convention is not None:
            model.convention = replace(convention, output=one.output, likelihood=kind)
        raw = decode_raw(model, z, x, labels)
        if one.likelihood == LOG_COSH:
            return _log_cosh(raw - x).flatten(1).sum(1)
        return get_likelihood(kind, **options).recon(raw, x)
    except Exception:
        return None


def _log_cosh(error: Tensor) -> Tensor:
    return error.abs() + torch.nn.functional.softplus(-2 * error.abs()) - math.log(2)


def _table(draws: list[Tensor]) -> _Values:
    return _Values(torch.stack(draws).double().cpu().numpy())


def _newest(values: np.ndarray | None, noise: float | None) -> Estimate | None:
    """What the loop logs now; `noise` is that of one value, as a share, where only the newest counts."""
    if values is None:
        return None
    values = values[np.isfinite(values)].astype(np.float64)
    if noise is not None and len(values):
        recent = values[-FEWEST_VALUES:]
        drift = slope_of(recent) if len(recent) > 2 else 0.0
        return Estimate(float(values[-1]), math.hypot(noise * float(values[-1]), drift))
    if len(values) < FEWEST_VALUES:
        return None
    # the newest quarter of all, so that the start of a training does not reach into it
    return end_of(values[-min(_MOST_VALUES, max(FEWEST_VALUES, len(values) // 4)) :])


def _weights(rows: Mapping[str, np.ndarray]) -> Weights | None:
    """Find scale and weight such that loss = scale · recon + weight · kl at each step, to rounding."""
    if not {"loss", "recon", "kl"} <= set(rows):
        return None
    beta = rows.get("beta", np.full_like(rows["kl"], np.nan))
    table = np.stack([rows["loss"], rows["recon"], rows["kl"]]).astype(np.float64)
    known = np.flatnonzero(np.isfinite(table).all(0))[-_MOST_VALUES:]
    if len(known) < FEWEST_VALUES:
        return None
    loss, recon, kl = table[:, known]
    found = _fit(loss, recon, kl)
    if found is None and np.isfinite(beta[known]).all():
        found = _fit(loss, recon, beta[known] * kl)
        if found is not None:
            found = Weights(found.scale, found.kl_weight * float(beta[known][-1]))
    return found


def _fit(loss: np.ndarray, recon: np.ndarray, kl: np.ndarray) -> Weights | None:
    matrix = np.stack([recon, kl], 1)
    size = np.sqrt((matrix**2).mean(0))
    if not (size > 0).all():
        return None
    found, _, rank, _ = np.linalg.lstsq(matrix / size, loss, rcond=_ROUNDING)
    if rank < 2 or np.abs(loss - matrix / size @ found).max() > _ROUNDING * np.abs(loss).max():
        return None
    scale, weight = found / size
    return Weights(float(scale), float(weight))
