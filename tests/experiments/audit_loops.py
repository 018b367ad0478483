"""Loops of several families that log their terms by each row of the auditor's grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import vaewidgets as vw
from vaewidgets.engine.snapshot import GoodWeights
from vaewidgets.runs import attached, auditor

BATCH, BETA, D = 32, 0.5, 6


class Model(nn.Module):
    """An encoder, two heads and a decoder; the encoder's second output is what `spread` says."""

    image_shape, latent_dim = (1, 8, 8), D

    def __init__(self, encoder: nn.Module, width: int, decoder: nn.Module, spread: str) -> None:
        super().__init__()
        self.spread = spread
        self.features, self.to_mu, self.to_spread = encoder, nn.Linear(width, D), nn.Linear(width, D)
        self.back = decoder

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.features(x)
        s = self.to_spread(h)
        if self.spread in ("std", "var"):
            s = F.softplus(s) + 1e-3
        return self.to_mu(h), s

    def decode(self, z: Tensor) -> Tensor:
        return self.back(z).view(-1, *self.image_shape)


def logvar_of(s: Tensor, spread: str) -> Tensor:
    return {"logvar": s, "logstd": 2 * s, "std": 2 * s.clamp_min(1e-9).log(), "var": s.clamp_min(1e-9).log()}[
        spread
    ]


def _mlp(spread: str, end: type[nn.Module]) -> Model:
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU())
    decoder = nn.Sequential(nn.Linear(D, 64), nn.ReLU(), nn.Linear(64, 64), end())
    return Model(encoder, 64, decoder, spread)


def _conv(spread: str) -> Model:
    encoder = nn.Sequential(
        nn.Conv2d(1, 8, 3, 2, 1),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(),
        nn.Flatten(),
        nn.Linear(128, 32),
        nn.ReLU(),
    )
    decoder = nn.Sequential(
        nn.Linear(D, 128),
        nn.ReLU(),
        nn.Unflatten(1, (8, 4, 4)),
        nn.ConvTranspose2d(8, 8, 4, 2, 1),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(),
        nn.Conv2d(8, 1, 3, padding=1),
        nn.Sigmoid(),
    )
    return Model(encoder, 32, decoder, spread)


def bce(out: Tensor, x: Tensor) -> Tensor:
    return F.binary_cross_entropy(out, x, reduction="none").flatten(1).sum(1)


def squared(out: Tensor, x: Tensor) -> Tensor:
    return (out - x).square().flatten(1).sum(1)


def gaussian(out: Tensor, x: Tensor) -> Tensor:
    return -torch.distributions.Normal(out, 1.0).log_prob(x).flatten(1).sum(1)


@dataclass(frozen=True)
class Family:
    """A kind of model with its reconstruction loss."""

    make: Callable[[str], Model]
    recon: Callable[[Tensor, Tensor], Tensor]
    value_range: tuple[float, float]
    options: dict[str, Any] = field(default_factory=dict)


FAMILIES = {
    "mlp Bernoulli": Family(lambda spread: _mlp(spread, nn.Sigmoid), bce, (0.0, 1.0)),
    "conv": Family(_conv, bce, (0.0, 1.0)),
    "tanh squared error": Family(lambda spread: _mlp(spread, nn.Tanh), squared, (-1.0, 1.0)),
    "Gaussian": Family(
        lambda spread: _mlp(spread, nn.Identity), squared, (-2.0, 4.0), {"likelihood": "squared_error"}
    ),
}


@cache
def images(value_range: tuple[float, float]) -> vw.ImageDataset:
    lo, hi = value_range
    x = vw.load_dataset("digits").train.images(slice(None))
    x = lo + (hi - lo) * F.adaptive_avg_pool2d(x, 8)
    return vw.ImageDataset(x, value_range=value_range)


@dataclass(frozen=True)
class Row:
    """How a loop logs: factors on our recon and kl, and what `attach` is told.

    Attributes
    ----------
    recon, kl : function of (pixels, dimensions, batch), the factor
    spread : str
    other_recon : function or None
        The recon of the loop, in place of the family's.
    prior_scale : float
        Standard deviation of the loop's prior.
    scale : float
        What the loss is multiplied by before it is logged.
    terms : bool
        Whether recon and kl are logged.
    tells_batch : bool
    wanted : tuple of str
        What the line to write must hold; empty for a healthy loop.
    """

    recon: Callable[[int, int, int], float] = lambda p, d, b: 1.0
    kl: Callable[[int, int, int], float] = lambda p, d, b: 1.0
    spread: str = "logvar"
    other_recon: Callable[[Tensor, Tensor], Tensor] | None = None
    prior_scale: float = 1.0
    scale: float = 1.0
    terms: bool = True
    tells_batch: bool = True
    wanted: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    weight: float = 1.0  # of the logged kl in the loss, where that is not BETA


ROWS = {
    "healthy": Row(),
    "recon averaged over pixels": Row(lambda p, d, b: 1 / p, wanted=('recon="pixel_mean"',)),
    "recon summed over the batch": Row(lambda p, d, b: b, wanted=('recon="batch_sum"',)),
    "recon halved": Row(lambda p, d, b: 0.5, wanted=("recon_factor=0.5",)),
    "recon halved, averaged over pixels": Row(
        lambda p, d, b: 0.5 / p, wanted=('recon="pixel_mean"', "recon_factor=0.5")
    ),
    "recon negative": Row(lambda p, d, b: -1.0, wanted=("recon_sign=-1",)),
    "recon divided by the batch again": Row(lambda p, d, b: 1 / b, wanted=("recon_factor=0.03125",)),
    "recon: squared error for cross-entropy": Row(
        other_recon=squared, wanted=('likelihood="squared_error"',), only=("mlp Bernoulli", "conv")
    ),
    "recon: Gaussian with its constant": Row(
        other_recon=gaussian, wanted=("recon_factor=0.5", "58.8"), only=("tanh squared error", "Gaussian")
    ),
    "kl averaged over dimensions": Row(kl=lambda p, d, b: 1 / d, wanted=('kl="latent_mean"',)),
    "kl summed over the batch": Row(kl=lambda p, d, b: b, wanted=('kl="batch_sum"',)),
    "kl divided by pixels": Row(kl=lambda p, d, b: 1 / p, wanted=('kl="pixel_mean"',)),
    "kl divided by the batch again": Row(kl=lambda p, d, b: 1 / b, wanted=("kl_weight=0.03125",)),
    "kl without its half": Row(kl=lambda p, d, b: 2.0, wanted=("kl_weight=2",)),
    "kl negative": Row(kl=lambda p, d, b: -1.0, wanted=("kl_sign=-1",)),
    "kl times beta": Row(kl=lambda p, d, b: BETA, weight=1.0, wanted=(f"kl_weight={BETA}",)),
    "both means": Row(
        lambda p, d, b: 1 / p, lambda p, d, b: 1 / d, wanted=('recon="pixel_mean"', 'kl="latent_mean"')
    ),
    "both summed over the batch": Row(
        lambda p, d, b: b, lambda p, d, b: b, wanted=('recon="batch_sum"', 'kl="batch_sum"')
    ),
    "both summed over an unknown batch": Row(
        lambda p, d, b: b,
        lambda p, d, b: b,
        tells_batch=False,
        wanted=('recon="batch_sum"', 'kl="batch_sum"', "batch_size=len(x)"),
    ),
    "mean over pixels, kl / pixels": Row(
        lambda p, d, b: 1 / p, lambda p, d, b: 1 / p, wanted=('recon="pixel_mean"', 'kl="pixel_mean"')
    ),
    "spread: std": Row(spread="std", wanted=('spread="std"',)),
    "spread: var": Row(spread="var", wanted=('spread="var"',)),
    "spread: logstd": Row(spread="logstd", wanted=('spread="logstd"',)),
    "another prior": Row(prior_scale=3.0, wanted=('prior="learned"',)),
    "GradScaler": Row(scale=65536.0, wanted=("before scaler.scale(loss)",)),
    "loss only": Row(terms=False),
    "loss only, summed over the batch": Row(
        lambda p, d, b: b, lambda p, d, b: b, terms=False, wanted=("batch_sum",)
    ),
    "loss only, GradScaler": Row(scale=65536.0, terms=False, wanted=("before scaler.scale(loss)",)),
}


@contextmanager
def looking_often() -> Iterator[None]:
    """In this block a loop of a second is looked at as often as one of an hour."""
    changes = (
        (auditor, "SHARE", math.inf),
        (attached, "FLUSH_SECONDS", 0.0),
        (GoodWeights, "_AT_MOST_EVERY", 0.0),
        (GoodWeights, "_SHARE", math.inf),
    )
    before = [getattr(owner, name) for owner, name, _ in changes]
    try:
        for owner, name, value in changes:
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name, _), value in zip(changes, before, strict=True):
            setattr(owner, name, value)


def loop(
    family: Family, row: Row, *, seed: int = 0, steps: int = 400, read_as: str = "logvar", **attach: Any
) -> vw.Run:
    """Train by our loss and log by the row's; the model is attached as if its spread were `read_as`."""
    torch.manual_seed(seed)
    model, data = family.make(row.spread), images(family.value_range)
    run = vw.attach(model, data, spread=read_as, **{**family.options, **attach})
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    x_all = data.train.images(slice(None))
    pixels, dims = x_all[0].numel(), model.latent_dim
    factors = row.recon(pixels, dims, BATCH), row.kl(pixels, dims, BATCH)
    weight = row.weight if row.kl(64, 6, 32) == BETA else BETA
    for _ in range(steps):
        x = x_all[torch.randint(len(x_all), (BATCH,))]
        mu, s = model.encode(x)
        logvar = logvar_of(s, row.spread)
        out = model.decode(mu + (0.5 * logvar).exp() * torch.randn_like(mu))
        recon = (row.other_recon or family.recon)(out, x).mean()
        prior = math.log(row.prior_scale)
        kl = ((mu.square() + logvar.exp()) / row.prior_scale**2 + 2 * prior - logvar - 1).sum(1).mean() / 2
        optimizer.zero_grad()
        (recon + BETA * kl).backward()
        optimizer.step()
        recon, kl = factors[0] * recon.detach(), factors[1] * kl.detach()
        values: dict[str, Any] = {"loss": row.scale * (recon + weight * kl), "recon": recon, "kl": kl}
        if factors[1] == BETA:
            values["beta"] = BETA
        if row.recon(1, 1, 1) < 0:
            values["loss"] = -recon + weight * kl
        values = values if row.terms else {"loss": values["loss"]} | ({"beta": BETA})
        run.log(**values, **({"batch_size": BATCH} if row.tells_batch else {}))
    run.finish()
    return run
