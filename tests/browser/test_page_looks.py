"""The explorer at four widths: it fits, Tab stops seldom. No widget moves while its run trains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import vaewidgets as vw
from tests.browser.every_widget import every_widget
from tests.browser.helpers import EXPLORER, Widget
from tests.browser.jumps import moved_in_training
from tests.browser.pages import SavedPage, open_page
from tests.browser.text_boxes import NOTE_TEXT, draw_all, misplaced

WIDTHS = [390, 700, 900, 1400]
MOST_STOPS = 25
STAGE = "root.querySelector('.vw-stage').getBoundingClientRect()"
STOPS = """[...root.querySelectorAll('button, input, select, textarea, [tabindex]')]
    .filter(e => e.checkVisibility() && !e.disabled && e.tabIndex >= 0).length"""


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedPage]:
    """A page that trains, of a run that has not begun, with all widgets that can show it."""
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=256)
    model = vw.MLPVAE(data.image_shape, 2, hidden=(16,))
    run = vw.train(model, data, epochs=12, batch_size=32, autosave=False, start=False)
    path: Path = tmp_path_factory.mktemp("looks") / "page.html"
    rest = every_widget(run, but=(vw.LatentExplorer, vw.CodebookUsage, vw.BetaAxis))
    vw.save_html([vw.LatentExplorer(run), *rest], path, train={"latent_dim": [2]})
    run.stop()
    with open_page(browser, path, script=NOTE_TEXT, viewport={"width": 390, "height": 900}) as page:
        yield page
        page.assert_alone()


@pytest.fixture
def explorer(page: SavedPage) -> Widget:
    return page.widget(EXPLORER)


def test_the_cue_goes_with_the_first_use_for_good(page: SavedPage, explorer: Widget) -> None:
    cue = page.page.locator(f"{EXPLORER} .vw-cue")
    assert cue.is_visible()
    page.page.locator(f"{EXPLORER} .vw-scatter-overlay").hover(position={"x": 60, "y": 60})
    assert cue.count() == 0
    page.reload()
    explorer.settle()
    assert cue.count() == 0


@pytest.mark.parametrize("width", [390, 900, 1400])
def test_nothing_moves_while_it_trains(page: SavedPage, explorer: Widget, width: int) -> None:
    page.page.set_viewport_size({"width": width, "height": 900})
    explorer.settle()
    draw_all(page.page)
    assert misplaced(page.page) == []
    assert moved_in_training(page.page) == []
    draw_all(page.page)
    assert misplaced(page.page) == []


def test_the_form_of_a_new_run_moves_nothing(page: SavedPage, explorer: Widget) -> None:
    top = explorer.ask(f"{STAGE}.top + scrollY")
    page.page.click(f"{EXPLORER} .vw-new-run")
    assert page.page.locator(f"{EXPLORER} .vw-form").is_visible()
    assert explorer.ask(f"{STAGE}.top + scrollY") == top
    page.page.locator(f"{EXPLORER} .vw-field-epochs .vw-number").focus()
    page.page.keyboard.press("Escape")
    assert not page.page.locator(f"{EXPLORER} .vw-form").is_visible()


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
