"""The section `latent` against torch, and the plane for print."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.decode import digits, made
from vaewidgets.contract.packing import unpack
from vaewidgets.contract.texts import dim_name
from vaewidgets.errors import OptionError
from vaewidgets.live.latent import MOST_DIRECTIONS, latent_state
from vaewidgets.sections.state import Sample


@pytest.fixture(scope="module")
def run() -> vw.Run:
    return made(latent_dim=5, epochs=2)


def test_the_section_is_what_torch_says_of_the_means(run: vw.Run) -> None:
    widget = vw.LatentManifold(run, points=300)
    latent = widget.frame["latent"]
    with torch.no_grad():
        mu, logvar = (part.double() for part in run.model.encode(widget.sample.images))
    assert latent["prior"] is True
    assert latent["n"] == 300
    assert latent["step"] == run.step
    wanted = {
        "mean": mu.mean(0), "std": mu.std(0, correction=0), "low": mu.amin(0), "high": mu.amax(0),
        "total_std": (mu.var(0, correction=0) + logvar.exp().mean(0)).sqrt(),
        "kl": (0.5 * (mu**2 + logvar.exp() - logvar - 1)).mean(0),
    }  # fmt: skip
    for name, values in wanted.items():
        np.testing.assert_allclose(unpack(latent[name]), values, atol=1e-5, err_msg=name)
    directions, scales = unpack(latent["directions"]), unpack(latent["scales"])
    np.testing.assert_allclose(directions @ directions.T, np.eye(5), atol=1e-5)
    seen = (mu - mu.mean(0)).numpy() @ directions.T
    np.testing.assert_allclose(seen.std(axis=0), scales, atol=1e-5)
    assert (np.diff(scales) <= 1e-6).all()
    widget.close()


def test_directions_keep_their_signs_from_frame_to_frame(run: vw.Run) -> None:
    sample, snapshot = Sample(run.data, 200), run.snapshot()
    mu, logvar = snapshot.encode(sample.images)
    _, first = latent_state(sample, snapshot, mu, logvar, None, points=False)
    _, same = latent_state(sample, snapshot, mu, logvar, -first, points=False)
    np.testing.assert_allclose(same, -first)


def test_directions_of_thousands_of_latents_take_a_moment(run: vw.Run) -> None:
    sample, snapshot = Sample(run.data, 200), run.snapshot()
    mu = torch.randn((300, 4096), generator=torch.Generator().manual_seed(0))
    mu[:, 7] *= 30
    start = time.process_time()
    state, directions = latent_state(sample, snapshot, mu, torch.zeros_like(mu), None, points=False)
    assert time.process_time() - start < 5  # all directions of 4096 latents take half a minute
    assert directions.shape == (MOST_DIRECTIONS, 4096)
    assert np.abs(directions[0]).argmax() == 7
    assert unpack(state["scales"])[0] == pytest.approx(float(mu[:, 7].std(correction=0)), rel=1e-2)


def test_means_that_are_not_finite_are_left_out(run: vw.Run) -> None:
    sample, snapshot = Sample(run.data, 50), run.snapshot()
    mu, logvar = snapshot.encode(sample.images)
    mu = mu.clone()
    mu[3] = torch.nan
    state, _ = latent_state(sample, snapshot, mu, logvar, None, points=True)
    assert state["n"] == 49
    assert np.isfinite(unpack(state["mean"])).all()
    assert np.isnan(unpack(state["points"])[3]).all()
    with pytest.raises(vw.errors.DataError, match="diverged"):
        latent_state(sample, snapshot, mu * torch.nan, logvar, None, points=True)


def test_the_printed_plane_is_decoded_at_the_quantiles() -> None:
    widget = vw.LatentManifold(made(), cells=5)
    z, axes = widget._grid(widget.view)
    assert z.shape == (5, 5, 2)
    assert axes == ("z₁", "z₂")
    quantiles = torch.special.ndtri(torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9]).double()).numpy()
    np.testing.assert_allclose(z[0, :, 0], quantiles, atol=1e-6)
    np.testing.assert_allclose(z[:, 0, 1], quantiles[::-1], atol=1e-6)
    widget.view = {"span": 0.5, "center": [0.0, 0.5]}  # the window stays inside
    z, _ = widget._grid(widget.view)
    np.testing.assert_allclose(z[0, 0, 0], torch.special.ndtri(torch.tensor(0.05)), atol=1e-6)
    widget.close()


def test_planes_of_more_dimensions(run: vw.Run) -> None:
    widget = vw.LatentManifold(run, plane=(4, 1), cells=5)
    z, axes = widget._grid(widget.view)
    assert axes == ("z₅", "z₂")
    assert not z[..., [0, 2, 3]].any()
    widget.view = {"plane": None}
    kl = unpack(widget.frame["latent"]["kl"])
    assert widget._grid(widget.view)[1] == tuple(dim_name(i) for i in np.argsort(-kl)[:2])
    widget.view = {"plane": "principal"}
    z, _ = widget._grid(widget.view)
    latent = widget.frame["latent"]
    seen = (z - unpack(latent["mean"])) @ unpack(latent["directions"]).T
    np.testing.assert_allclose(seen[..., 2:], 0, atol=1e-5)
    np.testing.assert_allclose(
        seen[0, -1, :2], 1.2815516 * unpack(latent["scales"])[:2], rtol=1e-4, atol=1e-6
    )
    widget.close()


def test_a_model_without_prior_and_a_line() -> None:
    data = digits()
    torch.manual_seed(1)
    widget = vw.LatentManifold(made(vw.Autoencoder(data.image_shape, latent_dim=3), data=data), cells=5)
    latent = widget.frame["latent"]
    assert latent["prior"] is False
    assert latent["kl"] is None
    z, _ = widget._grid({"cells": 5, "plane": [0, 1]})
    np.testing.assert_allclose(z[2, 2], unpack(latent["mean"]), atol=1e-6)
    widget.close()
    line = vw.LatentManifold(made(latent_dim=1), cells=7)
    assert line._grid(line.view)[0].shape == (1, 7, 1)
    assert line.figure().axes
    line.close()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("center", [0.5]), ("center", [0.5, 2]), ("span", 0), ("span", "wide"), ("cells", 4), ("cells", 7.5),
        ("plane", [0, 0]), ("plane", [0, 9]), ("plane", "pca"), ("plane", [0]),
    ],
)  # fmt: skip
def test_views_that_cannot_be_are_refused(run: vw.Run, key: str, value: object) -> None:
    widget = vw.LatentManifold(run, points=50)
    with pytest.raises(OptionError, match=key):
        widget.view = {key: value}
    widget.close()


def test_the_kernel_decodes_many_points_for_a_page_that_cannot(run: vw.Run) -> None:
    from vaewidgets.sections.state import decoded_image, to_u8

    snapshot = run.snapshot()
    z = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    images = unpack(decoded_image(snapshot, z.tolist()))
    np.testing.assert_array_equal(images, to_u8(snapshot.data, snapshot.decode(z)))
    with pytest.raises(vw.errors.ShapeError, match="wants 5"):
        decoded_image(snapshot, [[0.0] * 4])
