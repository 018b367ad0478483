"""Hosts that take a widget over as an object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import marimo
import pytest
import torch
from ipywidgets.embed import dependency_state, embed_minimal_html

import vaewidgets as vw


@pytest.fixture(scope="module")
def widget() -> Iterator[vw.LatentScatter]:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=128)
    run = vw.train(vw.MLPVAE(data.image_shape, hidden=(16,)), data, epochs=1, autosave=False)
    scatter = vw.LatentScatter(run.wait(progress=False))
    yield scatter
    scatter.close()


def test_marimo_takes_a_widget_as_an_element(widget: vw.LatentScatter) -> None:
    element = marimo.ui.anywidget(widget)
    assert element.widget is widget
    assert element.value["frame"]["run"]["status"] == "finished"
    assert widget.model_id in element.text
    assert element.run is widget.run


def test_minimal_html_holds_the_whole_state(widget: vw.LatentScatter, tmp_path: Path) -> None:
    widget._refresh()
    path = tmp_path / "embedded.html"
    embed_minimal_html(str(path), views=[widget], state=dependency_state([widget]))
    kind = re.escape("application/vnd.jupyter.widget-state+json")
    text = re.search(rf'<script type="{kind}">(.*?)</script>', path.read_text("utf-8"), re.S)
    assert text is not None
    whole = json.loads(text[1])["state"][widget.model_id]
    assert whole["state"]["_esm"].startswith("/* vaewidgets")
    assert whole["state"]["_css"]
    assert whole["state"]["frame"]["run"]["status"] == "finished"
    kept = {tuple(buffer["path"]): buffer["data"] for buffer in whole["buffers"]}
    assert ("decoder", "network", "weights", "data") in kept
    assert all(kept.values())
