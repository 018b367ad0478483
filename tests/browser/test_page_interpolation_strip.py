"""The path between two images in a saved page: ends chosen in each way, and the verdict on it."""

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

READY = "w.left === 0 && w.verdict !== null"


@pytest.fixture(scope="module")
def widget() -> vw.InterpolationStrip:
    return vw.InterpolationStrip(made(epochs=2), images=6)


@pytest.fixture(scope="module")
def page(browser: Any, widget: vw.InterpolationStrip, tmp_path_factory: Any) -> Iterator[SavedPage]:
    path = tmp_path_factory.mktemp("pages") / "strip.html"
    vw.save_html([widget, vw.LatentScatter(widget.run)], path)
    with open_page(browser, path) as page:
        yield page


@pytest.fixture
def shown(page: SavedPage) -> Widget:
    shown = page.widget(".vw-interpolation-strip")
    shown.wait(READY, 10)
    return shown


def check(shown: Widget, widget: vw.InterpolationStrip) -> None:
    """Ends, images and verdict in the page are those of torch."""
    shown.wait(READY, 10)
    widget.view = {"ends": shown.ask("w.ends"), "mode": shown.ask("w.view.mode")}
    want = widget.verdict
    assert shown.ask("w.verdict.verdict") == want.verdict
    np.testing.assert_allclose(shown.ask("w.verdict.steps"), want.step_sizes, atol=0.02)
    assert shown.ask("w.verdict.classes") == list(want.classes or ())
    np.testing.assert_allclose(shown.ask("w.verdict.logPrior"), want.log_prior, atol=1e-3)
    with torch.no_grad():
        x_hat = widget.run.model.decode(torch.tensor(shown.ask("w.path()")[::6]))
    got = np.array(shown.ask("[0, 1, 2, 3, 4, 5].map((i) => Array.from(w.image(i)))"))
    assert np.abs(got - to_u8(widget.run.data, x_hat).reshape(6, -1).astype(int)).max() <= 3


def test_the_verdict_of_the_page_is_that_of_python(shown: Widget, widget: vw.InterpolationStrip) -> None:
    check(shown, widget)
    text = shown.ask("root.querySelector('.vw-path-verdict').textContent")
    assert text.lower().startswith(widget.verdict.verdict)


def test_an_end_is_dragged_to_another_image(
    shown: Widget, page: SavedPage, widget: vw.InterpolationStrip
) -> None:
    before = shown.ask("w.ends")
    target = next(i for i in range(40, 80) if i not in before)
    x, y = shown.ask("w.toClient(1)")
    shown.ask("root.querySelectorAll('.vw-map-handle')[1].scrollIntoView({ block: 'center' })")
    x, y = shown.ask("w.toClient(1)")
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(*shown.ask(f"w.pointClient({target})"), steps=4)
    page.page.mouse.up()
    shown.wait(f"w.ends[1] !== {before[1]}", 5)
    ends = shown.ask("w.ends")
    assert ends[0] == before[0]
    at, wanted = (np.array(shown.ask(f"w.pointClient({i})")) for i in (ends[1], target))
    assert np.hypot(*(at - wanted)) < 3  # that image, or one that lies on it
    check(shown, widget)


def test_ends_by_class_and_by_step(shown: Widget, page: SavedPage, widget: vw.InterpolationStrip) -> None:
    labels = widget.sample.labels
    page.page.locator(".vw-end-0 select").select_option("4")
    shown.wait(f"w.ends[0] === {int(np.flatnonzero(labels == 4)[0])}", 5)
    page.page.locator(".vw-end-0 .vw-next").click()
    shown.wait(f"w.ends[0] === {int(np.flatnonzero(labels == 4)[1])}", 5)
    check(shown, widget)


def test_ends_by_key_and_the_arc(shown: Widget, page: SavedPage, widget: vw.InterpolationStrip) -> None:
    before = shown.ask("w.ends")
    page.page.locator(".vw-interpolation-strip .vw-map-handle").first.focus()
    page.page.keyboard.press("ArrowRight")
    shown.wait(f"w.ends[0] !== {before[0]}", 5)
    page.page.locator(".vw-interpolation-strip .vw-mode select").select_option("slerp")
    shown.wait("w.view.mode === 'slerp'", 5)
    check(shown, widget)


def test_two_points_selected_in_the_scatter_become_the_ends(shown: Widget, page: SavedPage) -> None:
    scatter = page.widget(".vw-latent-scatter")
    points = scatter.points()
    scatter.ask("root.scrollIntoView()")
    page.page.locator(".vw-latent-scatter .vw-scatter-overlay").focus()
    for i, key in ((3, "Enter"), (8, "Shift+Enter")):
        page.page.mouse.move(*scatter.ask(f"w.toClient({points[i][0]}, {points[i][1]})"))
        page.page.keyboard.press(key)
    shown.wait("w.view.selected?.length === 2 && w.ends.join() === w.view.selected.join()", 5)


@pytest.mark.parametrize("ends", ["[]", "[1]", "[0,1,2]", "[0.5,1]", '"A"'])
def test_ends_of_an_address_that_are_none_are_left_out(page: SavedPage, ends: str) -> None:
    page.go_to(f'#view={{"runs":[],"widgets":[{{"ends":{ends}}}]}}')
    strip = page.widget(".vw-interpolation-strip")
    strip.wait(READY, 10)
    assert len(strip.ask("w.ends")) == 2
    assert page.console == []


def test_the_page_asks_nobody(page: SavedPage) -> None:
    page.assert_alone()
