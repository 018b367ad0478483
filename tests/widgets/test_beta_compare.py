"""Runs side by side: the same noise against torch, rate and distortion, redrawing, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.test_contract import wait_until
from vaewidgets.contract.packing import unpack
from vaewidgets.contract.random import normals
from vaewidgets.diagnostics import rate_distortion
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.widgets.beta_compare import MOST_DECODERS, SAMPLE_STREAM

OPTIONS: dict[str, Any] = {"epochs": 1, "batch_size": 64, "autosave": False}


@pytest.fixture(scope="module")
def data() -> vw.ImageDataset:
    return vw.load_dataset("digits", n_train=256)


@pytest.fixture(scope="module")
def sweep(data: vw.ImageDataset) -> Iterator[vw.Sweep]:
    with vw.sweep(vw.MLPVAE, data, beta=[0.1, 1, 4], epochs=2, hidden=(16,), batch_size=64) as sweep:
        yield sweep.wait(progress=False)


@pytest.fixture
def compare(sweep: vw.Sweep) -> Iterator[vw.BetaCompare]:
    widget = vw.BetaCompare(sweep, images=6, samples=4, points=100)
    yield widget
    widget.close()


def parts_of(widget: vw.BetaCompare) -> list[dict[str, Any]]:
    return [widget.frame, *widget.frame["others"]]


def as_u8(images: torch.Tensor) -> np.ndarray:
    return (images.clamp(0, 1) * 255).round().numpy()


def assert_pictures_are_torchs(widget: vw.BetaCompare, seed: int) -> None:
    images = widget._sample.images[widget._index]
    for part, run in zip(parts_of(widget), widget.runs, strict=True):
        d = run.model.latent_dim
        eps = torch.from_numpy(np.stack([normals(d, seed, i) for i in range(len(images))]))
        draws = torch.from_numpy(np.stack([normals(d, seed, SAMPLE_STREAM + i) for i in range(4)]))
        with torch.no_grad():
            mu, logvar = run.model.encode(images)
            recon = run.model.decode(mu + torch.exp(0.5 * logvar) * eps)
            samples = run.model.decode(draws)
        pictures = part["pictures"]
        assert pictures["seed"] == seed
        assert np.abs(unpack(pictures["recon"]) - as_u8(recon)).max() <= 1
        assert np.abs(unpack(pictures["samples"]) - as_u8(samples)).max() <= 1


def test_all_runs_reconstruct_the_same_images_with_the_same_noise(compare: vw.BetaCompare) -> None:
    shown = unpack(compare.frame["compare"]["originals"])
    np.testing.assert_array_equal(shown, compare._sample.images_u8[compare._index].numpy())
    assert_pictures_are_torchs(compare, 0)


def test_another_seed_draws_again_in_the_kernel(compare: vw.BetaCompare) -> None:
    before = unpack(compare.frame["pictures"]["recon"]).copy()
    compare.view = {"seed": 7}
    wait_until(lambda: all(part["pictures"]["seed"] == 7 for part in parts_of(compare)), "redrawn")
    assert_pictures_are_torchs(compare, 7)
    assert (unpack(compare.frame["pictures"]["recon"]) != before).any()


def test_a_smaller_latent_space_has_the_first_of_the_noise() -> None:
    np.testing.assert_array_equal(normals(9, 3, 5)[:4], normals(4, 3, 5))


def test_rate_and_distortion_are_those_of_the_diagnostics(compare: vw.BetaCompare) -> None:
    for part, run in zip(parts_of(compare), compare.runs, strict=True):
        x = compare._sample.images[:256]
        found = rate_distortion(run.model, run.likelihood, x, generator=torch.Generator().manual_seed(0))
        assert part["rate"]["rate"] == pytest.approx(found.rate, rel=1e-5)
        assert part["rate"]["distortion"] == pytest.approx(found.distortion, rel=1e-5)
        assert part["rate"]["rate_error"] == pytest.approx(found.rate_error, rel=1e-4)
    rates = [part["rate"]["rate"] for part in parts_of(compare)]
    assert rates == sorted(rates, reverse=True), "a larger beta sends less"


def test_all_move_while_they_train(data: vw.ImageDataset) -> None:
    with vw.sweep(vw.MLPVAE, data, beta=[0.1, 1, 4], epochs=None, hidden=(16,), batch_size=64) as sweep:
        widget = vw.BetaCompare(sweep, images=2, samples=2, points=50)
        first = [part["pictures"]["step"] for part in parts_of(widget)]
        wait_until(
            lambda: all(
                part["pictures"]["step"] > step for part, step in zip(parts_of(widget), first, strict=True)
            ),
            "newer pictures of each",
        )
        assert all(part["run"]["status"] == "running" for part in parts_of(widget))
        widget.close()


def test_an_autoencoder_beside_a_vae_has_no_samples_and_no_rate(data: vw.ImageDataset) -> None:
    models = [model(data.image_shape, 2, hidden=(16,)) for model in (vw.MLPVAE, vw.Autoencoder)]
    widget = vw.BetaCompare([vw.train(m, data, start=False, **OPTIONS) for m in models], images=3)
    vae, ae = parts_of(widget)
    assert vae["run"]["error"] is ae["run"]["error"] is None
    assert vae["pictures"]["samples"] is not None
    assert ae["pictures"]["samples"] is None
    assert ae["pictures"]["sigma"] is None
    assert "rate" not in ae
    widget.view = {"show": "samples"}
    assert len(widget.figure().axes) == 1
    widget.close()


def test_decoders_go_along_for_a_bounded_number_of_runs(data: vw.ImageDataset) -> None:
    runs = [
        vw.train(vw.MLPVAE(data.image_shape, 2, hidden=(8,)), data, start=False, beta=float(i), **OPTIONS)
        for i in range(MOST_DECODERS + 1)
    ]
    widget = vw.BetaCompare(runs, images=2, samples=2, points=20)
    sent = [key for key in widget._live if key.startswith("decoder")]
    assert sent == ["decoder", *(f"decoder:{run.id}" for run in runs[1:MOST_DECODERS])]
    widget.close()


@pytest.mark.parametrize("show", ["recon", "samples", "latent", "curves", "rate"])
def test_each_view_has_a_figure(compare: vw.BetaCompare, show: str) -> None:
    compare.view = {"show": show}
    assert len(compare.figure().axes) >= (3 if show in ("latent", "curves") else 1)


def test_latent_spaces_are_printed_on_one_scale(compare: vw.BetaCompare) -> None:
    compare.view = {"show": "latent"}
    figure = compare.figure()
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ({"show": "sample"}, "Did you mean 'samples'"),
        ({"at": 3}, "whole number from 0 to 2"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 0.5}, "whole number"),
        ({"log": 2}, "True or False"),
    ],
)
def test_what_cannot_be_turned_is_refused(compare: vw.BetaCompare, view: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        compare.view = view


def test_runs_that_cannot_be_compared_are_refused(data: vw.ImageDataset) -> None:
    small = vw.train(vw.MLPVAE(data.image_shape, 2), data, start=False, **OPTIONS)
    shapes = vw.load_dataset("shapes", n_train=64)
    other = vw.train(vw.MLPVAE(shapes.image_shape, 2), shapes, start=False, **{**OPTIONS, "batch_size": 32})
    with pytest.raises(ShapeError, match="one for all runs"):
        vw.BetaCompare([small, other])
    with pytest.raises(OptionError, match="samples is 0"):
        vw.BetaCompare([small], samples=0)
    with pytest.raises(OptionError, match="expected a run"):
        vw.BetaCompare([])
