"""The rest of a page's trainer, under Node: first weights, new runs, files, a loss that runs away."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.node import JS
from tests.publish.training.models import MODELS, SHAPE, mlp
from tests.publish.training.page import START, Drawn, in_page
from vaewidgets.adapters import named_tensors
from vaewidgets.contract.packing import unpack
from vaewidgets.engine.curves import Buckets
from vaewidgets.errors import OptionError
from vaewidgets.models import build
from vaewidgets.publish.training import trainable

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

FUNCTIONS = Path(__file__).with_name("trainer_cases.mjs").read_text()

SCHEDULES = (
    vw.Constant(2.5),
    vw.LinearWarmup(0.5, 4, steps=13),
    vw.Cyclical(0, 1, period=9, rise=0.4),
    vw.TargetKL(20),
    vw.GECO(90.5),
    vw.LogUniform(0.2, 30),
)
TERMS = [(120.0, 1e-12), (110.0, 90.0), (95.0, 25.0), (90.0, 20.5), (1e6, 3.0)]
VALUES = [1.0, 5.0, math.nan, 2.0, 8.0, 3.0, 3.5, 1.25, 9.0, 4.0, 4.5, 0.5, 7.0]
SENT = [None if math.isnan(value) else value for value in VALUES]


def data() -> vw.ImageDataset:
    grey = torch.rand((50, *SHAPE), generator=torch.Generator().manual_seed(1))
    pixels = (grey * 255).to(torch.uint8)
    return vw.ImageDataset(pixels[:40], torch.arange(40) % 3, test=pixels[40:], name="noise")


def run_of(model: Any, **options: Any) -> vw.TrainingRun:
    given = {"epochs": 3, "batch_size": 16, "seed": 4, **options}
    return vw.train(model, data(), start=False, autosave=False, device="cpu", **given)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[vw.TrainingRun, Path]:
    """A run of Python with its file."""
    torch.manual_seed(2)
    run = run_of(mlp(), epochs=2)
    run.resume()
    run.wait(30, progress=False)
    path = tmp_path_factory.mktemp("python") / "run.safetensors"
    run.save(path)
    return run, path


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, saved: Any) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("trainer")
    one = trainable(run_of(mlp()))
    several = trainable(run_of(mlp(), epochs=9), latent_dim=[2, 3], kind=["VAE", "AE"], batch_size=[8])
    cases = {name: ("start", trainable(run_of(MODELS[name][0]())), [7, 7, 8]) for name in MODELS}
    cases |= {
        "mlp": ("start", one, [7, 7, 8]),
        "diverge": ("diverge", one, None),
        "again": ("again", several, None),
        "choose": ("choose", several, None),
        "goes on": ("goOn", trainable(saved[0]), str(folder / "longer.safetensors")),
        "open": ("open", several, str(saved[1])),
        "data": ("data", one, {"images": torch.rand(20 * 64).tolist()}),
        "alone": (
            "alone", trainable(run_of(MODELS["residual"][0]())), {"images": torch.rand(17 * 64).tolist()}
        ),
        "schedules": (
            "schedules", one, {"given": [s.to_dict() for s in SCHEDULES], "terms": TERMS, "values": SENT}
        ),
        "file": ("file", one, str(folder / "page.safetensors")),
    }  # fmt: skip
    return in_page(folder, FUNCTIONS.replace("JS/", JS.as_uri() + "/"), cases)


@pytest.mark.parametrize("name", ["mlp", *(name for name in MODELS if name != "written by hand")])
def test_first_weights_are_drawn_by_the_rules_of_torch(results, name):
    got = results[name]
    assert "error" not in got, got
    first, same, other = (np.array(weights) for weights in got)
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    model = mlp() if name == "mlp" else MODELS[name][0]()
    with Drawn(7, START, 0), torch.no_grad():
        if name == "residual":
            for module in model.modules():
                if callable(getattr(module, "reset_parameters", None)):
                    module.reset_parameters()
        else:
            model = build(model.config())
    wanted = torch.cat([t.detach().flatten().float() for t in named_tensors(model).values()])
    np.testing.assert_allclose(first, wanted.numpy(), rtol=1e-5, atol=1e-7)


def test_a_model_without_rules_begins_with_the_weights_that_travelled(results):
    first, same, other = results["written by hand"]
    assert first == same == other


def test_a_loss_that_runs_away_ends_training_with_the_weights_of_before(results):
    got = results["diverge"]
    fault = got["fault"]
    assert fault is not None
    assert fault["message"].startswith(f"training diverged: the {fault['term']} was NaN or infinite at step")
    assert fault["message"].endswith("Start again with a smaller lr.")
    assert got["kept"] == got["before"]
    assert got["made"] == 0
    assert got["length"] == fault["step"]


def test_a_saved_run_goes_on_as_if_nothing_had_happened(results):
    got = results["again"]
    assert got["back"]["step"] == 5
    assert got["stateAgain"] == got["state"]
    assert got["again"] == got["weights"]
    assert got["rows"] == 11


def test_a_new_run_has_the_settings_that_were_let_in(results):
    got = results["choose"]
    before, after = got["before"], got["after"]
    chosen = {"kind": "AE", "latentDim": 2, "seed": 1, "epochs": 1, "beta": 0.5, "batchSize": 8, "step": 0}
    assert {name: before[name] for name in chosen} == chosen
    assert after["isFinished"]
    assert after["step"] == after["stepsPerEpoch"] == 5
    assert len(got["codes"]["mu"]) == 6
    assert got["codes"]["logvar"] is None
    assert len(got["image"]) == 3 * 64


def test_a_setting_that_was_not_let_in_is_named_and_the_run_before_stays(results):
    got = results["choose"]
    for message, words in zip(
        got["wrong"],
        (
            "latent_dim is 7",
            "likelihood is poisson",
            "lr is 0",
            "beta is -1",
            "batch_size is 9",
            "epochs is 1.5",
        ),
        strict=True,
    ):
        assert message.startswith(words)
    assert "train=dict(latent_dim=[...])" in got["wrong"][0]
    assert got["state"] == got["after"]


def test_a_file_of_the_page_loads_in_python_and_goes_on(results, tmp_path_factory):
    got = results["file"]
    assert "error" not in got, got
    (path,) = (p for p in tmp_path_factory.getbasetemp().rglob("page.safetensors"))
    run = vw.load_run(path, data=data(), device="cpu")
    assert run.status == "finished"
    assert (run.step, run.epoch, run.epochs) == (9, 3, 3)
    wanted = np.array(got["weights"], np.float32)
    flat = torch.cat([t.detach().flatten() for t in named_tensors(run.model).values()])
    np.testing.assert_array_equal(flat.numpy(), wanted)
    evaluation = run.evaluate()
    for name in ("loss", "recon", "kl"):
        assert evaluation[name] == pytest.approx(got["evaluation"][name], rel=5e-3)
        assert run.recorder.held_out(name)[1][-1] == got["epochs"][-1][1][f"test_{name}"]
    run.epochs = 4
    run.resume()
    assert run.wait(30, progress=False).epoch == 4


def test_a_file_of_python_goes_on_in_the_page(results, saved):
    run, _ = saved
    got = results["open"]
    assert "error" not in got, got
    state = got["state"]
    assert (state["step"], state["epoch"], state["epochs"]) == (run.step, run.epoch, run.epochs)
    assert got["after"]["step"] == state["step"] + 2
    evaluation = run.evaluate()
    for name in ("recon", "kl"):
        assert got["evaluation"][name] == pytest.approx(evaluation[name], rel=2e-2)
    curve = run.recorder.curve("loss", 10)
    np.testing.assert_allclose(got["loss"]["mean"], curve.mean, rtol=1e-6)
    none, short, lost, wide, unread, lacking, other = got["no"]
    assert none.startswith("this is no run file: expected a .safetensors file")
    assert short == "this run file is cut off at its end."
    assert lost.startswith("this run file is damaged: its header says no place for ")
    assert wide.startswith("this run file is damaged: history.steps has ")
    assert unread == "this run file is damaged: what it says of its run cannot be read."
    assert lacking == "this run file is damaged: it lacks history_epochs."
    assert other.startswith("this file is of a MLPVAF that the page does not have. Save the page with it")


def test_the_history_goes_on_where_that_of_python_ended(results, saved, tmp_path_factory):
    run, _ = saved
    assert "error" not in results["goes on"], results["goes on"]
    path = tmp_path_factory.getbasetemp() / "trainer0" / "longer.safetensors"
    longer, before = vw.load_run(path, data=data()).recorder, run.recorder
    assert len(longer) == 3 * len(before) // 2
    assert longer.held_out("loss")[0].tolist() == [3, 6, 9]
    for name in ("loss", "beta", "lr"):
        np.testing.assert_allclose(longer.read(name)[1][: len(before)], before.read(name)[1], rtol=1e-7)
    assert set(longer.read("lr")[1].tolist()) == {1e-3}


def test_images_of_the_reader_train_and_what_does_not_fit_is_said(results):
    got = results["data"]
    one, cut, beyond, shape = got["wrong"]
    assert one.startswith("there is one image to train on")
    assert cut.startswith("there are 1279 numbers; expected 1280")
    assert beyond.startswith("a value lies outside 0 to 1")
    assert shape.startswith("the images have shape (1,4,16); this model takes (1,8,8)")
    assert got["kept"] == "noise"
    assert (got["state"]["dataset"], got["state"]["nTrain"], got["state"]["step"]) == ("mine", 20, 2)
    assert got["evaluation"] is None


def test_an_image_alone_is_no_batch_for_batch_norm(results):
    assert results["alone"]["stepsPerEpoch"] == results["alone"]["step"] == 1


def test_schedules_and_buckets_are_those_of_python(results):
    got = results["schedules"]
    assert got["beta"] == [[schedule(i) for i in (0, 1, 7, 13, 400)] for schedule in SCHEDULES]
    led = list(SCHEDULES)
    for terms, betas in zip(TERMS, got["led"], strict=True):
        led = [schedule.after(*terms) for schedule in led]
        assert betas == pytest.approx([schedule(5) for schedule in led], rel=1e-12)
    assert got["words"] == [schedule.describe() for schedule in SCHEDULES]
    for most, row in zip((4, 10), got["rows"], strict=True):
        buckets = Buckets(most)
        buckets.extend(np.arange(len(VALUES)), np.array(VALUES))
        curve = buckets.curve()
        for name in ("step", "mean", "low", "high"):
            np.testing.assert_allclose(row[name], getattr(curve, name), rtol=1e-12)


def test_what_a_page_cannot_train_is_refused():
    run = run_of(mlp())
    for options, words in (
        ({"latent_dims": [2]}, "no option 'latent_dims'"),
        ({"scored": True}, "no option 'scored'"),  # the widgets of the page decide about it
        ({"run": run}, "no option 'run'"),
        ({"latent_dim": [0]}, "latent_dim"),
        ({"likelihood": ["bernouli"]}, "likelihood is 'bernouli'"),
        ({"latent_dim": range(1, 40)}, "at most 24"),
        ({"kind": ["GAN"]}, "kind is 'GAN'"),
    ):
        with pytest.raises(OptionError, match=words):
            trainable(run, **options)
    torch.manual_seed(0)
    with pytest.raises(OptionError, match="latent_dim is 5"):
        trainable(run_of(MODELS["codebook by averages"][0]()), latent_dim=[5])
    with pytest.raises(OptionError, match="no built-in model"):
        trainable(run_of(MODELS["written by hand"][0]()), latent_dim=[5])


def test_part_of_the_images_travels(monkeypatch):
    run = run_of(mlp())
    sent = trainable(run, n_images=10, n_test=4)["data"]
    assert unpack(sent["train"]["images"]).shape == (10, *SHAPE)
    assert unpack(sent["test"]["images"]).shape == (4, *SHAPE)
    monkeypatch.setattr("vaewidgets.publish.training.images.MOST_BYTES", 1000)
    with pytest.raises(OptionError, match=r"train=dict\(n_images="):
        trainable(run)
