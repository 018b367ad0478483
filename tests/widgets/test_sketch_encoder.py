"""The encoder that travels, the framing of the data, what Python reads of a drawing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.widgets.decode import digits, made
from vaewidgets.contract.packing import unpack
from vaewidgets.errors import OptionError
from vaewidgets.sections.state import Sample
from vaewidgets.widgets.sketch_encoder import framing_state


@pytest.fixture(scope="module")
def run() -> vw.Run:
    return made(latent_dim=3, epochs=1)


def test_the_encoder_comes_along_with_fresh_weights(run: vw.Run) -> None:
    widget = vw.SketchEncoder(run)
    encoder = widget._live["encoder"]
    assert encoder["reason"] is None
    assert encoder["step"] == run.step
    network = encoder["network"]
    assert network["inputs"] == [[{"b": [1, 0]}, *run.data.image_shape]]
    assert len(network["outputs"]) == 2
    weights = unpack(network["weights"])
    wanted = sum(
        p.numel() for name, p in run.model.named_parameters() if not name.startswith(("decoder", "to_pix"))
    )
    assert weights.dtype == np.float16
    assert 0 < weights.size <= wanted
    widget.close()


def test_the_drawing_is_what_python_reads(run: vw.Run) -> None:
    widget = vw.SketchEncoder(run)
    assert widget.image is None
    assert widget.z is None
    assert widget.figure().axes
    shape = run.data.image_shape
    image = np.random.default_rng(0).integers(0, 256, shape)
    widget.view = {"image": image.reshape(-1).tolist()}
    np.testing.assert_array_equal(widget.image, image)
    with torch.no_grad():
        mu = run.model.encode(torch.from_numpy(image).float()[None] / 255)[0][0].numpy()
    np.testing.assert_allclose(widget.z, mu, atol=1e-5)
    widget.view = {"z": [1.0, 2.0, 3.0]}
    np.testing.assert_array_equal(widget.z, [1, 2, 3])
    assert widget.figure().axes
    widget.close()


def planted(background: int) -> vw.ImageDataset:
    """Bars of 10 by 4 pixels about (12, 16) of 32 × 32."""
    images = np.zeros((80, 1, 32, 32), np.float32)
    images[:, :, 11:21, 10:14] = 1
    return vw.ImageDataset(1 - images if background else images)


@pytest.mark.parametrize("background", [0, 1])
def test_the_framing_is_that_of_the_data(background: int) -> None:
    framing = framing_state(Sample(planted(background), 50))
    assert framing["background"] == background
    assert framing["extent"] == pytest.approx(10 / 32)
    assert framing["center"] == pytest.approx([12 / 32, 16 / 32], abs=1e-4)


def test_images_with_nothing_on_them_have_a_framing_too() -> None:
    data = vw.ImageDataset(np.zeros((40, 1, 8, 8), np.float32))
    assert framing_state(Sample(data, 20)) == {"background": 0, "extent": 1.0, "center": [0.5, 0.5]}


def test_an_encoder_that_the_page_cannot_run_is_named() -> None:
    data = digits()

    class Unknown(torch.nn.Module):
        latent_dim = 2

        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = torch.nn.Linear(int(np.prod(data.image_shape)), 4), torch.nn.Linear(2, 4)
            self.c = torch.nn.Linear(4, int(np.prod(data.image_shape)))

        def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            mu, logvar = self.a(torch.fft.fft(x.flatten(1)).abs()).chunk(2, dim=1)
            return mu, logvar

        def decode(self, z: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(self.c(torch.relu(self.b(z)))).view(-1, *data.image_shape)

    widget = vw.SketchEncoder(made(Unknown(), data=data))
    assert widget._live["encoder"]["network"] is None
    assert "fft" in widget._live["encoder"]["reason"]
    assert widget._live["decoder"]["network"] is not None
    widget.close()


@pytest.mark.parametrize(
    "view",
    [
        {"strokes": "line"}, {"strokes": [{"width": 0.1, "points": [0.5]}]},
        {"strokes": [{"points": [0.5, 0.5]}]}, {"strokes": [{"width": 0.1, "points": [0.5, "a"]}]},
        {"image": [1, 2]}, {"z": [1.0]}, {"framed": "yes"}, {"pen": 1},
    ],
)  # fmt: skip
def test_views_that_cannot_be_are_refused(run: vw.Run, view: dict) -> None:
    widget = vw.SketchEncoder(run)
    with pytest.raises(OptionError, match=next(iter(view))):
        widget.view = view
    widget.close()
