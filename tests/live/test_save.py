"""`save_html`: what it takes and what it refuses."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

import vaewidgets as vw
from vaewidgets.errors import OptionError


def test_one_widget_and_several_go_through_one_function(run: vw.Run, tmp_path: Path) -> None:
    scatter, curves = vw.LatentScatter(run), vw.TrainingCurves(run)
    one = scatter.save_html(tmp_path / "one.html", title="A & B")
    assert one == tmp_path / "one.html"
    assert "<h1>A &amp; B</h1>" in one.read_text("utf-8")
    assert one.read_text("utf-8").startswith("<!doctype html>")
    two = vw.save_html(scatter, tmp_path / "two.html", title="A & B")
    number = re.compile('"seq":[0-9]+')  # of the frame
    assert number.sub("", one.read_text("utf-8")) == number.sub("", two.read_text("utf-8"))
    both = vw.save_html([scatter, curves], tmp_path / "both.html").read_text("utf-8")
    assert "<h1>Latent scatter, training curves — MLPVAE on digits</h1>" in both
    assert len(both) < 1.3 * len(one.read_text("utf-8"))


def test_the_title_says_in_words_what_is_shown(run: vw.Run, tmp_path: Path) -> None:
    def another(name: str | None) -> vw.Run:
        model = vw.MLPVAE(run.data.image_shape, 3, hidden=(16,))
        return vw.train(model, run.data, epochs=1, autosave=False, name=name).wait(progress=False)

    other, again = another("three"), another(None)

    def title(widgets: Any) -> str:
        text = vw.save_html(widgets, tmp_path / "page.html").read_text("utf-8")
        return str(re.findall("<title>(.*)</title>", text)[0])

    assert title(vw.LatentExplorer(run)) == "Latent explorer — MLPVAE on digits"
    assert title(vw.ReconstructionGrid([run, again])) == "Reconstructions — MLPVAE on digits"
    assert title(vw.ReconstructionGrid([run, other])) == "Reconstructions — MLPVAE on digits and three"
    assert title(vw.KLPlayground()) == "KL playground"
    assert title([vw.KLPlayground(), vw.KLPlayground()]) == "KL playground"
    assert title([vw.LatentScatter(run), vw.LatentScatter(other)]) == "Latent scatter"


def test_without_javascript_the_page_shows_pictures(run: vw.Run, tmp_path: Path) -> None:
    text = vw.save_html([vw.LatentScatter(run), vw.KLPlayground()], tmp_path / "page.html").read_text("utf-8")
    (shown,) = re.findall('<div class="vw-page-unrun">(.*?)</div>', text, re.DOTALL)
    assert re.search("<noscript>.*Trust HTML.*</noscript>", shown, re.DOTALL)
    assert "Content-Security-Policy" in shown
    pictures = re.findall('src="data:image/png;base64,([^"]*)"', shown)
    assert len(pictures) == 2
    for picture in pictures:
        assert base64.b64decode(picture).startswith(b"\x89PNG")
        assert len(picture) < 400_000


def test_the_page_shows_the_last_step_even_if_no_frame_was_sent_yet(run: vw.Run, tmp_path: Path) -> None:
    widget = vw.TrainingCurves(run)
    widget._live["frame"] = {}
    text = widget.save_html(tmp_path / "page.html").read_text("utf-8")
    assert f'"step":{run.step}' in text


@pytest.mark.parametrize(
    ("widgets", "message"), [([], "no widgets"), (42, "got int"), ("x", "got str"), ([42], "got int among")]
)
def test_what_is_no_widget_is_refused(widgets: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message):
        vw.save_html(widgets, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_a_page_trains_where_it_is_told_to(run: vw.Run, tmp_path: Path) -> None:
    curves = vw.TrainingCurves(run)
    plain = curves.save_html(tmp_path / "plain.html").read_text("utf-8")
    assert "worker-src 'none'" in plain
    assert '"trainings":[' not in plain
    text = curves.save_html(tmp_path / "page.html", train={"latent_dim": [2, 3]}).read_text("utf-8")
    assert "worker-src blob:" in text
    content = json.loads(re.findall('id="vw-page-content">(.*?)</script>', text)[0])
    (training,) = content["trainings"]
    assert training["run"] == run.id
    kept = re.findall(r'class="vw-data" data-kind="\w+">(.*?)</script>', text)
    state = gzip.decompress(base64.b64decode(kept[training["state"]]))
    assert [choice["latent_dim"] for choice in json.loads(state)["choices"]] == [2, 3]
    assert training["program"] != content["widgets"][0]["module"]


def test_a_widget_keeps_what_training_without_a_kernel_takes(run: vw.Run, tmp_path: Path) -> None:
    explorer = vw.LatentExplorer(run, train={"latent_dim": 3})
    kept = explorer.get_state()["training"]
    assert json.dumps(kept)  # no bytes: any host keeps it
    kind, text = kept["elements"][kept["state"]]
    assert kind.startswith("gzip")
    assert [choice["latent_dim"] for choice in json.loads(gzip.decompress(base64.b64decode(text)))["choices"]]
    assert {"frame", "decoder", "view_state", "options"} <= set(kept["keys"])
    text = explorer.save_html(tmp_path / "page.html").read_text("utf-8")
    assert '"training":' not in text
    assert "training" not in vw.LatentExplorer(run).get_state()
    with pytest.raises(OptionError, match="train is 3"):
        vw.LatentExplorer(run, train=3)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="latent_dims"):
        vw.LatentExplorer(run, train={"latent_dims": 3})


def test_what_a_page_cannot_train_is_said(run: vw.Run, tmp_path: Path) -> None:
    path, curves = tmp_path / "page.html", vw.TrainingCurves(run)
    with pytest.raises(OptionError, match=r"train is 3; expected True, .*train=dict\(latent_dim="):
        curves.save_html(path, train=3)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"latent_dims.*latent_dim"):
        curves.save_html(path, train={"latent_dims": [2]})
    with pytest.raises(OptionError, match=r"KLPlayground, which shows no single run.*LatentExplorer"):
        vw.KLPlayground().save_html(path, train=True)
    assert not path.exists()
