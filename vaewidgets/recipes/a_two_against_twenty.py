"""Experiment A: two latent dimensions against twenty, on 5,000 images of MNIST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vaewidgets.recipes.base import Claim, Recipe, Results, Scale, Setting, Target

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RECIPE"]


# Neither the seed nor which 5,000 images is stated. Over four seeds the 20-dimensional model's test kl came
# out 2.9 to 8.0 % above the table, its total 0.1 to 1.4 % below.
_SEED = 1


def _settings(**train: Any) -> tuple[Setting, ...]:
    return tuple(
        Setting(
            f"z={latent_dim}",
            {"class": "MLPVAE", "latent_dim": latent_dim, "hidden": [512, 256]},
            {"lr": 1e-3, "optimizer": "adam", "seed": _SEED, **train},
            seed=_SEED,
        )
        for latent_dim in (2, 20)
    )


def _targets() -> tuple[Target, ...]:
    unknown = "depends on the initialisation, which is not stated"
    table = {
        # setting, epoch: train total, recon, kl
        ("z=2", 1, "train"): (236.16, 235.39, 0.77),
        ("z=2", 30, "train"): (147.14, 140.92, 6.21),
        ("z=2", 30, "test"): (153.77, 147.70, 6.08),
        ("z=20", 1, "train"): (236.63, 235.20, 1.44),
        ("z=20", 30, "train"): (110.93, 94.06, 16.87),
        ("z=20", 30, "test"): (114.97, 98.29, 16.68),
    }
    targets = [
        Target("z=2", "parameters", 1_068_820, 0.0),
        Target("z=20", "parameters", 1_082_680, 0.0),
    ]
    for (setting, epoch, split), values in table.items():
        for term, value in zip(("loss", "recon", "kl"), values, strict=True):
            judged = epoch == 30
            tolerance = (0.08 if term == "kl" else 0.03) if judged else None
            targets.append(
                Target(setting, f"{split}_{term}", value, tolerance, epoch, "" if judged else unknown)
            )
    return tuple(targets)


def _last(results: Results, setting: str, quantity: str) -> float:
    return float(results.runs[setting].history[quantity][-1])


def _sharper(results: Results) -> tuple[str, bool]:
    small, large = (_last(results, name, "test_loss") for name in ("z=2", "z=20"))
    return f"{small:.2f} against {large:.2f}: {1 - large / small:.1%} lower", large < small


def _information(results: Results) -> tuple[str, bool]:
    small, large = (_last(results, name, "test_kl") for name in ("z=2", "z=20"))
    return f"{small:.2f} against {large:.2f} nats an image", large > small


def _falls(results: Results) -> tuple[str, bool]:
    losses = results.runs["z=2"].history["train_loss"]
    return f"{1 - losses[-1] / losses[0]:.1%} in {len(losses)} epochs", bool(losses[-1] < losses[0])


def _dominates(results: Results) -> tuple[str, bool]:
    history = results.runs["z=2"].history
    share = float(np.min(history["train_recon"] / history["train_loss"]))
    return f"at least {share:.1%} of the total in every epoch", share > 0.5


def _classes(results: Results) -> tuple[str, bool]:
    """Distances of class means in the plane: 0 and 1 apart, 3, 5 and 8 together."""
    mu, _ = results.runs["z=2"].snapshot().encoded("test")
    labels = results.data.split("test").labels
    if labels is None:
        return "the data have no classes", True
    centers = torch.stack([mu[labels == digit].mean(0) for digit in range(10)])
    apart = torch.dist(centers[0], centers[1])
    close = torch.stack([torch.dist(centers[a], centers[b]) for a, b in ((3, 5), (3, 8), (5, 8))]).mean()
    return f"0 to 1: {apart:.2f}; 3, 5 and 8 from each other: {close:.2f}", bool(apart > close)


def _figures(results: Results) -> Iterator[tuple[str, Figure]]:
    from vaewidgets.recipes import pictures as draw

    two, twenty = results.runs["z=2"], results.runs["z=20"]
    runs = {"2 dimensions": two, "20 dimensions": twenty}
    yield "scatter", draw.scatter(two)
    yield "interpolation", draw.interpolation(two, classes=(1, 7), steps=10)
    yield "prior_samples", draw.prior_samples(runs, n=10)
    yield "reconstructions", draw.reconstructions(runs, n=10)
    yield "curves_2", draw.curves(two)
    yield "curves_20", draw.curves(twenty)


RECIPE = Recipe(
    name="A",
    title="Two latent dimensions against twenty",
    source="published lecture experiment; its batch size is not stated, 64 gives its table",
    scales={
        "small": Scale({"name": "digits"}, _settings(batch_size=64, epochs=30)),
        "published": Scale(
            {"name": "mnist", "n_train": 5000, "seed": _SEED}, _settings(batch_size=64, epochs=30), _targets()
        ),
    },
    claims=(
        Claim("the total falls", "37.7 % in 30 epochs", _falls),
        Claim("recon dominates throughout", "recon is most of the total", _dominates),
        Claim("twenty dimensions: lower test loss", "25.2 % lower", _sharper),
        Claim("KL as information sent", "about 6 against about 17 nats", _information),
        Claim("like digits lie close", "3, 5, 8 close; 0 and 1 far apart", _classes),
    ),
    figures=_figures,
)
