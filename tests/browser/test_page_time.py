"""The time line and linked views in a saved page, with no kernel."""

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

TALL = {"width": 1200, "height": 2400}  # what is off the screen is not drawn
EXPLORER, SCATTER, UNITS = ".vw-latent-explorer", ".vw-latent-scatter", ".vw-active-units-bar"


@pytest.fixture(scope="module")
def run() -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits")
    model = vw.MLPVAE(data.image_shape, latent_dim=2, hidden=(32,))
    run = vw.train(model, data, epochs=1, batch_size=64, autosave=False, start=False)
    run.time_line.budget = 10.0
    run.epochs = 10
    run.resume()
    return run.wait(progress=False)


@pytest.fixture(scope="module")
def path(run: vw.Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    widgets = [vw.LatentExplorer(run), vw.LatentScatter(run), vw.ActiveUnitsBar(run)]
    yield vw.save_html(widgets, tmp_path_factory.mktemp("page") / "time.html")
    for widget in widgets:
        widget.close()


@pytest.fixture(scope="module")
def opened(browser: Any, path: Path) -> Iterator[SavedPage]:
    with open_page(browser, path, reduced_motion="reduce", viewport=TALL) as page:
        yield page
        page.assert_alone()


@pytest.fixture
def page(opened: SavedPage) -> SavedPage:
    opened.reload()
    return opened


def press_home(page: SavedPage, selector: str) -> Widget:
    """Drag the time line to its left end, by keyboard."""
    page.page.locator(f"{selector} .vw-time-slider").focus()
    page.page.keyboard.press("Home")
    return page.widget(selector)


def test_the_points_travel_back_in_every_widget_of_the_run(page: SavedPage, run: vw.Run) -> None:
    scatter = page.widget(SCATTER)
    now = scatter.points()
    explorer = press_home(page, EXPLORER)
    assert explorer.ask("w.view.time") == 0
    wait_for(lambda: scatter.ask("w.moment && w.moment.step") == 0, "the scatter follows")
    first = run.time_line.frames[0].mu
    for widget in (explorer, scatter):
        wait_for(lambda w=widget: np.abs(w.points() - first).max() < 1e-3, "the points of step 0")
    assert np.abs(now - first).max() > 0.5
    page.page.keyboard.press("End")
    wait_for(lambda: np.array_equal(scatter.points(), now), "back again")
    assert scatter.ask("w.view.time") is None


def test_the_ends_of_the_strip_stand_where_their_images_were_then(page: SavedPage, run: vw.Run) -> None:
    widget = page.widget(EXPLORER)
    page.page.locator(f"{EXPLORER} .vw-time-slider").focus()
    page.page.keyboard.press("Home")
    far = []
    for frame in run.time_line.frames:
        widget.wait(f"w.moment && w.moment.step === {frame.step} && w.way() !== null")
        path, images = widget.ask("[w.path(), w.pathImages()]")
        np.testing.assert_allclose(path, frame.mu[images], atol=1e-2)
        first, *_, last = widget.ask("w.way().map(({ image }) => Array.from(image))")
        far.append(np.abs(np.subtract(first, last)).mean())
        page.page.keyboard.press("ArrowRight")
    assert far[-1] > 10 > far[0], "the images at A and B part, in grey levels of 255"
    widget.wait("w.moment === null")


def test_the_slider_says_where_it_is(page: SavedPage, run: vw.Run) -> None:
    press_home(page, SCATTER)
    place = page.page.locator(f"{SCATTER} .vw-time-place")
    assert place.inner_text() == "before training"
    page.page.keyboard.press("ArrowRight")
    frame = run.time_line.frames[1]
    assert place.inner_text() == f"epoch {frame.epoch}, step {frame.step}"
    page.page.keyboard.press("End")
    assert place.inner_text() == "now"


def test_hovering_decodes_with_the_weights_of_then(page: SavedPage, run: vw.Run) -> None:
    widget = press_home(page, SCATTER)
    shown = widget.hover(0.5, 0.5)
    with torch.no_grad():
        torchs = run.snapshot_at(0).decode(torch.tensor([shown["z"]], dtype=torch.float32)).flatten().numpy()
    assert np.abs(np.array(shown["image"]) - torchs).max() < 1e-2


def test_playing_goes_to_now_by_itself(page: SavedPage) -> None:
    widget = press_home(page, SCATTER)
    seen = set()
    page.page.locator(f"{SCATTER} .vw-time-play").click()

    def at_the_end() -> bool:
        moment = widget.ask("w.moment ? w.moment.step : 'now'")
        seen.add(moment)
        return moment == "now"

    wait_for(at_the_end, "it ends")
    assert len(seen) >= 4


def test_the_units_of_then(page: SavedPage, run: vw.Run) -> None:
    press_home(page, UNITS)
    text = page.page.locator(f"{UNITS} .vw-active-count")
    kl = run.time_line.frames[0].kl
    wait_for(lambda: f"{int((kl > 0.01).sum())} of 2 by KL" in text.inner_text(), "the count of step 0")
