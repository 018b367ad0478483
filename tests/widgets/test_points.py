"""What points can be colored by, their posteriors on the plane, t-SNE off the main thread, linked views."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError
from vaewidgets.objectives import kl_per_dim


@pytest.fixture(scope="module")
def run() -> vw.Run:
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=200)
    model = vw.MLPVAE(data.image_shape, latent_dim=4, hidden=(32,))
    return vw.train(model, data, epochs=3, batch_size=64, autosave=False).wait(progress=False)


@pytest.fixture
def scatter(run: vw.Run) -> Iterator[vw.LatentScatter]:
    widget = vw.LatentScatter(run, points=120)
    yield widget
    widget.view = {"selected": [], "color": "label", "classes": None, "projection": "plane"}
    widget.close()


def posterior(widget: vw.LatentScatter) -> tuple[torch.Tensor, torch.Tensor]:
    mu, logvar = widget.run.snapshot().encode(widget.sample.images)
    assert logvar is not None
    return mu, logvar


def wait_until(condition: Any, what: str) -> None:
    pause = threading.Event()
    for _ in range(1500):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError(what)


def test_the_built_in_values_are_torchs(scatter: vw.LatentScatter) -> None:
    items = {item["name"]: item for item in scatter._live["values"]["items"]}
    mu, logvar = posterior(scatter)
    snapshot = scatter.run.snapshot()
    with torch.no_grad():
        raw = snapshot.model.decode_raw(mu)
        recon = snapshot.likelihood.recon(raw, scatter.sample.images)
    for name, wanted in (
        ("recon", recon),
        ("kl", kl_per_dim(mu, logvar).sum(1)),
        ("|mu|", mu.norm(dim=1)),
    ):
        got = unpack(items[name]["values"])[:, 0]
        np.testing.assert_allclose(got, wanted, atol=float(wanted.max() - wanted.min()) / 10_000)
    assert items["recon"]["unit"] == scatter.run.unit


def test_known_factors_color_the_points_but_for_the_label() -> None:
    data = vw.load_dataset("strokes", n_train=40, n_test=20)
    run = vw.train(vw.MLPVAE(data.image_shape, 2, hidden=(8,)), data, epochs=1, batch_size=20, autosave=False)
    run.wait(progress=False)
    widget = vw.LatentScatter(run, points=50)
    items = {item["name"]: item for item in widget._live["values"]["items"]}
    assert [name for name in items if name in data.factor_names] == list(data.factor_names[1:])
    slant = widget.sample.factors["slant"]
    assert sorted(slant[:20]) == sorted(data.test.factors[:, 2].tolist()), "test images come first"
    np.testing.assert_allclose(unpack(items["slant"]["values"])[:, 0], slant, atol=1e-3)
    widget.view = {"color": "slant"}
    assert list(vw.LatentScatter(run, values={"own": slant}, points=50)._values) == ["own"]
    run.stop()


def test_values_of_ones_own(run: vw.Run) -> None:
    width = np.linspace(-1, 1, 120)
    widget = vw.LatentScatter(run, points=120, values={"stroke width": width})
    item = widget._live["values"]["items"][-1]
    assert item["name"] == "stroke width"
    np.testing.assert_allclose(unpack(item["values"])[:, 0], width, atol=1e-4)
    widget.view = {"color": "stroke width"}
    bar = widget.figure().axes[-1]
    assert bar.get_ylabel() == "stroke width"
    assert bar.get_ylim() == pytest.approx((-1, 1), abs=1e-3)
    widget.view = {"color": "label"}
    assert all(axes.get_ylabel() != "stroke width" for axes in widget.figure().axes)
    widget.close()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": np.zeros(3)}, r"expected \(120,\)"),
        ({"kl": np.zeros(120)}, "taken"),
        ({"a": ["x"] * 120}, "no numbers"),
        ([1.0], "dict of names"),
    ],
)
def test_bad_values_are_refused(run: vw.Run, values: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.LatentScatter(run, points=120, values=values)


def test_posteriors_on_the_plane(scatter: vw.LatentScatter) -> None:
    section = scatter.frame["scatter"]
    plane = unpack(section["projection"]["components"]).astype(np.float64)
    _, logvar = posterior(scatter)
    wanted = np.einsum("ij,nj,kj->nik", plane, logvar.double().exp().numpy(), plane)
    got = unpack(section["spread"])
    for column, (i, k) in enumerate(((0, 0), (0, 1), (1, 1))):
        np.testing.assert_allclose(got[:, column], wanted[:, i, k], atol=1e-4)


def test_tsne_is_computed_once_a_step_and_off_the_main_thread(
    scatter: vw.LatentScatter, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    real = vw.diagnostics.tsne

    def counted(mu: torch.Tensor) -> torch.Tensor:
        calls.append(threading.current_thread())
        return real(mu)

    monkeypatch.setattr("vaewidgets.sections.layout.tsne", counted)
    scatter.view = {"projection": "tsne"}
    assert scatter._live["tsne"]["busy"] == scatter.run.step
    wait_until(lambda: scatter._live["tsne"].get("points"), "the layout")
    layout = scatter._live["tsne"]
    assert (layout["step"], layout["busy"], layout["error"]) == (scatter.run.step, None, None)
    mu, _ = posterior(scatter)
    np.testing.assert_allclose(unpack(layout["mu"]), mu, atol=1e-3)
    assert unpack(layout["points"]).shape == (120, 2)
    scatter.view = {"projection": "plane"}
    scatter.view = {"projection": "tsne"}
    wait_until(lambda: scatter._layout._thread is None, "the thread ends")
    assert len(calls) == 1
    assert calls[0] is not threading.main_thread()


def test_a_fault_in_tsne_is_said(scatter: vw.LatentScatter, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("planted")

    monkeypatch.setattr("vaewidgets.sections.layout.tsne", broken)
    scatter.view = {"projection": "tsne"}
    wait_until(lambda: "planted" in (scatter._live["tsne"]["error"] or ""), "the message")


def test_the_view_is_shared_and_checked(scatter: vw.LatentScatter, run: vw.Run) -> None:
    other = vw.LatentScatter(run, points=120)
    scatter.view = {"selected": [5, 7], "hover": [0.0, 1.0, 0.0, 0.5], "classes": [3]}
    assert list(other.selected) == [5, 7]
    assert other.view["hover"] == [0.0, 1.0, 0.0, 0.5]
    assert other.view["classes"] == [3]
    for bad, message in (
        ({"color": "widht"}, "expected one of"),
        ({"projection": "umap"}, "tsne"),
        ({"selected": [120]}, "120"),
    ):
        with pytest.raises(OptionError, match=message):
            scatter.view = bad
    other.close()


def test_one_point_and_no_labels() -> None:
    data = vw.ImageDataset(np.random.default_rng(0).random((5, 6, 6)).astype(np.float32), test_fraction=0)
    model = vw.MLPVAE(data.image_shape, hidden=(4,))
    run = vw.train(model, data, epochs=1, batch_size=5, autosave=False).wait(progress=False)
    widget = vw.LatentScatter(run, points=1)
    assert widget.frame["run"]["error"] is None
    assert widget.frame["scatter"]["labels"] is None
    assert unpack(widget.frame["scatter"]["points"]).shape == (1, 2)
    widget.close()


def test_the_view_knows_classes_by_their_labels() -> None:
    images = np.random.default_rng(0).random((60, 1, 4, 4)).astype("f4")
    data = vw.ImageDataset(images, np.resize([-3, 7, 100_000, 2**60 + 1], 60))
    run = vw.train(vw.MLPVAE((1, 4, 4), hidden=(4,)), data, epochs=1, batch_size=32, autosave=False).wait(
        progress=False
    )
    widget = vw.LatentScatter(run)
    sent = widget.get_state("classes")["classes"]
    assert sent["names"] == ["-3", "7", "100000", str(2**60 + 1)]
    assert sent["values"] == [-3, 7, 100_000, str(2**60 + 1)]
    assert "class_names" not in widget.frame["run"], "names travel once, not with each frame"
    index = unpack(widget.frame["scatter"]["labels"])
    assert data.classes.values[index].tolist() == widget.sample.labels.tolist()
    widget.view = {"classes": [-3, str(2**60 + 1)]}
    occurring = "list of labels that occur: -3, 100000, '1152921504606846977', 7"
    refused = [([8], occurring)]
    refused += [(wrong, "expected labels, or None") for wrong in ([7.0], [True], "7")]
    refused.append(([2**60 + 1], "whole numbers up to 2⁵³, as a page counts"))  # a page has it as a text
    for wrong, why in refused:
        with pytest.raises(OptionError, match=why):
            widget.view = {"classes": wrong}
    (axes, *_) = widget.figure().axes
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == sent["names"]
    widget.close()
