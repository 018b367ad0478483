"""Experiment E: a lecture on variational inference; its worked numbers, computed unrounded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.data import ImageDataset
from vaewidgets.experiments.base import Recipe, Results, Row, Scale, Setting
from vaewidgets.experiments.e_claims import CLAIMS
from vaewidgets.experiments.measures import last
from vaewidgets.objectives import LinearWarmup, kl_per_dim, shift_cost, spread_cost

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DELTA = 0.1  # the lecture's threshold of an active unit, in nats

# k = 4 and k = 8 tables: (mu, sigma), and (mean of mu², sigma²)
_FOUR = ((1.5, 0.5), (0.0, 1.0), (0.2, 0.9), (-0.8, 0.7))
_EIGHT_MU2 = (1.50, 0.01, 0.80, 0.0, 1.20, 0.0, 0.60, 0.70)
_EIGHT_SIGMA2 = (0.12, 0.97, 0.31, 0.99, 0.18, 1.0, 0.41, 0.95)
_EIGHT_KL = (1.37, 0.01, 0.64, 0.0, 1.05, 0.0, 0.45, 0.35)


def kl_of(mu: float, sigma: float) -> float:
    """KL of N(mu, sigma²) from N(0, 1), in nats."""
    return float(kl_per_dim(_number(mu), _number(2 * math.log(sigma))))


def worked_numbers() -> list[Row]:
    """Every exercise's numbers beside the printed answers; a disagreement is listed as a missed row."""
    return [*_losses(), *_kls(), *_ranking(), *_tables(), *_annealing(), *_slips()]


def _number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def _row(what: str, printed: float, value: float, decimals: int = 2, remark: str = "") -> Row:
    """Met if the value, rounded as printed, is what is printed; a tie may be rounded either way."""
    met = abs(value - printed) <= 0.5 * 10**-decimals + 1e-9
    return Row(what, printed, value, None, "met" if met else "missed", remark)


def _losses() -> list[Row]:
    rows = []
    for mu, x, x_hat, printed in ((1.0, 3.0, 2.7, (0.09, 0.50, 0.59)), (0.0, 3.0, 2.0, (1.0, 0.0, 1.0))):
        recon, kl = (x - x_hat) ** 2, kl_of(mu, 1.0)
        name = f"mu {mu:g}, sigma 1, x {x:g}, x_hat {x_hat:g}"
        for term, value, answer in zip(
            ("recon", "kl", "loss"), (recon, kl, recon + kl), printed, strict=True
        ):
            rows.append(_row(f"{name}: {term}", answer, value))
    for beta, loss in ((0.5, 0.34), (1.0, 0.59), (4.0, 2.09)):
        rows.append(_row(f"beta {beta:g} on recon 0.09, kl 0.50: loss", loss, 0.09 + beta * 0.50))
    rows.append(_row("kl's share of it at beta 0.5, %", 73.0, 100 * 0.25 / 0.34, 0))
    rows.append(_row("kl's share of it at beta 4, %", 96.0, 100 * 2.0 / 2.09, 0))
    z = 0.5 + 1.2 * -0.3
    at = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.5, 1.2)]
    slopes = torch.autograd.grad(at[0] + at[1] * -0.3, at)
    rows.append(_row("mu 0.5, sigma 1.2, eps -0.3: z", 0.14, z))
    rows.append(_row("dz/dmu", 1.0, float(slopes[0])))
    rows.append(_row("dz/dsigma", -0.3, float(slopes[1])))
    return rows


def _kls() -> list[Row]:
    rows = []
    for mu, sigma, printed in ((0.0, 1.0, 0.0), (1.0, 1.0, 0.50), (0.0, 2.0, 0.81)):
        shift = float(shift_cost(_number(mu)))
        spread = float(spread_cost(_number(2 * math.log(sigma))))
        remark = f"shift {shift:.3f} + spread {spread:.3f}"
        rows.append(_row(f"KL of N({mu:g}, sd {sigma:g})", printed, shift + spread, remark=remark))
    return rows


def _ranking() -> list[Row]:
    printed = ((0.0, 1.0), (1.5, 1.0), (0.0, 3.0), (0.0, 0.3))
    found = sorted(printed, key=lambda one: kl_of(*one))

    def said(order: Sequence[tuple[float, float]]) -> str:
        return " < ".join(f"({mu:g}, {sigma:g})" for mu, sigma in order)

    remark = ", ".join(f"{kl_of(*one):.3f}" for one in found)
    # A narrow posterior costs as much as (0, 3) where its spread cost reaches the same value.
    low, high = 1e-6, 1.0
    for _ in range(100):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if kl_of(0.0, middle) > kl_of(0.0, 3.0) else (low, middle)
    remark += f"; a narrow posterior is the dearest only below sigma = {low:.3f}"
    same = list(printed) == found
    return [Row("ranking by KL", said(printed), said(found), None, "met" if same else "missed", remark)]


def _tables() -> list[Row]:
    four = [kl_of(*one) for one in _FOUR]
    rows = [
        _row(f"k = 4, dimension {i + 1}: KL", printed, value)
        for i, (printed, value) in enumerate(zip((1.44, 0.0, 0.03, 0.42), four, strict=True))
    ]
    rows.append(_row("k = 4: total", 1.89, sum(four), remark=f"{sum(four):.4f} unrounded"))
    rows.append(_units_row("k = 4", "1, 4", four))
    eight = [0.5 * (m + s - math.log(s) - 1) for m, s in zip(_EIGHT_MU2, _EIGHT_SIGMA2, strict=True)]
    rows += [
        _row(f"k = 8, dimension {i + 1}: KL", printed, value)
        for i, (printed, value) in enumerate(zip(_EIGHT_KL, eight, strict=True))
    ]
    rows.append(_units_row("k = 8", "1, 3, 5, 7, 8", eight))
    return rows


def _units_row(name: str, printed: str, kl: Sequence[float]) -> Row:
    active = ", ".join(str(i + 1) for i, value in enumerate(kl) if value > _DELTA)
    return Row(
        f"{name}: active at delta = {_DELTA:g}",
        printed,
        active,
        None,
        "met" if active == printed else "missed",
    )


def _annealing() -> list[Row]:
    beta = LinearWarmup(end=1.0, steps=10)
    rows = [
        _row(f"annealing, recon 0.4, kl 1.2: loss in epoch {epoch}", printed, 0.4 + beta(epoch) * 1.2)
        for epoch, printed in ((1, 0.52), (5, 1.00), (10, 1.60), (20, 1.60))
    ]
    rows.append(_row("annealing: epoch at which the terms match", 3.0, 10 * 0.4 / 1.2, 0))
    return rows


def _slips() -> list[Row]:
    return [
        _row(
            'a figure labels "N(2, 1)" with its KL', 0.50, kl_of(2.0, 1.0), remark="0.50 is that of N(1, 1)"
        ),
        _row("nine digits after four cards are added to five, printed", 8.0, 5.0 + 4.0, 0),
    ]


# Where the lecture's own formula gives something else than it prints. Listed, and expected: the arithmetic is
# judged by the rows that agree.
_KNOWN = (
    "ranking by KL",
    "k = 4: total",
    "kl's share of it at beta 0.5, %",
    'a figure labels "N(2, 1)" with its KL',
    "nine digits after four cards are added to five, printed",
)


def _rows(_: Results) -> list[Row]:
    return [_listed(row) for row in worked_numbers()]


def _listed(row: Row) -> Row:
    """A known disagreement is listed as one, and is not the arithmetic's fault."""
    if row.verdict != "missed" or row.what not in _KNOWN:
        return row
    remark = "; ".join(filter(None, ("DISAGREES with the printed answer", row.remark)))
    return replace(row, verdict="told", remark=remark)


@dataclass(frozen=True)
class _Centred(Setting):
    """A linear model that starts with the mean image in its biases, without which it is slow to find it."""

    def build(self, data: ImageDataset) -> nn.Module:
        """Model with fresh weights, its biases for images of this mean."""
        model: Any = super().build(data)
        images = data.train.images(slice(None)).flatten(1)
        mean = images.mean(0)
        with restored_modes(), torch.no_grad():
            model.to_pixels.bias.copy_(mean)
            encoder = getattr(model, "to_mu", None) or getattr(model, "to_z", None)
            if encoder is not None:  # tied weights subtract the decoder's bias
                encoder.bias.copy_(-encoder.weight @ mean)
        return model


def _settings(
    *, hidden: Sequence[int], data: dict[str, Any], sigma2: float, **train: Any
) -> tuple[Setting, ...]:
    options = {"optimizer": "adam", "seed": 0, **train}
    steps_per_epoch = math.ceil(data["n_train"] / options["batch_size"])

    def vae(name: str, k: int, **other: Any) -> Setting:
        model = {"class": "MLPVAE", "latent_dim": k, "hidden": list(hidden)}
        return Setting(name, model, {**options, **other})

    sizes = [vae(f"VAE k={k}", k) for k in (2, 4, 8, 16, 32)]
    plain = [
        Setting(f"AE k={k}", {"class": "Autoencoder", "latent_dim": k, "hidden": list(hidden)}, dict(options))
        for k in (2, 8, 32)
    ]
    warm = vae("VAE k=16, annealed", 16, beta=LinearWarmup(end=1.0, steps=10 * steps_per_epoch))
    betas = [vae(f"VAE k=16, beta={beta:g}", 16, beta=beta) for beta in (0.25, 4.0)]
    few = {**vae("VAE memorising", 16).train, "beta": 1e-3, "epochs": 150, "batch_size": 50, "eval_every": 5}
    cases = [
        vae("VAE collapsed", 16, beta=50.0),
        replace(vae("VAE memorising", 16), train=few, data={**data, "n_train": 100}),
    ]
    return (
        *sizes, *plain, warm, vae("VAE retrained", 8), *betas, *cases,
        *_linear(options, sigma2), *_variants(options, hidden),
    )  # fmt: skip


def _linear(options: dict[str, Any], sigma2: float) -> Iterator[Setting]:
    options = {**options, "lr": 5e-3, "epochs": 60, "batch_size": 50}
    for k, tied in ((2, False), (8, False), (32, False), (2, True)):
        model = {"class": "LinearAutoencoder", "latent_dim": k, "tied": tied}
        yield _Centred(f"linear AE k={k}{', tied' if tied else ''}", model, options)
    # at this sigma² some of the eight units must die, and which ones the eigenvalues say
    model = {"class": "LinearVAE", "latent_dim": 8, "sigma2": sigma2}
    yield _Centred("linear VAE k=8", model, {**options, "lr": 1e-2})


def _variants(options: dict[str, Any], hidden: Sequence[int]) -> Iterator[Setting]:
    told = {"class": "ConditionalVAE", "latent_dim": 2, "n_classes": 10, "hidden": list(hidden)}
    yield Setting("conditional VAE k=2", told, options)
    codes = {"class": "VQVAE", "n_codes": 32, "code_dim": 8, "channels": [8, 16]}
    yield Setting("VQ-VAE", codes, {**options, "lr": 4e-3, "epochs": 12, "batch_size": 50})


def _figures(results: Results) -> Iterator[tuple[str, Figure]]:
    from vaewidgets.experiments import pictures as draw
    from vaewidgets.figures import lines_figure

    x = np.linspace(-5, 5, 300)

    def density(mu: float, sigma: float) -> Any:
        return np.exp(-0.5 * ((x - mu) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))

    shown = ((0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (0.0, 2.0))
    yield (
        "kl_of_two_gaussians",
        lines_figure(
            {f"N({m:g}, sd {s:g}): {kl_of(m, s):.2f} nats": (x, density(m, s)) for m, s in shown},
            xlabel="z", ylabel="density", caption="What a shift and a spread away from N(0, 1) cost",
        ),
    )  # fmt: skip
    epochs = np.arange(0, 21)
    beta = LinearWarmup(end=1.0, steps=10)
    yield (
        "annealing",
        lines_figure(
            {
                "beta annealed": (epochs, [beta(int(e)) for e in epochs]),
                "from the start": (epochs, np.ones(21)),
            },
            xlabel="epoch", ylabel="weight of the KL term", caption="KL annealing: beta(t) = min(t / 10, 1)",
        ),
    )  # fmt: skip
    runs = results.runs
    ks = (2, 4, 8, 16, 32)
    terms = {
        f"{term} test": (ks, [last(runs[f"VAE k={k}"], f"test_{term}") for k in ks])
        for term in ("recon", "kl", "loss")
    }
    yield (
        "bottleneck_sweep",
        lines_figure(
            terms, xlabel="latent_dim", ylabel=f"per image, {runs['VAE k=2'].unit}", marks=True,
            caption="Test losses against the number of latent dimensions",
        ),
    )  # fmt: skip
    yield "scatter_vae", draw.scatter(runs["VAE k=2"])
    yield "scatter_ae", draw.scatter(runs["AE k=2"])
    yield "units_16", draw.units(runs["VAE k=16"])
    yield "interpolation", draw.interpolation(runs["VAE k=16"], classes=(0, 1))
    for k in (2, 8, 32):
        yield (
            f"reconstructions_{k}",
            draw.reconstructions({"VAE": runs[f"VAE k={k}"], "AE": runs[f"AE k={k}"]}),
        )
    annealed = {"beta = 1": runs["VAE k=16"], "annealed": runs["VAE k=16, annealed"]}
    yield "annealed", draw.epochs(annealed, ("test_kl",), caption="KL with and without annealing")


_SMALL = {"name": "digits", "n_train": 1000, "size": 20}
_PUBLISHED = {"name": "mnist", "n_train": 1000, "n_test": 1000}

RECIPE = Recipe(
    name="E",
    title="A lecture on variational inference",
    source="published lecture; its answers are printed with two decimals",
    scales={
        "small": Scale(
            _SMALL,
            _settings(hidden=(128,), data=_SMALL, sigma2=1.0, epochs=40, lr=3e-3, batch_size=50),
        ),
        "published": Scale(
            _PUBLISHED,
            _settings(hidden=(256,), data=_PUBLISHED, sigma2=2.0, epochs=60, lr=2e-3, batch_size=50),
        ),
    },
    claims=CLAIMS,
    rows=_rows,
    figures=_figures,
)
