"""What `vaewidgets.replay` opens: in a stand-in for a notebook's front end, with no Python behind it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch

import vaewidgets as vw
from tests.browser.helpers import Widget
from tests.browser.pages import SavedPage, open_page
from vaewidgets import replay

# As anywidget's front end does it: a model for each widget, `initialize` once, then a view in each cell. A
# buffer is a part of the message that it came in.
HOST = """
<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><style>%(css)s</style><body>
<script type="module">
const cells = %(cells)s;
const bytes = (text) => {
  const all = Uint8Array.from(atob(`AAAA${text}`), (c) => c.charCodeAt(0));
  return new DataView(all.buffer, 3);
};
function createModel({ state, blobs }) {
  for (const [name, text] of Object.entries(blobs)) state.content.blobs[name] = bytes(text);
  const listeners = [];
  return {
    state,
    get: (key) => state[key],
    set(key, value) {
      state[key] = value;
      for (const [of, fn] of listeners) if (of === `change:${key}`) fn();
    },
    save_changes() {},
    on: (event, fn) => listeners.push([event, fn]),
    off() {},
    send(content) { throw new Error(`Python got ${JSON.stringify(content)}`); },
  };
}
globalThis.cells = [];
globalThis.show = async (cell) => {
  const model = createModel(cells[cell]);
  const url = URL.createObjectURL(new Blob([cells[cell].esm], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  const end = await widget.initialize({ model });
  const el = document.body.appendChild(document.createElement("div"));
  const leave = await widget.render({ model, el });
  globalThis.cells[cell] = { model, close() { leave(); el.remove(); end(); } };
};
await globalThis.show(0);
Object.defineProperty(document.documentElement, "vaewidgets", { value: { ready: true } });
</script>
"""


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedPage]:
    """The explorer in one cell, and two other widgets of the run in another that is not run yet."""
    folder = tmp_path_factory.mktemp("replay")
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=256)
    model = vw.MLPVAE(data.image_shape, hidden=(16,))
    run = vw.train(model, data, epochs=100_000, speed=20, autosave=False)
    run.advance(3)
    replay.save(run, folder / "run.safetensors")
    run.stop()
    names: list[tuple[str, ...]] = [(), ("TrainingCurves", "LatentScatter")]
    saved = [replay.open(folder / "run.safetensors", *some) for some in names]
    cells = [
        {
            "esm": str(one._esm),
            "state": {
                "content": {**one.get_state("content")["content"], "blobs": {}},
                "view": {},
                "replay_id": one.replay_id,
            },
            "blobs": {name: base64.b64encode(data).decode() for name, data in one.content["blobs"].items()},
        }
        for one in saved
    ]
    text = json.dumps(cells).replace("<", "\\u003c")
    path = folder / "notebook.html"
    path.write_text(HOST % {"cells": text, "css": str(saved[0]._css)}, "utf-8")
    with open_page(browser, path) as page:
        yield page
    page.assert_alone()


def test_a_saved_run_is_alive_trains_and_moves_the_widgets_of_other_cells(page: SavedPage) -> None:
    explorer = Widget(page)
    explorer.scroll_to()
    explorer.wait("w.step >= 3 && w.status !== 'running'")
    saved = explorer.step
    assert explorer.hover(0.5, 0.5)["ms"] is not None
    explorer.click(".vw-legend-entry")
    explorer.wait("w.view.classes?.length > 0", 10)
    assert page.page.evaluate("Object.keys(cells[0].model.state.view)") == ["classes"]
    explorer.click(".vw-legend-entry")
    explorer.click(".vw-main-button")
    explorer.wait(f"w.step > {saved + 3}")
    page.page.evaluate("show(1)")
    for name in ("training-curves", "latent-scatter"):
        widget = Widget(page, f".vw-{name}")
        widget.scroll_to()
        widget.wait(f"w.step > {saved + 3} && w.status === 'running'")
    explorer.scroll_to()
    explorer.click(".vw-main-button")
    explorer.wait_status("paused", 10)
    Widget(page, ".vw-training-curves").wait_status("paused", 10)
    explorer.scroll_to()
    with page.page.expect_download() as download:
        explorer.click(".vw-page-run-file")
    assert vw.load_run(download.value.path()).step == explorer.step


def test_python_turns_it_and_a_cell_that_is_cleared_leaves_the_others(page: SavedPage) -> None:
    explorer = Widget(page)
    page.page.evaluate("cells[0].model.set('view', { ...cells[0].model.state.view, selected: [1, 2] })")
    explorer.wait("w.view.selected?.length === 2", 10)
    page.page.evaluate("cells[0].model.set('view', {})")
    explorer.wait("w.view.selected === null", 10)
    page.page.evaluate("cells[1].close()")
    step = explorer.step
    explorer.scroll_to()
    explorer.click(".vw-main-button")
    explorer.wait(f"w.step > {step} + 3")
