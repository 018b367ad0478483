"""The geometry in a saved page with no kernel: the paths are Python's, wherever its ends are put."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vaewidgets as vw
from tests.browser.helpers import Widget
from tests.browser.pages import SavedPage, open_page
from tests.widgets.decode import made

NAMES = ["lerp", "slerp", "geodesic"]


@pytest.fixture(scope="module")
def widget() -> vw.LatentGeometry:
    return vw.LatentGeometry(made(epochs=3), cells=8)


@pytest.fixture(scope="module")
def page(browser: Any, widget: vw.LatentGeometry, tmp_path_factory: Any) -> Iterator[SavedPage]:
    path = tmp_path_factory.mktemp("pages") / "geometry.html"
    vw.save_html(widget, path)
    with open_page(browser, path) as page:
        yield page


def check(shown: Widget, widget: vw.LatentGeometry) -> None:
    """The lengths and verdicts of the page are those of torch."""
    shown.wait("w.path('geodesic') !== null", 20)
    lengths = shown.ask(f"{NAMES}.map((name) => w.path(name).length)")
    widget.view = {"ends": shown.ask("w.ends"), "uncertainty": shown.ask("w.view.uncertainty")}
    want = widget.paths
    np.testing.assert_allclose(lengths, [want[name].length for name in NAMES], rtol=0.01)
    assert lengths[2] <= lengths[0]
    verdicts = [shown.ask(f"w.path('{name}').verdict") for name in NAMES[:2]]
    assert verdicts == [want[name].verdict.verdict for name in NAMES[:2]]


def test_the_paths_are_those_of_python_and_follow_drags_keys_and_the_slider(
    page: SavedPage, widget: vw.LatentGeometry
) -> None:
    shown = page.widget(".vw-latent-geometry")
    check(shown, widget)
    shown.ask("root.querySelector('.vw-map-handle').scrollIntoView({ block: 'center' })")
    x, y = shown.ask("w.toClient(1)")
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x + 30, y + 10, steps=3)
    page.page.mouse.up()
    shown.wait("Array.isArray(w.ends[1])", 5)
    place = shown.ask("w.ends[1]")
    page.page.keyboard.press("ArrowUp")
    shown.wait(f"w.ends[1][1] > {place[1]}", 5)
    check(shown, widget)
    page.page.locator(".vw-uncertainty input").focus()
    page.page.keyboard.press("Home")
    shown.wait("w.view.uncertainty === 0", 5)
    check(shown, widget)
    page.assert_alone()
