"""Rows of a traversal in a saved page: a slider each, ranges, directions, a start from an image."""

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

ROOT = ".vw-latent-traversal"


@pytest.fixture(scope="module")
def widget() -> vw.LatentTraversal:
    return vw.LatentTraversal(made(latent_dim=4, epochs=2), images=5)


@pytest.fixture(scope="module")
def page(browser: Any, widget: vw.LatentTraversal, tmp_path_factory: Any) -> Iterator[SavedPage]:
    path = tmp_path_factory.mktemp("pages") / "traversal.html"
    widget.save_html(path)
    with open_page(browser, path) as page:
        yield page


@pytest.fixture
def shown(page: SavedPage) -> Widget:
    shown = page.widget(ROOT)
    shown.wait("w.left === 0 && w.image(0, 4) !== null", 10)
    return shown


def check(shown: Widget, widget: vw.LatentTraversal) -> None:
    """Rows and images of the page are those of Python."""
    keys = ("style", "axes", "base", "rows", "z")
    widget.view = {key: shown.ask(f"w.view.{key} ?? null") for key in keys}
    rows = shown.ask("w.rows()")
    want = widget.traversals()
    assert [row["name"].translate(str.maketrans("₁₂₃₄", "1234")) for row in rows] == list(want)
    for i, (row, z) in enumerate(zip(rows, want.values(), strict=True)):
        np.testing.assert_allclose(row["z"], z, atol=1e-4)
        got = np.array(shown.ask(f"[0, 1, 2, 3, 4].map((k) => Array.from(w.image({i}, k)))"))
        with torch.no_grad():
            x_hat = widget.run.model.decode(torch.from_numpy(z))
        assert np.abs(got - to_u8(widget.run.data, x_hat).reshape(5, -1).astype(int)).max() <= 3


def test_rows_are_those_of_python(shown: Widget, widget: vw.LatentTraversal) -> None:
    check(shown, widget)


def test_a_slider_moves_the_point_that_all_rows_start_from(
    shown: Widget, page: SavedPage, widget: vw.LatentTraversal
) -> None:
    slider = page.page.locator(f"{ROOT} .vw-row input").first
    slider.focus()
    before = shown.ask("w.z")
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("ArrowRight")
    shown.wait("w.view.z && JSON.stringify(w.view.z) === JSON.stringify(w.z) && w.left === 0", 5)
    after = shown.ask("w.z")
    assert sum(abs(a - b) > 1e-6 for a, b in zip(after, before, strict=True)) == 1
    np.testing.assert_allclose(shown.ask("w.view.hover"), shown.ask("w.z"))
    check(shown, widget)
    page.page.locator(f"{ROOT} .vw-back").click()
    shown.wait(f"w.view.z === null && w.z.every((x, j) => Math.abs(x - {before}[j]) < 1e-6)", 5)


def test_ranges_directions_rows_and_the_start(
    shown: Widget, page: SavedPage, widget: vw.LatentTraversal
) -> None:
    page.page.locator(f"{ROOT} .vw-base .vw-next").click()
    page.page.locator(f"{ROOT} .vw-style select").select_option("sigma")
    page.page.locator(f"{ROOT} .vw-rows input").fill("2")
    shown.wait("w.view.base === 0 && w.rows().length === 2 && w.left === 0", 5)
    check(shown, widget)
    page.page.locator(f"{ROOT} .vw-axes select").select_option("principal")
    shown.wait("w.rows()[0].name === 'direction 1' && w.left === 0", 5)
    check(shown, widget)


def test_the_page_asks_nobody(page: SavedPage) -> None:
    page.assert_alone()
