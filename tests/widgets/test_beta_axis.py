"""Beta as an axis: what is shown is the model at that beta, in the page, too; runs are aligned and faded."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.node import run_module
from tests.widgets.in_node import in_node, needs_node
from vaewidgets.contract.packing import unpack
from vaewidgets.diagnostics import active_units, turned_onto
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.widgets.beta_axis.stops import between

OPTIONS = {"epochs": 1, "batch_size": 64, "autosave": False}


@pytest.fixture(scope="module")
def data() -> vw.ImageDataset:
    return vw.load_dataset("digits", n_train=192)


@pytest.fixture(scope="module")
def one(data: vw.ImageDataset) -> Iterator[vw.BetaAxis]:
    torch.manual_seed(0)
    model = vw.MultiRateVAE(data.image_shape, 3, betas=(0.2, 5), hidden=(16,))
    run = vw.train(model, data, beta=vw.LogUniform(0.2, 5), lr=3e-3, **OPTIONS | {"epochs": 30}).wait(
        progress=False
    )
    widget = vw.BetaAxis(run, images=3, points=60)
    yield widget
    widget.close()


@pytest.fixture(scope="module")
def several(data: vw.ImageDataset) -> Iterator[vw.BetaAxis]:
    runs = []
    for beta in (4.0, 0.5, 1.0):
        torch.manual_seed(1)
        model = vw.MLPVAE(data.image_shape, 2, hidden=(16,))
        runs.append(vw.train(model, data, beta=beta, **OPTIONS).wait(progress=False))
    widget = vw.BetaAxis(runs, images=3, points=60)
    yield widget
    widget.close()


def test_each_stop_is_the_model_at_its_beta(one: vw.BetaAxis) -> None:
    axis, model, sample = one.frame["axis"], one.run.model, one._sample
    np.testing.assert_allclose(axis["betas"], np.geomspace(0.2, 5, 13))
    assert axis["is_one"]
    for i, beta in enumerate(axis["betas"]):
        with torch.no_grad():
            mu, logvar = model.encode(sample.images, beta)
        kl = active_units(mu, logvar).kl
        np.testing.assert_allclose(unpack(axis["kl"])[i], kl, rtol=1e-4)
        np.testing.assert_allclose(unpack(axis["mu"])[i], mu[one._index], atol=1e-5)
        assert axis["rate"][i] == pytest.approx(float(kl.sum()), rel=1e-4)
    assert axis["rate"] == sorted(axis["rate"], reverse=True)


IMAGES = """
import { readFileSync } from "node:fs";
const [lib, file] = process.argv.slice(2);
const bytes = (key, value) => (value?.base64 ? new Uint8Array(Buffer.from(value.base64, "base64")) : value);
const { axis, decoder, betas } = JSON.parse(readFileSync(file, "utf8"), bytes);
const { between } = await import(lib + "widgets/beta_axis/axis.js");
const { createPictures } = await import(lib + "widgets/beta_axis/pictures.js");
const pictures = createPictures();
const made = betas.map((beta) => [...pictures.images(axis, beta, between(axis.betas, beta), decoder)]);
console.log(JSON.stringify(made));
"""


def in_the_page(widget: vw.BetaAxis, betas: list[float], folder: Path) -> np.ndarray:
    """The shown images as the page makes them, (betas, pixels of all), 0 to 255."""
    given = {"axis": widget.frame["axis"], "decoder": widget._live.get("axis_decoder"), "betas": betas}
    text = json.dumps(given, default=lambda data: {"base64": base64.b64encode(bytes(data)).decode()})
    (folder / "given.json").write_text(text)
    return np.array(json.loads(run_module(folder, IMAGES, folder / "given.json")), float)


@needs_node
def test_the_page_makes_the_images_of_any_beta(
    one: vw.BetaAxis, several: vw.BetaAxis, tmp_path: Path
) -> None:
    least, *_, most = one.frame["axis"]["betas"]
    for widget, beta, close in ((one, least, 1), (one, most, 1), (one, 1.3, 3), (several, 2.0, 1)):
        widget.view = {"beta": beta}
        (got,) = in_the_page(widget, [beta], tmp_path)
        assert (
            np.abs(got - widget._recon().reshape(-1)).max() <= close
        )  # codes between stops are interpolated
        widget.view = {"beta": None}


@needs_node
def test_python_and_the_page_read_between_betas_alike() -> None:
    betas, wanted = [0.1, 0.4, 1.0, 7.0], [0.05, 0.1, 0.3, 0.4, 2.0, 7.0, 9.0]
    body = "return value[1].map((beta) => lib.between(value[0], beta))"
    got = in_node("widgets/beta_axis/axis.js", body, [betas, wanted])
    for beta, (i, share) in zip(wanted, got, strict=True):
        assert (i, share) == pytest.approx(between(betas, beta))


def test_separate_runs_are_turned_onto_each_other_and_their_images_faded(several: vw.BetaAxis) -> None:
    axis = several.frame["axis"]
    assert axis["betas"] == [0.5, 1.0, 4.0]
    assert not axis["is_one"]
    assert axis["mu"] is None
    codes = {}
    for run in several.runs:
        with torch.no_grad():
            codes[run.current_beta] = run.model.encode(several._sample.images)[0]
    want = turned_onto(codes[1.0], codes[0.5])
    np.testing.assert_allclose(unpack(axis["points"])[0], codes[0.5], atol=1e-3)
    np.testing.assert_allclose(unpack(axis["points"])[1], want, atol=1e-3)
    recon = unpack(axis["recon"]).astype(float)
    several.view = {"beta": 2.0}  # half-way between 1 and 4
    assert np.abs(several._recon() - (recon[1] + recon[2]) / 2).max() <= 1
    several.view = {"beta": None}


def test_the_figure_marks_the_place_and_the_slope(one: vw.BetaAxis) -> None:
    one.view = {"beta": 2.0}
    assert one.beta == 2.0
    axes = one.figure().axes[1]
    marks = {line.get_gid(): line for line in axes.lines if line.get_gid() in ("slope", "place")}
    assert marks["slope"].get_slope() == -2.0
    one.view = {"beta": None}
    assert one.beta == pytest.approx(1.0)


def test_what_is_no_axis_is_refused(several: vw.BetaAxis, data: vw.ImageDataset) -> None:
    with pytest.raises(OptionError, match=r"of MLPVAE, which knows one beta.*vw\.LogUniform\(0\.1, 10\)"):
        vw.BetaAxis(several.run)

    def made(model: torch.nn.Module, beta: float, shown: vw.ImageDataset = data) -> vw.Run:
        return vw.train(model, shown, beta=beta, start=False, **{**OPTIONS, "batch_size": 16})

    shape = data.image_shape
    alike = [made(vw.MLPVAE(shape, hidden=(4,)), 2.0) for _ in range(2)]
    with pytest.raises(OptionError, match="runs of beta 2, 2; expected each another, above 0"):
        vw.BetaAxis(alike)
    with pytest.raises(OptionError, match="runs of beta 2, 0"):
        vw.BetaAxis([alike[0], made(vw.MLPVAE(shape, hidden=(4,)), 0.0)])
    with pytest.raises(OptionError, match="of Autoencoder, which has no posterior variance"):
        vw.BetaAxis([alike[0], made(vw.Autoencoder(shape, hidden=(4,)), 1.0)])
    small = vw.ImageDataset(torch.rand(32, 1, 4, 4))
    with pytest.raises(ShapeError, match="several image shapes"):
        vw.BetaAxis([alike[0], made(vw.MLPVAE((1, 4, 4), hidden=(4,)), 1.0, small)])
    with pytest.raises(OptionError, match="beta is 0"):
        several.view = {"beta": 0}
