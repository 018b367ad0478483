"""Bars, lines and heat maps in a saved page: numbers where the axis says, in the colors of the theme."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib import colormaps

import vaewidgets as vw
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page
from vaewidgets.contract.packing import unpack

WIDE = {"width": 1000, "height": 4000}  # what is off the screen is not drawn
SCATTER, MANIFOLD, GRID = ".vw-latent-scatter", ".vw-latent-manifold", ".vw-reconstruction-grid"
NAMES = list("abcde")
COUNT = """(canvas, color) => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let n = 0;
    for (let i = 0; i < data.length; i += 4)
        if (color.every((value, k) => Math.abs(data[i + k] - value) <= 2)) n++;
    return n;
}"""
PIXELS = """canvas => {
    const {width, height} = canvas;
    return [width, height, canvas.clientWidth,
        Array.from(canvas.getContext("2d").getImageData(0, 0, width, height).data)];
}"""


def run_on(data: vw.ArrayDataset) -> vw.Run:
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, 2, hidden=(8,), likelihood="squared_error", output="identity")
    return vw.train(model, data, epochs=20, batch_size=32, lr=0.01, autosave=False).wait(progress=False)


@pytest.fixture(scope="module")
def grid() -> Iterator[vw.ReconstructionGrid]:
    cells = np.random.default_rng(2).random((60, 6, 10))
    widget = vw.ReconstructionGrid(run_on(vw.ArrayDataset(cells, draw="heatmap")), images=4)
    yield widget
    widget.close()


@pytest.fixture(scope="module")
def page(browser: Any, grid: vw.ReconstructionGrid, tmp_path_factory: Any) -> Iterator[SavedPage]:
    random = np.random.default_rng(0)
    bars = random.uniform(1, 5, (90, 1)) * np.array([1, 0.4, 0.8, 0.2, 0.6])
    bars = vw.ArrayDataset(bars, value_range=(0, 5), draw="bars", feature_names=NAMES)
    turn = random.uniform(0, 6, (90, 1, 1)) + np.linspace(0, 9, 300)[:, None]
    lines = vw.ArrayDataset(np.sin(turn + np.array([0, 2])), draw="line")
    widgets = [vw.LatentScatter(run_on(bars)), vw.LatentManifold(run_on(lines))]
    path = vw.save_html([*widgets, grid], tmp_path_factory.mktemp("page") / "items.html")
    for widget in widgets:
        widget.close()
    options = {"viewport": WIDE, "device_scale_factor": 2, "reduced_motion": "reduce"}
    with open_page(browser, path, color_scheme="light", **options) as opened:
        yield opened
        opened.assert_alone()


def pixels(page: SavedPage, selector: str) -> tuple[np.ndarray, int]:
    """Red, green, blue and alpha of a canvas, and its width in CSS pixels."""
    canvas = page.page.locator(selector).first
    width, height, css, data = canvas.evaluate(PIXELS)
    return np.array(data).reshape(height, width, 4), css


def color(page: SavedPage, selector: str, name: str) -> tuple[int, ...]:
    value = page.page.locator(selector).first.evaluate(
        "(el, name) => getComputedStyle(el).getPropertyValue(name).trim()", name
    )
    return tuple(bytes.fromhex(value.removeprefix("#")))


def same(image: np.ndarray, wanted: tuple[int, ...]) -> np.ndarray:
    return (np.abs(image[..., :3] - np.array(wanted)) <= 2).all(axis=-1) & (image[..., 3] == 255)


def test_bars_are_as_high_as_what_is_decoded_and_say_their_names(page: SavedPage) -> None:
    widget = page.widget(SCATTER)
    widget.wait("w.hover && w.hover.image ? true : false", 20)
    values = np.array(widget.ask("Array.from(w.hover.image)"))
    image, css = pixels(page, f"{SCATTER} .vw-decoded")
    assert image.shape[1] == 2 * css  # two pixels a CSS pixel
    ink = same(image, color(page, SCATTER, "--vw-accent"))
    across = ink.any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], across, [False]]).astype(int)))
    bars = edges.reshape(-1, 2)
    assert len(bars) == len(NAMES)
    heights = np.array([ink[:, (left + right) // 2].sum() for left, right in bars])
    np.testing.assert_allclose(heights / heights[0], values / values[0], atol=0.03)
    box = page.page.locator(f"{SCATTER} .vw-decoded").bounding_box()
    page.page.mouse.move(box["x"] + bars[2].mean() / 2, box["y"] + box["height"] / 2)
    title = page.page.locator(f"{SCATTER} .vw-title").first
    wait_for(lambda: title.text_content().startswith("decoded, c: "), "the title names the bar")
    assert float(title.text_content().split(": ")[1]) == pytest.approx(values[2], abs=0.03)
    page.page.mouse.move(0, 0)
    wait_for(lambda: title.text_content() == "decoded", "the title is itself again")


def test_lines_have_the_theme_s_colors_in_light_and_dark(page: SavedPage) -> None:
    widget = page.widget(MANIFOLD)
    widget.wait("w.left === 0", 20)
    for scheme in ("light", "dark", "light"):
        page.page.emulate_media(color_scheme=scheme)
        # it hears of the scheme at its next frame; until then its colors are the old ones
        widget.wait(f"root.dataset.theme === '{scheme}'", 10)
        wanted = [[*color(page, MANIFOLD, f"--vw-class-{i}"), 255] for i in range(2)]
        for selector in (f"{MANIFOLD} .vw-manifold-canvas", f"{MANIFOLD} .vw-decoded"):
            canvas = page.page.locator(selector).first

            def drawn(canvas: Any = canvas, wanted: Any = wanted) -> bool:
                return all(canvas.evaluate(COUNT, one) > 50 for one in wanted)

            wait_for(drawn, f"{selector} is drawn in {scheme}", 10)


def test_a_heat_map_has_a_cell_for_each_number(page: SavedPage, grid: vw.ReconstructionGrid) -> None:
    originals = unpack(grid.frame["grid"]["originals"])
    image, _ = pixels(page, f"{GRID} .vw-grid-image")
    assert image.shape == (6, 10, 4)
    wanted = colormaps["cividis"](0.9 * originals[0, 0] / 255, bytes=True)
    # the page has nine colors of the palette, and what lies between on straight lines
    assert np.abs(image[..., :3].astype(int) - wanted[..., :3]).max() < 20
