"""Linked views, filters, colors and planes of the scatter in a saved page, with no kernel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page

TALL = {"width": 1200, "height": 2400}  # what is off the screen is not drawn
EXPLORER, SCATTER = ".vw-latent-explorer", ".vw-latent-scatter"


@pytest.fixture(scope="module")
def run() -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=300)
    model = vw.MLPVAE(data.image_shape, latent_dim=3, hidden=(32,))
    return vw.train(model, data, epochs=6, batch_size=64, autosave=False).wait(progress=False)


@pytest.fixture(scope="module")
def scatter(run: vw.Run) -> Iterator[vw.LatentScatter]:
    n = len(run.time_line.sample)
    values = {
        "<b>width</b>": np.linspace(0, 1, n),
        "age": np.where(np.arange(n) % 10 < 3, np.nan, np.arange(n)),
        "thirds": np.resize([0, 0.5, 1], n),
        "same": np.ones(n),
    }
    widget = vw.LatentScatter(run, values=values)
    widget.view = {"projection": "tsne"}
    pause = threading.Event()
    while not widget._live["tsne"].get("points"):
        pause.wait(0.05)
    widget.view = {"projection": "plane"}
    yield widget
    widget.close()


@pytest.fixture(scope="module")
def opened(
    browser: Any, run: vw.Run, scatter: vw.LatentScatter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SavedPage]:
    explorer = vw.LatentExplorer(run)
    path: Path = vw.save_html([explorer, scatter], tmp_path_factory.mktemp("page") / "points.html")
    explorer.close()
    with open_page(browser, path, reduced_motion="reduce", viewport=TALL) as page:
        yield page
        page.assert_alone()


@pytest.fixture
def page(opened: SavedPage) -> SavedPage:
    opened.reload()
    return opened


def choose(page: SavedPage, name: str, value: str) -> None:
    page.page.locator(f"{SCATTER} .vw-{name} .vw-select").select_option(value)


def test_hovering_in_one_widget_decodes_in_the_other(page: SavedPage) -> None:
    explorer, scatter = page.widget(EXPLORER), page.widget(SCATTER)
    explorer.ask("root.scrollIntoView()")
    before = explorer.ask("w.hover.z")
    page.page.mouse.move(*explorer.ask("w.toClient(-0.9, -1.1)"))
    wait_for(lambda: explorer.ask("w.hover.z") != before, "the pointer decodes")
    z, image = explorer.ask("w.hover.z"), explorer.ask("Array.from(w.hover.image)")
    wait_for(lambda: scatter.ask("w.hover && w.hover.z") == z, "the other follows")
    np.testing.assert_allclose(scatter.ask("Array.from(w.hover.image)"), image, atol=1e-6)
    assert scatter.ask("w.view.hover") == z


def test_a_lasso_selects_in_both(page: SavedPage) -> None:
    explorer, scatter = page.widget(EXPLORER), page.widget(SCATTER)
    scatter.ask("root.scrollIntoView()")
    points = scatter.points()
    middle = np.median(points, axis=0)
    corners = [middle + np.array(c) for c in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))]
    mouse = page.page.mouse
    mouse.move(*scatter.ask(f"w.toClient({corners[0][0]}, {corners[0][1]})"))
    mouse.down()
    for x, y in [*corners[1:], corners[0]]:
        mouse.move(*scatter.ask(f"w.toClient({x}, {y})"), steps=3)
    mouse.up()
    inside = np.flatnonzero((np.abs(points - middle) < 0.47).all(axis=1))
    selected = scatter.ask("w.selected()")
    assert set(inside) <= set(selected)
    assert scatter.ask("w.view.selected") == selected
    wait_for(lambda: explorer.ask("w.selected()") == selected, "the other follows")
    page.page.keyboard.press("Escape")


def test_a_class_name_shows_only_its_class_and_shift_adds_one(page: SavedPage, run: vw.Run) -> None:
    explorer, scatter = page.widget(EXPLORER), page.widget(SCATTER)
    labels = run.time_line.sample.labels
    name = page.page.locator(f"{SCATTER} .vw-legend-entry[data-label='3']")
    page.page.locator(f"{SCATTER} .vw-legend-entry[data-label='2']").focus()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Enter")
    wait_for(lambda: scatter.ask("w.shown()") == np.flatnonzero(labels == 3).tolist(), "only the threes")
    wait_for(lambda: explorer.ask("w.shown()") == scatter.ask("w.shown()"), "the other follows")
    page.page.locator(f"{SCATTER} .vw-legend-entry[data-label='5']").dispatch_event(
        "click", {"shiftKey": True}
    )
    assert scatter.ask("w.view.classes") == [3, 5]
    name.dispatch_event("click")
    name.dispatch_event("click")
    assert scatter.ask("w.view.classes") is None


def test_a_name_on_the_map_does_the_same(page: SavedPage) -> None:
    scatter = page.widget(SCATTER)
    scatter.ask("root.scrollIntoView()")
    marks = scatter.ask("w.names()")
    assert marks, "no name found a place"
    place = marks[0]
    page.page.mouse.move(*place["client"])
    page.page.mouse.click(*place["client"])
    wait_for(lambda: scatter.ask("w.view.classes") == [place["label"]], "its class alone")
    page.page.locator(f"{SCATTER} .vw-legend-entry[data-label='{place['label']}']").click()
    assert scatter.ask("w.view.classes") is None


def test_names_stand_near_their_classes_and_on_nothing_else(page: SavedPage) -> None:
    """On the explorer, whose strip has two handles on the map."""
    explorer = page.widget(EXPLORER)
    explorer.ask("root.scrollIntoView()")
    explorer.settle()
    labels = np.array(explorer.ask("Array.from(w.labels())"))
    points = np.array([explorer.ask(f"w.toClient({x}, {y})") for x, y in explorer.points()[::4]])
    handles = explorer.ask("w.path().map(([u, v]) => w.toClient(u, v))")
    cursor = explorer.ask("w.toClient(0, 0)")
    marks = explorer.ask("w.names()")
    for i, mark in enumerate(marks):
        x, y = mark["client"]
        own = points[labels[::4] == mark["label"]]
        assert np.hypot(*(own - (x, y)).T).min() < 60, f"{mark['label']} is far from its class"
        for u, v in (*handles, cursor):
            assert abs(u - x) > mark["half"] + 5 or abs(v - y) > 13, "a name under a handle or the cursor"
        for other in marks[i + 1 :]:
            u, v = other["client"]
            assert abs(u - x) > mark["half"] + other["half"] - 1 or abs(v - y) > 13, "names overlap"


def test_any_value_colors_the_points(page: SavedPage) -> None:
    scatter = page.widget(SCATTER)
    assert scatter.ask("w.colors()") is None
    for value, name in (("kl", "KL, nats"), ("<b>width</b>", "<b>width</b>")):
        choose(page, "color", value)
        assert scatter.ask("w.view.color") == value
        wait_for(
            lambda n=name: page.page.locator(f"{SCATTER} .vw-scale-name").inner_text() == n,
            "the scale's name",
        )
    colors = np.array(scatter.ask("Array.from(w.colors())")).reshape(-1, 3)
    brightness = colors @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(brightness[10:-10]) >= -1.5).all(), "the ramp gets brighter all the way"
    assert np.ptp(brightness) > 100


def test_few_values_and_missing_ones_are_named(page: SavedPage) -> None:
    scatter = page.widget(SCATTER)

    def scale() -> list[str]:
        return [text.strip() for text in page.page.locator(f"{SCATTER} .vw-scale-entry").all_inner_texts()]

    ramp = page.page.locator(f"{SCATTER} .vw-scale-ramp")
    n = len(scatter.points())
    choose(page, "color", "age")
    wait_for(lambda: scale() == [f"no value ({sum(i % 10 < 3 for i in range(n)):,})"], "the missing ones")
    assert ramp.is_visible()
    colors = np.array(scatter.ask("Array.from(w.colors())")).reshape(-1, 3)
    missing = np.arange(n) % 10 < 3
    assert len(np.unique(colors[missing], axis=0)) == 1
    apart = np.abs(colors[~missing].astype(int) - colors[missing][0]).sum(axis=1)
    assert apart.min() > 60, "a missing value looks like one of the ramp"
    for name, want in (("thirds", ["0", "0.5", "1"]), ("same", ["1"])):
        choose(page, "color", name)
        wait_for(lambda want=want: scale() == want, f"the values of {name}")
        assert not ramp.is_visible()


def test_tsne_of_the_saved_page_decodes_the_nearest_image(page: SavedPage, scatter: vw.LatentScatter) -> None:
    widget = page.widget(SCATTER)
    choose(page, "projection", "tsne")
    mu = scatter.run.snapshot().encode(scatter.sample.images)[0].numpy()
    wait_for(lambda: np.ptp(widget.points()) > 20, "t-SNE's points")
    x, y = widget.points()[17]
    widget.ask("root.scrollIntoView()")
    page.page.mouse.move(*widget.ask(f"w.toClient({x}, {y})"))
    wait_for(lambda: widget.ask("w.hover.nearest") == 17, "the image under the pointer")
    np.testing.assert_allclose(widget.ask("w.hover.z"), mu[17], atol=1e-3)
    assert "neighbors are meaningful" in page.page.locator(f"{SCATTER} .vw-look-note").inner_text()


def test_posteriors_are_drawn(page: SavedPage) -> None:
    canvas = f"document.querySelector('{SCATTER} .vw-scatter-base').toDataURL()"
    before = page.page.evaluate(canvas)
    page.page.locator(f"{SCATTER} .vw-ellipses").click()
    assert page.widget(SCATTER).ask("w.view.ellipses") is True
    wait_for(lambda: page.page.evaluate(canvas) != before, "the ellipses")
