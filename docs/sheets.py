"""One small picture of each widget at four widths in both themes, as it is and as it was.

    python -m docs.sheets [--pages FOLDER] [--as before|now] [NAME ...]

Photographs the pages of a folder, one `<Widget>.html` for each widget, and writes docs/images/sheets/; a page
that is missing is made, but for ``--as before``: those are of an older state of this package, made there by
``python -m docs.gallery --pages FOLDER``. The sheets that are there show commit bc9e311, the last one before
the looks of all widgets were gone through. With names, only those are photographed.
"""

from __future__ import annotations

import argparse
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from docs.gallery import SETTLE_MS
from docs.showcase import WIDGETS
from tests.browser.conftest import find_browser
from tests.browser.lab import CHROMIUM_ARGUMENTS, wait_for
from tests.browser.pages import open_page

SHEETS = Path(__file__).parent / "images" / "sheets"
WIDTHS = (390, 700, 900, 1400)
SCALE = 0.3
GAP_PX = 8
BETWEEN = (128, 128, 128)
QUALITY = 45  # of WebP: letters of 4 px are no longer read, places and colors are


def photographs(browser: Any, page: Path, theme: str) -> list[Image.Image]:
    """A saved page's only widget at each of `WIDTHS`, as small as on the sheet."""
    found = []
    size = {"width": WIDTHS[0], "height": 900}
    with open_page(browser, page, color_scheme=theme, viewport=size, reduced_motion="reduce") as opened:
        for width in WIDTHS:
            opened.page.set_viewport_size({"width": width, "height": 900})
            left = "(document.querySelector('.vw-root').vaewidgets.left ?? 0) === 0"
            wait_for(lambda left=left: opened.page.evaluate(left), "all is decoded")
            opened.page.wait_for_timeout(SETTLE_MS)
            png = opened.page.locator(".vw-root").last.screenshot()
            image = Image.open(BytesIO(png)).convert("RGB")
            found.append(image.resize([max(1, round(SCALE * side)) for side in image.size]))
    return found


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """Rows of images over one another, one row for each theme."""
    wide = max(sum(image.width + GAP_PX for image in row) for row in rows) + GAP_PX
    highs = [max(image.height for image in row) for row in rows]
    out = Image.new("RGB", (wide, sum(highs) + GAP_PX * (len(rows) + 1)), BETWEEN)
    y = GAP_PX
    for row, high in zip(rows, highs, strict=True):
        x = GAP_PX
        for image in row:
            out.paste(image, (x, y))
            x += image.width + GAP_PX
        y += high + GAP_PX
    return out


def main() -> None:
    """Write the sheets."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="python -m docs.sheets")
    parser.add_argument("--pages", type=Path, help="folder of the pages")
    parser.add_argument("--as", dest="state", choices=("before", "now"), default="now")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of widgets; all by default")
    options = parser.parse_args()
    if unknown := set(options.names) - set(WIDGETS):
        parser.error(f"unknown widgets {sorted(unknown)}; known: {', '.join(WIDGETS)}")
    SHEETS.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_ARGUMENTS)
        for name in options.names or WIDGETS:
            page = (options.pages or Path(folder)) / f"{name}.html"
            if not page.exists() and options.state == "before":
                continue  # a widget that there was not
            if not page.exists():
                WIDGETS[name]().save_html(page)
            made = sheet([photographs(browser, page, theme) for theme in ("light", "dark")])
            made.save(SHEETS / f"{name}-{options.state}.webp", quality=QUALITY, method=6)
            print(name, flush=True)
        browser.close()


if __name__ == "__main__":
    main()
