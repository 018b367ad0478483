"""A page that trains, as its reader meets it: its size, memory, processor time, and how soon it answers.

    python -m tests.benchmarks.bench_page_reader [--epochs 1000] [--json FILE]

Needs a Chromium. Digits (1,797, the network closed): 30 epochs of an MLP 512-256-2, processor seconds of the
trainer and of the page's own thread, which draws ten times a second for as long as that takes; while it
trains a pointer moves over the map and presses a field, and each event is timed from its arrival until its
handlers have ended, with the trainer in a worker and, where a host forbids workers, in slices; beside it the
processor time of the page's tasks, of which an event waits for one at most: a busy machine changes it little.
At last memory of the tab after many epochs of a small model.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import vaewidgets as vw
from tests.benchmarks.setting import headline, machine, parse
from tests.browser.conftest import find_browser
from tests.browser.lab import wait_for

LIMITS = {
    "answer, ms": 50,
    "task, processor ms": 50,
    "30 epochs, processor s, trainer": 20,
    "page, MB": 1.5,
    "memory, MB": 400,
}
NO_WORKERS = "globalThis.Worker = class { constructor() { throw new Error('forbidden'); } };"
TIMES = """globalThis.times = [];
new PerformanceObserver((list) => {
  for (const { processingEnd, startTime } of list.getEntries()) times.push(processingEnd - startTime);
}).observe({ type: "event", durationThreshold: 16 });"""
TRACED = {"includedCategories": ["toplevel", "__metadata"]}
WIDGET = "document.querySelector('.vw-latent-explorer').vaewidgets"


def page_of(folder: Path, name: str, hidden: tuple[int, ...], epochs: int) -> Path:
    """A page of a run on digits that trains for so many epochs."""
    torch.manual_seed(0)
    data = vw.load_dataset("digits")
    model = vw.MLPVAE(data.image_shape, latent_dim=2, hidden=hidden)
    run = vw.train(model, data, epochs=epochs, batch_size=64, autosave=False, start=False)
    widget = vw.LatentExplorer(run)
    path = vw.save_html(widget, folder / f"{name}.html", train=True)
    widget.close()
    return path


class Tab:
    """One page in a browser of its own."""

    def __init__(self, playwright: Any, path: Path, *, workers: bool = True) -> None:
        self.browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        self.page = self.browser.new_page(viewport={"width": 1000, "height": 900})
        if not workers:
            self.page.add_init_script(NO_WORKERS)
        self.page.add_init_script(TIMES)
        self.page.goto(path.as_uri())
        ready = "document.documentElement.vaewidgets?.ready === true"
        wait_for(lambda: self.page.evaluate(ready), "the page is drawn", 60)

    def _tabs(self) -> list[Path]:
        """What the system says of the tab's processes."""
        session = self.browser.new_browser_cdp_session()
        found = session.send("SystemInfo.getProcessInfo")["processInfo"]
        return [Path(f"/proc/{one['id']}") for one in found if one["type"] == "renderer"]

    def resident(self) -> float:
        """Resident MB of the tab."""
        texts = [(tab / "status").read_text() for tab in self._tabs()]
        return sum(int(re.findall(r"RssAnon:\s+(\d+)", text)[0]) / 1000 for text in texts)

    def seconds(self) -> dict[str, float]:
        """Processor seconds so far of the tab's own thread and of its worker."""
        spent = {"page": 0.0, "trainer": 0.0}
        for tab in self._tabs():
            for thread in (tab / "task").iterdir():
                name, rest = (thread / "stat").read_text().rsplit(")", 1)
                is_page = thread.name == tab.name
                if is_page or name.endswith("(DedicatedWorker"):
                    ticks = sum(int(field) for field in rest.split()[11:13])
                    spent["page" if is_page else "trainer"] += ticks / os.sysconf("SC_CLK_TCK")
        return spent

    def trace(self) -> Callable[[], list[float]]:
        """Record the tasks of the page's main thread; the function ends it: their processor ms, sorted."""
        session = self.browser.new_browser_cdp_session()
        events: list[dict[str, Any]] = []
        ended: list[bool] = []
        session.on("Tracing.dataCollected", lambda message: events.extend(message["value"]))
        session.on("Tracing.tracingComplete", lambda _: ended.append(True))
        session.send("Tracing.start", {"traceConfig": TRACED, "transferMode": "ReportEvents"})

        def end() -> list[float]:
            session.send("Tracing.end")
            while not ended:
                self.page.wait_for_timeout(50)  # reads what has come
            named = [one for one in events if one["name"] == "thread_name"]
            mains = {(one["pid"], one["tid"]) for one in named if one["args"]["name"] == "CrRendererMain"}
            tasks = [one for one in events if one["name"].endswith("RunTask") and "tdur" in one]
            return sorted(one["tdur"] / 1000 for one in tasks if (one["pid"], one["tid"]) in mains)

        return end

    def train(self, *, touch: bool, seconds: float = 1800) -> None:
        """Train to the end, with a pointer that does something all the time."""
        self.page.locator(".vw-latent-explorer .vw-main-button").first.click()
        end = time.monotonic() + seconds
        turn = 0
        while self.page.evaluate(f"{WIDGET}.status") != "finished" and time.monotonic() < end:
            if not touch:
                time.sleep(1)
                continue
            self.page.mouse.move(150 + 37 * turn % 300, 330 + 23 * turn % 150)
            if turn % 10 == 9:
                self.page.locator(".vw-latent-explorer .vw-beta .vw-number").click()
            turn += 1

    def close(self) -> None:
        """End its browser."""
        self.browser.close()


def measured(playwright: Any, folder: Path, epochs: int) -> dict[str, float]:
    """All numbers, by name."""
    rows: dict[str, float] = {}
    large = page_of(folder, "large", (512, 256), 30)
    for name, workers in (("worker", True), ("slices", False)):
        tab = Tab(playwright, large, workers=workers)
        before = tab.seconds()
        end_trace = tab.trace()
        tab.train(touch=True)
        tasks = end_trace()
        for thread, spent in tab.seconds().items():
            if spent > before[thread]:
                what = thread if workers else "both in one"
                rows[f"30 epochs, processor s, {what}"] = spent - before[thread]
        times = tab.page.evaluate("times")
        rows[f"answer, ms, {name}: 95 of 100"] = float(np.percentile(times, 95)) if times else 0.0
        rows[f"answer, ms, {name}: longest"] = max(times, default=0.0)
        rows[f"task, processor ms, {name}: 99 of 100"] = float(np.percentile(tasks, 99))
        rows[f"task, processor ms, {name}: longest"] = tasks[-1]
        tab.close()
    small = page_of(folder, "small", (64,), epochs)
    rows["page, MB, no weights"] = small.stat().st_size / 1e6
    tab = Tab(playwright, small)
    rows["memory, MB, when opened"] = tab.resident()
    tab.train(touch=False)
    rows[f"memory, MB, after {epochs:,} epochs"] = tab.resident()
    tab.close()
    return rows


def main() -> None:
    """Print a table."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=1000, help="after which memory is measured")
    options = parse(parser, 1, "not used")
    print(headline(machine()))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        rows = measured(playwright, Path(folder), options.epochs)
    for name, value in rows.items():
        limit = next((most for start, most in LIMITS.items() if name.startswith(start)), None)
        print(f"{name:44}{value:10.1f}   at most {limit}")
    if options.json:
        options.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
