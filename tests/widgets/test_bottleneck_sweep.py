"""A sweep over the bottleneck: losses and units of each run, the elbow, the run that is picked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

import vaewidgets as vw
from vaewidgets.errors import OptionError


@pytest.fixture(scope="module")
def data() -> vw.ImageDataset:
    return vw.load_dataset("digits", n_train=256)


@pytest.fixture(scope="module")
def sweep(data: vw.ImageDataset) -> Iterator[vw.Sweep]:
    with vw.sweep(
        vw.MLPVAE, data, latent_dim=[1, 2, 4], seed=[0, 1], epochs=4, hidden=(32,), batch_size=32
    ) as sweep:
        yield sweep.wait(progress=False)


@pytest.fixture
def bottleneck(sweep: vw.Sweep) -> Iterator[vw.BottleneckSweep]:
    widget = vw.BottleneckSweep(sweep)
    yield widget
    widget.close()


def test_each_run_has_its_losses_and_units(bottleneck: vw.BottleneckSweep, sweep: vw.Sweep) -> None:
    frame = bottleneck.frame
    for part, run in zip([frame, *frame["others"]], sweep.runs, strict=True):
        tests = run.recorder.epochs()[1]
        for name in ("recon", "kl", "loss"):
            assert part["size"][name] == tests[f"test_{name}"][-1]
        assert part["size"]["latent_dim"] == run.model.latent_dim
        assert part["size"]["split"] == "test"
        units = run.active_units(n=1000)
        assert part["active"]["kl"] == int(units.by_kl.sum())
        assert part["active"]["var"] == int(units.by_var.sum())
        assert part["setting"]["label"].startswith(f"latent_dim = {run.model.latent_dim}")


def test_the_elbow_is_that_of_the_diagnostics(bottleneck: vw.BottleneckSweep, sweep: vw.Sweep) -> None:
    recon = [run.recorder.epochs()[1]["test_recon"][-1] for run in sweep.runs]
    wanted = vw.elbow([run.model.latent_dim for run in sweep.runs], recon)
    shown = bottleneck.frame["sweep"]["elbow"]
    assert shown["latent_dim"] == wanted.latent_dim
    assert shown["limit"] == pytest.approx(wanted.limit)
    assert shown["notes"] == list(wanted.notes)


def test_too_few_sizes_say_why_there_is_no_elbow(sweep: vw.Sweep) -> None:
    widget = vw.BottleneckSweep(sweep.select(latent_dim=2))
    elbow = widget.frame["sweep"]["elbow"]
    assert elbow["latent_dim"] is None
    assert "at least 3" in elbow["notes"][0]
    widget.close()


def test_a_run_is_picked(bottleneck: vw.BottleneckSweep, sweep: vw.Sweep) -> None:
    assert bottleneck.picked_run is None
    bottleneck.view = {"picked": 3}
    assert bottleneck.picked_run is sweep.runs[3]
    with pytest.raises(OptionError, match="from 0 to 5"):
        bottleneck.view = {"picked": 6}
    assert bottleneck.picked_run is sweep.runs[3]


def test_the_figure_has_four_panels_with_a_point_a_run(bottleneck: vw.BottleneckSweep) -> None:
    figure = bottleneck.figure()
    assert len(figure.axes) == 4
    for axes in figure.axes:
        assert len(axes.lines[0].get_xdata()) == 6
        assert list(axes.lines[1].get_xdata()) == [1, 2, 4]
    recon, means = (line.get_ydata() for line in figure.axes[0].lines[:2])
    np.testing.assert_allclose(means, np.reshape(recon, (3, 2)).mean(1))


def test_without_a_test_set_it_says_training(data: vw.ImageDataset) -> None:
    images = torch.from_numpy(np.random.default_rng(0).random((64, 1, 8, 8), np.float32))
    bare = vw.ImageDataset(images, test_fraction=0)
    runs = [
        vw.train(vw.MLPVAE(bare.image_shape, d, hidden=(8,)), bare, epochs=2, batch_size=32, autosave=False)
        for d in (1, 2, 3)
    ]
    for run in runs:
        run.wait(progress=False)
    widget = vw.BottleneckSweep(runs)
    assert widget.frame["size"]["split"] == "train"
    assert widget.frame["size"]["recon"] == pytest.approx(float(runs[0].history["recon"][-1]), rel=1e-6)
    assert "no recon on test images" in widget.frame["sweep"]["elbow"]["notes"][0]
    widget.close()


def test_an_autoencoder_has_no_units_to_count(data: vw.ImageDataset) -> None:
    model = vw.Autoencoder(data.image_shape, 2, hidden=(8,))
    widget = vw.BottleneckSweep(vw.train(model, data, start=False, batch_size=64, autosave=False))
    assert widget.frame["active"] is None
    assert widget.frame["size"]["recon"] is None
    assert widget.frame["run"]["error"] is None
    widget.close()


@pytest.mark.parametrize(("options", "message"), [({"delta": -1}, "delta"), ({"tolerance": 1}, "tolerance")])
def test_bad_options_are_refused(sweep: vw.Sweep, options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.BottleneckSweep(sweep, **options)
