"""A film of the live LatentExplorer, as a user of JupyterLab sees it in the first half minute.

    python -m docs.film OUT [--widths 900 1400] [--seconds 1 3 10 30] [--themes light dark] [--readme]

Opens a notebook with the single cell `vw.LatentExplorer()` in a real JupyterLab, runs it and photographs the
widget that many seconds after its first frame, once for each theme and width (of the widget, in CSS pixels).
Writes OUT/<theme>-<width>-<seconds>s.png. With --readme, the last picture of each theme at README_WIDTH
also becomes docs/images/LatentExplorer-<theme>.png, the picture of the README.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from tests.browser.conftest import find_browser
from tests.browser.helpers import Widget
from tests.browser.lab import CHROMIUM_ARGUMENTS, Lab, wait_for

CELLS = [
    # as wide as the widget will be
    "import vaewidgets as vw, ipywidgets\nipywidgets.HTML('<p class=ruler>LatentExplorer, live</p>')",
    "vw.LatentExplorer()",
]
README_WIDTH = 1000
TALL = 1500  # of the window: the whole widget is in it


def resize(lab: Lab, selector: str, width: int) -> None:
    """Make the window so wide that what matches is `width` CSS pixels wide."""

    def fits() -> bool:
        there = lab.page.evaluate("s => document.querySelector(s)?.getBoundingClientRect().width", selector)
        if there and abs(there - width) >= 1:
            now = lab.page.viewport_size
            lab.page.set_viewport_size({"width": round(now["width"] + width - there), "height": TALL})
        return bool(there) and abs(there - width) < 1

    wait_for(fits, f"{selector} is {width} pixels wide")


def small_png(png: bytes) -> bytes:
    """The same picture in fewer bytes. Without a palette: one tints the decoded images."""
    out = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").save(out, "png", optimize=True)
    return out.getvalue()


def film(lab: Lab, browser: Any, theme: str, width: int, seconds: list[float]) -> dict[float, bytes]:
    """Pictures of one run, by the seconds after the first frame."""
    with lab.session(browser, color_scheme=theme.lower()):
        lab.open(CELLS, theme=theme.capitalize())
        lab.page.evaluate("() => jupyterapp.shell.collapseLeft()")
        lab.page.set_viewport_size({"width": width + 150, "height": TALL})
        lab.run_cell(0)
        lab.page.locator(".ruler").wait_for()
        resize(lab, ".jp-OutputArea-output:has(.ruler)", width)
        lab.run_cell(1)
        widget = Widget(lab)
        widget.wait("w.frame && w.status === 'running'")
        start = time.monotonic()
        resize(lab, widget.selector, width)
        taken = {}
        for second in sorted(seconds):
            time.sleep(max(0.0, start + second - time.monotonic()))
            taken[second] = lab.page.locator(widget.selector).first.screenshot(animations="disabled")
            print(f"{theme} {width} px, {time.monotonic() - start:.1f} s: step {widget.step}", flush=True)
        if errors := lab.console_of_widgets():
            raise AssertionError(f"the console says {errors}")
        return taken


def main() -> None:
    """Write the pictures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="python -m docs.film")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the pictures")
    parser.add_argument(
        "--widths", type=int, nargs="+", default=[900, 1400], help="of the widget, CSS pixels"
    )
    parser.add_argument(
        "--seconds", type=float, nargs="+", default=[1, 3, 10, 30], help="after the first frame"
    )
    parser.add_argument("--themes", nargs="+", choices=["light", "dark"], default=["light", "dark"])
    parser.add_argument("--readme", action="store_true", help="also renew the picture of the README")
    options = parser.parse_args()
    extra = [README_WIDTH] if options.readme and README_WIDTH not in options.widths else []
    widths = [*options.widths, *extra]
    options.out.mkdir(parents=True, exist_ok=True)
    images = Path(__file__).parent / "images"
    with (
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as folder,
        Lab(Path(folder)) as lab,
    ):
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_ARGUMENTS)
        for theme in options.themes:
            for width in widths:
                taken = film(lab, browser, theme, width, options.seconds)
                for second, png in taken.items():
                    (options.out / f"{theme}-{width}-{second:g}s.png").write_bytes(png)
                if options.readme and width == README_WIDTH:
                    last = taken[max(taken)]
                    (images / f"LatentExplorer-{theme}.png").write_bytes(small_png(last))
        browser.close()


if __name__ == "__main__":
    main()
