"""Readers train a saved page on images of their own, dropped or drawn; no kernel, no network."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vaewidgets as vw
from tests.browser.helpers import EXPLORER
from tests.browser.pages import SavedPage, open_page

DROP = """files => {
  const all = new DataTransfer();
  for (const { name, bytes } of files) all.items.add(new File([new Uint8Array(bytes)], name));
  document.querySelector(".vw-own-drop").dispatchEvent(
    new DragEvent("drop", { dataTransfer: all, bubbles: true, cancelable: true }),
  );
}"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    data = vw.load_dataset("digits", n_train=64, n_test=32)
    options = {"epochs": 2, "batch_size": 32, "autosave": False, "hidden": (32,), "lr": 1e-2}
    widget = vw.LatentExplorer(data, speed=None, **options)
    widget.run.wait(progress=False)
    path = tmp_path_factory.mktemp("own") / "own.html"
    vw.save_html(widget, path, train=True)
    yield path
    widget.close()


@pytest.fixture
def page(browser: Any, saved: Path) -> Iterator[SavedPage]:
    with open_page(browser, saved) as opened:
        opened.page.locator(".vw-own-toggle").click()
        yield opened
        opened.assert_alone()


def said(page: SavedPage) -> str:
    return str(page.page.locator(".vw-own-said").inner_text())


def pictures(n: int) -> list[dict[str, Any]]:
    """PNGs of bright bars on a dark ground, 40 × 30."""
    files = []
    for i in range(n):
        pixels = np.zeros((30, 40), np.uint8)
        pixels[:, 5 + i % 24 : 11 + i % 24] = 255
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        files.append({"name": f"{i}.png", "bytes": list(file.getvalue())})
    return files


def test_dropped_pictures_become_the_data_set(page: SavedPage) -> None:
    page.page.evaluate(DROP, [*pictures(30), {"name": "notes.doc", "bytes": [1, 2, 3]}])
    page.page.locator(".vw-own-start:enabled").wait_for()
    assert said(page).startswith("30 images. Not a picture, left out: notes.doc. 30 of 30 were cropped")
    page.page.locator(".vw-own-start").click()
    widget = page.widget(EXPLORER)
    widget.wait("w.frame.run.dataset === 'your images'")
    widget.wait_status("finished", 120)
    page.page.locator(".vw-part-curves").scroll_into_view_if_needed()
    loss = "w.curves().find((c) => c.name === 'loss' && c.split === 'train' && !c.ghost).mean"
    widget.wait(f"{loss}.at(-1) < 0.2 * {loss}[0]")
    assert len(widget.points()) == 30
    assert widget.ask("w.frame.run.class_names") is None
    step = widget.step
    widget.wait(f"document.documentElement.vaewidgets.kept[0] === {step}")
    page.reload()
    page.widget(EXPLORER).wait(f"w.step === {step} && w.frame.run.dataset === 'your images'")


def test_twenty_drawings_become_the_data_set(page: SavedPage) -> None:
    canvas = page.page.locator(".vw-pad-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    mouse = page.page.mouse
    for i in range(20):
        page.page.locator(".vw-own-class").fill("flat" if i % 2 else "steep")
        length, shift = 0.3 + 0.005 * i, 0.01 * (i % 5)
        ends = [(0.5 - length + shift, 0.5), (0.5 + length + shift, 0.5)]
        if i % 2 == 0:
            ends = [(y, x) for x, y in ends]
        (x0, y0), (x1, y1) = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in ends]
        mouse.move(x0, y0)
        mouse.down()
        mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
        mouse.move(x1, y1)
        mouse.up()
        page.page.locator(".vw-own-keep").click()
        assert page.page.locator(".vw-own-start").is_enabled() == (i + 1 >= 8)
    assert page.page.locator(".vw-own-tile").count() == 20
    assert said(page).startswith("20 drawings")
    page.page.locator(".vw-own-start").click()
    widget = page.widget(EXPLORER)
    widget.wait("w.frame.run.dataset === 'your images'")
    widget.wait_status("finished", 120)
    assert widget.ask("w.frame.run.class_names") == ["flat", "steep"]
    points = np.asarray(widget.points())
    assert points.shape == (20, 2)
    flat, steep = points[1::2], points[::2]
    between = np.linalg.norm(flat.mean(0) - steep.mean(0))
    assert between > flat.std(0).max()


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            [{"name": "one.png", "bytes": pictures(1)[0]["bytes"]}],
            "There is 1 image; training needs 8 at least.",
        ),
        ([{"name": "thesis.pdf", "bytes": [37, 80, 68, 70, 45, 49, 46, 55, 10]}], "thesis.pdf is neither"),
    ],
)
def test_what_cannot_be_read_is_said(page: SavedPage, files: list[dict[str, Any]], reason: str) -> None:
    page.page.evaluate(DROP, files)
    page.page.locator(".vw-own-fault").wait_for()
    assert said(page).startswith(reason)
    assert page.page.locator(".vw-own-start").is_disabled()
