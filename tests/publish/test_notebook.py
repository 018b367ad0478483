"""A notebook's views become our own host: data once, other widgets left out, files shared by pages."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from nbconvert import HTMLExporter
from PIL import Image

from tests.publish.test_page import Scripts, content, data
from vaewidgets.__main__ import main
from vaewidgets.errors import OptionError
from vaewidgets.publish import html_pieces, revive_notebook
from vaewidgets.publish.notebook import STATE, VIEW


def png() -> bytes:
    file = io.BytesIO()
    Image.new("P", (1, 1)).save(file, "PNG", optimize=True)
    return file.getvalue()


PNG = base64.b64encode(png()).decode()


def saved(**values: Any) -> dict[str, Any]:
    state = {"_esm": "export default {}", "_css": ".a{}", "_anywidget_id": "vaewidgets.widgets.x.X", **values}
    return {"model_name": "AnyModel", "state": state}


def view(name: str, **others: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {VIEW: {"model_id": name}, "text/plain": "X()", **others}}


def notebook(models: dict[str, Any], *outputs: dict[str, Any]) -> dict[str, Any]:
    cells = [{"cell_type": "markdown", "source": "text"}]
    cells += [{"cell_type": "code", "source": "x", "outputs": [output]} for output in outputs]
    return {"cells": cells, "metadata": {"widgets": {STATE: {"state": models}}}, "nbformat": 4}


def framed(text: str) -> str:
    """The page in a frame."""
    (page,) = re.findall(r'srcdoc="([^"]*)"', text)
    return html.unescape(page)


def htmls(result: dict[str, Any]) -> list[str]:
    outputs = [output for cell in result["cells"] for output in cell.get("outputs", [])]
    return [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def test_views_become_places_and_the_last_brings_data_once() -> None:
    models = {"a": saved(frame={"list": [None]}), "b": saved(frame={"x": 1}), "unseen": saved(big=1)}
    path = ["frame", "list", 0]
    stale = [{"path": ["gone", "x"], "data": ""}, {"path": ["frame", "list", 4], "data": ""}]
    models["a"]["buffers"] = [{"path": path, "data": base64.b64encode(b"own").decode()}, *stale]
    before = notebook(models, view("a"), view("b", **{"image/png": PNG}), view("a"))
    text = repr(before)
    result = revive_notebook(before)
    assert repr(before) == text, "the notebook is not touched"
    assert result["metadata"] == {}
    first, second, third = htmls(result)
    assert first == '<div class="vw-page-widget" data-vw-widget="0"></div>'
    assert re.fullmatch(
        '<div class="vw-page-widget" data-vw-widget="1"><img class="vw-page-still" [^<>]*></div>', second
    )
    assert third.startswith(first)
    page = Scripts(third)
    assert data(page) == [b"export default {}", b"own"]
    one, two = content(page)
    assert one["state"] == {"frame": {"list": [None]}}
    assert one["buffers"] == [[path, 1]]
    assert two["module"] == one["module"]
    assert page.addresses == []


def test_boxes_stay_and_other_widgets_go() -> None:
    bar = {"model_name": "HTMLModel", "state": {"value": "50 %"}}
    box = {"model_name": "HBoxModel", "state": {"children": ["IPY_MODEL_a", "IPY_MODEL_bar"]}}
    progress = {"model_name": "HBoxModel", "state": {"children": ["IPY_MODEL_bar"]}}
    models = {"a": saved(), "bar": bar, "box": box, "progress": progress}
    stream = {"output_type": "stream", "name": "stdout", "text": "said"}
    result = revive_notebook(notebook(models, view("box"), view("progress"), view("bar"), stream))
    (text,) = htmls(result)
    assert (
        '<div class="vw-page-box" data-direction="row"><div class="vw-page-cell"><div class="vw-page-w'
        in text
    )
    assert text.count('class="vw-page-cell"') == 1
    outputs = [cell["outputs"] for cell in result["cells"] if "outputs" in cell]
    assert [len(found) for found in outputs] == [1, 0, 0, 1]


def test_a_view_without_a_state_is_refused() -> None:
    with pytest.raises(OptionError, match=r"store_widget_state.*vaewidgets revive NOTEBOOK --execute"):
        revive_notebook(notebook({}, view("a")))


def test_without_any_state_the_pictures_stay_and_the_notebook_converts() -> None:
    """F14: nbconvert ends in a KeyError where the widgets' metadata has no `state`."""
    before = notebook({}, view("a", **{"image/png": PNG}))
    before["metadata"]["widgets"][STATE] = {"version_major": 2}
    result = revive_notebook(before, pictures=True)
    assert result["metadata"] == {}
    (output,) = result["cells"][1]["outputs"]
    assert output["data"] == {"image/png": PNG, "text/plain": "X()"}


def test_a_command_mends_a_notebook_without_states(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    before = {**notebook({}, view("a", **{"image/png": PNG})), "nbformat": 4, "nbformat_minor": 5}
    before["metadata"]["widgets"][STATE] = {"version_major": 2}
    for i, cell in enumerate(before["cells"]):
        cell.update(id=f"c{i}", metadata={})
        if "outputs" in cell:
            cell["execution_count"] = None
            cell["outputs"][0]["metadata"] = {}
    path = tmp_path / "lecture.ipynb"
    path.write_text(json.dumps(before))
    with pytest.raises(KeyError, match="state"):
        HTMLExporter().from_filename(str(path))
    assert main(["revive", str(path)]) == 0
    said = capsys.readouterr().out
    assert "1 views had no state in it" in said
    assert "--execute" in said
    text, _ = HTMLExporter().from_filename(str(tmp_path / "lecture.alive.ipynb"))
    assert f"data:image/png;base64,{PNG}" in text


def test_each_output_stands_alone() -> None:
    """F15: MyST draws each output by itself."""
    models = {"a": saved(frame={"x": 1}), "b": saved(frame={"x": 2})}
    models["box"] = {"model_name": "HBoxModel", "state": {"children": ["IPY_MODEL_a", "IPY_MODEL_b"]}}
    picture = {"image/png": PNG}
    shown = notebook(models, view("a", **picture), view("b", **picture), view("box"))
    result = revive_notebook(shown, alone=True)
    outputs = [output["data"] for cell in result["cells"] for output in cell.get("outputs", [])]
    assert [sorted(output) for output in outputs] == [
        ["image/png", "text/html", "text/plain"],
        ["image/png", "text/html", "text/plain"],
        ["text/html", "text/plain"],
    ]
    for output, wanted in zip(outputs, ([1], [2], [1, 2]), strict=True):
        page = framed(output["text/html"])
        assert [one["state"]["frame"]["x"] for one in content(Scripts(page))] == wanted
        assert "export default {}" in [text.decode() for text in data(Scripts(page))]
        stills = output["text/html"].count('src="data:image/png;base64,')
        assert stills == ("image/png" in output)
    with pytest.raises(OptionError, match="expected one"):
        revive_notebook(shown, alone=True, folder="x")


def test_pages_share_the_files_of_programs(tmp_path: Path) -> None:
    one = html_pieces({"a": {"_esm": "export default 1", "x": b"1"}}, folder=tmp_path, address="../w")
    two = html_pieces({"a": {"_esm": "export default 1", "x": b"2"}}, folder=tmp_path, address="../w")
    files = [set(re.findall(r'(?:src|href)="\.\./w/([^"]+)"', pieces.rest)) for pieces in (one, two)]
    assert files[0] | files[1] == {path.name for path in tmp_path.iterdir()}
    assert len(files[0] - files[1]) == 1, "only the data differ"
    assert "http" not in one.rest


@pytest.mark.parametrize("states", [{}, {"a": {}}])
def test_states_that_make_no_pieces_are_refused(states: dict) -> None:
    with pytest.raises(OptionError):
        html_pieces(states)


def test_a_folder_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no folder"):
        html_pieces({"a": {"_esm": "x"}}, folder=tmp_path / "none")
