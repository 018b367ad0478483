"""ReconstructionGrid in a saved page: pick images, draw ε again, go back in time; no kernel."""

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
from vaewidgets.contract.random import normals
from vaewidgets.engine import Snapshot

GRID, SCATTER = ".vw-reconstruction-grid", ".vw-latent-scatter"


@pytest.fixture(scope="module")
def runs() -> list[vw.Run]:
    data = vw.load_dataset("digits", n_train=300)
    made = []
    for dim in (2, 3):
        torch.manual_seed(0)
        model = vw.MLPVAE(data.image_shape, latent_dim=dim, hidden=(32,))
        run = vw.train(model, data, epochs=6, batch_size=64, autosave=False, start=False)
        run.time_line.budget = 10.0
        run.resume()
        made.append(run.wait(progress=False))
    return made


@pytest.fixture(scope="module")
def opened(browser: Any, runs: list[vw.Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedPage]:
    widgets = [vw.ReconstructionGrid(runs[0]), vw.ReconstructionGrid(runs), vw.LatentScatter(runs[0])]
    path = vw.save_html(widgets, tmp_path_factory.mktemp("page") / "grid.html")
    for widget in widgets:
        widget.close()
    tall = {"width": 1200, "height": 2400}  # what is off the screen is not drawn
    with open_page(browser, path, reduced_motion="reduce", viewport=tall) as page:
        yield page
        page.assert_alone()


@pytest.fixture
def grid(opened: SavedPage) -> Widget:
    opened.reload()
    return opened.widget(GRID)


def drawn(widget: Widget, row: int = 1) -> np.ndarray:
    return np.array(widget.ask(f"Array.from(w.grid()[{row}].images)"), float)


def torchs(snapshot: Snapshot, run: vw.Run, index: list[int], seed: int | None) -> np.ndarray:
    z, logvar = snapshot.encode(run.time_line.sample.images[index])
    if seed is not None:
        assert logvar is not None
        eps = np.stack([normals(z.shape[1], seed, i) for i in index])
        z = z + (logvar / 2).exp() * torch.from_numpy(eps)
    return (snapshot.decode(z) * 255).flatten().numpy()


def wait_equal(widget: Widget, wanted: np.ndarray, what: str, row: int = 1) -> None:
    def alike() -> bool:
        got = drawn(widget, row)
        return got.shape == wanted.shape and bool(np.abs(got - wanted).max() < 255 * 1e-2 + 1)

    wait_for(alike, what, 10)


def test_an_original_gives_way_to_another_of_its_class(
    opened: SavedPage, grid: Widget, runs: list[vw.Run]
) -> None:
    labels = runs[0].time_line.sample.labels
    before = grid.ask("w.images()")
    pick = opened.page.locator(f"{GRID} .vw-grid-pick").first
    pick.focus()
    opened.page.keyboard.press("Enter")
    after = grid.ask("w.view.images")
    assert after[0] != before[0]
    assert after[1:] == before[1:]
    assert labels[after[0]] == labels[before[0]]
    wait_equal(grid, torchs(runs[0].snapshot(), runs[0], after, None), "torch's reconstructions")
    originals = runs[0].time_line.sample.images_u8[after].flatten().numpy()
    wait_equal(grid, originals.astype(float), "the originals", row=0)


def test_another_draw_of_the_posterior(opened: SavedPage, grid: Widget, runs: list[vw.Run]) -> None:
    index, means = grid.ask("w.images()"), drawn(grid)
    button = opened.page.locator(f"{GRID} .vw-redraw").first
    for seed in (0, 1):
        button.click()
        assert grid.ask("w.view.seed") == seed
        wait_equal(grid, torchs(runs[0].snapshot(), runs[0], index, seed), f"the draw of seed {seed}")
    opened.page.locator(f"{GRID} .vw-means").first.click()
    assert grid.ask("w.view.seed") is None
    wait_equal(grid, means, "the means again")


def test_the_images_of_then(opened: SavedPage, grid: Widget, runs: list[vw.Run]) -> None:
    index = grid.ask("w.images()")
    opened.page.locator(f"{GRID} .vw-time-slider").first.focus()
    opened.page.keyboard.press("Home")
    assert grid.ask("w.view.time") == 0
    wait_equal(grid, torchs(runs[0].snapshot_at(0), runs[0], index, None), "step 0")
    assert "before training" in opened.page.locator(f"{GRID} .vw-caption").first.inner_text()


def test_the_images_that_a_scatter_selects(opened: SavedPage, grid: Widget) -> None:
    scatter = opened.widget(SCATTER)
    opened.page.locator(f"{SCATTER} .vw-scatter-overlay").focus()
    opened.page.keyboard.press("Enter")
    selected = scatter.ask("w.selected()")
    assert len(selected) == 1
    button = opened.page.locator(f"{GRID} .vw-from-selection").first
    wait_for(button.is_enabled, "there is a selection")
    button.click()
    assert grid.ask("w.images()") == selected


def test_one_row_a_run_with_the_same_noise(opened: SavedPage, grid: Widget, runs: list[vw.Run]) -> None:
    both = opened.page.locator(GRID).nth(1)
    both.locator(".vw-redraw").click()
    index = both.evaluate("root => root.vaewidgets.images()")
    for row, run in enumerate(runs, 1):
        wanted = torchs(run.snapshot(), run, index, 0)

        def alike(row: int = row, wanted: np.ndarray = wanted) -> bool:
            got = np.array(both.evaluate(f"root => Array.from(root.vaewidgets.grid()[{row}].images)"), float)
            return bool(np.abs(got - wanted).max() < 255 * 1e-2 + 1)

        wait_for(alike, f"the row of {run.name}", 10)
