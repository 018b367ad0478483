"""A saved explorer of MNIST beside a strip and a sketch pad, the network off: all alive, as torch has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page
from tests.browser.test_explorer import needs_data
from tests.browser.test_page_sketch_encoder import check, draw

TALL = {"width": 1200, "height": 3000}  # what is off the screen is not drawn
EXPLORER, STRIP, SKETCH = ".vw-latent-explorer", ".vw-interpolation-strip", ".vw-sketch-encoder"


@pytest.fixture(scope="module")
def run() -> vw.Run:
    data = vw.load_dataset("mnist", root=needs_data("MNIST"), n_train=5000, n_test=1000)
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, latent_dim=2, hidden=(256, 128))
    return vw.train(model, data, epochs=5, autosave=False).wait(progress=False)


@pytest.fixture(scope="module")
def page(browser: Any, run: vw.Run, tmp_path_factory: Any) -> Iterator[SavedPage]:
    widgets = [vw.LatentExplorer(run), vw.InterpolationStrip(run), vw.SketchEncoder(run)]
    path = vw.save_html(widgets, tmp_path_factory.mktemp("mnist") / "page.html")
    with open_page(browser, path, viewport=TALL, reduced_motion="reduce") as page:
        yield page
        page.assert_alone()
    for widget in widgets:
        widget.close()


def decoded(run: vw.Run, z: list[list[float]]) -> np.ndarray:
    with torch.no_grad():
        return run.snapshot().decode(torch.tensor(z, dtype=torch.float32)).flatten(1).numpy()


def way(page: SavedPage, run: vw.Run) -> list[list[float]]:
    """z of each image of the explorer's strip, which must be torch's within a grey level or two."""
    found = wait_for(lambda: page.widget(EXPLORER).ask("w.way()?.map(o => [o.z, Array.from(o.image)])"), "it")
    z = [place for place, _ in found]
    shown = np.array([image for _, image in found])
    torchs = decoded(run, z) * 255
    assert np.abs(shown - torchs).max() <= 2.5
    assert np.ptp(torchs) > 150, "images without contrast prove nothing"
    return z


def test_hovering_decodes(page: SavedPage, run: vw.Run) -> None:
    shown = page.widget(EXPLORER).hover(0.7, -0.4)
    assert np.abs(np.array(shown["image"]) - decoded(run, [shown["z"]])[0]).max() < 1e-2
    assert shown["ms"] is not None


def test_the_strip_of_the_explorer_follows_its_ends(page: SavedPage, run: vw.Run) -> None:
    explorer = page.widget(EXPLORER)
    before = way(page, run)
    assert np.hypot(*np.subtract(before[0], before[-1])) > 0.5
    handle = page.page.locator(f"{EXPLORER} .vw-map-handle").first
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x + 40, y + 30, steps=4)
    page.page.mouse.up()
    wanted = explorer.ask(f"w.fromClient({x + 40}, {y + 30})")
    explorer.wait("w.view.path != null", 5)
    wait_for(lambda: np.allclose(explorer.ask("w.path()[0]"), wanted, atol=0.02), "A is where it was dragged")
    after = way(page, run)
    np.testing.assert_allclose(after[0], wanted, atol=0.02)
    np.testing.assert_allclose(after[-1], before[-1], atol=1e-6)
    np.testing.assert_allclose(after[4], np.add(after[0], after[-1]) / 2, atol=1e-5)

    handle.focus()
    page.page.keyboard.press("Shift+ArrowRight")
    wait_for(lambda: explorer.ask("w.path()[0][0]") > wanted[0] + 1e-3, "an arrow key moves it")


def test_the_interpolation_strip_follows_its_dragged_ends(page: SavedPage, run: vw.Run) -> None:
    strip = page.widget(STRIP)
    strip.wait("w.verdict !== null", 10)
    before = strip.ask("w.ends")
    x, y = strip.ask("w.toClient(0)")
    to = strip.ask("w.pointClient(7)")
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(*to, steps=4)
    page.page.mouse.up()
    strip.wait(f"w.ends[0] !== {before[0]} && w.verdict !== null", 10)
    z = strip.ask("w.path()")
    shown = np.array(strip.ask("Array.from(w.image(0))"))
    assert np.abs(shown - decoded(run, [z[0]])[0] * 255).max() <= 2.5
    verdict = vw.InterpolationStrip(run)
    verdict.view = {"ends": strip.ask("w.ends")}
    assert strip.ask("w.verdict.verdict") == verdict.verdict.verdict
    verdict.close()


def test_the_time_line_moves_the_points(page: SavedPage, run: vw.Run) -> None:
    explorer = page.widget(EXPLORER)
    now = explorer.points()
    page.page.locator(f"{EXPLORER} .vw-time-slider").focus()
    page.page.keyboard.press("Home")
    first = run.time_line.frames[0].mu
    wait_for(lambda: np.abs(explorer.points() - first).max() < 1e-3, "the points of step 0")
    assert np.abs(now - first).max() > 0.5
    page.page.keyboard.press("End")
    wait_for(lambda: np.array_equal(explorer.points(), now), "back again")


def test_a_sketched_digit_lands_where_torch_puts_it(page: SavedPage, run: vw.Run) -> None:
    draw(page, [(0.3, 0.2), (0.7, 0.2), (0.5, 0.5), (0.4, 0.85)])
    sketch = page.widget(SKETCH)
    check(sketch, run)
    assert sketch.ask("w.z") == sketch.ask("w.mu")
