"""Training in the page, under node, beside the loop as usually written in PyTorch on one thread.

    VAEWIDGETS_DATA=... python -m tests.benchmarks.bench_page_training [--rounds 3] [--images 5000]
        [--profile] [--no-plain] [--peers FOLDER]

Chapter 13.4's network (784-256-32), batch 128, Adam. An epoch of each contender in turn, so that noise meets
them alike; images a processor second of the whole loop (order, images, noise, step, optimiser, record), and
GFLOP/s of the step's matrix products alone. `--peers` names a folder where `npm install @tensorflow/tfjs
@tensorflow/tfjs-backend-wasm @jax-js/jax` was run; they train the same network, written by hand.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import vaewidgets
import vaewidgets as vw
from tests.benchmarks.setting import headline, machine, parse, ratio
from tests.benchmarks.training_limit import matrix_products
from tests.benchmarks.training_loops import Problem, as_usually_written
from vaewidgets.publish.training import trainable

HERE = Path(__file__).parent
JS = Path(vaewidgets.__file__).parent / "js"
BATCH = 128
LAYERS = [(784, 256), (256, 32), (256, 32), (32, 256), (256, 784)]
RELAXED = "--experimental-wasm-relaxed-simd"  # what newer engines have without
USUAL = "loop as usually written, PyTorch"


class Page:
    """A node that trains an epoch when asked."""

    def __init__(self, script: str, *arguments: str, flags: tuple[str, ...] = ()) -> None:
        command = ["node", *flags, str(HERE / script), *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def epoch(self) -> dict[str, Any]:
        """Processor and wall seconds, images, GFLOP/s of products and, where asked for, the profile."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"node ended with {self.process.wait()}")
        return dict(json.loads(line))

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


class Torch:
    """The loop, and its products, on one thread."""

    def __init__(self, problem: Problem) -> None:
        self.images = problem.n_images // problem.batch * problem.batch
        self.loop = as_usually_written(problem)
        self.products = matrix_products(problem)
        steps = problem.n_images // problem.batch
        pairs = [(problem.batch * a * b, 2 if i == 0 else 3) for i, (a, b) in enumerate(LAYERS)]
        self.operations = steps * sum(2 * size * times for size, times in pairs)

    def epoch(self) -> dict[str, Any]:
        """As a page's."""
        start, used = time.perf_counter(), time.process_time()
        (loss,) = self.loop.turn()
        wall, seconds = time.perf_counter() - start, time.process_time() - used
        used = time.process_time()
        self.products.turn()
        gflops = self.operations / (time.process_time() - used) / 1e9
        return {"wall": wall, "seconds": seconds, "images": self.images, "gflops": gflops, "loss": loss}

    def close(self) -> None:
        """There is nothing to end."""


def payload(problem: Problem) -> dict[str, Any]:
    """The same network and images as a page would get them."""
    data = problem.data()
    options: dict[str, Any] = {
        "batch_size": problem.batch,
        "drop_last": True,
        "eval_every": 0,
        "autosave": False,
    }
    run = vw.train(problem.ours(data.image_shape), data, epochs=None, start=False, **options)
    return {"layers": LAYERS, "batch": problem.batch, "payload": trainable(run, n_test=0)}


def _plain(value: Any) -> Any:
    """What JSON cannot hold."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, np.ndarray):
        return _plain(value.tobytes())
    raise TypeError(type(value).__name__)


@contextlib.contextmanager
def contenders(
    problem: Problem, peers: Path | None, *, plain: bool, profile: bool
) -> Iterator[dict[str, Any]]:
    """All that train, by name."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "payload.json"
        path.write_text(json.dumps(payload(problem), default=_plain))
        ours = (JS.as_uri() + "/", str(path))
        made: dict[str, Any] = {USUAL: Torch(problem)}
        made["page, wasm"] = Page("page_training.mjs", *ours)
        made["page, wasm relaxed"] = Page("page_training.mjs", *ours, flags=(RELAXED,))
        if profile:
            made["page, wasm relaxed, profiled"] = Page(
                "page_training.mjs", *ours, "profile", flags=(RELAXED,)
            )
        if plain:
            made["page, plain"] = Page("page_training.mjs", *ours, "plain")
        if peers is not None:
            raw = Path(name) / "images"
            raw.write_bytes(problem.data().train.images_u8(slice(None)).numpy().tobytes())
            for peer in ("tfjs-wasm", "tfjs-cpu", "jax-js"):
                made[peer] = Page("page_training_peers.mjs", str(peers.resolve()), peer, str(raw), str(BATCH))
        yield made
        for each in made.values():
            each.close()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--profile", action="store_true", help="also print the page's time by operation")
    parser.add_argument(
        "--no-plain", dest="plain", action="store_false", help="leave out the page without WebAssembly"
    )
    parser.add_argument("--peers", type=Path, help="folder with TensorFlow.js and jax-js in node_modules")
    options = parse(parser, 3, "epochs of each")
    torch.set_num_threads(1)
    problem = Problem(Path(os.environ["VAEWIDGETS_DATA"]), "mlp", BATCH, options.images)
    rows: dict[str, list[dict[str, Any]]] = {}
    with contenders(problem, options.peers, plain=options.plain, profile=options.profile) as made:
        print(headline(machine()))
        for turn in range(options.rounds + 1):  # the first is warm-up
            for name, contender in made.items():
                found = contender.epoch()
                if turn:
                    rows.setdefault(name, []).append(found)
    print(f"{'':34}{'images/s':>10}{'of the loop':>13}{'s an epoch':>12}{'wall':>8}{'GFLOP/s':>9}{'loss':>9}")
    for name, found in rows.items():
        seconds = [row["seconds"] / row["images"] for row in found]
        base = [row["seconds"] / row["images"] for row in rows[USUAL]]
        rate, share = 1 / statistics.median(seconds), 1 / ratio(seconds, base)
        epoch = statistics.median(row["seconds"] for row in found)
        wall = statistics.median(row["wall"] for row in found)
        best = [row["gflops"] for row in found if row["gflops"] is not None]
        gflops = f"{statistics.median(best):9.1f}" if best else f"{'':9}"
        loss = found[-1]["loss"] or 0
        print(f"{name:34}{rate:10.0f}{share:12.2f}x{epoch:12.3f}{wall:8.3f}{gflops}{loss:9.2f}")
    if options.peers is None:
        print("TensorFlow.js and jax-js: not measured, --peers was not given")
    for name, found in rows.items():
        if profile := found[-1].get("profile"):
            _print_profile(name, profile)
    if options.json:
        options.json.write_text(json.dumps(rows))


def _print_profile(name: str, profile: list[dict[str, Any]]) -> None:
    total = sum(entry["us"] for entry in profile)
    print(f"\n{name}: {total:.0f} us a step in its operations; those of 1 % and more")
    print(f"{'us':>8}{'GB/s':>8}{'GFLOP/s':>9}  operation, what it writes and reads")
    for entry in sorted(profile, key=lambda row: -row["us"]):
        if entry["us"] >= total / 100:
            gflops = f"{entry['gflops']:9.1f}" if entry["gflops"] else f"{'':9}"
            times = f" x {entry['calls']:.0f}" if entry["calls"] > 1 else ""
            print(f"{entry['us']:8.0f}{entry['gigabytes']:8.1f}{gflops}  {entry['name']}{times}")


if __name__ == "__main__":
    main()
