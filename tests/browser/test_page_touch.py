"""A phone, 390 px wide (F7): one finger scrolls, two zoom and move the map, a tap decodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.browser.helpers import Widget
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page

# The middle of each control that can be seen, and what is hit 18 px away from there.
TARGETS = """() => [...document.querySelectorAll('.vw-root :is(button, select, input, label.vw-segment)')]
    .filter(el => el.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !el.disabled
        && !el.matches('.vw-unit-button, .vw-segment-input'))
    .map(el => {
        el.scrollIntoView({ block: 'center' });
        const { left, top, width, height } = el.getBoundingClientRect();
        const [x, y] = [left + width / 2, top + height / 2];
        const hit = [[0, 18], [0, -18]].map(([dx, dy]) => document.elementFromPoint(x + dx, y + dy));
        const isHit = hit.every(other => el === other || el.contains(other));
        return { name: el.className || el.type, height, isHit };
    })"""


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedPage]:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=256)
    model = vw.MLPVAE(data.image_shape, 2, hidden=(16,))
    run = vw.train(model, data, epochs=25, lr=5e-3, autosave=False).wait(progress=False)
    path: Path = vw.LatentExplorer(run).save_html(tmp_path_factory.mktemp("touch") / "page.html")
    with open_page(browser, path, viewport={"width": 390, "height": 800}, has_touch=True) as page:
        yield page
        page.assert_alone()


SCROLLED_TO_TOP = """async () => {
    for (let still = 0; still < 5; still = scrollY === 0 ? still + 1 : 0) {
        scrollTo(0, 0);
        await new Promise((done) => setTimeout(done, 50));
    }
}"""


@pytest.fixture
def explorer(page: SavedPage) -> Widget:
    widget = page.widget()
    page.page.evaluate(SCROLLED_TO_TOP)  # a page that still scrolls keeps the next fingers
    widget.settle()
    return widget


class Fingers:
    """Fingers on the screen, as the browser gets them from the device."""

    def __init__(self, page: Any) -> None:
        self.session = page.context.new_cdp_session(page)

    def send(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def move(self, *paths: list[tuple[float, float]], rest_ms: int = 0) -> None:
        """Put fingers down where each path begins, lead them along, lift them."""
        self.send("touchStart", *(path[0] for path in paths))
        if rest_ms:
            self.session.send("Runtime.evaluate", {
                "expression": f"new Promise(done => setTimeout(done, {rest_ms}))", "awaitPromise": True,
            })  # fmt: skip
        for step in zip(*(path[1:] for path in paths), strict=True):
            self.send("touchMove", *step)
        self.send("touchEnd")


def line(a: list[float], b: list[float], steps: int = 6) -> list[tuple[float, float]]:
    return [(x, y) for x, y in np.linspace(a, b, steps).tolist()]


def unit(widget: Widget) -> float:
    """Pixels of one latent unit."""
    return float(widget.ask("w.toClient(1, 0)[0] - w.toClient(0, 0)[0]"))


def test_one_finger_scrolls_the_page(page: SavedPage, explorer: Widget) -> None:
    x, y = explorer.ask("w.toClient(0.1, -1.9)")  # the handles A and B are elsewhere
    before = unit(explorer)
    Fingers(page.page).move(line([x, y], [x, y - 150]))
    wait_for(lambda: page.page.evaluate("scrollY") > 100, "the page scrolls", 10)
    assert unit(explorer) == before
    assert explorer.ask("w.selected().length") == 0


def test_two_fingers_zoom_and_move_the_map(page: SavedPage, explorer: Widget) -> None:
    before = unit(explorer)
    x, y = explorer.ask("w.toClient(0.1, -1.9)")
    Fingers(page.page).move(line([x - 20, y], [x - 40, y + 30]), line([x + 20, y], [x + 40, y + 30]))
    wait_for(lambda: abs(unit(explorer) / before - 2) < 0.05, "the map is twice as large", 10)
    moved = explorer.ask("w.toClient(0.1, -1.9)")
    assert np.allclose(moved, [x, y + 30], atol=2), "what is between the fingers stays there"
    assert page.page.evaluate("scrollY") == 0
    explorer.click(".vw-reset")
    wait_for(lambda: abs(unit(explorer) - before) < 0.5, "the view is reset", 10)


def test_a_tap_decodes(page: SavedPage, explorer: Widget) -> None:
    page.page.touchscreen.tap(*explorer.ask("w.toClient(0.9, -0.7)"))
    wait_for(lambda: np.allclose(explorer.ask("w.hover?.z") or 0, [0.9, -0.7], atol=0.05), "it decodes", 10)
    assert explorer.ask("w.hover.image.length") > 0


def test_a_finger_that_rests_selects_and_a_button_clears(page: SavedPage, explorer: Widget) -> None:
    corners = [explorer.ask(f"w.toClient({x}, {y})") for x, y in [(-3, -2), (3, -2), (3, 2), (-3, 2)]]
    Fingers(page.page).move([(x, y) for x, y in corners], rest_ms=600)
    wait_for(lambda: explorer.ask("w.selected().length") > 0, "points are selected", 10)
    clear = page.page.locator(".vw-unselect")
    assert clear.bounding_box()["height"] >= 40
    clear.tap()
    wait_for(lambda: explorer.ask("w.selected().length") == 0, "nothing is selected", 10)
    assert not clear.is_visible()
    assert explorer.ask("root.vaewidgets.status") == "finished"


def test_what_can_be_pressed_is_large_enough(page: SavedPage, explorer: Widget) -> None:
    found = page.page.evaluate(TARGETS)
    assert len(found) > 8
    knobs = [target for target in found if "vw-knob" in target["name"]]
    assert len(knobs) == 2
    small = [target for target in found if not target["isHit"]]
    assert not small
