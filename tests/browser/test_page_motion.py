"""Points travel, bars sink and images cross-fade: at each of thirty frames a second another picture.

The clock of the page stands still and is moved by the test: a slow machine draws what a quick one draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import vaewidgets as vw
from tests.browser.frozen_clock import Clock
from tests.browser.helpers import EXPLORER
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page

FRAME_MS = 1000 / 30
FRAMES = 4  # the last of them after 100 ms; images fade for 220, bars take 250, points up to 700
LONGEST_MS = 700
GRID = ".vw-reconstruction-grid"
# What is to move, and where it is drawn.
MOVING = {
    "points": f"{EXPLORER} .vw-scatter-base",
    "bars": ".vw-active-units-bar .vw-bars-canvas",
    "images of the strip": f"{EXPLORER} .vw-part-way canvas",
    "reconstructions": f"{GRID} .vw-grid-image",
    "samples": ".vw-prior-samples .vw-sheet-canvas",
}
PICTURES = """selectors => Object.fromEntries(Object.entries(selectors).map(([name, selector]) => [name,
    [...document.querySelectorAll(selector)].map(canvas => canvas.toDataURL()).join()]))"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page that trains; a step changes much."""
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=64)
    model = vw.MLPVAE(data.image_shape, 2, hidden=(16,))
    run = vw.train(model, data, epochs=9, batch_size=32, lr=0.1, autosave=False, start=False)
    rest = [vw.ActiveUnitsBar(run), vw.ReconstructionGrid(run, images=4), vw.PriorSamples(run, draws=4)]
    path: Path = tmp_path_factory.mktemp("motion") / "page.html"
    vw.save_html([vw.LatentExplorer(run), *rest], path, train={"latent_dim": [2]})
    run.stop()
    return path


@pytest.fixture(params=["no-preference", "reduce"])
def page(request: pytest.FixtureRequest, browser: Any, path: Path) -> Iterator[SavedPage]:
    size = {"width": 900, "height": 3200}  # what is off the screen is not drawn
    with open_page(browser, path, viewport=size, reduced_motion=request.param) as page:
        yield page
        page.assert_alone()


def test_what_training_changes_moves(page: SavedPage) -> None:
    is_still = page.page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    clock = Clock(page.page)
    explorer = page.widget(EXPLORER)

    def step(number: int) -> None:
        """Train one step; all of it has come, and no time has passed since."""
        page.page.evaluate(f"document.querySelector('{EXPLORER} .vw-step').click()")

        def is_here() -> bool:
            clock.frame(0)
            decoded = "[...document.querySelectorAll('.vw-root')].every(r => (r.vaewidgets?.left ?? 0) === 0)"
            return explorer.ask(f"w.step === {number} && w.way() !== null && {decoded}")

        wait_for(is_here, f"step {number}")
        for _ in range(3):
            clock.frame(0)

    with clock.frozen():
        step(1)  # the first has the page drop what it was saved with
        clock.frame(2 * LONGEST_MS)
        before = page.page.evaluate(PICTURES, MOVING)
        step(2)
        seen = [page.page.evaluate(PICTURES, MOVING)]
        for _ in range(FRAMES - 1):
            clock.frame(FRAME_MS)
            seen.append(page.page.evaluate(PICTURES, MOVING))
        clock.frame(2 * LONGEST_MS)
        end = page.page.evaluate(PICTURES, MOVING)
        clock.frame(FRAME_MS)
        assert page.page.evaluate(PICTURES, MOVING) == end, "it comes to rest"
    for name in MOVING:
        assert before[name] != end[name], f"the step changed no {name}"
        pictures = [one[name] for one in seen]
        if is_still:
            assert set(pictures) == {end[name]}, f"{name} move although less motion is asked for"
        else:
            assert len({*pictures, end[name]}) == FRAMES + 1, f"{name}: frames without a new picture"
