"""ActiveUnitsBar in a saved page: thresholds, units that died, units switched off; no kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.browser.helpers import Widget
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page
from vaewidgets.diagnostics import unit_lives
from vaewidgets.objectives import LinearWarmup

UNITS = ".vw-active-units-bar"


@pytest.fixture(scope="module")
def run() -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=600)
    model = vw.MLPVAE(data.image_shape, latent_dim=8, hidden=(32,))
    options: dict[str, Any] = {"batch_size": 64, "autosave": False, "start": False, "lr": 3e-3}
    run = vw.train(model, data, epochs=30, beta=LinearWarmup(0, 12, 200), **options)
    run.time_line.budget = 10.0
    run.resume()
    return run.wait(progress=False)


@pytest.fixture(scope="module")
def opened(browser: Any, run: vw.Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedPage]:
    widget = vw.ActiveUnitsBar(run)
    path = widget.save_html(tmp_path_factory.mktemp("page") / "units.html")
    widget.close()
    with open_page(browser, path, reduced_motion="reduce") as page:
        yield page
        page.assert_alone()


@pytest.fixture
def units(opened: SavedPage) -> Widget:
    opened.reload()
    widget = opened.widget(UNITS)
    widget.wait("w.units()", 10)
    return widget


def text(page: SavedPage, part: str) -> str:
    return page.page.locator(f"{UNITS} {part}").inner_text()


def test_a_threshold_moves_by_key_and_by_drag_and_the_counts_follow(opened: SavedPage, units: Widget) -> None:
    kl = np.array(units.ask("Array.from(w.units().kl)"))
    knob = opened.page.locator(f"{UNITS} .vw-knob-kl")
    knob.focus()
    for _ in range(20):
        opened.page.keyboard.press("ArrowUp")
    delta = units.ask("w.view.delta")
    assert 0.5 < delta < 2
    wait_for(lambda: f"{int((kl > delta).sum())} of 8 by KL" in text(opened, ".vw-active-count"), "the count")
    box = opened.page.locator(f"{UNITS} .vw-knob-var").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.page.mouse.move(x, y)
    opened.page.mouse.down()
    opened.page.mouse.move(x, y - 60, steps=4)
    opened.page.mouse.up()
    assert units.ask("w.view.var_threshold") > 0.05


def test_units_die_at_the_step_that_the_diagnostics_name(
    opened: SavedPage, units: Widget, run: vw.Run
) -> None:
    frames = run.time_line.frames
    lives = unit_lives([f.step for f in frames], np.stack([f.kl for f in frames]), delta=0.01)
    assert lives.dead, "a test without a death proves nothing"
    assert units.ask("w.units().died") == list(lives.died_at)
    first = lives.dead[0]
    assert f"at step {lives.died_at[first]:,}" in text(opened, ".vw-lives")


def test_a_unit_is_switched_off_and_its_cost_is_said(opened: SavedPage, units: Widget, run: vw.Run) -> None:
    kl = np.array(units.ask("Array.from(w.units().kl)"))
    best = int(kl.argmax())
    button = opened.page.locator(f"{UNITS} .vw-unit-button[data-unit='{best}']")
    button.focus()
    opened.page.keyboard.press("Enter")
    assert units.ask("w.view.off") == [best]
    wait_for(lambda: "off: recon +" in text(opened, ".vw-cost"), "the cost")
    opened.page.keyboard.press("Enter")
    assert units.ask("w.view.off") == []
