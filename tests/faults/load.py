"""A class of hundreds opens a published page that trains: what one laptop serves.

    python -m tests.faults.load --openings 300 --minutes 5 [--tabs 8] [--seconds 5]

One static server of the standard library serves the page on 127.0.0.1 alone. The openings come at random
moments, evenly over the minutes. Where fewer than `--tabs` tabs are open, an opening is a real tab of a
Chromium with a profile of its own (no cache), in which the page draws, is started from scratch and trains
for `--seconds`; what is beyond that is a plain download of the page, compared byte by byte. The browser runs
on the same machine, and takes nearly all of it: what the server alone needs is said in its own processor
seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import torch

import vaewidgets as vw
from tests.browser.conftest import find_browser
from tests.browser.lab import CHROMIUM_ARGUMENTS
from tests.faults.table import Row, broken, print_table

__all__ = ["Figures", "measure", "rows"]

OPENINGS, MINUTES = 300, 5.0
TABS, TRAIN_SECONDS = 8, 5.0
LIMIT_SECONDS = 120.0  # for a page to be drawn, and then to train
HANDLE = "document.querySelector('.vw-latent-explorer')?.vaewidgets"
READY = "document.documentElement.vaewidgets?.ready === true"


@dataclass
class Figures:
    """What came of the openings.

    Attributes
    ----------
    downloads : list of float
        Seconds of each plain download that was whole.
    drawn : list of float
        Seconds from the opening of each tab until its widgets were drawn.
    steps : list of int
        That each tab has trained.
    faults : list of str
        One for each opening that failed.
    most_tabs : int
        That were open at once.
    page_bytes : int
        Of the page.
    wall, server : float
        Seconds of it all, and the server's processor seconds.
    """

    downloads: list[float] = field(default_factory=list)
    drawn: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    most_tabs: int = 0
    page_bytes: int = 0
    wall: float = 0.0
    server: float = 0.0

    @property
    def openings(self) -> int:
        return len(self.downloads) + len(self.steps) + len(self.faults)

    def lines(self) -> list[str]:
        """The figures in words."""

        def spread(values: list[float]) -> str:
            if len(values) < 2:
                return f"{sum(values):.2f} s"
            ends = statistics.quantiles(values, n=20)
            return f"median {statistics.median(values):.2f} s, 95 % within {ends[-1]:.2f} s"

        each = self.server / max(1, self.openings)
        return [
            f"{self.openings} openings of a page of {self.page_bytes / 1e6:.2f} MB in {self.wall:.0f} s, "
            f"{len(self.faults)} failed",
            f"{len(self.steps)} in tabs that trained, at most {self.most_tabs} at once: drawn "
            f"{spread(self.drawn)}; {sum(self.steps):,} steps, {min(self.steps, default=0):,} at least",
            f"{len(self.downloads)} as plain downloads: {spread(self.downloads)}",
            f"the server: {self.server:.2f} processor seconds, {1e3 * each:.1f} ms an opening: one core "
            f"serves {1 / max(each, 1e-6):,.0f} openings a second",
        ]


def page(folder: Path) -> Path:
    """A trainable page, as a lecture publishes it."""
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=1000)
    model = vw.MLPVAE(data.image_shape, 2, hidden=(64,))
    # more epochs than a reader waits for; the page starts from what was trained here
    run = vw.train(model, data, epochs=10_000, batch_size=64, autosave=False, start=False)
    run.advance(32)
    while run.status != "paused" or run.step < 32:
        time.sleep(0.01)
    explorer = vw.LatentExplorer(run)
    path = explorer.save_html(folder / "index.html", train=True)
    explorer.close()
    run.close()
    return path


async def _in_tab(browser: Any, url: str, seconds: float, found: Figures) -> None:
    context = await browser.new_context(viewport={"width": 1000, "height": 800})
    said: list[str] = []
    try:
        tab = await context.new_page()
        tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: said.append(str(error)))
        limit = 1e3 * LIMIT_SECONDS
        start = time.monotonic()
        await tab.goto(url, timeout=limit)
        await _until(tab, READY)
        drawn = time.monotonic() - start
        saved = await tab.evaluate(f"{HANDLE}.step")
        await tab.locator(".vw-latent-explorer .vw-speed select").select_option(label="full speed")
        await tab.locator(".vw-latent-explorer .vw-again").click(timeout=limit)
        await _until(tab, f"{HANDLE}.status === 'running' && ![0, {saved}].includes({HANDLE}.step)")
        await asyncio.sleep(seconds)
        status, steps = await tab.evaluate(f"[{HANDLE}.status, {HANDLE}.step]")
        if said or status != "running":
            raise RuntimeError(f"{status} at step {steps}; console: {said[:1]}")
        found.drawn.append(drawn)
        found.steps.append(steps)
    finally:
        await context.close()


async def _until(tab: Any, condition: str) -> None:
    """Ask again and again: the page's policy forbids a function that waits inside."""
    end = time.monotonic() + LIMIT_SECONDS
    while not await tab.evaluate(condition):
        if time.monotonic() > end:
            raise TimeoutError(f"{condition}: not within {LIMIT_SECONDS:g} s")
        await asyncio.sleep(0.1)


def _download(url: str, wanted: bytes) -> float:
    start = time.monotonic()
    with urllib.request.urlopen(url, timeout=LIMIT_SECONDS) as answer:
        got = answer.read()
    if got != wanted:
        raise RuntimeError(f"{len(got)} bytes, which are not the page's {len(wanted)}")
    return time.monotonic() - start


async def _openings(
    url: str, content: bytes, moments: list[float], found: Figures, *, tabs: int, seconds: float
) -> None:
    from playwright.async_api import async_playwright

    open_tabs = 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_ARGUMENTS)
        start = time.monotonic()

        async def one(moment: float) -> None:
            nonlocal open_tabs
            await asyncio.sleep(max(0.0, moment - (time.monotonic() - start)))
            is_tab = open_tabs < tabs
            open_tabs += is_tab
            found.most_tabs = max(found.most_tabs, open_tabs)
            try:
                if is_tab:
                    await _in_tab(browser, url, seconds, found)
                else:
                    found.downloads.append(await asyncio.to_thread(_download, url, content))
            except Exception as error:
                kind = "tab" if is_tab else "download"
                found.faults.append(
                    f"{kind} at {moment:.0f} s: {type(error).__name__}: {error}".splitlines()[0]
                )
            finally:
                open_tabs -= is_tab

        await asyncio.gather(*map(one, moments))
        found.wall = time.monotonic() - start
        await browser.close()


def measure(openings: int, minutes: float, *, tabs: int, seconds: float, seed: int = 0) -> Figures:
    """Serve the page, and open it so often.

    Raises
    ------
    SystemExit
        If there is no browser.
    """
    if find_browser() is None:
        raise SystemExit("tests.faults.load needs a Chromium or Chrome; none is installed.")
    dice = random.Random(seed)
    moments = sorted(dice.uniform(0, 60 * minutes) for _ in range(openings))
    found = Figures()
    with tempfile.TemporaryDirectory() as name:
        content = page(Path(name)).read_bytes()
        found.page_bytes = len(content)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", name]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            used = psutil.Process(server.pid).cpu_times
            before = sum(used()[:2])
            url = f"http://127.0.0.1:{port}/index.html"
            asyncio.run(_openings(url, content, moments, found, tabs=tabs, seconds=seconds))
            found.server = sum(used()[:2]) - before
        finally:
            server.kill()
            server.wait()
    return found


def _wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def judged(found: Figures) -> list[Row]:
    """What was promised, from the figures."""
    tabs = [fault for fault in found.faults if fault.startswith("tab")]
    downloads = [fault for fault in found.faults if fault.startswith("download")]
    result = [
        Row(
            "each reader's tab draws the published page and trains in it",
            len(found.steps) + len(tabs),
            len(tabs),
            f"at most {found.most_tabs} tabs at once, in {found.wall:.0f} s",
        )
    ]
    if found.downloads or downloads:
        each = 1e3 * found.server / found.openings
        note = f"{each:.1f} ms of the server's processor an opening"
        result.append(
            Row(
                "each download of the page is whole",
                len(found.downloads) + len(downloads),
                len(downloads),
                note,
            )
        )
    return result


def rows(scale: float, seed: int) -> list[Row]:
    """`scale` of 300 openings over 5 minutes."""
    openings = max(2, round(OPENINGS * scale))
    return judged(
        measure(openings, MINUTES * scale, tabs=TABS, seconds=min(TRAIN_SECONDS, 100 * scale), seed=seed)
    )


def main() -> int:
    """Print the figures and the table; 1 if an opening failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--openings", type=int, default=OPENINGS)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--tabs", type=int, default=TABS, help="most that are open at once")
    parser.add_argument("--seconds", type=float, default=TRAIN_SECONDS, help="that each tab trains")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = measure(given.openings, given.minutes, tabs=given.tabs, seconds=given.seconds, seed=given.seed)
    print("\n".join([*found.lines(), *found.faults[:10]]))
    print()
    result = judged(found)
    print_table(result)
    return int(bool(broken(result)))


if __name__ == "__main__":
    sys.exit(main())
