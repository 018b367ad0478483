"""Training time of a sweep over beta: its cells one after another, interleaved, and as one batched model.

    VAEWIDGETS_DATA=... python -m tests.benchmarks.bench_sweep [--rounds 5] [--epochs 1] [--batch 256]
        [--images 60000] [--eval-every 1] [--profile] [--json FILE]

Experiment B's network (784-256-32) on MNIST, beta 0.1, 1 and 4. In one process, one way after the other in
each round, so that noise meets them alike; ratios are medians over the rounds. Models, runs and optimisers
are made anew each time, and that is timed, too. OMP_NUM_THREADS sets the threads.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

import vaewidgets as vw
from tests.benchmarks.setting import headline, machine, parse, ratio
from vaewidgets.runs.interleave import Interleaver

BETAS = (0.1, 1.0, 4.0)
MODEL = {"latent_dim": 32, "hidden": (256,)}
ONE_AFTER_ANOTHER = "one after another"
INTERLEAVED = "interleaved"
BATCHED = "batched"


def make_run(data: vw.ImageDataset, beta: float, options: dict[str, Any]) -> vw.TrainingRun:
    """A run that has not been started, with the weights of a sweep's cell."""
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, **MODEL)
    return vw.train(model, data, beta=beta, start=False, autosave=False, **options)


def one_after_another(data: vw.ImageDataset, options: dict[str, Any]) -> list[vw.TrainingRun]:
    """Each cell by itself."""
    runs = []
    for beta in BETAS:
        run = make_run(data, beta, options)
        run.resume()
        runs.append(run.wait(progress=False))
    return runs


def interleaved(data: vw.ImageDataset, options: dict[str, Any]) -> list[vw.TrainingRun]:
    """All in turns in one thread, each making its own updates."""
    worker = Interleaver("vaewidgets-benchmark")
    runs = [make_run(data, beta, options) for beta in BETAS]
    for run in runs:
        worker.add(run)
    for run in runs:
        run.resume()
    return [run.wait(progress=False) for run in runs]


def batched(data: vw.ImageDataset, options: dict[str, Any]) -> list[vw.TrainingRun]:
    """What `vw.sweep` does."""
    sweep = vw.sweep(vw.MLPVAE, data, beta=list(BETAS), **MODEL, **options).wait(progress=False)
    if sweep.engine != f"{len(BETAS)} cells as one batched model":
        raise RuntimeError(f"the sweep did not batch its cells: {sweep.engine}")
    return list(sweep.runs)


WAYS: dict[str, Callable[[vw.ImageDataset, dict[str, Any]], list[vw.TrainingRun]]] = {
    ONE_AFTER_ANOTHER: one_after_another,
    INTERLEAVED: interleaved,
    BATCHED: batched,
}


def measure(data: vw.ImageDataset, options: dict[str, Any], rounds: int) -> dict[str, dict[str, float]]:
    """Medians of wall and processor seconds, their ratios to one after another, and the last losses."""
    wall: dict[str, list[float]] = {name: [] for name in WAYS}
    processor_s: dict[str, list[float]] = {name: [] for name in WAYS}
    losses: dict[str, list[float]] = {}
    for i in range(rounds + 1):
        for name, way in WAYS.items():
            used, started = time.process_time(), time.perf_counter()
            runs = way(data, options)
            if i:  # the first round warms up
                wall[name].append(time.perf_counter() - started)
                processor_s[name].append(time.process_time() - used)
            losses[name] = [float(run.history["train_loss"][-1]) for run in runs]
    rows = {}
    for name in WAYS:
        rows[name] = {
            "wall_s": statistics.median(wall[name]),
            "processor_s": statistics.median(processor_s[name]),
            "wall_ratio": ratio(wall[name], wall[ONE_AFTER_ANOTHER]),
            "processor_ratio": ratio(processor_s[name], processor_s[ONE_AFTER_ANOTHER]),
            "worst_loss_difference": _difference(losses[name], losses[ONE_AFTER_ANOTHER]),
        }
    return rows


def _difference(mine: Sequence[float], base: Sequence[float]) -> float:
    return max(abs(a - b) / b for a, b in zip(mine, base, strict=True))


def table(result: dict[str, Any]) -> str:
    """One row a way."""
    what = result["what"]
    lines = [
        f"MNIST, 784-256-32, beta {BETAS}, {what['images']} images, {what['epochs']} epoch(s), "
        f"batch {what['batch']}, evaluated every {what['eval_every']} (0: never), {what['rounds']} rounds",
        headline(result["machine"]),
        f"{'':20}{'wall s':>9}{'cpu s':>9}{'wall ratio':>12}{'cpu ratio':>12}{'loss differs by':>17}",
    ]
    for name, row in result["rows"].items():
        lines.append(
            f"{name:20}{row['wall_s']:9.2f}{row['processor_s']:9.2f}{row['wall_ratio']:12.3f}"
            f"{row['processor_ratio']:12.3f}{row['worst_loss_difference']:17.1e}"
        )
    return "\n".join(lines)


def profile(data: vw.ImageDataset, options: dict[str, Any]) -> str:
    """What the operations of each way take, by `torch.profiler`; in the thread that trains."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    parts = []
    for name in (ONE_AFTER_ANOTHER, BATCHED):
        with profiler(activities=[ProfilerActivity.CPU]) as seen:
            WAYS[name](data, options)
        parts.append(f"{name}\n{seen.key_averages().table(sort_by='self_cpu_time_total', row_limit=14)}")
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=1, help="epochs of each cell (default 1)")
    parser.add_argument("--batch", type=int, default=256, help="images a batch (default 256)")
    parser.add_argument("--images", type=int, default=60_000, help="training images (default all)")
    parser.add_argument("--eval-every", type=int, default=1, help="epochs between evaluations (default 1)")
    parser.add_argument("--profile", action="store_true", help="also print torch's profile of two ways")
    arguments = parse(parser, 5, "how often each way is timed")
    data = vw.load_dataset("mnist", root=Path(os.environ["VAEWIDGETS_DATA"]))
    if arguments.images < len(data.train):
        data = data.subset(arguments.images)
    options = {
        "epochs": arguments.epochs,
        "batch_size": arguments.batch,
        "eval_every": arguments.eval_every,
        "drop_last": True,
        "device": "cpu",
    }
    rows = measure(data, options, arguments.rounds)
    result = {
        "machine": machine(),
        "what": {
            name: getattr(arguments, name) for name in ("images", "epochs", "batch", "eval_every", "rounds")
        },
        "rows": rows,
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))
    print(table(result))
    if arguments.profile:
        print(profile(data, options))


if __name__ == "__main__":
    main()
