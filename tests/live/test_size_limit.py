"""What a notebook keeps of a widget is bounded, and the widget says what was left out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import vaewidgets as vw
from vaewidgets.contract.packing import pack
from vaewidgets.live.save import save_html
from vaewidgets.live.size_limit import SizeLimit


def images(count: int) -> dict[str, Any]:
    return pack(
        torch.arange(count, dtype=torch.uint8).view(count, 1, 1, 1).expand(count, 1, 2, 5).numpy(), "u8"
    )


def total(state: dict[str, Any]) -> int:
    return sum(len(value["data"]) for value in state.values() if isinstance(value, dict) and "data" in value)


def test_within_the_limit_nothing_changes() -> None:
    limit = SizeLimit(1000)
    news = {"frame": {"data": b"x" * 500}, "originals": images(50)}
    assert limit.apply({}, news) == news
    assert limit.note is None


def test_earlier_weights_go_first_then_images_from_the_end() -> None:
    limit = SizeLimit(1000)
    live = {f"time_weights_{i}": {"data": b"x" * 100} for i in range(2)}
    state = limit.apply(live, {"frame": {"data": b"x" * 700}, "originals": images(50)})
    assert state["time_weights_0"] is None
    assert state["time_weights_1"] is None
    assert state["originals"]["shape"] == [30, 1, 2, 5]
    assert state["originals"]["data"] == images(50)["data"][:300]
    assert total({**live, **state}) <= 1000
    assert limit.note == state["thinned"]
    assert "earlier weights" in limit.note
    assert "thumbnails" in limit.note


def test_what_fits_again_is_no_longer_named() -> None:
    limit = SizeLimit(1000)
    state = limit.apply({}, {"frame": {"data": b"x" * 990}, "time_weights_0": {"data": b"x" * 100}})
    assert state["time_weights_0"] is None
    after = limit.apply(state, {"frame": {"data": b"x" * 10}, "time_weights_0": {"data": b"x" * 100}})
    assert after["time_weights_0"] is not None
    assert after["thinned"] is None
    assert limit.note is None


def test_a_picture_that_alone_is_too_large_is_kept_and_named() -> None:
    limit = SizeLimit(1000)
    state = limit.apply({}, {"frame": {"data": b"x" * 5000}})
    assert len(state["frame"]["data"]) == 5000
    assert "fewer points" in state["thinned"]


class Large(nn.Module):
    """A decoder of 10 MB in half floats."""

    latent_dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.e, self.d = nn.Linear(16, 4), nn.Sequential(nn.Linear(2, 2200), nn.ReLU(), nn.Linear(2200, 2200))
        self.out = nn.Linear(2200, 16)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu, logvar = self.e(x.flatten(1)).chunk(2, 1)
        return mu, logvar

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.out(self.d(z))).view(-1, 1, 4, 4)


def test_a_decoder_too_large_for_a_notebook_stays_in_the_kernel_and_the_widget_says_so(tmp_path: Any) -> None:
    widget = vw.LatentScatter(vw.attach(Large(), vw.ImageDataset(torch.rand(40, 1, 4, 4))))
    assert widget.thinned is not None
    assert "the kernel decodes" in widget.thinned
    decoder = widget.get_state()["decoder"]
    assert decoder["network"] is None
    assert "9.8 MB" in decoder["reason"]
    assert save_html(widget, tmp_path / "page.html").stat().st_size < 500_000
    widget.close()


@pytest.mark.parametrize("points", [10, 2000])
def test_an_ordinary_widget_is_whole(points: int) -> None:
    data = vw.load_dataset("digits", n_train=256)
    run = vw.train(vw.MLPVAE(data.image_shape), data, epochs=1, autosave=False).wait(progress=False)
    widget = vw.LatentExplorer(run)
    assert widget.thinned is None
    widget.close()
