"""Experiment A trained by the page's engine, under Node, beside its published table.

    python -m tests.experiments.page_training

Both published models on 5,000 images of MNIST (`VAEWIDGETS_DATA`), each from weights that the page draws, for
30 epochs, and their losses on all test images. Some minutes of one core. Exits with 1 where a row is missed.
"""

from __future__ import annotations

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
MOST_SECONDS = 1800

FUNCTIONS = """
export function train(trainer) {
  trainer.newRun({ seed: 1 });
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
    cases = {name: ("train", payload, None) for name, payload in payloads().items()}
    with tempfile.TemporaryDirectory() as folder:
        results = in_page(Path(folder), FUNCTIONS, cases, seconds=MOST_SECONDS)
    print("| row | published | in the page | off by | allowed |\n|---|---|---|---|---|")
    missed = 0
    for target in RECIPE.scales["published"].targets:
        if target.setting not in results or target.epoch is None or target.tolerance is None:
            continue
        _, row = results[target.setting]["epochs"][target.epoch - 1]
        got = row[target.quantity]
        off = got / target.value - 1
        missed += abs(off) > target.tolerance
        print(
            f"| {target.setting}, {target.quantity} | {target.value:.2f} | {got:.2f} | {off:+.1%} "
            f"| {target.tolerance:.0%} |"
        )
    for name, result in results.items():
        print(f"{name}: {result['seconds']:.0f} s of processor time; fault: {result['fault']}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
