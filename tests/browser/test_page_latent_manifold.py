"""The decoded plane in a saved page: pan, zoom, planes, hover; decoded as torch does."""

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

CANVAS = ".vw-latent-manifold .vw-manifold-canvas"


@pytest.fixture(scope="module")
def run() -> vw.Run:
    return made(latent_dim=3, epochs=2)


@pytest.fixture(scope="module")
def page(browser: Any, run: vw.Run, tmp_path_factory: Any) -> Iterator[SavedPage]:
    path = tmp_path_factory.mktemp("pages") / "manifold.html"
    vw.LatentManifold(run, cells=8).save_html(path)
    with open_page(browser, path) as page:
        yield page


@pytest.fixture
def shown(page: SavedPage) -> Widget:
    page.page.locator(".vw-latent-manifold .vw-whole").click()
    widget = page.widget(".vw-latent-manifold")
    widget.wait("w.left === 0 && w.cells().length >= 64", 10)
    return widget


def test_each_cell_is_what_torch_decodes_at_the_quantiles(shown: Widget, run: vw.Run) -> None:
    bytes_of = "Array.from(w.cell(...key.split(',').map(Number)))"
    cells = shown.ask(f"w.cells().map(({{ key, z }}) => ({{ key, z, bytes: {bytes_of} }}))")
    assert len(cells) == 64
    z = torch.tensor([cell["z"] for cell in cells])
    with torch.no_grad():
        wanted = to_u8(run.data, run.model.decode(z)).reshape(64, -1).astype(int)
    got = np.array([cell["bytes"] for cell in cells])
    assert np.abs(got - wanted).max() <= 2.55 + 1  # 1e-2 of the range, and rounding
    kl = shown.ask("w.frame.latent.kl") is not None
    assert kl
    at = {cell["key"]: cell["z"] for cell in cells}
    used = np.flatnonzero(np.abs(at["0,0"]) > 0)
    assert len(used) == 2
    quantile = float(torch.special.ndtri(torch.tensor(1 / 16)))
    np.testing.assert_allclose(np.array(at["0,0"])[used], quantile, atol=1e-5)


def test_keys_that_come_before_the_page_has_drawn_add_up(shown: Widget, page: SavedPage) -> None:
    # A page that trains draws late: what is pressed meanwhile is no less.
    page.page.evaluate(
        """selector => {
            const canvas = document.querySelector(selector);
            const [right, up] = ["ArrowRight", "ArrowUp"];
            for (const key of ["+", "+", "+", "+", right, right, up, up, up])
                canvas.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        }""",
        CANVAS,
    )
    span = 1.25**-4
    np.testing.assert_allclose(shown.ask("w.view.span"), span)
    np.testing.assert_allclose(shown.ask("w.view.center"), [0.5 + 2 * span / 8, 0.5 + 3 * span / 8])


def test_dragging_pans_and_the_wheel_zooms(shown: Widget, page: SavedPage) -> None:
    mouse = page.page.mouse
    x, y = shown.ask("w.toClient(0.5, 0.5)")
    page.page.locator(CANVAS).click()
    mouse.move(x, y)
    mouse.wheel(0, -400)
    shown.wait("w.view.span < 0.9", 5)
    center = shown.ask("w.view.center")
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - 30, y + 20, steps=3)
    mouse.up()
    shown.wait(f"w.view.center[0] > {center[0]} && w.view.center[1] > {center[1]}", 5)
    shown.wait("w.left === 0", 10)


def test_buttons_and_keys_do_the_same(shown: Widget, page: SavedPage) -> None:
    page.page.locator(".vw-zoom-in").click()
    shown.wait("Math.abs(w.view.span - 1 / 1.5) < 1e-9", 5)
    page.page.locator(CANVAS).focus()
    for key, wanted in (
        ("+", "w.view.span < 0.6"), ("ArrowRight", "w.view.center[0] > 0.55"),
        ("ArrowUp", "w.view.center[1] > 0.55"), ("Shift+ArrowLeft", "w.view.hover !== null"),
        ("0", "w.view.span === 1"),
    ):  # fmt: skip
        page.page.keyboard.press(key)
        shown.wait(wanted, 5)


def test_hover_decodes_the_point_and_tells_the_other_widgets(
    shown: Widget, page: SavedPage, run: vw.Run
) -> None:
    page.page.mouse.move(*shown.ask("w.toClient(0.9, 0.2)"))
    shown.wait("w.hover && Math.max(...w.hover.z) > 1.2", 5)
    hover = shown.ask("({ z: w.hover.z, bytes: Array.from(w.hover.bytes) })")
    with torch.no_grad():
        wanted = to_u8(run.data, run.model.decode(torch.tensor([hover["z"]]))).reshape(-1).astype(int)
    assert np.abs(np.array(hover["bytes"]) - wanted).max() <= 3
    assert shown.ask("w.view.hover") == hover["z"]


def test_the_plane_and_the_number_of_images_are_chosen(shown: Widget, page: SavedPage) -> None:
    page.page.locator(".vw-plane-x select").select_option("1")
    shown.wait("w.view.plane && w.view.plane[0] === 1", 5)
    page.page.locator(".vw-plane-x select").select_option("principal")
    shown.wait("w.view.plane === 'principal' && w.left === 0 && w.cells().length === 64", 10)
    assert shown.ask("w.cells().every(({ z }) => z.every((x) => x !== 0))")
    page.page.locator(".vw-cells input").fill("5")
    shown.wait("w.view.cells === 5 && w.left === 0 && w.cells().length === 25", 10)
    page.page.locator(".vw-cells input").fill("8")
    page.page.locator(".vw-plane-x select").select_option("auto")
    shown.wait("w.view.plane === null && w.left === 0 && w.cells().length === 64", 10)


def test_an_address_cannot_ask_for_more_cells_than_the_control_does(page: SavedPage) -> None:
    # Read anew with each address; 2^53 cells crashed the tab.
    for cells, across in (("9007199254740992", 40), ("[1e9]", 20), ("-1", 5)):
        page.go_to(f'#view={{"runs":[],"widgets":[{{"cells":{cells}}}]}}')
        widget = page.widget(".vw-latent-manifold")
        widget.wait(f"w.left === 0 && w.cells().length === {across**2}", 20)
    page.go_to()


def test_the_page_asks_nobody(page: SavedPage) -> None:
    page.assert_alone()
