"""The verdict in the widget: the diagnostics' own, what it costs, when units died, odd runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.test_contract import wait_until
from vaewidgets.diagnostics import diagnose, run_stats
from vaewidgets.errors import OptionError
from vaewidgets.widgets import diagnosis as module

OPTIONS: dict[str, Any] = {"batch_size": 64, "autosave": False}


@pytest.fixture(scope="module")
def data() -> vw.ImageDataset:
    return vw.load_dataset("digits", n_train=256)


def make(data: vw.ImageDataset, **options: Any) -> vw.Run:
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, 8, hidden=(32,))
    return vw.train(model, data, **{**OPTIONS, "epochs": 8, **options})


def test_it_says_what_the_diagnostics_say(data: vw.ImageDataset) -> None:
    run = make(data).wait(progress=False)
    widget = vw.Diagnosis(run, images=200)
    wanted = diagnose(run.history, run_stats(run.model, run.data, run.likelihood, n=200))
    shown = widget.frame["diagnosis"]
    assert shown["verdict"] == wanted.verdict == widget.verdict.verdict
    assert shown["evidence"] == list(wanted.evidence)
    assert shown["advice"] == list(wanted.advice)
    assert shown["step"] == run.step
    widget.close()


def test_it_follows_the_run_and_tells_when_units_died(data: vw.ImageDataset) -> None:
    run = make(data, beta=50.0, epochs=60, start=False)
    widget = vw.Diagnosis(run)
    assert widget.frame["diagnosis"]["verdict"] == "under-fitting"  # no step yet
    run.resume()
    run.wait(progress=False)
    wait_until(lambda: widget.frame["diagnosis"]["step"] == run.step, "the last verdict")
    shown = widget.frame["diagnosis"]
    lives = run.unit_watch.lives()
    assert lives.steps[-1] == run.step, "units and verdict are of the same step"
    assert shown["changes"][0]["step"] == 0
    assert shown["changes"][-1]["verdict"] == shown["verdict"] != "healthy"
    assert shown["lives"]["latent_dim"] == 8
    assert shown["lives"]["dead"] == len(lives.dead) > 0, "none died at beta = 50: the test proves nothing"
    assert [unit["died"] for unit in shown["lives"]["units"]] == list(lives.died_at)
    figure = widget.figure()
    assert len(figure.axes) == 2
    widget.close()


def test_units_that_died_between_two_looks_are_told(data: vw.ImageDataset, monkeypatch: Any) -> None:
    monkeypatch.setattr("vaewidgets.runs.unit_watch._LEAST_SECONDS", 1000.0)  # the watch has one turn
    run = make(data, beta=50.0, epochs=60, start=False)
    widget = vw.Diagnosis(run)
    run.resume()
    run.wait(progress=False)
    wait_until(lambda: widget.frame["diagnosis"]["step"] == run.step, "the last verdict")
    lives = widget.frame["diagnosis"]["lives"]
    assert lives["last"] == run.step
    assert lives["dead"] > 0
    widget.close()


def test_looking_is_limited_by_what_it_costs(data: vw.ImageDataset, monkeypatch: Any) -> None:
    looks = []
    real = module.run_stats
    monkeypatch.setattr(module, "run_stats", lambda *a, **k: (looks.append(1), real(*a, **k))[1])
    run = make(data, epochs=None)
    widget = vw.Diagnosis(run, watch=False)
    seen = {widget.frame["seq"]}
    wait_until(lambda: seen.add(widget.frame["seq"]) or len(seen) > 12, "twelve frames")
    assert len(looks) < len(seen)
    run.stop()
    run.wait(progress=False)
    wait_until(lambda: widget.frame["diagnosis"]["step"] == run.step, "at rest it looks once more")
    widget.close()


def test_a_diverged_run_says_so(data: vw.ImageDataset) -> None:
    run = make(data, lr=1e6)
    with pytest.raises(Exception, match="diverged"):
        run.wait(progress=False)
    widget = vw.Diagnosis(run)
    assert widget.frame["diagnosis"]["verdict"] == "diverged"
    assert widget.frame["diagnosis"]["advice"]
    widget.close()


def test_an_autoencoder_is_judged_without_units(data: vw.ImageDataset) -> None:
    model = vw.Autoencoder(data.image_shape, 2, hidden=(16,))
    run = vw.train(model, data, epochs=2, **OPTIONS).wait(progress=False)
    widget = vw.Diagnosis(run)
    shown = widget.frame["diagnosis"]
    assert shown["lives"] is None
    assert not any("nan" in sentence.lower() for sentence in shown["evidence"])
    assert widget.frame["run"]["error"] is None
    assert len(widget.figure().axes) == 1
    widget.close()


def test_data_without_a_test_set(data: vw.ImageDataset) -> None:
    images = torch.from_numpy(np.random.default_rng(0).random((128, 1, 8, 8), np.float32))
    bare = vw.ImageDataset(images, test_fraction=0)
    run = vw.train(vw.MLPVAE(bare.image_shape, 2, hidden=(8,)), bare, epochs=1, **OPTIONS)
    widget = vw.Diagnosis(run.wait(progress=False))
    assert widget.frame["run"]["error"] is None
    assert widget.frame["diagnosis"]["verdict"]
    widget.close()


def test_too_few_images_are_refused(data: vw.ImageDataset) -> None:
    with pytest.raises(OptionError, match="at least 2"):
        vw.Diagnosis(make(data, start=False), images=1)
