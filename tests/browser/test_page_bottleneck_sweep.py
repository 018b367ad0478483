"""BottleneckSweep in a saved page: the points, the elbow, the table, picking a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import vaewidgets as vw
from tests.browser.pages import SavedPage, open_page

SWEEP = ".vw-bottleneck-sweep"


@pytest.fixture(scope="module")
def bottleneck() -> Iterator[vw.BottleneckSweep]:
    data = vw.load_dataset("digits", n_train=256)
    with vw.sweep(
        vw.MLPVAE, data, latent_dim=[4, 1, 2], seed=[0, 1], epochs=3, hidden=(16,), batch_size=64
    ) as sweep:
        yield vw.BottleneckSweep(sweep.wait(progress=False))


@pytest.fixture(scope="module")
def page(
    browser: Any, bottleneck: vw.BottleneckSweep, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SavedPage]:
    with open_page(browser, bottleneck.save_html(tmp_path_factory.mktemp("sweep") / "sweep.html")) as page:
        yield page


def test_points_table_and_elbow_are_those_of_the_runs(
    page: SavedPage, bottleneck: vw.BottleneckSweep
) -> None:
    widget = page.widget(SWEEP)
    parts = [bottleneck.frame, *bottleneck.frame["others"]]
    points = widget.ask("w.points()")
    for name in ("recon", "kl", "loss"):
        assert [p["value"] for p in points[name]] == [part["size"][name] for part in parts]
    assert [p["value"] for p in points["active"]] == [part["active"]["kl"] for part in parts]
    rows = widget.ask("w.rows()")
    assert [row[0] for row in rows] == ["1", "1", "2", "2", "4", "4"]
    assert f"{parts[2]['size']['recon']:.1f}" in rows[0]
    text = page.page.locator(f"{SWEEP} .vw-elbow-says").inner_text()
    elbow = bottleneck.frame["sweep"]["elbow"]["latent_dim"]
    assert (f"Elbow at {elbow}" if elbow is not None else "No elbow") in text
    page.assert_alone()


def test_a_run_is_picked_by_pointer_and_by_keyboard(page: SavedPage) -> None:
    widget = page.widget(SWEEP)
    page.page.mouse.click(*widget.wait("w.toClient(3)", 5))
    widget.wait("w.view.picked === 3", 5)
    widget.wait("root.querySelectorAll('.vw-picked').length === 1", 5)
    first = page.page.locator(f"{SWEEP} .vw-pick").first
    first.focus()
    first.press("ArrowDown")
    widget.wait("w.view.picked === 3", 5)  # the table goes by size: its second row is the fourth run
    page.page.keyboard.press("ArrowDown")
    widget.wait("w.view.picked === 4", 5)
    page.page.keyboard.press("Enter")
    widget.wait("w.view.picked === null", 5)
    page.assert_alone()
