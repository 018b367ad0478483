"""One network conditioned on beta beside separate runs, on 5,000 images of MNIST (`VAEWIDGETS_DATA`).

    python -m tests.experiments.multi_rate [--epochs 60] [--conditioned-epochs 100] [--seed 0]
        [--same-rates]

Recon, KL and loss of all 10,000 test images at five betas. `MultiRateVAE` sees another beta at each step,
of a range a little wider than the five. The separate runs are warmed up from the least beta, since a large
one from the start puts units out that never come back. The network's learning rate falls in its last third;
that of the separate runs is constant, or the same with --same-rates. Prints a table for docs/experiments.md,
and exits with 1 where recon or KL is more than 3 % from that of the separate run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import torch

import vaewidgets as vw
from vaewidgets.diagnostics import RateDistortion, rate_distortion

BETAS = (0.1, 0.3, 1.0, 3.0, 10.0)
RANGE = (0.05, 20.0)
WITHIN = 0.03
HIDDEN = (256, 128)
BATCH = 64
FALLING, CONSTANT = (1e-3, 3e-4, 1e-4), (1e-3, 1e-3, 1e-3)


def data() -> vw.ImageDataset:
    """5,000 training images, and all test images."""
    return vw.load_dataset("mnist", n_train=5000, seed=0)


def trained(
    model: Any, images: vw.ImageDataset, beta: Any, epochs: int, *, rates: Sequence[float], seed: int
) -> vw.Run:
    """A finished run: two thirds of it at the first learning rate, a sixth at each of two others."""
    options = {"batch_size": BATCH, "eval_every": 0, "autosave": False, "device": "cpu", "seed": seed}
    run = vw.train(model, images, beta=beta, epochs=1, start=False, **options)
    for rate, until in zip(rates, (2 / 3, 5 / 6, 1), strict=True):
        run.lr, run.epochs = rate, round(epochs * until)
        run.resume()
        run.wait(progress=False)
    return run


def placed(model: Any, run: vw.Run, x: torch.Tensor) -> RateDistortion:
    """Rate and distortion of the test images."""
    return rate_distortion(model.eval(), run.likelihood, x, generator=torch.Generator().manual_seed(0))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--conditioned-epochs", type=int, default=100)
    parser.add_argument("--latent-dim", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--same-rates", action="store_true")
    given = parser.parse_args(arguments)
    images = data()
    x = images.test.images(range(len(images.test)))
    options: dict[str, Any] = {"latent_dim": given.latent_dim, "hidden": HIDDEN}
    torch.manual_seed(given.seed)
    one = vw.MultiRateVAE(images.image_shape, betas=RANGE, **options)
    shared = trained(
        one, images, vw.LogUniform(*RANGE), given.conditioned_epochs, rates=FALLING, seed=given.seed
    )
    print("| beta | recon, separate | one network | off | KL, separate | one network | off | loss, off |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    warm = given.epochs * len(images.train) // BATCH // 3
    rates, worst = FALLING if given.same_rates else CONSTANT, 0.0
    for beta in BETAS:
        torch.manual_seed(given.seed)
        warmed = vw.LinearWarmup(BETAS[0], beta, steps=warm)
        alone = trained(
            vw.MLPVAE(images.image_shape, **options),
            images,
            warmed,
            given.epochs,
            rates=rates,
            seed=given.seed,
        )
        want, got = placed(alone.model, alone, x), placed(one.at(beta), shared, x)
        off = [got.distortion / want.distortion - 1, got.rate / want.rate - 1]
        worst = max(worst, *map(abs, off))
        loss = (got.distortion + beta * got.rate) / (want.distortion + beta * want.rate) - 1
        print(
            f"| {beta:g} | {want.distortion:.2f} | {got.distortion:.2f} | {off[0]:+.1%} "
            f"| {want.rate:.3f} | {got.rate:.3f} | {off[1]:+.1%} | {loss:+.1%} |",
            flush=True,
        )
    print(f"largest difference {worst:.1%}; {WITHIN:.0%} wanted")
    return int(worst > WITHIN)


if __name__ == "__main__":
    sys.exit(main())
