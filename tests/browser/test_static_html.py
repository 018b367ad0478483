"""HTML by nbconvert and by `embed_minimal_html`: the widgets live in it under the standard widget manager.

What such pages fetch from public servers is answered from files that `npm ci` and anywidget brought.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from ipywidgets.embed import dependency_state, embed_data, embed_minimal_html
from nbconvert import HTMLExporter

import vaewidgets as vw
from tests.browser.helpers import Widget

PIXEL_TOLERANCE = 1e-2
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
MODULES = Path(__file__).parents[2] / "vaewidgets" / "js" / "node_modules"
EXTENSION = Path(sys.prefix) / "share" / "jupyter" / "nbextensions" / "anywidget" / "index.js"
SERVED = (
    (r"/require(\.min)?\.js$", MODULES / "requirejs" / "require.js"),
    (r"/html-manager@[^/]*/dist/embed-amd\.js$", MODULES / "@jupyter-widgets/html-manager/dist/embed-amd.js"),
    (r"/anywidget@[^/]*/dist/index\.js$", EXTENSION),
)


@pytest.fixture(scope="module")
def widgets() -> Iterator[list[Any]]:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=256)
    run = vw.train(vw.MLPVAE(data.image_shape, hidden=(16,)), data, epochs=5, autosave=False)
    explorer = vw.LatentExplorer(run.wait(progress=False), train=True)
    made = [explorer, vw.ActiveUnitsBar(run), vw.KLPlayground(1.0, 0.5)]
    for widget in made[:2]:
        widget._refresh()
    yield made
    for widget in made:
        widget.close()


def by_nbconvert(widgets: list[Any], path: Path) -> None:
    """Convert a notebook that shows them and keeps their state, as JupyterLab saves it."""
    state = embed_data(widgets, state=dependency_state(widgets))["manager_state"]
    cells = []
    for widget in widgets:
        view = {"model_id": widget.model_id, "version_major": 2, "version_minor": 1}
        shown = nbformat.v4.new_output("display_data", {VIEW: view, "text/plain": repr(widget)})
        cells.append(nbformat.v4.new_code_cell("widget", outputs=[shown]))
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {STATE: state}})
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")


def by_embedding(widgets: list[Any], path: Path) -> None:
    embed_minimal_html(str(path), views=widgets, state=dependency_state(widgets))
    # The checksum is of the minified require.js, which npm does not have.
    text, checked = re.subn(r' integrity="[^"]*"', "", path.read_text("utf-8"))
    assert checked == 1
    path.write_text(text, encoding="utf-8")


def answer(route: Any) -> None:
    url = route.request.url
    if url.startswith(("file:", "blob:", "data:")):
        return route.continue_()
    for pattern, path in SERVED:
        if re.search(pattern, url):
            return route.fulfill(path=path, content_type="text/javascript")
    return route.abort()  # formulas, diagrams and icons, which these pages do without


class StaticPage:
    """What `tests.browser.helpers.Widget` asks of a page."""

    def __init__(self, page: Any) -> None:
        self.page = page


def assert_trains(page: Any, explorer: Widget, other: Widget) -> None:
    """No kernel answers: the explorer offers to train in the page, and what else shows the run goes along."""
    explorer.click(".vw-train-here")
    page.locator(".vw-again").click()
    explorer.wait("w.frame.run.id.startsWith('page-')")
    explorer.wait_status("finished")
    shown = explorer.ask("w.frame.run.id")
    other.scroll_to()
    other.wait(f"w.frame.run.id === '{shown}' && w.status === 'finished'")


@pytest.mark.parametrize("write", [by_nbconvert, by_embedding])
def test_widgets_live_under_the_standard_manager(
    browser: Any, widgets: list[Any], tmp_path: Path, write: Any
) -> None:
    missing = [str(path) for _, path in SERVED if not path.is_file()]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not there: {', '.join(missing)}; run npm ci in vaewidgets/js")
    assert not missing
    path = tmp_path / "static.html"
    write(widgets, path)
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    try:
        page = context.new_page()
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.route("**/*", answer)
        page.goto(path.as_uri())
        for name in (".vw-latent-explorer", ".vw-active-units-bar", ".vw-kl-playground"):
            widget = Widget(StaticPage(page), name)
            page.locator(name).scroll_into_view_if_needed(timeout=20_000)  # what cannot be seen is not drawn
            widget.wait("['finished', 'ready'].includes(root.dataset.status)", 60)
            assert not page.locator(f"{name} .vw-error").is_visible()
        explorer = Widget(StaticPage(page), ".vw-latent-explorer")
        shown = explorer.hover(0.5, -0.5)
        with torch.no_grad():
            torchs = widgets[0].run.snapshot().decode(torch.tensor([shown["z"]])).flatten().numpy()
        assert np.abs(np.array(shown["image"]) - torchs).max() < PIXEL_TOLERANCE
        assert np.ptp(torchs) > 0.2, "an image without contrast proves nothing"
        assert_trains(page, explorer, Widget(StaticPage(page), ".vw-active-units-bar"))
        assert broken == []
    finally:
        context.close()
