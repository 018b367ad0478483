"""Tiles of items that are no images: bars and lines stand where their values say, cells in their order."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex

from tests.figures import frames
from vaewidgets import figures
from vaewidgets.contract.packing import pack
from vaewidgets.contract.palette import COLORS, class_color
from vaewidgets.figures.items import to_rgb


def items(draw: str, *shape: int, channels: str = "last", value_range=(0.0, 1.0)) -> dict:
    return {
        "draw": draw, "shape": list(shape), "channels": channels, "range": list(value_range), "names": None
    }  # fmt: skip


def grid(shape: tuple[int, int, int]) -> dict:
    stack = np.random.default_rng(0).integers(0, 256, (5, *shape)).astype(np.uint8)
    row = {"name": "vae", "images": pack(255 - stack)}
    return {**frames.grid(), "originals": pack(stack), "rows": [row]}


FORMS = {
    "bars": ((1, 1, 13), items("bars", 13, value_range=(-4, 4))),
    "line": ((1, 1, 90), items("line", 90)),
    "lines": ((1, 3, 90), items("line", 3, 90, channels="first")),
    "heatmap": ((1, 8, 30), items("heatmap", 8, 30)),
    "slices": ((5, 6, 6), items("slices", 5, 6, 6)),
}


@pytest.mark.parametrize(("shape", "form"), FORMS.values(), ids=FORMS)
def test_a_grid_and_a_frame_draw_each_kind(shape, form):
    png = figures.figure_png(figures.grid_figure(grid(shape), items=form), 400_000)
    frame = frames.frame()
    frame["grid"], frame["run"] = grid(shape), {**frame["run"], "items": form}
    whole = figures.figure_png(figures.explorer_figure(frame), 400_000)
    plain = {**frame, "run": {key: value for key, value in frame["run"].items() if key != "items"}}
    assert len(png) > 1000
    if shape[0] == 1:
        assert whole != figures.figure_png(figures.explorer_figure(plain), 400_000)


def test_bars_stand_on_zero_and_lines_have_the_colors_of_the_page():
    stack = np.array([[[[0, 255, 255]]]], np.uint8)
    (axes,) = figures.rows_figure({"x": stack}, items=items("bars", 3, value_range=(-1, 1))).axes
    bars = [c for c in axes.collections if isinstance(c, PolyCollection)][1]
    assert to_hex(bars.get_facecolor()[0]) == COLORS["accent"]
    heights = [path.vertices[2, 1] - path.vertices[0, 1] for path in bars.get_paths()]
    assert heights[0] > 0 > heights[1]  # rows run downwards
    assert heights[1] == heights[2] == pytest.approx(-heights[0])

    first = np.array([[[[0, 255, 0, 255], [255, 255, 255, 255]]]], np.uint8)  # two lines of four
    for stack, channels in ((first, "first"), (first.transpose(0, 1, 3, 2), "last")):
        form = items("line", *stack.shape[2:], channels=channels)
        (axes,) = figures.rows_figure({"x": stack}, items=form).axes
        _, one, two = [c for c in axes.collections if isinstance(c, LineCollection)]
        assert [to_hex(line.get_color()[0]) for line in (one, two)] == [class_color(0), class_color(1)]
        ups, flat = (line.get_segments()[0][:, 1] for line in (one, two))
        assert (ups[1::2] == flat[1]).all()
        assert (ups[::2] > flat[0]).all()


def test_cells_and_planes_keep_their_order():
    stack = np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3) * 50
    colors = to_rgb(stack, items("heatmap", 2, 3))
    assert (colors[0, 1, 2] == colormaps["cividis"](250, bytes=True)[:3]).all()
    planes = to_rgb(np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2), items("slices", 3, 2, 2))
    assert planes[0, :, :, 0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 255, 255], [10, 11, 255, 255]]
