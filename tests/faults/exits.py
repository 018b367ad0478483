"""Scripts that end at a random moment while threads of the package are at work, each in a process of its own.

    python -m tests.faults.exits --count 200 --seed 0

prints a row for each kind of work under way; `--work` and `--end` choose one. Every script runs torch on one
thread, where a frame of the slow decoder takes seconds. One in ten begins with nothing imported; the others
are forks of a process that has imported torch, where there is such (`tests.forked`).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests.faults.table import Row, broken, print_table
from tests.forked import FOLDER_VARIABLE, python, write_kernel

__all__ = ["ENDS", "WORK", "Exit", "Script", "end_of", "rows", "scripts"]

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 300.0  # to its end, and from there
LONG = 200

_HEAD = """
import os, signal, sys, time, torch
from torch import nn
import vaewidgets as vw

class Slow(nn.Module):
    latent_dim = 2
    def __init__(self):
        super().__init__()
        self.e = nn.Linear(784, 4)
        self.g = nn.Sequential(
            nn.Linear(2, 3136), nn.Unflatten(1, (64, 7, 7)), nn.ConvTranspose2d(64, 128, 4, 4), nn.ReLU(),
            nn.Conv2d(128, 128, 3, padding=1), nn.ReLU(), nn.Conv2d(128, 1, 3, padding=1), nn.Sigmoid(),
        )
    def encode(self, x):
        return self.e(x.flatten(1)).chunk(2, 1)
    def decode(self, z):
        return self.g(z)

data = vw.ImageDataset(torch.rand(IMAGES, 1, 28, 28))
small = vw.ImageDataset(torch.rand(256, 1, 28, 28))
"""
# What is under way when the script ends.
WORK = {
    "frames of a slow decoder": "w = vw.LatentExplorer(vw.attach(Slow(), data))",
    "units of a slow decoder": "w = vw.ActiveUnitsBar(vw.attach(Slow(), data))",
    "one pass of many seconds": """
class Sleepy(Slow):
    seconds = 0.0
    def decode(self, z):
        time.sleep(self.seconds)
        return super().decode(z)
w = vw.LatentScatter(vw.attach(Sleepy(), small))
Sleepy.seconds = 8.0
w._on_message(w, {"type": "decode", "seq": 1, "z": [0.0, 0.0]}, [])
""",
    "training with autosave": """
from vaewidgets.runs.autosave import Autosave
run = vw.train(vw.MLPVAE((1, 28, 28), 8), small, epochs=None, batch_size=32, start=False)
run.save_to(run.autosave_path, 0.05)
run.resume()
w = vw.LatentExplorer(run)
""",
    "a paused training": """
run = vw.train(vw.MLPVAE((1, 28, 28), 8), small, epochs=None, batch_size=32, autosave=False)
run.pause()
w = vw.TrainingCurves(run)
""",
    "a sweep in turns": """
sweep = vw.sweep(lambda: vw.MLPVAE((1, 28, 28), 4), small, beta=[1.0, 2.0], epochs=None, batch_size=32)
w = vw.BetaCompare(sweep)
""",
    "a sweep on threads": """
from concurrent.futures import ThreadPoolExecutor
sweep = vw.sweep(
    vw.MLPVAE, small, hidden=(8,), beta=[1.0, 2.0], epochs=None, batch_size=32, executor=ThreadPoolExecutor(1)
)
""",
    "a sweep on Dask": """
import distributed
cluster = distributed.LocalCluster(
    n_workers=1, threads_per_worker=1, dashboard_address=":0", memory_limit=0, silence_logs=50
)
pool = distributed.Client(cluster).get_executor()
sweep = vw.sweep(vw.MLPVAE, small, hidden=(8,), beta=[1.0, 2.0], epochs=None, batch_size=32, executor=pool)
""",
    "a process that was forked off": """
run = vw.train(vw.MLPVAE((1, 28, 28), 8), small, epochs=None, batch_size=32, autosave_seconds=0.05)
w = vw.LatentExplorer(run)
time.sleep(WAIT)
child = os.fork()
if child == 0:
    sys.exit(0 if run.status == "failed" and len(run.history["loss"]) >= 0 else 9)
_, ended = os.waitpid(child, 0)
if ended:
    raise RuntimeError(f"the process that was forked off ended with {ended}")
""",
    "a loop of one's own": """
run = vw.attach(vw.MLPVAE((1, 28, 28), 8), small)
w = vw.TrainingCurves(run)
end = time.monotonic() + WAIT
while time.monotonic() < end:
    run.log(loss=1.0, recon=0.5, kl=0.5)
""",
    "t-SNE": """
w = vw.LatentScatter(vw.attach(vw.MLPVAE((1, 28, 28), 8), data))
w.view = {"projection": "tsne"}
""",
}
# How it ends: code, and the exit code that is right.
ENDS: dict[str, tuple[str, int]] = {
    "its last line": ("", 0),
    "sys.exit(3)": ("sys.exit(3)", 3),
    "an exception": ("raise RuntimeError('planted')", 1),
    "SIGINT": ("os.kill(os.getpid(), signal.SIGINT); time.sleep(60)", -signal.SIGINT),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -signal.SIGTERM),
}


@dataclass(frozen=True)
class Script:
    """What is under way, for how long, and how it ends."""

    work: str
    end: str
    seconds: float
    images: int = 300

    @property
    def text(self) -> str:
        """The script."""
        wait = "" if "WAIT" in WORK[self.work] else "\ntime.sleep(WAIT)\n"
        return (
            f"IMAGES, WAIT = {self.images}, {self.seconds}\n"
            + _HEAD
            + WORK[self.work]
            + wait
            + "print('end', flush=True)\n"
            + ENDS[self.end][0]
            + "\n"
        )

    @property
    def wanted(self) -> int:
        """The exit code that is right."""
        return ENDS[self.end][1]


@dataclass(frozen=True)
class Exit:
    """How a script ended.

    Attributes
    ----------
    code : int
        Negative: the signal that ended it.
    seconds : float
        From its end to that of the process.
    stderr : str
    """

    script: Script
    code: int
    seconds: float
    stderr: str

    @property
    def is_right(self) -> bool:
        """Whether it ended as it said, and no thread was torn down with the interpreter."""
        return self.code == self.script.wanted and "terminate called" not in self.stderr


def scripts(
    count: int, seed: int, *, work: str | None = None, end: str | None = None, images: int = 300
) -> list[Script]:
    """Choose at random when scripts end, and how unless by `end`; works take turns, unless it is `work`."""
    dice = random.Random(seed)
    works = [work] if work else list(WORK)
    return [
        Script(
            works[i % len(works)],
            end or dice.choice(list(ENDS)),
            round(dice.uniform(0.0, 3.0), 2),
            images,
        )
        for i in range(count)
    ]


def end_of(script: Script, cache: Path, *, fresh: bool = True) -> Exit:
    """Run a script to its end, in a new interpreter or, where the tests have one for it, in a fork."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "VAEWIDGETS_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", script.text] if fresh else python(script.text, to_its_end=True),
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    errors: list[str] = []
    reader = threading.Thread(target=_drain, args=(process.stderr, errors), daemon=True)
    reader.start()
    with _limit(process):
        ended = process.stdout.readline().strip() == "end"
    with _limit(process):
        start = time.monotonic()
        code = process.wait()
        seconds = time.monotonic() - start
    process.stdout.close()
    reader.join()
    if not ended:
        raise RuntimeError(f"the script did not reach its end (exit code {code}):\n{''.join(errors)}")
    return Exit(script, code, seconds, "".join(errors))


@contextlib.contextmanager
def _limit(process: subprocess.Popen[str]) -> Iterator[None]:
    watch = threading.Timer(LIMIT_SECONDS, process.kill)
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _drain(stream: TextIO, into: list[str]) -> None:
    with stream:
        into.extend(stream)


def rows_of(found: list[Exit]) -> list[Row]:
    """One row for each kind of work."""
    groups: dict[str, list[Exit]] = {}
    for one in found:
        groups.setdefault(one.script.work, []).append(one)
    out = []
    for work, group in groups.items():
        bad = Counter(f"{one.script.end}: {one.code}" for one in group if not one.is_right)
        note = f"slowest end {max(one.seconds for one in group):.1f} s"
        if bad:
            note += "; failed: " + ", ".join(f"{what} ({n})" for what, n in bad.items())
        promise = f"a script that ends at any moment of {work} has its own exit code"
        out.append(Row(promise, len(group), sum(bad.values()), note))
    return out


@contextlib.contextmanager
def forks() -> Iterator[None]:
    """Have a process that scripts are forked from, as pytest has one."""
    if sys.platform != "linux" or FOLDER_VARIABLE in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="vaewidgets-kernels-") as folder:
        os.environ[FOLDER_VARIABLE] = str(write_kernel(Path(folder)))
        yield
        del os.environ[FOLDER_VARIABLE]


def run_all(chosen: list[Script]) -> list[Exit]:
    """Run the scripts one after another."""
    # a shell that starts this in the background has it, and so them, ignore interrupts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    found = []
    with tempfile.TemporaryDirectory() as cache, forks():
        for i, script in enumerate(chosen, start=1):
            found.append(end_of(script, Path(cache), fresh=i % 10 == 1))
            words = f"{script.work}, {script.end}, {script.seconds:.2f} s"
            print(f"{i:>3}  exit code {found[-1].code}  {words}", file=sys.stderr, flush=True)
            if not found[-1].is_right:
                print(found[-1].stderr, file=sys.stderr, flush=True)
    return found


def rows(scale: float, seed: int) -> list[Row]:
    """`LONG` scripts times `scale`, but each work once at least."""
    return rows_of(run_all(scripts(max(len(WORK), round(LONG * scale)), seed)))


def main() -> int:
    """Print the rows; 1 if a script ended otherwise than it should."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=LONG)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=300, help="how many the slow decoder is shown")
    parser.add_argument("--work", choices=list(WORK))
    parser.add_argument("--end", choices=list(ENDS))
    given = parser.parse_args()
    found = rows_of(
        run_all(scripts(given.count, given.seed, work=given.work, end=given.end, images=given.images))
    )
    print_table(found)
    return int(bool(broken(found)))


if __name__ == "__main__":
    sys.exit(main())
