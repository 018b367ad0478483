"""What a run says about itself, while it trains and after."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from tests.runs.conftest import make_data, make_model, start, wait_until
from vaewidgets.data import load_dataset
from vaewidgets.errors import DivergedError, OptionError, ShapeError
from vaewidgets.objectives import LinearWarmup, LogUniform
from vaewidgets.runs import load_run


@pytest.fixture
def run():
    with start(load_dataset("digits", size=8, n_train=300), epochs=3) as run:
        run.wait(progress=False)
        yield run


def test_the_methods_are_those_of_the_diagnostics(run):
    assert run.stats(n=100).n_train == 100
    units = run.active_units()
    assert (units.n, units.latent_dim) == (len(run.data.test), 2)
    assert run.active_units("train", n=50, delta=1e9).n_by_kl == 0
    assert run.ablation(n=40).n == 40
    assert run.diagnose().verdict == "under-fitting"  # three epochs are too few


def test_a_path_between_two_images(run):
    verdict = run.path(0, 5)
    assert len(verdict.images) == 33
    assert verdict.latent_dim == 2
    assert verdict.classes is not None
    same = run.path(torch.zeros(2), torch.zeros(2), n=5, kind="slerp")
    assert (same.verdict, len(set(same.classes))) == ("smooth", 1)
    with pytest.raises(OptionError, match="there is no image 99999"):
        run.path(0, 99_999)
    with pytest.raises(ShapeError, match=r"expected \(2,\)"):
        run.path(0, torch.zeros(3))


def test_a_diverged_run_is_called_so():
    data = make_data()
    with start(data, make_model(data), lr=1e20, epochs=50) as run:
        with pytest.raises(DivergedError):
            run.wait(progress=False)
        found = run.diagnose()
    assert found.verdict == "diverged"
    assert f"at step {run.error.step}" in found.evidence[0]


def test_it_answers_while_the_run_trains():
    with start(epochs=None) as run:
        assert wait_until(lambda: run.step > 20)
        before = run.step
        assert run.diagnose().measurements.n_steps > 0
        assert wait_until(lambda: run.step > before)
        assert run.status == "running"


def test_a_run_without_its_data_is_judged_by_its_curves(run, tmp_path):
    run.save(tmp_path / "run.safetensors")
    found = load_run(tmp_path / "run.safetensors").diagnose()
    assert "curves alone" in repr(found)
    assert np.isnan(found.measurements.explained)


def test_watched_units_tell_when_they_died():
    data = load_dataset("digits", size=8, n_train=300)
    with start(data, make_model(data, latent_dim=4, hidden=(32,)), epochs=None, lr=1e-2, start=False) as run:
        watch = run.watch_units()
        assert run.watch_units() is watch
        assert watch.steps == (0,)
        run.resume()
        assert wait_until(lambda: run.step > 500 and len(watch.steps) > 2)
        run.beta = 200.0  # all die
        turned = run.step
        assert wait_until(lambda: bool((watch.kl[-1] < 0.01).all()))
        run.stop()
        run.wait(progress=False)
        lives = run.diagnose().lives
        watch.close()
    assert list(watch.steps) == sorted(set(watch.steps))
    assert watch.kl.shape == (len(watch.steps), 4)
    steps, alive = np.array(watch.steps), watch.kl.numpy() > 0.01
    lived = alive[steps <= turned][-1]  # units that were alive when beta was turned up
    assert lived.any()
    assert all(lives.died_at[j] > turned for j in np.flatnonzero(lived))
    assert "died: z" in repr(lives)


def test_the_watch_is_bounded(run, monkeypatch):
    monkeypatch.setattr("vaewidgets.runs.unit_watch._MOST_ROWS", 8)
    watch = run.watch_units(n=20)
    snapshot = run.snapshot()
    for step in range(1, 400):
        object.__setattr__(snapshot, "step", run.step + step)
        watch.note(snapshot)
    assert len(watch.steps) <= 8
    assert watch.steps[0] == run.step
    assert watch.steps[-1] > run.step + 200


def test_without_a_test_split_the_training_images_are_measured_and_that_is_said():
    run = start(make_data(n_test=0), epochs=1).wait(progress=False)
    for measure in (run.active_units, run.ablation, run.evaluate, lambda: run.path(0, 1)):
        with pytest.warns(UserWarning, match="has no test split: measured on its training images"):
            measure()
    with pytest.raises(OptionError, match="no split 'test'"):
        run.active_units("test")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run.evaluate("train")["loss"] > 0
        assert start(epochs=1).wait(progress=False).evaluate()["loss"] > 0


@pytest.mark.parametrize("beta", [2.0, LinearWarmup(0.0, 4.0, steps=20), LogUniform(0.1, 10.0)])
def test_evaluate_is_the_test_curve_s_last_point(beta):
    run = start(make_data(600, 520), beta=beta, epochs=1, seed=3).wait(progress=False)
    found = run.evaluate("test")
    assert found == {name: run.history[f"test_{name}"][-1] for name in found}
