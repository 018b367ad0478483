"""Curves of several runs: their names, their sections, the view, the printed figure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import vaewidgets as vw
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError
from vaewidgets.figures.curves import smooth
from vaewidgets.sections.settings import settings_states


@pytest.fixture(scope="module")
def sweep() -> Iterator[vw.Sweep]:
    data = vw.load_dataset("digits", n_train=256)
    with vw.sweep(vw.MLPVAE, data, beta=[0.1, 1, 4], epochs=2, hidden=(16,), batch_size=64) as sweep:
        yield sweep.wait(progress=False)


@pytest.fixture
def curves(sweep: vw.Sweep) -> Iterator[vw.TrainingCurves]:
    widget = vw.TrainingCurves(sweep)
    yield widget
    widget.close()


def test_each_run_has_a_part_named_by_what_differs(curves: vw.TrainingCurves, sweep: vw.Sweep) -> None:
    frame = curves.frame
    parts = [frame, *frame["others"]]
    assert [part["run"]["id"] for part in parts] == [run.id for run in sweep.runs]
    assert [part["setting"] for part in parts] == [
        {"label": f"β = {value:g}", "name": "beta", "value": value} for value in (0.1, 1, 4)
    ]
    for part, run in zip(parts, sweep.runs, strict=True):
        loss = next(s for s in part["curves"]["series"] if s["name"] == "loss" and s["split"] == "train")
        np.testing.assert_allclose(unpack(loss["mean"]), run.history["loss"], rtol=1e-6)


def test_labels_name_all_that_differs_and_are_never_the_same(sweep: vw.Sweep) -> None:
    data = sweep.runs[0].data
    options = {"epochs": 1, "start": False, "autosave": False}
    a = vw.train(vw.MLPVAE(data.image_shape, 2), data, **options)
    b = vw.train(vw.MLPVAE(data.image_shape, 8), data, lr=0.01, **options)
    c = vw.train(vw.MLPVAE(data.image_shape, 8), data, lr=0.01, **options)
    labels = [state["label"] for state in settings_states([a, b]).values()]
    assert labels == ["latent_dim = 2, lr = 0.001", "latent_dim = 8, lr = 0.01"]
    alike = [state["label"] for state in settings_states([b, c]).values()]
    assert len(set(alike)) == 2
    kinds = [vw.train(model(data.image_shape, 2), data, **options) for model in (vw.Autoencoder, vw.MLPVAE)]
    assert "Autoencoder" in next(iter(settings_states(kinds).values()))["label"]


def test_the_figure_honours_the_view(curves: vw.TrainingCurves) -> None:
    assert len(curves.figure().axes) == 3
    curves.view = {"quantity": "kl", "log": True, "smoothing": 3.0}
    (axes,) = curves.figure().axes
    assert axes.get_yscale() == "log"
    raw, smoothed = axes.lines[0].get_xydata(), axes.lines[1].get_xydata()
    np.testing.assert_allclose(smoothed[:, 1], smooth(raw[:, 0], raw[:, 1], 3.0), rtol=1e-5)
    texts = [text.get_text() for text in axes.texts]
    assert [text.split(":")[0] for text in texts] == ["β = 0.1", "β = 1", "β = 4"]


def test_the_figure_of_one_run_honours_the_view(sweep: vw.Sweep) -> None:
    widget = vw.TrainingCurves(sweep.runs[0])
    widget.view = {"quantity": "recon", "log": True, "smoothing": 2.0}
    (axes,) = widget.figure().axes
    assert axes.get_yscale() == "log"
    assert {text.get_text().split()[0] for text in axes.texts} == {"recon"}
    widget.close()


def test_smoothing_is_the_mean_of_a_constant() -> None:
    steps = np.array([1.0, 5.0, 6.0, 50.0])
    np.testing.assert_allclose(smooth(steps, np.full(4, 7.0), 10), 7.0)
    values = np.array([1.0, np.nan, 3.0, 2.0])
    assert np.isfinite(smooth(steps, values, 10)).all()
    np.testing.assert_array_equal(smooth(steps, values, 0), values)


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ({"log": 1}, "log is 1"),
        ({"smoothing": -2}, "at least 0"),
        ({"smoothing": "much"}, "at least 0, in steps"),
        ({"quantity": "reckon"}, "Did you mean 'recon'"),
    ],
)
def test_what_cannot_be_turned_is_refused(curves: vw.TrainingCurves, view: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        curves.view = view


def test_the_same_run_twice_is_refused(sweep: vw.Sweep) -> None:
    with pytest.raises(OptionError, match="same run twice"):
        vw.TrainingCurves([sweep.runs[0], sweep.runs[0]])
