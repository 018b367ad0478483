"""The picture that a notebook keeps: published with the view, renewed once a run rests, never in the way."""

from __future__ import annotations

import base64
import io
import sys
import types
from types import SimpleNamespace
from typing import Any

import anywidget
import numpy as np
import pytest
import torch
from IPython import display
from PIL import Image

import vaewidgets as vw
from vaewidgets import figures
from vaewidgets.contract.palette import CLASSES
from vaewidgets.contract.png import css_size
from vaewidgets.live import still_image

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was published, as the kernel would send it."""
    messages: list[dict[str, Any]] = []

    def publish(
        data: dict[str, Any], *, metadata: dict[str, Any], transient: dict[str, Any], update: bool = False
    ) -> None:
        identity = transient["display_id"]
        messages.append({"data": data, "metadata": metadata, "id": identity, "update": update})

    monkeypatch.setattr(display, "publish_display_data", publish)
    return messages


@pytest.fixture
def scatter() -> Any:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=128)
    run = vw.train(vw.MLPVAE(data.image_shape, hidden=(16,)), data, epochs=2, start=False, autosave=False)
    widget = vw.LatentScatter(run)
    yield widget
    run.stop()
    widget.close()


def test_a_bundle_holds_view_picture_and_text(scatter: Any) -> None:
    data, _ = scatter._repr_mimebundle_()
    assert data["text/plain"] == repr(scatter)
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert len(base64.b64decode(data["image/png"])) <= 300_000
    assert data[VIEW]["model_id"] == scatter.model_id


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for what Colab has, which anywidget asks for the address of its widget manager."""
    output = types.ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: None  # type: ignore[attr-defined]
    installed = types.SimpleNamespace(_installed_url="https://ssl.gstatic.com/manager.min.js")
    output._widgets = installed  # type: ignore[attr-defined]
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "google.colab.output", output)


@pytest.mark.usefixtures("colab")
def test_colab_is_told_of_the_widget_manager_as_by_any_anywidget(
    scatter: Any, published: list[dict[str, Any]]
) -> None:
    class Plain(anywidget.AnyWidget):
        _esm = "export default {}"

    _, wanted = Plain()._repr_mimebundle_()
    assert wanted[VIEW]["colab"]["custom_widget_manager"]["url"].endswith("manager.min.js")
    data, metadata = scatter._repr_mimebundle_()
    wide, high = css_size(base64.b64decode(data["image/png"]))
    assert metadata == {**wanted, "image/png": {"width": wide, "height": high}}
    scatter._ipython_display_()
    scatter.run.resume()
    scatter.run.wait(progress=False)
    scatter._feed._renew_pictures()
    assert [message["update"] for message in published] == [False, True]
    assert [{**message["metadata"], "image/png": None} for message in published] == [
        {**wanted, "image/png": None}
    ] * 2


def test_outside_of_colab_only_the_size_of_the_picture_is_added(scatter: Any) -> None:
    data, metadata = scatter._repr_mimebundle_()
    png = base64.b64decode(data["image/png"])
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size[0] == pytest.approx(2 * metadata["image/png"]["width"], abs=1), "sharp at 2x"
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    assert list(metadata) == ["image/png"]
    assert len(png) < 150_000
    for color in CLASSES:  # few colors in all, and still those of the classes
        wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert np.abs(pixels - wanted).max(axis=1).min() <= 12, color


def test_it_is_renewed_once_at_the_end_in_every_place(scatter: Any, published: list) -> None:
    scatter._ipython_display_()
    scatter._ipython_display_()
    assert len({message["id"] for message in published}) == 2
    scatter.run.resume()
    scatter.run.wait(progress=False)
    scatter._feed._renew_pictures()  # as at the end of the cell that waited
    scatter._feed._renew_pictures()
    renewed = [message for message in published if message["update"]]
    assert [message["id"] for message in renewed] == [message["id"] for message in published[:2]]
    assert renewed[0]["data"]["image/png"] != published[0]["data"]["image/png"]
    assert scatter.frame["run"]["step"] == scatter.run.step > 0


def test_nothing_is_renewed_in_full_screen_or_off_the_page(scatter: Any, published: list) -> None:
    scatter._ipython_display_()

    def command(on: bool) -> None:
        scatter._handle_custom_msg({"type": "command", "seq": 1, "name": "presenting", "value": on}, [])

    command(True)
    scatter.run.resume()
    scatter.run.wait(progress=False)
    scatter._feed._renew_pictures()
    assert len(published) == 1
    command(False)
    scatter._feed._renew_pictures()
    assert [message["update"] for message in published] == [False, True]
    scatter.close()
    scatter.run.epochs = 3
    scatter.run.resume()
    scatter.run.wait(progress=False)
    scatter._renew_picture()
    assert len(published) == 2


def test_while_it_trains_the_output_has_no_picture(scatter: Any, published: list) -> None:
    scatter.run.epochs = 100_000
    scatter.run.resume()
    scatter._ipython_display_()
    assert set(published[0]["data"]) == {"text/plain", VIEW}


def test_a_figure_that_fails_does_not_hide_the_widget(
    scatter: Any, published: list, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(scatter, "figure", broken)
    scatter._ipython_display_()
    assert set(published[0]["data"]) == {"text/plain", VIEW}
    assert "no picture" in caplog.text


def test_where_a_saved_notebook_has_only_the_picture_it_says_how_to_wake_the_widget(
    scatter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[list[str]] = []
    draw = figures.figure_pixels

    def drawn(figure: Any, dpi: int) -> np.ndarray:
        texts.append([one.get_text() for one in figure.texts])
        return draw(figure, dpi)

    monkeypatch.setattr(figures, "figure_pixels", drawn)
    for saves_state in (True, False):
        place = SimpleNamespace(widget_views=True, saves_state=saves_state)
        monkeypatch.setattr(still_image, "host", lambda place=place: place)
        data, _ = scatter._repr_mimebundle_()
        assert VIEW in data
        assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
        assert (still_image.WAKE in texts[-1]) is not saves_state
