"""Directions between groups of codes: against numpy, in the page's own functions, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.node import run_module
from tests.widgets.decode import made
from vaewidgets.data import ImageDataset
from vaewidgets.errors import OptionError
from vaewidgets.models import MLPVAE
from vaewidgets.widgets import LatentArithmetic

PROGRAM = """
const { coordinates, difference, inOrder, meanOf, moved } = await import(
  `${process.argv[2]}widgets/latent_arithmetic/arithmetic.js`
);
const { points, d, a, b } = JSON.parse(process.argv[3]);
const flat = Float32Array.from(points);
const [from, to] = [meanOf(flat, a, d), meanOf(flat, b, d)];
const direction = difference(from, to);
const along = coordinates(flat, from, direction);
const out = { direction, along, share: inOrder(along, a, b), moved: moved(flat.slice(0, d), direction, 0.5) };
const plain = (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
console.log(JSON.stringify(out, plain));
"""


@pytest.fixture(scope="module")
def widget() -> Any:
    widget = LatentArithmetic(made(), a="3", b="8")
    yield widget
    widget.close()


def test_the_direction_is_the_difference_of_mean_codes(widget: LatentArithmetic) -> None:
    mu, _ = widget.run.snapshot().encode(widget.sample.images)
    labels = widget.sample.labels
    assert labels is not None
    want = (mu[labels == 8].mean(0) - mu[labels == 3].mean(0)).numpy()
    np.testing.assert_allclose(widget.direction, want, atol=2e-3)  # codes travel as 16 bits
    along = widget.coordinates()
    assert along[labels == 3].mean() == pytest.approx(0, abs=1e-6)
    assert along[labels == 8].mean() == pytest.approx(1, abs=1e-6)
    a, b = along[labels == 3], along[labels == 8]
    assert widget.in_order == pytest.approx(np.mean(a[:, None] < b[None]), abs=1e-3)


def test_the_page_computes_the_same(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    points = generator.normal(size=(60, 5)).astype(np.float32).round(3)
    a, b = list(range(20)), list(range(15, 50))  # they overlap: some pairs are ties
    found = json.loads(
        run_module(tmp_path, PROGRAM, json.dumps({"points": points.ravel().tolist(), "d": 5, "a": a, "b": b}))
    )
    start, end = points[a].astype(float).mean(0), points[b].astype(float).mean(0)
    direction = end - start
    along = (points - start) @ direction / (direction @ direction)
    np.testing.assert_allclose(found["direction"], direction, atol=1e-6)
    np.testing.assert_allclose(found["along"], along, atol=1e-5)
    low, high = np.float32(found["along"])[a][:, None], np.float32(found["along"])[b][None]
    assert found["share"] == pytest.approx((low < high).mean() + 0.5 * (low == high).mean(), abs=1e-9)
    np.testing.assert_allclose(found["moved"], points[0] + 0.5 * direction, atol=1e-6)


def test_groups_of_images_and_names_kept(widget: LatentArithmetic) -> None:
    widget.view = {"groups": [[0, 1, 2], [5, 6]], "base": 4, "amount": 0.5}
    codes = widget._codes().numpy()
    np.testing.assert_allclose(widget.direction, codes[[5, 6]].mean(0) - codes[:3].mean(0), atol=1e-6)
    widget.view |= {"directions": [{"name": "lean", "groups": [[0], 3]}]}
    assert widget.view["directions"][0]["name"] == "lean"
    assert widget.figure().axes


def test_data_without_labels_start_from_the_ends_of_the_widest_direction() -> None:
    x = torch.rand(90, 1, 6, 6)
    widget = LatentArithmetic(made(MLPVAE((1, 6, 6), 3, hidden=(8,)), data=ImageDataset(x)))
    assert widget.view["groups"] is None
    assert widget.in_order > 0.9
    with pytest.raises(OptionError, match="a is '3', which is no class; the data have no labels"):
        LatentArithmetic(widget.run, a="3", b="4")
    with pytest.raises(OptionError, match="no labels; give both groups as numbers of images"):
        LatentArithmetic(widget.run, a=[1, 2])
    widget.close()


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ({"groups": [3]}, r"groups is \[3\]; expected two groups"),
        ({"groups": [3, 10]}, r"groups\[1\] is 10; expected a whole number from 0 to 9"),
        ({"groups": [3, []]}, r"groups\[1\] is empty"),
        ({"groups": [[-1], 3]}, r"groups\[0\]\[0\] is -1"),
        ({"amount": 3}, "amount is 3; expected a number from -1 to 2"),
        ({"base": -1}, "base is -1"),
        ({"directions": [{"name": "", "groups": [3, 4]}]}, "directions holds"),
        ({"directions": [{"name": "x"}]}, "directions holds"),
        ({"directions": [{"name": "x", "groups": [3]}]}, "expected two groups"),
        ({"directions": [{"name": str(i), "groups": [3, 4]} for i in range(13)]}, "expected at most 12"),
    ],
)
def test_what_makes_no_sense_is_refused(widget: LatentArithmetic, view: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        widget.view = view


def test_a_name_that_is_no_class_is_refused_with_the_nearest(widget: LatentArithmetic) -> None:
    with pytest.raises(OptionError, match=r"b is 'eight', which is no class; there are '0', '1'"):
        LatentArithmetic(widget.run, a="3", b="eight")
