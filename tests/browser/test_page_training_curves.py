"""TrainingCurves in a saved page: axes, smoothing, several runs, the cursor; by pointer and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vaewidgets as vw
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page

CURVES = ".vw-training-curves"


@pytest.fixture(scope="module")
def sweep() -> Iterator[vw.Sweep]:
    data = vw.load_dataset("digits", n_train=256)
    with vw.sweep(vw.MLPVAE, data, beta=[0.1, 0.5, 1, 2, 4], epochs=3, hidden=(16,), batch_size=64) as sweep:
        yield sweep.wait(progress=False)


@pytest.fixture(scope="module")
def page(browser: Any, sweep: vw.Sweep, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedPage]:
    path = tmp_path_factory.mktemp("curves") / "curves.html"
    with open_page(browser, vw.TrainingCurves(sweep.runs[:3]).save_html(path)) as page:
        yield page


def drawn(page: SavedPage) -> list[dict[str, Any]]:
    return page.widget(CURVES).ask(
        "w.curves().map(c => ({name: c.name, run: c.run, split: c.split, raw: !!c.raw, label: c.label,"
        " mean: Array.from(c.mean)}))"
    )


def test_three_runs_show_each_quantity_in_a_panel(page: SavedPage) -> None:
    shown = drawn(page)
    assert {(c["name"], c["run"]) for c in shown} == {
        (n, r) for n in ("loss", "recon", "kl") for r in range(3)
    }
    assert {c["label"] for c in shown} == {"β = 0.1", "β = 0.5", "β = 1"}
    assert page.page.locator(f"{CURVES} .vw-plot:visible").count() == 3
    page.assert_alone()


def test_the_axis_turns_logarithmic_by_keyboard(page: SavedPage) -> None:
    widget = page.widget(CURVES)
    button = page.page.locator(f"{CURVES} .vw-log")
    before = page.page.locator(f"{CURVES} .vw-plot:visible").first.screenshot()
    button.press("Enter")
    widget.wait("w.view.log === true", 5)
    wait_for(lambda: button.get_attribute("aria-pressed") == "true", "the button says so")
    assert page.page.locator(f"{CURVES} .vw-plot:visible").first.screenshot() != before
    button.press("Enter")
    widget.wait("w.view.log === false", 5)


def test_smoothing_keeps_the_raw_curve(page: SavedPage, sweep: vw.Sweep) -> None:
    widget = page.widget(CURVES)
    slider = page.page.locator(f"{CURVES} .vw-smoothing .vw-slider")
    slider.focus()
    for _ in range(3):
        slider.press("PageUp")
    assert widget.wait("w.view.smoothing > 1 && w.curves().some(c => c.raw)", 5)
    curves = [c for c in drawn(page) if c["name"] == "kl" and c["run"] == 0 and c["split"] == "train"]
    raw, smooth = sorted(curves, key=lambda c: not c["raw"])
    np.testing.assert_allclose(raw["mean"], sweep.runs[0].history["kl"], rtol=1e-5)
    assert np.abs(np.diff(smooth["mean"])).sum() < np.abs(np.diff(raw["mean"])).sum()
    slider.press("Home")
    widget.wait("w.view.smoothing === 0 && !w.curves().some(c => c.raw)", 5)


def test_the_cursor_reads_all_runs_and_goes_by_the_arrow_keys(page: SavedPage) -> None:
    widget = page.widget(CURVES)
    plot = page.page.locator(f"{CURVES} .vw-plot:visible").nth(2)
    plot.focus()
    plot.press("ArrowLeft")
    first = widget.wait("w.readout()", 5)
    assert "kl β = 0.1:" in first
    assert "β = 1:" in first
    plot.press("ArrowLeft")
    assert widget.wait(f"w.readout() !== {first!r} && w.readout()", 5)
    box = plot.bounding_box()
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "epoch" in widget.wait("w.readout()", 5)


def test_more_than_four_runs_show_one_quantity_by_choice(
    browser: Any, sweep: vw.Sweep, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = vw.TrainingCurves(sweep).save_html(tmp_path_factory.mktemp("many") / "many.html")
    with open_page(browser, path) as page:
        assert {c["name"] for c in drawn(page)} == {"loss"}
        page.page.locator(f"{CURVES} .vw-quantity .vw-select").select_option(label="kl")
        page.widget(CURVES).wait("w.view.quantity === 'kl' && w.curves().every(c => c.name === 'kl')", 5)
        page.assert_alone()
