"""Every widget on items that are not images: its frame, its figure, or why it has no meaning."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _remove_buffers

import vaewidgets as vw
from tests.widgets.test_contract import SECTIONS, WIDGETS
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError

RNG = np.random.default_rng(0)
SHAPES = {"bars": (9,), "line": (20, 2), "heatmap": (12, 8), "slices": (5, 8, 8)}
NAMES = {"bars": tuple("abcdefghi"), "line": ("left", "right")}
REFUSED = {vw.SketchEncoder: "a sketch is an image.*LatentExplorer"}  # of what is no image


@pytest.fixture(scope="module", params=SHAPES)
def data(request: pytest.FixtureRequest) -> vw.ImageDataset:
    draw, labels = request.param, np.arange(40) % 3
    x = 3 + 2 * RNG.normal(size=(40, *SHAPES[draw]))
    if draw == "slices":
        x = x.astype(np.float32)
        limits = float(x.min()), float(x.max())
        return vw.ImageDataset(x, labels, channels="first", value_range=limits, name="numbers")
    return vw.ArrayDataset(x, labels, draw=draw, feature_names=NAMES.get(draw), name="numbers")


@pytest.fixture(scope="module")
def runs(data: vw.ImageDataset) -> dict[Any, vw.Run]:
    """A run of a VAE, and those of other models for the widgets that ask for them."""
    torch.manual_seed(0)
    shape, likelihood = data.image_shape, "squared_error"
    models = {
        None: vw.MLPVAE(shape, latent_dim=2, hidden=(8,), likelihood=likelihood),
        vw.CodebookUsage: vw.VQVAE(shape, 8, code_dim=2, channels=(4, 4), likelihood=likelihood),
        vw.BetaAxis: vw.MultiRateVAE(shape, hidden=(8,), likelihood=likelihood),
    }
    made = {
        key: vw.train(model, data, epochs=1, batch_size=16, autosave=False) for key, model in models.items()
    }
    for run in made.values():
        run.wait(progress=False)
    return made


@pytest.mark.parametrize("widget_class", WIDGETS, ids=lambda widget: widget.__name__)
def test_every_widget_shows_them_or_says_why_not(widget_class: Any, data: Any, runs: Any) -> None:
    run = runs.get(widget_class, runs[None])
    if widget_class in REFUSED and not data.holds_images:
        with pytest.raises(OptionError, match=REFUSED[widget_class]):
            widget_class(run)
        return
    widget = widget_class(run)
    frame = widget.get_state()["frame"]
    assert set(frame) >= SECTIONS[widget_class.__name__]
    assert frame["run"]["error"] is None
    draw = data.items.draw
    assert frame["run"]["items"] == {
        "draw": draw,
        "shape": list(SHAPES[draw]),
        "channels": "last",
        "range": list(data.value_range),
        "names": list(NAMES[draw]) if draw in NAMES else None,
    }
    state, _, _ = _remove_buffers(widget.get_state())
    json.dumps({key: value for key, value in state.items() if not key.startswith("_")})
    figure = widget.figure()
    assert figure.get_axes()
    figure.clear()
    widget.close()


def test_bytes_of_a_tile_run_over_the_axis_of_the_data(data: Any, runs: Any) -> None:
    grid = vw.ReconstructionGrid(runs[None], images=4).frame["grid"]
    lo, hi = data.value_range
    index = unpack(grid["indices"])
    sent = lo + unpack(grid["originals"]).astype(float) / 255 * (hi - lo)
    exact = vw.LatentScatter(runs[None]).sample.images[index].numpy()
    assert np.abs(sent - exact).max() <= (hi - lo) / 510 + 1e-5
    assert sent.max() - sent.min() > 0.5 * (hi - lo), "and are not cut off at 0 and 1"


def test_the_diagram_has_every_number(data: Any, runs: Any) -> None:
    state = vw.ArchitectureDiagram(runs[None]).get_state()["frame"]
    steps = json.dumps(state, default=str)
    assert f'"draw": "{data.items.draw}"' in steps


def test_selected_items_are_those_of_the_data(data: Any, runs: Any) -> None:
    widget = vw.LatentScatter(runs[None])
    widget.selected = np.array([3, 5])
    items, labels = widget.selected_images()
    assert items.shape == (2, *data.items.shape)
    sample = widget.sample
    own = sample.images_u8 if data.holds_images else sample.images
    assert np.array_equal(items.ravel(), own[[3, 5]].numpy().ravel())
    assert labels is not None
    widget.close()
