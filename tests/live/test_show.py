"""`vw.show`: a page in place of a view where it is asked for, or where no view can live."""

from __future__ import annotations

import base64
import re
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from IPython import display

import vaewidgets as vw
from vaewidgets.errors import OptionError
from vaewidgets.live import html_output
from vaewidgets.publish.frame import FRAME_BYTES, frame_html

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = {"_esm": "export default {}", "frame": {"x": 1}}


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The data of each output, by MIME type."""
    outputs: list[dict[str, Any]] = []

    def publish(data: dict[str, Any], **_: Any) -> None:
        outputs.append(data)

    monkeypatch.setattr(display, "publish_display_data", publish)
    return outputs


@pytest.fixture
def playground() -> Iterator[vw.KLPlayground]:
    widget = vw.KLPlayground()
    yield widget
    widget.close()


@pytest.fixture
def kaggle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel with what Kaggle leaves in its environment."""
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    monkeypatch.setattr(html_output, "ipython_shell", lambda: types.SimpleNamespace(kernel=None))


def test_a_page_in_a_frame_and_a_picture(run: vw.Run, published: list[dict[str, Any]]) -> None:
    vw.show([vw.LatentScatter(run), vw.TrainingCurves(run)], as_html=True, title="A & B", train=True)
    (output,) = published
    assert sorted(output) == ["image/png", "text/html", "text/plain"]
    assert base64.b64decode(output["image/png"]).startswith(b"\x89PNG")
    assert 'sandbox="allow-scripts allow-downloads' in output["text/html"]
    assert "allow-same-origin" not in output["text/html"]
    assert 'title="A &amp; B"' in output["text/html"]
    assert "&quot;trainings&quot;:[" in output["text/html"]
    assert output["text/html"].count('<img class="vw-page-still"') == 2, "where the frame is taken out"
    assert len(output["text/html"]) < FRAME_BYTES


@pytest.mark.usefixtures("kaggle")
def test_hosts_without_a_widget_manager_get_a_page_by_themselves(
    playground: vw.KLPlayground, published: list[dict[str, Any]]
) -> None:
    data, metadata = playground._repr_mimebundle_()
    assert VIEW not in data
    assert "srcdoc=" in data["text/html"]
    assert data["text/plain"] == repr(playground)
    assert metadata.keys() <= {"image/png"}, "no view: nothing that a manager would look for"
    vw.show(playground)
    playground._ipython_display_()
    assert ["srcdoc=" in output["text/html"] for output in published] == [True, True]
    assert playground._repr_mimebundle_()[0]["text/html"] == data["text/html"]


def test_elsewhere_a_view_stays_a_view(playground: vw.KLPlayground, published: list[dict[str, Any]]) -> None:
    vw.show(playground)
    playground._ipython_display_()
    for output in published:
        assert output[VIEW]["model_id"] == playground.model_id
        assert "text/html" not in output


def test_what_is_too_large_is_thinned_and_said_then_refused() -> None:
    noise, other = np.random.default_rng(0).bytes(3_000_000), np.random.default_rng(1).bytes(3_000_000)
    state = {**STATE, "originals": {"shape": [3000, 1, 10, 100], "data": noise}}
    text = html_output.html_output([{**state, "time_weights_0": {"data": other}}], title="t")
    assert len(text) < FRAME_BYTES
    assert "Left out here: earlier weights of the run (3 MB)" in text
    with pytest.raises(OptionError, match=r"t as HTML has .* MB; expected at most 5.0 MB.*vw.save_html"):
        html_output.html_output([{**STATE, "frame": {"points": noise + other}}], title="t")


def test_nothing_breaks_out_of_a_frame() -> None:
    evil = '"></iframe><script>alert(1)</script>'
    text = frame_html([{**STATE, "frame": {evil: evil}}], title=evil)
    assert len(re.findall("<script>", text)) == 1
    assert text.count("</iframe>") == 1
    assert "alert(1)</script>" not in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widgets": 42, "as_html": True}, r"show got int; expected widgets: vw.show\(\[a, b\]\)"),
        ({"widgets": [], "as_html": True}, "show got no widgets"),
        ({"widgets": [], "train": True}, "expected as_html=True with it"),
        ({"widgets": [], "as_html": "yes"}, "as_html"),
    ],
)
def test_what_cannot_be_shown_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.show(**options)
