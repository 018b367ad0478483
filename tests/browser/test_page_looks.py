"""The explorer at four widths: nothing moves while it trains, it fits, and Tab stops seldom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import vaewidgets as vw
from tests.browser.helpers import Widget
from tests.browser.pages import SavedPage, open_page

WIDTHS = [390, 700, 900, 1400]
MOST_STOPS = 25

# The places of all panels at each frame of the browser until the run is over: those that took more than one.
MOVED = """async () => {
    const root = document.querySelector('.vw-latent-explorer');
    const names = ['head', 'controls', 'stage', 'part-images', 'part-way', 'part-curves', 'part-bars',
        'legend', 'look', 'time', 'panel', 'bars'];
    const seen = Object.fromEntries(names.map(name => [name, new Set()]));
    let begun = false;
    for (;;) {
        for (const name of names) {
            const { x, y, width, height } = root.querySelector(`.vw-${name}`).getBoundingClientRect();
            seen[name].add([x, y + scrollY, width, height].map(Math.round).join());
        }
        const { status } = root.vaewidgets;
        begun ||= status === 'running';
        if (begun && status === 'finished') break;
        await new Promise(requestAnimationFrame);
    }
    return Object.entries(seen).filter(([, places]) => places.size > 1)
        .map(([name, places]) => [name, ...places]);
}"""
STAGE = "root.querySelector('.vw-stage').getBoundingClientRect()"
STOPS = """[...root.querySelectorAll('button, input, select, textarea, [tabindex]')]
    .filter(e => e.checkVisibility() && !e.disabled && e.tabIndex >= 0).length"""


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedPage]:
    """A page that trains, of a run that has not begun."""
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=256)
    model = vw.MLPVAE(data.image_shape, 2, hidden=(16,))
    run = vw.train(model, data, epochs=12, batch_size=32, autosave=False, start=False)
    path: Path = tmp_path_factory.mktemp("looks") / "page.html"
    vw.save_html(vw.LatentExplorer(run), path, train={"latent_dim": [2]})
    run.stop()
    with open_page(browser, path, viewport={"width": 390, "height": 900}) as page:
        yield page
        page.assert_alone()


@pytest.fixture
def explorer(page: SavedPage) -> Widget:
    return page.widget(".vw-latent-explorer")


def test_the_cue_goes_with_the_first_use_for_good(page: SavedPage, explorer: Widget) -> None:
    cue = page.page.locator(".vw-cue")
    assert cue.is_visible()
    page.page.locator(".vw-scatter-overlay").hover(position={"x": 60, "y": 60})
    assert cue.count() == 0
    page.reload()
    explorer.settle()
    assert cue.count() == 0


@pytest.mark.parametrize("width", [390, 900, 1400])
def test_nothing_moves_while_it_trains(page: SavedPage, explorer: Widget, width: int) -> None:
    page.page.set_viewport_size({"width": width, "height": 900})
    explorer.settle()
    button = page.page.locator(".vw-toolbar :is(.vw-lead, .vw-main-button:not(.vw-plain))")
    button.locator("visible=true").click()
    assert page.page.evaluate(MOVED) == []


def test_the_form_of_a_new_run_moves_nothing(page: SavedPage, explorer: Widget) -> None:
    top = explorer.ask(f"{STAGE}.top + scrollY")
    page.page.click(".vw-new-run")
    assert page.page.locator(".vw-form").is_visible()
    assert explorer.ask(f"{STAGE}.top + scrollY") == top
    page.page.locator(".vw-field-epochs .vw-number").focus()
    page.page.keyboard.press("Escape")
    assert not page.page.locator(".vw-form").is_visible()


def test_it_fits_and_the_decoded_image_is_beside_the_map(page: SavedPage, explorer: Widget) -> None:
    for width in WIDTHS:
        page.page.set_viewport_size({"width": width, "height": 900})
        explorer.settle()
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        image = "root.querySelector('canvas.vw-decoded').getBoundingClientRect()"
        beside = explorer.ask(f"{image}.left >= {STAGE}.right && {image}.bottom <= {STAGE}.bottom + 1")
        assert beside == (width > 390)


def test_few_stops_of_tab_and_arrow_keys_between_buttons(page: SavedPage, explorer: Widget) -> None:
    assert explorer.ask(STOPS) <= MOST_STOPS
    page.page.locator(".vw-latent-explorer .vw-help-mark").focus()
    page.page.keyboard.press("ArrowRight")
    assert explorer.ask("document.activeElement.classList.contains('vw-save-picture')")
    page.page.keyboard.press("Home")
    assert explorer.ask("document.activeElement.classList.contains('vw-help-mark')")
