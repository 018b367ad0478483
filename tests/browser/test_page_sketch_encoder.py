"""Drawing in a saved page: encoded as torch does, erased, taken back, by keys; the point dragged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.browser.helpers import Widget
from tests.browser.pages import SavedPage, open_page
from tests.widgets.decode import made
from vaewidgets.sections.state import to_u8

PAD = ".vw-pad-canvas"


@pytest.fixture(scope="module")
def run() -> vw.Run:
    return made(epochs=2)


@pytest.fixture(scope="module")
def page(browser: Any, run: vw.Run, tmp_path_factory: Any) -> Iterator[SavedPage]:
    path = tmp_path_factory.mktemp("pages") / "sketch.html"
    vw.SketchEncoder(run).save_html(path)
    with open_page(browser, path) as page:
        yield page


@pytest.fixture
def shown(page: SavedPage) -> Widget:
    if page.page.locator(".vw-clear").is_enabled():
        page.page.locator(".vw-clear").click()
    shown = page.widget(".vw-sketch-encoder")
    shown.wait("w.pixels() === null && w.z !== null", 10)
    return shown


def draw(page: SavedPage, places: list[tuple[float, float]]) -> None:
    """One stroke through places of the pad, 0 to 1."""
    box = page.page.locator(PAD).bounding_box()
    (x, y), *rest = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in places]
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    for x, y in rest:
        page.page.mouse.move(x, y, steps=3)
    page.page.mouse.up()


def check(shown: Widget, run: vw.Run) -> None:
    """What came out of the encoder is what torch gives for the pixels that went in."""
    shown.wait("w.mu !== null", 5)
    x = torch.tensor(shown.ask("w.pixels()")).reshape(1, *run.data.image_shape)
    with torch.no_grad():
        mu, logvar = run.model.encode(x)
        scale = float(run.model.encode(run.data.train.images(torch.arange(100)))[0].std())
    assert np.abs(np.array(shown.ask("w.mu")) - mu[0].numpy()).max() <= 1e-2 * max(scale, 1.0)
    assert np.abs(np.array(shown.ask("w.logvar")) - logvar[0].numpy()).max() <= 2e-2


def test_a_drawing_lands_where_torch_puts_its_pixels(shown: Widget, page: SavedPage, run: vw.Run) -> None:
    draw(page, [(0.3, 0.2), (0.7, 0.3), (0.4, 0.5), (0.7, 0.7), (0.3, 0.8)])
    check(shown, run)
    assert shown.ask("Math.max(...w.pixels())") == pytest.approx(1, abs=0.01)
    z = shown.ask("w.z")
    assert z == shown.ask("w.mu")
    shown.wait("w.decoded() !== null", 5)
    with torch.no_grad():
        x_hat = to_u8(run.data, run.model.decode(torch.tensor([z]))).reshape(-1).astype(int)
    assert np.abs(np.array(shown.ask("Array.from(w.decoded())")) - x_hat).max() <= 3
    assert "σ =" in shown.ask("root.querySelector('.vw-sketch-said').textContent")


def test_drawing_undo_erase_and_framing(shown: Widget, page: SavedPage, run: vw.Run) -> None:
    draw(page, [(0.5, 0.2), (0.5, 0.8)])
    shown.wait("w.view.strokes.length === 1", 5)
    one = shown.ask("w.pixels()")
    draw(page, [(0.2, 0.5), (0.8, 0.5)])
    shown.wait("w.view.strokes.length === 2", 5)
    assert shown.ask("w.pixels()") != one
    page.page.locator(".vw-undo").click()
    shown.wait("w.view.strokes.length === 1", 5)
    assert shown.ask("w.pixels()") == one
    page.page.locator(".vw-framed select").select_option("drawn")
    shown.wait(f"w.view.framed === false && JSON.stringify(w.pixels()) !== '{one}'", 5)
    before = sum(shown.ask("w.pixels()"))
    page.page.locator(".vw-eraser").click()
    draw(page, [(0.3, 0.5), (0.7, 0.5)])
    shown.wait("w.view.strokes.length === 2 && w.view.strokes[1].erase", 5)
    assert sum(shown.ask("w.pixels()")) < before - 0.5
    check(shown, run)
    page.page.locator(".vw-eraser").click()
    page.page.locator(".vw-framed select").select_option("data")


def test_drawing_by_keys(shown: Widget, page: SavedPage, run: vw.Run) -> None:
    page.page.locator(PAD).focus()
    for key in [" ", *["ArrowDown"] * 6, *["ArrowRight"] * 4, " "]:
        page.page.keyboard.press(key)
    shown.wait("w.view.strokes.length === 1 && w.view.strokes[0].points.length >= 12", 5)
    check(shown, run)
    page.page.keyboard.press("Backspace")
    shown.wait("w.view.strokes.length === 0 && w.pixels() === null", 5)


def test_the_point_is_dragged_and_goes_back(shown: Widget, page: SavedPage, run: vw.Run) -> None:
    draw(page, [(0.5, 0.2), (0.5, 0.8)])
    shown.wait("w.mu !== null", 5)
    page.page.mouse.move(*shown.ask("w.toClient(...w.at)"))
    page.page.mouse.down()
    page.page.mouse.move(*shown.ask("w.toClient(0.5, -0.5)"), steps=4)
    page.page.mouse.up()
    shown.wait("w.view.z && Math.hypot(w.z[0] - 0.5, w.z[1] + 0.5) < 0.1", 5)
    assert shown.ask("w.view.hover") == shown.ask("w.view.z")
    with torch.no_grad():
        x_hat = to_u8(run.data, run.model.decode(torch.tensor([shown.ask("w.z")]))).reshape(-1).astype(int)
    assert np.abs(np.array(shown.ask("Array.from(w.decoded())")) - x_hat).max() <= 3
    page.page.locator(".vw-back").click()
    shown.wait("w.view.z === null && JSON.stringify(w.z) === JSON.stringify(w.mu)", 5)


def test_the_page_asks_nobody(page: SavedPage) -> None:
    page.assert_alone()
