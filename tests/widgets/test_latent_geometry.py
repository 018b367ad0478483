"""Its ends and options, its surface on planes of two and more dimensions, and paths no longer than lerp."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.decode import made
from tests.widgets.node import in_node, needs_node
from vaewidgets.contract.packing import unpack
from vaewidgets.diagnostics.geometry import magnification
from vaewidgets.errors import OptionError


@pytest.fixture(scope="module")
def run() -> vw.Run:
    return made(epochs=4)


@pytest.fixture(scope="module")
def three() -> vw.Run:
    return made(latent_dim=3, epochs=2)


@pytest.mark.parametrize(
    ("which", "uncertainty", "ends"),
    [("run", 3.0, [7, 90]), ("run", 0.0, [[-1.5, 0.2], [1.4, 1.0]]), ("three", 10.0, [3, 40]),
     ("run", 3.0, [5, 5])],
)  # fmt: skip
def test_the_geodesic_of_a_trained_vae_is_never_longer_than_lerp(
    which: str, uncertainty: float, ends: list[Any], request: Any
) -> None:
    widget = vw.LatentGeometry(request.getfixturevalue(which), cells=8)
    widget.view = {"uncertainty": uncertainty, "ends": ends}
    paths = widget.paths
    assert set(paths) == {"lerp", "slerp", "geodesic"}
    assert paths["geodesic"].length <= paths["lerp"].length
    assert ends[0] == ends[1] or paths["geodesic"].length < 0.9999 * paths["lerp"].length
    for path in paths.values():
        assert len(path.points) == len(path.z) == len(path.images) == 31
    np.testing.assert_allclose(paths["geodesic"].points[[0, -1]], paths["lerp"].points[[0, -1]], atol=1e-5)
    widget.close()


def test_the_metric_is_that_of_autograd_where_a_cell_is_small(run: vw.Run) -> None:
    widget = vw.LatentGeometry(run, uncertainty=0.0)
    surface = widget._surface()
    (x, y), side = surface.codes[3], 1e-2
    surface.extent = (x - side, x + side, y - side, y + side)
    z = torch.tensor([[x, y]], dtype=torch.float32)
    jacobian = torch.autograd.functional.jacobian(lambda p: run.model.decode(p).flatten(), z)[:, 0]
    want = torch.linalg.det(jacobian.T @ jacobian).sqrt()
    np.testing.assert_allclose(magnification(surface.metric(2)).mean(), float(want), rtol=5e-3)
    widget.close()


def test_ends_are_far_apart_named_or_placed(run: vw.Run) -> None:
    widget = vw.LatentGeometry(run, a="3")
    a, b = widget.view["ends"]
    assert widget.sample.labels[a] == 3
    labels = widget.sample.labels
    first = np.unique(labels, return_index=True)[1]
    codes = unpack(widget.frame["latent"]["points"])[first]
    far = np.linalg.norm(codes[:, None] - codes[None], axis=2)
    assert b in first
    assert far[list(first).index(b)].max() == pytest.approx(far.max())
    widget.view = {"ends": [[0.5, -0.5], b]}
    np.testing.assert_allclose(widget.paths["slerp"].points[0], [0.5, -0.5], atol=1e-5)
    widget.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"a": "seven"}, "which is no class"), ({"b": 10**6}, "the index of an image"),
        ({"cells": 2}, "8 to 64"), ({"uncertainty": 11}, "uncertainty"),
    ],
)  # fmt: skip
def test_bad_options_are_refused(run: vw.Run, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.LatentGeometry(run, **options)


def test_ends_that_are_no_places_are_refused(run: vw.Run) -> None:
    widget = vw.LatentGeometry(run)
    for ends in ([0], "ab", [0, 10**6], [[0, 1, 2], 3], [[0, "x"], 3], [0, None]):
        with pytest.raises(OptionError, match=r"ends"):
            widget.view = {"ends": ends}
    widget.close()


def test_a_line_is_no_plane() -> None:
    with pytest.raises(OptionError, match="latent_dim=1; expected at least 2"):
        vw.LatentGeometry(made(latent_dim=1))


def test_a_model_without_prior_and_data_without_labels() -> None:
    data = vw.ImageDataset(np.random.default_rng(0).uniform(0, 1, (100, 1, 8, 8)).astype(np.float32))
    torch.manual_seed(0)
    widget = vw.LatentGeometry(made(vw.Autoencoder(data.image_shape, latent_dim=2), data=data), cells=8)
    assert widget.paths["geodesic"].verdict.classes is None
    widget.close()


@needs_node
def test_the_page_knows_the_same_errors(run: vw.Run) -> None:
    widget = vw.LatentGeometry(run, uncertainty=2.0)
    surface, sample = widget._surface(), widget.sample
    index = (np.arange(64) * len(sample.images)) // 64
    codes = torch.from_numpy(unpack(widget.frame["latent"]["points"]))[index]
    sent = {
        "originals": sample.images[index].flatten(1).tolist(),
        "decoded": run.snapshot().decode(codes).flatten(1).tolist(),
        "n": len(sample.images),
    }
    body = "({ ...errorsOf(cases.originals, cases.decoded), index: measured(cases.n) })"
    file = "widgets/latent_geometry/surface"
    found = in_node(body, sent, errorsOf=file, measured=file)
    assert found["index"] == index.tolist()
    assert found["near"] == pytest.approx(surface.spread.near, rel=1e-5)
    assert 2 * found["varied"] == pytest.approx(surface.spread.far, rel=1e-5)
    widget.close()
