"""Experiment C: a convolutional VAE with 128 against 256 latent dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from vaewidgets.experiments.base import Claim, Recipe, Results, Scale, Setting, Target
from vaewidgets.experiments.measures import last, redrawn
from vaewidgets.objectives import TERMS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES = ("z=128", "z=256")
_TABLE = {
    # epoch: (train total, recon, kl, test total) at 128, the same at 256
    10: ((57.53, 29.89, 27.63, 57.31), (58.93, 30.68, 28.25, 58.52)),
    20: ((54.33, 27.30, 27.03, 54.88), (55.81, 28.02, 27.79, 56.11)),
    30: ((52.64, 25.94, 26.70, 53.39), (54.16, 26.66, 27.50, 55.00)),
    40: ((51.62, 25.15, 26.47, 53.20), (53.07, 25.85, 27.22, 54.37)),
    50: ((50.91, 24.59, 26.32, 52.42), (52.23, 25.24, 26.99, 53.43)),
}
_ENDS = ("train_loss", "test_loss")
_EXPLAINED = {"z=128": 0.170, "z=256": 0.161}


def _settings(epochs: int, batch_size: int, channels: Sequence[int], lr: float) -> tuple[Setting, ...]:
    train = {"lr": lr, "optimizer": "adam", "batch_size": batch_size, "epochs": epochs, "seed": 0}
    return tuple(
        Setting(name, {"class": "ConvVAE", "latent_dim": latent_dim, "channels": list(channels)}, train)
        for name, latent_dim in zip(_NAMES, (128, 256), strict=True)
    )


def _targets() -> tuple[Target, ...]:
    targets = [
        Target("z=128", "parameters", 3_342_305, 0.0),
        Target("z=256", "parameters", 5_538_017, 0.0),
    ]
    quantities = ("train_loss", "train_recon", "train_kl", "test_loss")
    for epoch, rows in _TABLE.items():
        for name, row in zip(_NAMES, rows, strict=True):
            targets += [Target(name, q, value, 0.03, epoch) for q, value in zip(quantities, row, strict=True)]
    return tuple(targets)


def _last(results: Results, quantity: str) -> tuple[float, float]:
    first, second = (last(results.runs[name], quantity) for name in _NAMES)
    return first, second


def _not_always_better(results: Results) -> tuple[str, bool | None]:
    loss, recon, kl = (_last(results, f"train_{term}") for term in TERMS)
    text = "; ".join(
        f"{name} {a:.2f}, {b:.2f}" for name, (a, b) in (("total", loss), ("recon", recon), ("kl", kl))
    )
    # Of the published data and length; a small network on digits need not show it.
    return text, loss[0] < loss[1] and recon[0] < recon[1] if results.as_published else None


def _kl_higher(results: Results) -> tuple[str, bool | None]:
    few, many = _last(results, "train_kl")
    return f"{few:.2f} against {many:.2f} nats an image", many > few if results.as_published else None


def _test_follows(results: Results) -> tuple[str, bool | None]:
    """How far the test loss ends above the one in training: 2 to 3 % in the published table."""
    gaps = [test / train - 1 for train, test in zip(*(_last(results, q) for q in _ENDS), strict=True)]
    text = ", ".join(f"{name} {gap:+.1%}" for name, gap in zip(_NAMES, gaps, strict=True))
    return text, max(gaps) < 0.1 if results.as_published else None


def _alike(results: Results) -> tuple[str, bool]:
    """The two models' pictures against each other, and against the images that they were made from."""
    images = results.data.split("test").images(slice(0, 500))
    drawn = [redrawn(results.runs[name], images) for name in _NAMES]
    apart, *errors = (
        float((a - b).square().flatten(1).sum(1).mean())
        for a, b in ((drawn[0], drawn[1]), (drawn[0], images), (drawn[1], images))
    )
    text = (
        f"squared difference {apart:.1f} from each other, {errors[0]:.1f} and {errors[1]:.1f} from the images"
    )
    return text, apart < min(errors)


def _paths(results: Results) -> tuple[str, bool]:
    """Straight paths between test images that do not jump."""
    pairs = torch.randperm(len(results.data.split("test")), generator=torch.Generator().manual_seed(1))[:40]
    steady = {}
    for name in _NAMES:
        paths = [results.runs[name].path(int(a), int(b), n=20) for a, b in pairs.reshape(-1, 2)]
        steady[name] = sum(path.verdict != "jump" for path in paths)
    text = ", ".join(f"{name} {count}" for name, count in steady.items())
    return f"paths of 20 without a jump: {text}", min(steady.values()) > 15


def _evolves(results: Results) -> tuple[str, bool]:
    """Variance of the posterior means over the images, summed over dimensions, first and newest frame."""
    texts, grows = [], []
    for name in _NAMES:
        frames = results.runs[name].time_line.frames
        first, last = (float(frames[i].var_mu.sum()) for i in (0, -1))
        texts.append(f"{name} from {first:.2f} at step {frames[0].step} to {last:.1f} at {frames[-1].step}")
        grows.append(len(frames) > 1 and last > first)
    return f"variance of the means: {', '.join(texts)}", all(grows)


def _shares(results: Results) -> tuple[str, bool | None]:
    from vaewidgets.experiments.pictures import explained

    shares = {name: explained(results.runs[name]) for name in _NAMES}
    text = "; ".join(f"{name}: {sum(s):.3f} ({s[0]:.3f} + {s[1]:.3f})" for name, s in shares.items())
    close = all(abs(sum(shares[name]) / _EXPLAINED[name] - 1) < 0.15 for name in _NAMES)
    return text, close if results.as_published else None


def _figures(results: Results) -> Iterator[tuple[str, Figure]]:
    from vaewidgets.experiments import pictures as draw

    runs = {name: results.runs[name] for name in _NAMES}
    yield "losses", draw.epochs(runs, caption="Loss on training and test images")
    yield "reconstructions", draw.reconstructions(runs, n=8)
    yield "prior_samples", draw.prior_samples(runs, n=16)
    for name, run in runs.items():
        yield f"interpolation_{name[2:]}", draw.interpolation(run, steps=10)
        yield f"pca_{name[2:]}", draw.scatter(run, points=1000)
        yield f"curves_{name[2:]}", draw.curves(run)


def _published() -> dict[str, Any]:
    return {"name": "mnist", "value_range": (-1.0, 1.0)}


RECIPE = Recipe(
    name="C",
    title="Convolutional, 128 against 256",
    source="published comparison; 50 epochs of MNIST on a GPU, squared error",
    scales={
        "small": Scale(
            {"name": "digits", "value_range": (-1.0, 1.0), "n_train": 500},
            _settings(epochs=8, batch_size=16, channels=(8, 16, 32, 64), lr=2.5e-3),
        ),
        "published": Scale(
            _published(),
            _settings(epochs=50, batch_size=128, channels=(32, 64, 128, 256), lr=1e-3),
            _targets(),
        ),
    },
    claims=(
        Claim("more dimensions are not always better", "128 better in recon and total", _not_always_better),
        Claim("the KL is higher with 256", "26.32 against 26.99", _kl_higher),
        Claim("the test loss follows the one in training", "2 to 3 % above it", _test_follows),
        Claim("reconstructions of the two models", "hardly to be told apart", _alike),
        Claim("interpolation", "a gradual morph", _paths),
        Claim("the latent space evolves over training", "it spreads out", _evolves),
        Claim("variance of test means on two axes", "0.170 and 0.161", _shares),
    ),
    figures=_figures,
    needs_gpu=True,
)
