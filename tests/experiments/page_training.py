"""Experiment A trained by the page's engine, under Node, beside its published table.

    python -m tests.experiments.page_training [--seeds 1 2 3]

Both published models on 5,000 images of MNIST (`VAEWIDGETS_DATA`), each from weights that the page draws, for
30 epochs, and their losses on all test images. Two minutes of one core for each model and seed. The published
seed is not stated: a row is judged by its median over the seeds. Exits with 1 where a row is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import vaewidgets as vw
from tests.publish.training.page import in_page
from vaewidgets.experiments.a_two_against_twenty import RECIPE
from vaewidgets.models import build
from vaewidgets.publish.training import trainable

PUBLISHED = ("z=2", "z=20")
MOST_SECONDS = 7200

FUNCTIONS = """
export function train(trainer, seed) {
  trainer.newRun({ seed });
  const start = process.cpuUsage().user;
  while (!trainer.state().isFinished && !trainer.state().fault) trainer.advance(1000);
  const seconds = (process.cpuUsage().user - start) / 1e6;
  return { epochs: trainer.history.save().epochs, seconds, fault: trainer.state().fault };
}
"""


def payloads() -> dict[str, Any]:
    """What a page is given to train each model, all test images with it."""
    scale = RECIPE.scales["published"]
    data = vw.load_dataset(**scale.data)
    chosen = {}
    for setting in scale.settings:
        if setting.name in PUBLISHED:
            model = build({**setting.model, "image_shape": list(data.image_shape)})
            run = vw.train(model, data, start=False, autosave=False, **setting.train)
            chosen[setting.name] = trainable(run, n_test=10_000)
    return chosen


def main() -> int:
    """Train, print the table, and return an exit status."""
    parser = argparse.ArgumentParser(description="Experiment A trained by the page's engine.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    seeds = parser.parse_args().seeds
    cases = {
        f"{name}, seed {seed}": ("train", payload, seed)
        for name, payload in payloads().items()
        for seed in seeds
    }
    with tempfile.TemporaryDirectory() as folder:
        results = in_page(Path(folder), FUNCTIONS, cases, seconds=MOST_SECONDS)
    print("| row | published | in the page, by seed | median off by | allowed |\n|---|---|---|---|---|")
    missed = 0
    for target in RECIPE.scales["published"].targets:
        if target.setting not in PUBLISHED or target.epoch is None or target.tolerance is None:
            continue
        rows = [results[f"{target.setting}, seed {seed}"]["epochs"][target.epoch - 1][1] for seed in seeds]
        values = [row[target.quantity] for row in rows]
        off = statistics.median(values) / target.value - 1
        got = " ".join(f"{value:.2f}" for value in values)
        missed += abs(off) > target.tolerance
        print(
            f"| {target.setting}, {target.quantity} | {target.value:.2f} | {got} | {off:+.1%} "
            f"| {target.tolerance:.0%} |"
        )
    for name, result in results.items():
        print(f"{name}: {result['seconds']:.0f} s of processor time; fault: {result['fault']}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
