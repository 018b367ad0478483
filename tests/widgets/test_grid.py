"""The grid's reconstructions against torch: chosen images, draws of the posterior, several runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from vaewidgets.contract.packing import unpack
from vaewidgets.contract.random import normals
from vaewidgets.errors import OptionError


@pytest.fixture(scope="module")
def runs() -> list[vw.Run]:
    data = vw.load_dataset("digits", n_train=200)
    made = []
    for seed, dim in ((0, 2), (1, 3)):
        torch.manual_seed(seed)
        model = vw.MLPVAE(data.image_shape, latent_dim=dim, hidden=(16,))
        run = vw.train(model, data, epochs=2, batch_size=64, autosave=False, name=f"run {dim}")
        made.append(run.wait(progress=False))
    return made


def torchs(run: vw.Run, widget: vw.ReconstructionGrid, index: list[int], seed: int | None) -> np.ndarray:
    snapshot = run.snapshot()
    sample, _ = widget._shown()
    z, logvar = snapshot.encode(sample.images[index])
    if seed is not None:
        assert logvar is not None
        eps = np.stack([normals(z.shape[1], seed, i) for i in index])
        z = z + (logvar / 2).exp() * torch.from_numpy(eps)
    return (snapshot.decode(z) * 255).round().numpy()


@pytest.mark.parametrize("seed", [None, 7])
def test_python_draws_the_images_and_the_noise_of_the_view(runs: list[vw.Run], seed: int | None) -> None:
    widget = vw.ReconstructionGrid(runs[0])
    widget.view = {"images": [3, 99, 14], "seed": seed}
    widget.figure()
    grid = widget.frame["grid"]
    assert unpack(grid["indices"]).tolist() == [3, 99, 14]
    assert grid["seed"] == seed
    drawn = unpack(grid["rows"][0]["images"])
    assert np.abs(drawn - torchs(runs[0], widget, [3, 99, 14], seed)).max() <= 1
    widget.close()


def test_one_row_a_run_of_the_same_images(runs: list[vw.Run]) -> None:
    widget = vw.ReconstructionGrid(runs, images=4)
    index = unpack(widget.frame["grid"]["indices"]).tolist()
    for run, part in zip(runs, [widget.frame, *widget.frame["others"]], strict=True):
        assert unpack(part["grid"]["indices"]).tolist() == index
        drawn = unpack(part["grid"]["rows"][0]["images"])
        assert np.abs(drawn - torchs(run, widget, index, None)).max() <= 1
        assert part["grid"]["rows"][0]["name"] == run.name
    suffix = f":{runs[1].id}"
    assert unpack(widget._live[f"posteriors{suffix}"]["mu"]).shape[1] == 3
    assert f"originals{suffix}" not in widget._live
    assert len(widget.figure().texts) >= 1 or widget.figure().axes
    widget.close()


def test_the_posteriors_of_then_come_with_the_weights(runs: list[vw.Run]) -> None:
    widget = vw.ReconstructionGrid(runs[0])
    slots = [value for key, value in widget._live.items() if key.startswith("time_weights_") and value]
    assert slots
    for slot in slots:
        snapshot = runs[0].snapshot_at(slot["step"])
        mu, logvar = snapshot.encode(widget._shown()[0].images)
        np.testing.assert_allclose(unpack(slot["mu"]), mu, atol=1e-3)
        np.testing.assert_allclose(unpack(slot["logvar"]), logvar, atol=1e-3)
    widget.close()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"images": [10**6]}, "expected numbers"),
        ({"images": ["x"]}, "expected numbers"),
        ({"images": []}, "at least one"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
    ],
)
def test_a_bad_view_is_refused(runs: list[vw.Run], bad: dict[str, Any], message: str) -> None:
    widget = vw.ReconstructionGrid(runs[0])
    with pytest.raises(OptionError, match=message):
        widget.view = bad
    widget.close()


def test_runs_on_images_of_other_shapes_are_refused(runs: list[vw.Run]) -> None:
    data = vw.ImageDataset(np.zeros((8, 5, 5), np.float32), test_fraction=0)
    other = vw.train(
        vw.MLPVAE(data.image_shape, hidden=(4,)), data, batch_size=4, autosave=False, start=False
    )
    with pytest.raises(OptionError, match="all alike"):
        vw.ReconstructionGrid([runs[0], other])
