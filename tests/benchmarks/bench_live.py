"""What open widgets cost a training: steps of the same run in a kernel of JupyterLab, a browser drawing.

    VAEWIDGETS_DATA=... python -m tests.benchmarks.bench_live [--rounds 5] [--steps 2000] [--dataset mnist]
        [--json FILE]

Chapter 13.4's network (784-256-32, batch 256), three runs in one kernel: one that only its recorder knows,
one with `TrainingCurves` open, one with `LatentExplorer` open. Each trains so many steps in turn; ratios are
medians over the rounds. Processor seconds are the kernel's, all its threads, and the browser's by themselves.
Needs a Chromium; without a GPU that draws with the processor, which the training wants, too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.setting import headline, machine, parse, ratio
from tests.browser.conftest import find_browser
from tests.browser.lab import CHROMIUM_ARGUMENTS, Lab

ALONE = "recorder alone"
OPEN = ("TrainingCurves", "LatentExplorer")
SETUP = """
import json, os, threading, time
import torch, vaewidgets as vw
data = vw.load_dataset({dataset!r}, root=os.environ["VAEWIDGETS_DATA"])
def make(name):
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, latent_dim=32, hidden=(256,))
    options = dict(epochs=None, batch_size=256, drop_last=True, eval_every=0, autosave=False, start=False)
    return vw.train(model, data, device="cpu", name=name, **options)
runs = {{name: make(name) for name in {names!r}}}
def turn(run, steps):
    goal = run.step + steps
    wall, processor = time.perf_counter(), time.process_time()
    run.advance(steps)
    while run.status != "paused" or run.step < goal:
        time.sleep(0.01)
    seen.append([time.perf_counter() - wall, time.process_time() - processor])
widgets = [getattr(vw, name)(runs[name]) for name in {open!r}]
print("ready", torch.get_num_threads())
"""
SHOW = "for widget in widgets: display(widget)"


def measure(dataset: str, rounds: int, steps: int) -> dict[str, Any]:
    """Seconds of each turn: {name: {"wall", "kernel", "browser"}}, a value a round."""
    from playwright.sync_api import sync_playwright

    path = find_browser()
    if path is None:
        raise SystemExit("bench_live needs a Chromium or Chrome; none is installed.")
    names = (ALONE, *OPEN)
    rows: dict[str, dict[str, list[float]]] = {n: {"wall": [], "kernel": [], "browser": []} for n in names}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        with Lab(Path(folder)) as lab, lab.session(browser):
            lab.open([SETUP.format(dataset=dataset, names=names, open=OPEN), SHOW])
            lab.run_all()
            lab.page.wait_for_selector(".vw-latent-explorer canvas", timeout=120_000)
            lab.wait_idle()
            threads = int(lab.text(0).split("ready")[1])
            _turn(lab, ALONE, steps)  # warm-up
            for _ in range(rounds):
                for name in names:
                    before = _browser_seconds()
                    wall, kernel = _turn(lab, name, steps)
                    browser_seconds = _browser_seconds() - before
                    for what, value in (("wall", wall), ("kernel", kernel), ("browser", browser_seconds)):
                        rows[name][what].append(value)
        browser.close()
    what = {"dataset": dataset, "rounds": rounds, "steps": steps}
    return {"machine": {**machine(), "threads": threads}, "what": what, "rows": rows}


def _turn(lab: Lab, name: str, steps: int) -> tuple[float, float]:
    """Train in a thread of the kernel's own, so that the kernel hears the page meanwhile."""
    lab.execute(f"seen = []; threading.Thread(target=turn, args=(runs[{name!r}], {steps})).start()")
    while True:
        time.sleep(1.0)
        seen = json.loads(lab.execute("print(json.dumps(seen))"))
        if seen:
            return seen[0][0], seen[0][1]


def _browser_seconds() -> float:
    """Processor seconds of the browser's processes so far."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if "chrom" in process.name():
                times = process.cpu_times()
                total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


def table(result: dict[str, Any]) -> str:
    """Milliseconds a step, and ratios to the run that nobody looks at."""
    what, rows = result["what"], result["rows"]
    lines = [
        f"784-256-32 MLP on {what['dataset']}, batch 256, {what['rounds']} rounds of {what['steps']:,} steps",
        headline(result["machine"]),
        f"{'ms a step':20}{'wall':>8}{'kernel':>8}{'browser':>9}{'x wall':>8}{'x kernel':>10}",
    ]
    for name, row in rows.items():
        each = {k: 1e3 * statistics.median(values) / what["steps"] for k, values in row.items()}
        ratios = [ratio(row[k], rows[ALONE][k]) for k in ("wall", "kernel")]
        lines.append(
            f"{name:20}{each['wall']:8.2f}{each['kernel']:8.2f}{each['browser']:9.2f}"
            f"{ratios[0]:8.2f}{ratios[1]:10.2f}"
        )
    lines.append("LatentExplorer's kernel seconds by those without: 1.05 allowed")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=2_000, help="of a turn (default 2,000)")
    parser.add_argument("--dataset", default="mnist")
    arguments = parse(parser, 5, "turns of each run")
    result = measure(arguments.dataset, arguments.rounds, arguments.steps)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))
    print(table(result))


if __name__ == "__main__":
    main()
