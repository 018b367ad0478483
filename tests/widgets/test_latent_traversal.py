"""The five ranges, dimensions and directions, the page's values against ours."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.decode import digits, made
from tests.widgets.node import in_node, needs_node
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError
from vaewidgets.widgets.latent_traversal import STYLES, _values


@pytest.fixture(scope="module")
def run() -> vw.Run:
    return made(latent_dim=4, epochs=2)


@needs_node
@pytest.mark.parametrize("style", STYLES)
def test_the_page_goes_the_same_ranges(style: str) -> None:
    axis = {"prior": 0.3, "mean": -0.2, "total": 1.4, "low": -2.5, "high": 3.5}
    got = in_node("values(...cases)", [style, axis, 9], values="widgets/latent_traversal/traverse")
    want = _values(style, 9, (0.3, -0.2, 1.4, -2.5, 3.5))
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    assert (np.diff(got) > 0).all()


def test_a_row_moves_its_dimension_only_and_rows_stand_by_kl(run: vw.Run) -> None:
    widget = vw.LatentTraversal(run, images=5, style="minmax", base=7)
    found = widget.traversals()
    kl = unpack(widget.frame["latent"]["kl"])
    assert list(found) == [f"z{j + 1}" for j in np.argsort(-kl)]
    code = unpack(widget.frame["latent"]["points"])[7]
    with torch.no_grad():
        mu = run.model.encode(widget.sample.images)[0].numpy()
    for name, z in found.items():
        j = int(name[1:]) - 1
        np.testing.assert_allclose(np.delete(z, j, axis=1), np.tile(np.delete(code, j), (5, 1)), atol=1e-6)
        np.testing.assert_allclose(z[[0, -1], j], [mu[:, j].min(), mu[:, j].max()], atol=1e-5)
    widget.view = {"rows": 2, "z": [1.0, 2.0, 3.0, 4.0]}
    assert len(widget.traversals()) == 2
    held = widget.traversals()[f"z{int(np.argmax(kl)) + 1}"]
    assert (
        np.delete(held[0], int(np.argmax(kl))).tolist() == np.delete([1.0, 2, 3, 4], np.argmax(kl)).tolist()
    )
    assert len(widget.figure().axes) == 1
    widget.close()


def test_a_direction_goes_as_far_as_the_codes_do(run: vw.Run) -> None:
    widget = vw.LatentTraversal(run, axes="principal", style="minmax", images=3)
    latent = widget.frame["latent"]
    with torch.no_grad():
        mu, logvar = (part.double().numpy() for part in run.model.encode(widget.sample.images))
    rows = unpack(latent["directions"])
    seen = (mu - mu.mean(axis=0)) @ rows.T
    total, low, high = unpack(latent["along"])
    np.testing.assert_allclose(low, seen.min(axis=0), atol=1e-4)
    np.testing.assert_allclose(high, seen.max(axis=0), atol=1e-4)
    np.testing.assert_allclose(
        total, np.sqrt(seen.var(axis=0) + rows**2 @ np.exp(logvar).mean(axis=0)), atol=1e-4
    )
    z = widget.traversals()["direction 1"]
    ends = (z - mu.mean(axis=0)) @ rows.T
    np.testing.assert_allclose(ends[[0, -1], 0], [low[0], high[0]], atol=1e-4)
    np.testing.assert_allclose(ends[0, 1:], ends[-1, 1:], atol=1e-4)
    widget.close()


def test_the_quantiles_of_a_direction_are_those_of_the_prior(run: vw.Run) -> None:
    widget = vw.LatentTraversal(run, axes="principal", style="quantiles", images=3)
    z = widget.traversals()["direction 2"]
    row = unpack(widget.frame["latent"]["directions"])[1]
    quantiles = torch.special.ndtri(torch.tensor([1 / 6, 0.5, 5 / 6])).numpy()
    np.testing.assert_allclose(z @ row, quantiles, atol=1e-5)  # N(0, 1) along any direction
    widget.close()


def test_a_model_without_prior_has_no_prior_quantiles() -> None:
    data = digits()
    torch.manual_seed(0)
    run = made(vw.Autoencoder(data.image_shape, latent_dim=3), data=data)
    with pytest.raises(OptionError, match="'gaussian', 'sigma', 'minmax'"):
        vw.LatentTraversal(run, style="quantiles")
    widget = vw.LatentTraversal(run, images=3)
    latent = widget.frame["latent"]
    worth = unpack(latent["std"])
    first = widget.traversals()[f"z{int(np.argmax(worth)) + 1}"]
    np.testing.assert_allclose(first[1], unpack(latent["mean"]), atol=1e-5)
    widget.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": "wild"}, "style is 'wild'"), ({"axes": "rows"}, "axes is"), ({"base": -1}, "base is -1"),
        ({"rows": 0}, "rows is 0"), ({"images": 1}, "2 to 41"),
    ],
)  # fmt: skip
def test_bad_options_are_refused(run: vw.Run, options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        vw.LatentTraversal(run, **options)


def test_sliders_that_do_not_fit_are_refused(run: vw.Run) -> None:
    widget = vw.LatentTraversal(run)
    with pytest.raises(OptionError, match="list of 4 numbers"):
        widget.view = {"z": [0.0]}
    widget.close()
