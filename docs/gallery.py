"""Pictures of every widget, in both themes, and the page that shows them.

    python -m docs.gallery

Trains small models on the embedded digits, saves each widget as a page of its own, photographs it in a
browser with the network off, and writes docs/images/ and docs/widgets.md.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image

import vaewidgets as vw
from tests.browser.conftest import find_browser
from tests.browser.lab import CHROMIUM_ARGUMENTS
from tests.browser.pages import open_page
from vaewidgets.widgets.live import LiveWidget

HERE = Path(__file__).parent
COLORS = 160  # of a palette: a photograph of a page needs no more
WIDTH = 1000


def _run(latent_dim: int, epochs: int = 30, beta: float = 1.0, name: str | None = None) -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits")
    model = vw.MLPVAE(data.image_shape, latent_dim)
    run = vw.train(model, data, epochs=epochs, beta=beta, batch_size=64, autosave=False, name=name)
    return run.wait(progress=False)


def _vq() -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits")
    model = vw.VQVAE(data.image_shape)
    return vw.train(model, data, epochs=10, batch_size=64, autosave=False).wait(progress=False)


def _sweep(**options: object) -> vw.Sweep:
    data = vw.load_dataset("digits")
    return vw.sweep(vw.MLPVAE, data, epochs=15, batch_size=64, **options).wait(progress=False)


def widgets() -> Iterator[LiveWidget]:
    """Each widget once, with something to show."""
    plane, many = _run(2), _run(16, beta=4.0)
    yield vw.LatentExplorer(plane)
    yield vw.TrainingCurves(plane)
    yield vw.LatentScatter(plane)
    yield vw.LatentManifold(plane)
    yield vw.ReconstructionGrid([plane, many])
    yield vw.PriorSamples([plane, many])
    yield vw.InterpolationStrip(plane)
    yield vw.LatentTraversal(many)
    yield vw.ActiveUnitsBar(many)
    yield vw.Diagnosis(many)
    yield vw.SketchEncoder(plane)
    yield vw.BetaCompare(_sweep(latent_dim=8, beta=[0.1, 1.0, 4.0]))
    yield vw.BottleneckSweep(_sweep(latent_dim=[1, 2, 4, 8, 16]))
    yield vw.CodebookUsage(_vq())
    yield vw.KLPlayground()
    yield vw.ReparameterizationDemo()
    yield vw.AnnealingSchedule()
    yield vw.ArchitectureDiagram(plane)
    yield vw.BottleneckGame()


def photograph(browser: object, page: Path, theme: str) -> bytes:
    """PNG of a saved page's only widget."""
    size = {"width": WIDTH, "height": 900}
    with open_page(browser, page, color_scheme=theme, viewport=size, reduced_motion="reduce") as opened:
        opened.assert_alone()
        png = opened.page.locator(".vw-root").screenshot()
    small = Image.open(BytesIO(png)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    out = BytesIO()
    small.save(out, "png", optimize=True)
    return out.getvalue()


def main() -> None:
    """Write pictures and page."""
    from playwright.sync_api import sync_playwright

    images = HERE / "images"
    images.mkdir(exist_ok=True)
    text = ["# The widgets", "", "Made by `python -m docs.gallery`; each is alive in a saved page, too.", ""]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_ARGUMENTS)
        for widget in widgets():
            name = type(widget).__name__
            page = widget.save_html(Path(folder) / f"{name}.html")
            for theme in ("light", "dark"):
                (images / f"{name}-{theme}.png").write_bytes(photograph(browser, Path(page), theme))
            said = (inspect.getdoc(type(widget)) or "").split("\n\n")[0].replace("\n", " ")
            text += [f"## {name}", "", said, ""]
            text += [f"![{name}, {theme}](images/{name}-{theme}.png)" for theme in ("light", "dark")] + [""]
            print(name, flush=True)  # noqa: T201
        browser.close()
    (HERE / "widgets.md").write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
