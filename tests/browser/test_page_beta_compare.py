"""BetaCompare in a saved page: what is compared, turning through the runs, drawing the noise again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.browser.pages import SavedPage, open_page
from vaewidgets.contract.random import normals
from vaewidgets.widgets.beta_compare import SAMPLE_STREAM

COMPARE = ".vw-beta-compare"


@pytest.fixture(scope="module")
def compare() -> Iterator[vw.BetaCompare]:
    data = vw.load_dataset("digits", n_train=256)
    with vw.sweep(vw.MLPVAE, data, beta=[0.1, 1, 4], epochs=3, hidden=(16,), batch_size=64) as sweep:
        yield vw.BetaCompare(sweep.wait(progress=False), images=4, samples=3, points=100)


@pytest.fixture(scope="module")
def page(
    browser: Any, compare: vw.BetaCompare, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SavedPage]:
    with open_page(browser, compare.save_html(tmp_path_factory.mktemp("compare") / "compare.html")) as page:
        yield page


def show(page: SavedPage, what: str) -> None:
    page.page.locator(f"{COMPARE} .vw-show input[value={what}]").check(force=True)
    page.widget(COMPARE).wait(f"(w.view.show ?? 'recon') === '{what}'", 5)


def drawn(page: SavedPage, what: str, seed: int) -> dict[str, np.ndarray]:
    page.widget(COMPARE).wait(f"w.drawn().what === {what!r} && w.drawn().seed === {seed}", 5)
    rows = page.widget(COMPARE).ask("w.rows().map(r => [r.name, Array.from(r.images)])")
    return {name: np.array(images) for name, images in rows}


def torchs(compare: vw.BetaCompare, seed: int, what: str) -> dict[str, np.ndarray]:
    images, found = compare._sample.images[compare._index], {}
    for run, label in zip(compare.runs, ("β = 0.1", "β = 1", "β = 4"), strict=True):
        with torch.no_grad():
            mu, logvar = run.model.encode(images)
            n, first = (len(mu), 0) if what == "recon" else (3, SAMPLE_STREAM)
            eps = torch.from_numpy(np.stack([normals(2, seed, first + i) for i in range(n)]))
            z = mu + torch.exp(0.5 * logvar) * eps if what == "recon" else eps
            found[label] = (run.model.decode(z) * 255).flatten().numpy()
    return found


@pytest.mark.parametrize("what", ["recon", "samples"])
def test_drawing_again_gives_all_runs_the_same_noise_as_torch(
    page: SavedPage, compare: vw.BetaCompare, what: str
) -> None:
    show(page, what)
    widget = page.widget(COMPARE)
    seed = widget.ask("w.view.seed ?? 0")
    before = drawn(page, what, seed)
    page.page.locator(f"{COMPARE} .vw-redraw").press("Enter")
    after = drawn(page, what, seed + 1)
    assert (after["β = 0.1"] != before["β = 0.1"]).any()
    for label, wanted in torchs(compare, seed + 1, what).items():
        assert np.abs(after[label] - wanted).max() < 0.01 * 255 + 1
    if what == "recon":
        np.testing.assert_array_equal(after["originals"], before["originals"])
    page.assert_alone()


def test_one_turns_through_the_runs(page: SavedPage) -> None:
    show(page, "recon")
    widget = page.widget(COMPARE)
    slider = page.page.locator(f"{COMPARE} .vw-at .vw-slider")
    slider.focus()
    for i, label in enumerate(("β = 0.1", "β = 1", "β = 4")):
        slider.press("ArrowRight")
        widget.wait(f"w.view.at === {i}", 5)
        faint = widget.wait(f"w.rows().filter(r => r.faint).length === 2 && !w.rows()[{i + 1}].faint", 5)
        assert faint
        assert slider.get_attribute("aria-valuetext") == label
        assert label in page.page.locator(f"{COMPARE} .vw-front-says").inner_text()
    slider.press("Home")
    widget.wait("w.view.at === null", 5)


def test_latent_spaces_curves_and_rates_are_those_of_the_runs(
    page: SavedPage, compare: vw.BetaCompare
) -> None:
    widget = page.widget(COMPARE)
    show(page, "latent")
    clouds = widget.wait("w.clouds().length === 3 && w.clouds().map(c => Array.from(c.points))", 5)
    for points, run in zip(clouds, compare.runs, strict=True):
        with torch.no_grad():
            mu = run.model.encode(compare._cloud.images)[0].numpy()
        assert np.abs(np.reshape(points, (-1, 2)) - mu).max() < 1e-3
    pixels = page.page.locator(f"{COMPARE} .vw-cloud-canvas").first.screenshot()
    assert len(set(pixels)) > 50
    show(page, "curves")
    widget.wait("new Set(w.curves().map(c => c.run)).size === 3", 5)
    show(page, "rate")
    rates = widget.wait("w.rates().length === 3 && w.rates().map(r => r.rate)", 5)
    assert rates == [part["rate"]["rate"] for part in (compare.frame, *compare.frame["others"])]
    page.assert_alone()
