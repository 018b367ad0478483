"""What the first minute costs: imports, the first picture, memory, latents, projections.

    VAEWIDGETS_DATA=... python -m tests.benchmarks.bench_start [--rounds 3] [--no-tsne] [--json FILE]

Each line is measured in fresh processes, one at a time, whose medians are printed: an import is paid once a
process, and a peak of memory never falls. The first picture is the frame that the page is handed when the
widget opens, with the run's first step made; a browser's own time, and the frames that follow (one that no
page shows sends few), are in `bench_page`. Seconds are those of the clock: they want a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

from tests.benchmarks.setting import parse

# Each prints one number of seconds; memory is that of its process at the end.
IMPORT = """
import time, torch
start = time.perf_counter()
import vaewidgets
print(time.perf_counter() - start)
"""
FIRST = """
import time, torch, vaewidgets as vw
start = time.perf_counter()
widget = vw.LatentExplorer(autosave=False)
while not widget.run.step or widget.frame is None:
    time.sleep(0.005)
print(time.perf_counter() - start)
widget.run.stop()
"""
LATENTS = """
import time, torch, vaewidgets as vw
data = vw.load_dataset("mnist")
torch.manual_seed(0)
run = vw.train(vw.MLPVAE(data.image_shape, 2), data, start=False, autosave=False)
snapshot, start = run.snapshot(), time.perf_counter()
for split in {splits}:
    snapshot.encoded(split)
print(time.perf_counter() - start)
"""
PROJECT = """
import time, torch, vaewidgets as vw
from vaewidgets.diagnostics import project, tsne
torch.manual_seed(0)
mu = torch.randn({n}, 32) * torch.linspace(2, 0.1, 32)
start = time.perf_counter()
{how}(mu)
print(time.perf_counter() - start)
"""
MEMORY = """
import os, pathlib, resource, sys
try:  # of this process alone: what it was forked from counts for getrusage
    text = pathlib.Path("/proc/self/status").read_text()
    print(int(text.split("VmHWM:")[1].split()[0]) * 1024)
except OSError:
    unit = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
sys.stdout.flush()
os._exit(0)  # a run may still train
"""
FIRST_PICTURE = "LatentExplorer() to picture and first step, torch being there"
TSNE = "t-SNE of 2,000 points of 32 dimensions"
JOBS = {
    "import vaewidgets, torch being there": IMPORT,
    FIRST_PICTURE: FIRST,
    "latents of 10,000 images (784-512-256-2)": LATENTS.format(splits=("test",)),
    "latents of 70,000 images": LATENTS.format(splits=("train", "test")),
    "PCA of 10,000 points of 32 dimensions": PROJECT.format(n=10_000, how="project"),
    "PCA of 70,000 points": PROJECT.format(n=70_000, how="project"),
    TSNE: PROJECT.format(n=2_000, how="tsne"),
}
TARGETS = {"import vaewidgets, torch being there": 0.3, FIRST_PICTURE: 3.0}


def once(code: str) -> tuple[float, float]:
    """Seconds that a job tells, and the peak of its process's memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", code + MEMORY], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    seconds, peak = done.stdout.split()[-2:]
    return float(seconds), int(peak) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-tsne", action="store_true", help="leave out t-SNE, the slowest")
    arguments = parse(parser, 3, "processes of each")
    jobs = {name: code for name, code in JOBS.items() if not (arguments.no_tsne and name == TSNE)}
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for _ in range(arguments.rounds):
        for name, code in jobs.items():
            rows[name].append(once(code))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2))
    print(f"{'':62}{'s':>8}{'peak MB':>10}   median of {arguments.rounds} processes")
    for name, row in rows.items():
        seconds, peak = (statistics.median(column) for column in zip(*row, strict=True))
        wanted = f"   under {TARGETS[name]:g} wanted" if name in TARGETS else ""
        print(f"{name:62}{seconds:8.2f}{peak:10.0f}{wanted}")


if __name__ == "__main__":
    main()
