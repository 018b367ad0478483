"""Pictures of every widget, in both themes, and the page that shows them.

    python -m docs.gallery [--pages FOLDER] [NAME ...]

Trains small models on the embedded digits, saves each widget as a page of its own, photographs it in a
browser with the network off, and writes docs/images/ and docs/widgets.md. With names, only those are
photographed anew; a folder keeps the pages, and a page that is in it is not made again.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import re
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image

import vaewidgets as vw
from tests.browser.conftest import find_browser
from tests.browser.lab import CHROMIUM_ARGUMENTS
from tests.browser.pages import open_page
from vaewidgets.widgets.live import LiveWidget

HERE = Path(__file__).parent
WIDTH = 1000
SETTLE_MS = 800  # the last images are decoded after the page says that it is drawn

# A three, as a hand draws it.
THREE = [0.3, 0.25, 0.45, 0.16, 0.62, 0.2, 0.66, 0.33, 0.58, 0.44, 0.46, 0.48]
THREE += [0.6, 0.52, 0.7, 0.64, 0.64, 0.78, 0.48, 0.84, 0.3, 0.76]
# What a group might have played: one wrong guess after the other taken back.
LOOPS_AND_STROKES = {0: [1, 0], 1: [0, 1], 3: [0, 0], 7: [0, 2], 8: [2, 0]}
GUESSES = ([3, 0, 7, 1, 8], [0, 3, 1, 7, 8], [8, 1, 0, 3, 7])
TRUE = ([0, 3, 1, 7, 8], [0, 3, 7, 1, 8], [8, 1, 0, 3, 7])


@functools.cache
def run(latent_dim: int, epochs: int = 30, beta: float = 1.0) -> vw.Run:
    """A finished run; what dies in it is watched from its start."""
    torch.manual_seed(0)
    data = vw.load_dataset("digits")
    model = vw.MLPVAE(data.image_shape, latent_dim)
    made = vw.train(model, data, epochs=epochs, beta=beta, batch_size=64, autosave=False, start=False)
    made.watch_units()
    made.resume()
    return made.wait(progress=False)


def quantised() -> vw.Run:
    """A finished run of a vector-quantised model."""
    torch.manual_seed(0)
    data = vw.load_dataset("digits")
    model = vw.VQVAE(data.image_shape)
    return vw.train(model, data, epochs=10, batch_size=64, autosave=False).wait(progress=False)


@functools.cache
def sweep(**options: Any) -> vw.Sweep:
    """A finished sweep."""
    found = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
    data = vw.load_dataset("digits")
    return vw.sweep(vw.MLPVAE, data, epochs=15, batch_size=64, **found).wait(progress=False)


def betas() -> vw.Sweep:
    """Three weights of the KL."""
    return sweep(latent_dim=2, beta=(0.1, 1.0, 4.0))


def game() -> dict[str, Any]:
    """The card game after three rounds: the last one without a loss."""
    rules = {"bottleneck": "two", "bits": 2, "cards": list(LOOPS_AND_STROKES)}
    codes = [[card, code] for card, code in LOOPS_AND_STROKES.items()]
    rounds = [
        {**rules, "codes": codes, "order": order, "guesses": guesses, "swapped": False}
        for order, guesses in zip(TRUE, GUESSES, strict=True)
    ]
    book = [[code, card] for card, code in codes]
    rest = {"encoder": "person", "decoder": "person", "phase": "summary", "book": book, "seed": 0}
    return {**rounds[-1], **rest, "properties": ["loops", "strokes"], "rounds": rounds}


def looked_at(widget: LiveWidget, **view: Any) -> LiveWidget:
    """The widget with some of its view set."""
    widget.view = view
    return widget


# Each widget once, with something to show.
WIDGETS: dict[str, Callable[[], LiveWidget]] = {
    "LatentExplorer": lambda: vw.LatentExplorer(run(2)),
    "TrainingCurves": lambda: vw.TrainingCurves(betas()),
    "LatentScatter": lambda: vw.LatentScatter(run(2)),
    "LatentManifold": lambda: vw.LatentManifold(run(2)),
    "ReconstructionGrid": lambda: vw.ReconstructionGrid([run(2), run(16, beta=4.0)]),
    "PriorSamples": lambda: vw.PriorSamples([run(2), run(16, beta=4.0)]),
    "InterpolationStrip": lambda: vw.InterpolationStrip(run(2)),
    "LatentTraversal": lambda: vw.LatentTraversal(run(16, beta=4.0)),
    "ActiveUnitsBar": lambda: vw.ActiveUnitsBar(run(16, beta=4.0)),
    "Diagnosis": lambda: vw.Diagnosis(run(16, beta=4.0)),
    "SketchEncoder": lambda: looked_at(
        vw.SketchEncoder(run(2)), strokes=[{"width": 0.09, "points": THREE, "erase": False}]
    ),
    "BetaCompare": lambda: looked_at(vw.BetaCompare(betas()), show="latent"),
    "BottleneckSweep": lambda: vw.BottleneckSweep(sweep(latent_dim=(1, 2, 4, 8, 16))),
    "CodebookUsage": lambda: vw.CodebookUsage(quantised()),
    "KLPlayground": lambda: vw.KLPlayground(kept=[(0.0, 1.0), (0.0, 0.3), (1.5, 1.0)]),
    "ReparameterizationDemo": vw.ReparameterizationDemo,
    "AnnealingSchedule": lambda: vw.AnnealingSchedule("cyclical", at=300),
    "ArchitectureDiagram": lambda: looked_at(vw.ArchitectureDiagram(run(2)), step=4),
    "BottleneckGame": lambda: vw.BottleneckGame(game=game()),
}


def photograph(browser: Any, page: Path, theme: str) -> bytes:
    """PNG of a saved page's only widget."""
    size = {"width": WIDTH, "height": 900}
    with open_page(browser, page, color_scheme=theme, viewport=size, reduced_motion="reduce") as opened:
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
        said = (inspect.getdoc(getattr(vw, name)) or "").split("\n\n")[0].replace("\n", " ")
        text += [f"## {name}", "", re.sub(r"`+", "`", said), ""]
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
    images = HERE / "images"
    images.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_ARGUMENTS)
        for name in options.names or WIDGETS:
            page = (options.pages or Path(folder)) / f"{name}.html"
            if not page.exists():
                WIDGETS[name]().save_html(page)
            for theme in ("light", "dark"):
                (images / f"{name}-{theme}.png").write_bytes(photograph(browser, page, theme))
            print(name, flush=True)  # noqa: T201
        browser.close()
    (HERE / "widgets.md").write_text(listing(), encoding="utf-8")


if __name__ == "__main__":
    main()
