"""Pictures of every widget, in both themes, and the page that shows them.

    python -m docs.gallery [--pages FOLDER] [NAME ...]

Trains small models on the drawn digits, saves each widget as a page of its own, photographs it in a
browser with the network off, and writes docs/images/ and docs/widgets.md. With names, only those are
photographed anew; a folder keeps the pages, and a page that is in it is not made again.

The picture of `LatentExplorer`, which is that of the README, is taken of the live widget in JupyterLab:
``python -m docs.film OUT --readme``.
"""

from __future__ import annotations

import argparse
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from docs.showcase import WIDGETS, guide, summary
from tests.browser.conftest import find_browser
from tests.browser.lab import CHROMIUM_ARGUMENTS, wait_for
from tests.browser.pages import open_page

HERE = Path(__file__).parent
WIDTH = 1000
FILMED = "LatentExplorer"
SETTLE_MS = 800  # the last images are decoded after the page says that it is drawn


def photograph(browser: Any, page: Path, theme: str) -> bytes:
    """PNG of a saved page's only widget."""
    size = {"width": WIDTH, "height": 900}
    with open_page(browser, page, color_scheme=theme, viewport=size, reduced_motion="reduce") as opened:
        left = "(document.querySelector('.vw-root').vaewidgets.left ?? 0) === 0"
        wait_for(lambda: opened.page.evaluate(left), "all is decoded")
        opened.page.wait_for_timeout(SETTLE_MS)
        opened.assert_alone()
        png = opened.page.locator(".vw-root").screenshot()
    out = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").save(out, "png", optimize=True)
    return out.getvalue()


def listing() -> str:
    """The page that shows the pictures, each in its reader's theme."""
    text = ["# The widgets", "", "Made by `python -m docs.gallery`; each is alive in a saved page, too.", ""]
    for name in WIDGETS:
        text += [f"## {name}", "", summary(name), "", *guide(name), ""]
        if not (HERE / "images" / f"{name}-light.png").exists():
            continue
        text += [
            "<picture>",
            f'<source media="(prefers-color-scheme: dark)" srcset="images/{name}-dark.png">',
            f'<img alt="{name}" src="images/{name}-light.png">',
            "</picture>",
            "",
        ]
    return "\n".join(text).rstrip() + "\n"


def main() -> None:
    """Write pictures and page."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="python -m docs.gallery")
    parser.add_argument(
        "--pages", type=Path, help="folder that keeps the pages; those in it are not made again"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of widgets to photograph; all by default")
    options = parser.parse_args()
    if unknown := set(options.names) - set(WIDGETS):
        parser.error(f"unknown widgets {sorted(unknown)}; known: {', '.join(WIDGETS)}")
    if FILMED in options.names:
        parser.error(f"{FILMED} is photographed live: python -m docs.film OUT --readme")
    images = HERE / "images"
    images.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_ARGUMENTS)
        for name in options.names or [name for name in WIDGETS if name != FILMED]:
            page = (options.pages or Path(folder)) / f"{name}.html"
            if not page.exists():
                WIDGETS[name]().save_html(page)
            for theme in ("light", "dark"):
                (images / f"{name}-{theme}.png").write_bytes(photograph(browser, page, theme))
            print(name, flush=True)
        browser.close()
    (HERE / "widgets.md").write_text(listing(), encoding="utf-8")


if __name__ == "__main__":
    main()
