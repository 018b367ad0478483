"""Widgets in the boxes of ipywidgets: beside each other where the box says so, with room, none on another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.lab import Lab, wait_for

SETUP = """import ipywidgets as w, torch, vaewidgets as vw
torch.manual_seed(0)
data = vw.load_dataset("digits", n_train=128)
run = vw.train(vw.MLPVAE(data.image_shape, 2, hidden=(16,)), data, epochs=1, autosave=False)
run.wait(progress=False)
def gridspec(a, b):
    grid = w.GridspecLayout(1, 2)
    grid[0, 0], grid[0, 1] = a, b
    return grid"""
BOXES = {
    "HBox": "w.HBox([a, b])",
    "HBox with a slider": "w.HBox([w.IntSlider(), a, b])",
    "VBox": "w.VBox([a, b])",
    "HBox of VBoxes": "w.HBox([w.VBox([a]), w.VBox([b])])",
    "GridBox": "w.GridBox([a, b], layout=w.Layout(grid_template_columns='1fr 1fr'))",
    "AppLayout": "w.AppLayout(left_sidebar=a, center=b, pane_widths=[1, 1, 0])",
    "GridspecLayout": "gridspec(a, b)",
    "Tab": "w.Tab([a, b], titles=['a', 'b'])",
    "Accordion": "w.Accordion([a, b], titles=['a', 'b'], selected_index=0)",
}
SHOW = "a, b = vw.LatentScatter(run), vw.TrainingCurves(run)\ndisplay({box})"
BESIDE = ["HBox", "HBox with a slider", "HBox of VBoxes", "GridBox", "AppLayout", "GridspecLayout"]
PLACES = """() => [...document.querySelectorAll('.jp-OutputArea-output .vw-root')]
    .filter(root => root.checkVisibility())
    .map(root => {
        const { left, right, top, bottom } = root.getBoundingClientRect();
        return { left, right, top, bottom, width: right - left, height: bottom - top };
    }).filter(({ width, height }) => width > 0 && height > 0)"""


@pytest.fixture(scope="module")
def lab(lab_server: Lab, browser: Any) -> Iterator[Lab]:
    """One notebook with a cell for each box, of which one at a time has an output."""
    with lab_server.session(browser):
        lab_server.open([SETUP, *(SHOW.format(box=box) for box in BOXES.values())])
        lab_server.run_cell(0)
        yield lab_server


def shown(lab: Lab, name: str) -> tuple[list[dict[str, float]], dict[str, float]]:
    """Boxes of the widgets that can be seen, from left and from above, and of the output."""
    lab.page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    wait_for(lambda: lab.page.locator(".vw-root").count() == 0, "the box before is gone", 10)
    lab.run_cell(1 + list(BOXES).index(name))
    lab.wait_idle(120)
    wait_for(lambda: lab.page.evaluate(PLACES), "a widget has room", 30)
    seen: list[Any] = [None]

    def still() -> bool:
        seen.append(lab.page.evaluate(PLACES))
        lab.page.evaluate("() => new Promise(r => setTimeout(() => requestAnimationFrame(r), 150))")
        return seen[-1] == seen[-2]

    wait_for(still, "all stands still", 20)
    output = lab.page.evaluate(
        "document.querySelector('.jp-OutputArea-child').getBoundingClientRect().toJSON()"
    )
    return sorted(seen[-1], key=lambda box: (box["left"], box["top"])), output


@pytest.mark.parametrize("name", BESIDE)
def test_beside_each_other_both_have_room(lab: Lab, name: str) -> None:
    boxes, output = shown(lab, name)
    assert len(boxes) == 2, "a widget has no room at all"
    first, second = boxes
    assert first["right"] <= second["left"] + 1, "one lies over the other"
    assert second["right"] <= output["right"] + 1
    assert abs(first["top"] - second["top"]) < 2
    for box in boxes:
        assert box["width"] > (output["width"] - 320) * 0.4
        assert box["height"] > 150


def test_below_each_other_both_have_the_whole_width(lab: Lab) -> None:
    (first, second), output = shown(lab, "VBox")
    for box in (first, second):
        assert box["width"] > 0.85 * output["width"]
    assert min(first["bottom"], second["bottom"]) <= max(first["top"], second["top"]) + 1


@pytest.mark.parametrize(
    ("name", "title"), [("Tab", ".lm-TabBar-tab"), ("Accordion", ".jupyter-widget-Collapse-header")]
)
def test_of_those_one_opens_one_by_one_each_has_the_width(lab: Lab, name: str, title: str) -> None:
    boxes, output = shown(lab, name)
    assert len(boxes) == 1
    assert boxes[0]["width"] > 0.8 * output["width"]
    lab.page.locator(f".jp-OutputArea-output {title}").nth(1).click()
    curves = lab.page.locator(".vw-training-curves")
    wait_for(lambda: (curves.bounding_box() or {"width": 0})["width"] > 0.8 * output["width"], "it opens", 10)
    curves.scroll_into_view_if_needed()  # out of sight nothing is drawn
    wait_for(lambda: (curves.bounding_box() or {"height": 0})["height"] > 150, "it is laid out", 10)
    lit = """root => [...root.querySelectorAll('canvas')].some(canvas => canvas.width > 100
        && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(byte => byte))"""
    wait_for(lambda: curves.evaluate(lit), "it is drawn", 10)
