"""What the figures hold: values, colors, labels; that they need no pyplot and no main thread."""

from __future__ import annotations

import io
import re
import threading
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread
from matplotlib.patches import Circle

import vaewidgets
from tests.figures import frames
from vaewidgets import figures
from vaewidgets.contract.packing import pack, unpack
from vaewidgets.contract.palette import CLASSES, COLORS, class_color
from vaewidgets.errors import DataError, OptionError
from vaewidgets.figures.style import spread

STYLES = Path(vaewidgets.__file__).parent / "js" / "styles" / "index.css"
ALL = {
    "curves": lambda: figures.curves_figure(frames.curves(), unit="nats"),
    "curves log, beta varies": lambda: figures.curves_figure(
        frames.curves(beta=np.linspace(0, 1, 50)), log=True
    ),
    "curves, nothing yet": lambda: figures.curves_figure({"series": []}),
    "scatter": lambda: figures.scatter_figure(frames.scatter()),
    "scatter pca": lambda: figures.scatter_figure(frames.scatter(mode="pca")),
    "scatter line": lambda: figures.scatter_figure(frames.scatter(mode="line")),
    "scatter, no labels": lambda: figures.scatter_figure(frames.scatter(labelled=False)),
    "scatter line, no labels": lambda: figures.scatter_figure(frames.scatter(mode="line", labelled=False)),
    "scatter, 3000 points": lambda: figures.scatter_figure(frames.scatter(n=3000)),
    "units": lambda: figures.units_figure(frames.units()),
    "grid": lambda: figures.grid_figure(frames.grid()),
    "grid, color": lambda: figures.grid_figure(frames.grid(channels=3)),
    "explorer": lambda: figures.explorer_figure(frames.frame()),
}


EMPTY = pack(np.empty(0), "f32")


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_every_figure_draws_off_the_main_thread_within_its_bytes(make):
    done: list[bytes | BaseException] = []

    def work() -> None:
        try:
            done.append(figures.figure_png(make(), 400_000))
        except BaseException as error:
            done.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert isinstance(done[0], bytes), done[0]
    assert done[0][:4] == b"\x89PNG"
    assert imread(io.BytesIO(done[0])).std() > 0.01, "the picture is empty"


def test_user_settings_do_not_leak_in():
    before = figures.figure_png(figures.units_figure(frames.units()), 10**6)
    with mpl.rc_context({"axes.facecolor": "black", "figure.facecolor": "black", "text.color": "white"}):
        assert figures.figure_png(figures.units_figure(frames.units()), 10**6) == before


def test_palette_equals_the_page():
    css = STYLES.read_text()
    light = css[css.index(".vw-root {") : css.index("}", css.index(".vw-root {"))]
    page = dict(re.findall(r"--vw-([\w-]+): (?:var\(--[\w-]+, )?(#[0-9a-f]{6})", light))
    assert {name: page.get(name) for name in COLORS} == COLORS
    assert tuple(page[f"class-{i}"] for i in range(10)) == CLASSES
    assert f"class-{len(CLASSES)}" not in page


def test_class_colors_are_distinct_and_never_fail():
    colors = [class_color(label) for label in range(-1, 40)]
    assert len(set(colors)) == len(colors)
    assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in colors)
    assert class_color(10) == "#d39373"  # hsl(20 52% 64%), the page's eleventh


def test_curves_hold_the_numbers_in_their_hues():
    sent = frames.curves()
    figure = figures.curves_figure(sent, unit="nats")
    (axes,) = figure.axes
    drawn = {(to_hex(line.get_color()), line.get_marker()): line.get_xydata() for line in axes.lines}
    for one in sent["series"]:
        if one["name"] != "beta":
            data = drawn[COLORS[one["name"]], "o" if one["split"] == "test" else "None"]
            np.testing.assert_allclose(data, np.stack([unpack(one["step"]), unpack(one["mean"])], 1))
    assert len(axes.collections) == 3, "one min-max band for each training curve"
    assert {axes.get_xlabel(), axes.get_ylabel()} == {"step", "nats per image"}
    assert {"loss 120", "recon 99.96", "kl 20"} <= set(texts(figure))
    assert "Losses while training (dots: test set) at β = 1" in texts(figure)


def test_beta_gets_its_own_axes_only_where_it_varies():
    figure = figures.curves_figure(frames.curves(beta=np.linspace(0, 2, 50)))
    assert [axes.get_ylabel() for axes in figure.axes] == ["per image", "β"]
    assert figure.axes[1].lines[0].get_color() == COLORS["beta"]


def test_scatter_holds_points_classes_and_the_prior():
    sent = frames.scatter(mode="pca")
    figure = figures.scatter_figure(sent, class_names=["zero", "$1", *"23456789"])
    (axes,) = figure.axes
    (dots,) = axes.collections
    points, labels = unpack(sent["points"]), unpack(sent["labels"])
    np.testing.assert_allclose(dots.get_offsets(), points, rtol=1e-6)
    assert [to_hex(color) for color in dots.get_facecolors()] == [class_color(label) for label in labels]
    circles = [patch for patch in axes.patches if isinstance(patch, Circle)]
    assert [(c.center, c.radius) for c in circles] == [((0.5, -0.25), 1.0), ((0.5, -0.25), 2.0)]
    assert all(circle.get_linestyle() != "-" for circle in circles)
    at = {text.get_text(): text.get_position() for text in axes.texts}
    assert at["zero"] in {tuple(point) for point in points[labels == 0].tolist()}, "at one of its images"
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert entries == ["zero", r"\$1", *"23456789"]
    dots = [to_hex(line.get_color()) for line in figure.legends[0].get_lines()]
    assert dots == [class_color(label) for label in range(10)]
    assert axes.get_xlabel() == "PCA 1 (50 % of the variance)"
    x, y = axes.get_xlim(), axes.get_ylim()
    assert x[0] < -1.5 < 2.5 < x[1], "the outer circle is cut off"
    assert y[0] < -2.25 < 1.75 < y[1]


def test_a_legend_of_many_classes_ends_with_the_others():
    sent = frames.scatter(n=400)
    labels = np.repeat(np.arange(34), [13] * 6 + [1] * 14 + [22] * 14)
    figure = figures.scatter_figure({**sent, "labels": pack(labels, "i32")})
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert entries == [*map(str, [*range(6), *range(20, 34)]), "other (14 classes)"]
    (dots,) = figure.axes[0].collections
    colors = [to_hex(color) for color in dots.get_facecolors()]
    assert colors == [class_color(c if c < 6 or c >= 20 else -1) for c in labels]
    names = [text for text in figure.axes[0].texts if text.get_gid() == "class"]
    assert 0 < len(names) <= 20


def test_points_without_a_value_are_apart_and_named():
    sent = frames.scatter()
    n = len(unpack(sent["points"]))
    values = np.where(np.arange(n) % 3 == 0, np.nan, np.arange(n))
    figure = figures.scatter_figure({**sent, "values": pack(values, "f32")})
    others, without = figure.axes[0].collections
    missing = int(np.isnan(values).sum())
    assert (len(without.get_offsets()), len(others.get_offsets())) == (missing, n - missing)
    assert figure.legends[0].get_texts()[0].get_text() == f"no value ({missing})"


def test_scatter_by_value_has_a_color_bar():
    sent = frames.scatter()
    sent["values"] = {**sent["labels"]}
    assert len(figures.scatter_figure(sent).axes) == 2


def test_units_are_sorted_with_both_counts_and_thresholds():
    figure = figures.units_figure(frames.units(n=300))
    above, below = figure.axes
    tops = [bar.get_y() + bar.get_height() for bar in above.patches]
    np.testing.assert_allclose(tops[:3], [2.5, 1.2, 0.02], rtol=1e-6)
    colors = [to_hex(bar.get_facecolor()) for bar in above.patches]
    assert colors == [COLORS["kl"]] * 3 + [COLORS["off"]] * 2
    assert [label.get_text() for label in below.get_xticklabels()] == ["2", "4", "5", "1", "3"]
    for axes in (above, below):
        assert [line.get_ydata()[0] for line in axes.lines if line.get_gid() == "threshold"] == [0.01]
    assert "Active: 3 of 5 by KL, 3 by variance; 300 images (the variance wants 500)" in texts(figure)
    assert not any("wants" in text for text in texts(figures.units_figure(frames.units())))


@pytest.mark.parametrize("channels", [1, 3])
def test_grid_holds_the_pixels(channels):
    sent = frames.grid(channels=channels)
    (axes,) = figures.grid_figure(sent).axes
    atlas = np.asarray(axes.images[0].get_array())
    images = unpack(sent["originals"])
    assert atlas.shape == (2 * 9, 6 * 8, 3)
    for row, wanted in enumerate((images, 255 - images)):
        for column in range(6):
            cell = atlas[row * 9 : row * 9 + 8, column * 8 : column * 8 + 7]
            np.testing.assert_array_equal(
                cell, np.broadcast_to(wanted[column].transpose(1, 2, 0), cell.shape)
            )
    assert [label.get_text() for label in axes.get_yticklabels()] == ["original", "beta = 1"]


def test_a_loop_that_says_nothing_of_epochs_is_titled_by_its_steps():
    whole = frames.frame()
    whole["run"] = {**whole["run"], "epoch": 0, "epochs": None, "step": 1345}
    assert "MLPVAE 2, digits, step 1,345" in texts(figures.explorer_figure(whole))


def test_explorer_takes_whatever_sections_there_are():
    whole = frames.frame()
    figure = figures.explorer_figure(whole)
    assert len(figure.axes) == 5
    assert "MLPVAE 2, digits, epoch 12 of 30" in texts(figure)
    for names in (["grid"], ["curves"], ["scatter", "grid"], ["curves", "units"]):
        part = {name: whole[name] if name in names else None for name in whole}
        assert len(figures.explorer_figure(part).axes) == len(names) + ("units" in names)
    with pytest.raises(DataError, match=r"holds \['run'\]; expected at least one of scatter"):
        figures.explorer_figure({"run": whole["run"]})


def test_png_gets_coarser_to_fit_and_says_when_it_cannot():
    figure = figures.units_figure(frames.units())
    large, small = figures.figure_png(figure, 10**7), figures.figure_png(figure, 20_000)
    assert len(small) <= 20_000 < len(large)
    with pytest.raises(OptionError, match="max_bytes=10 is too small: at 40 dots an inch the figure takes"):
        figures.figure_png(figure, 10)


def test_spread_keeps_order_and_distance():
    placed = spread([0.5, 0.5, 0.1, 0.52], 0.1)
    assert placed[2] == 0.1
    assert placed[0] < placed[1] < placed[3]
    assert np.diff(sorted(placed)).min() > 0.099


@pytest.mark.parametrize(
    ("values", "scale", "word"),
    [
        ([700.0, 70.0, 7.0], "log", ""),
        ([5.0, -690.0, -700.0], "linear", "(linear: values below 0 have no logarithm)"),
        ([0.0, 0.0, 0.0], "linear", "(linear: no value is above 0)"),
        ([9.0, 0.0, 4.0], "log", ""),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_a_logarithmic_axis_is_refused_with_a_word_where_there_is_no_logarithm(values, scale, word, several):
    series = [
        {"name": "loss", "split": "train", "step": pack(np.arange(3)), "mean": pack(np.float32(values))}
    ]
    parts = [{"curves": {"series": series}}] * (2 if several else 1)
    axes = figures.runs_curves_figure(parts, log=True).axes[0]
    assert axes.get_yscale() == scale
    title = axes.get_title(loc="left")
    assert title.endswith(word)
    assert ("linear" in title) == bool(word)
    low, high = axes.get_ylim()
    assert all(low <= value <= high for value in values if value > 0 or scale == "linear")


def test_the_strip_between_a_and_b_stands_below_and_on_the_plane() -> None:
    images = np.arange(3 * 16, dtype=np.uint8).reshape(3, 1, 4, 4)
    ends = np.array([[0.5, -1.0], [1.5, 2.0]])
    way = {"ends": pack(ends, "f32"), "images": pack(images, "u8")}
    figure = figures.explorer_figure({"scatter": frames.scatter(), "way": way})
    strip, plane = figure.axes
    np.testing.assert_array_equal(strip.images[0].get_array()[:4, :4, 0], images[0, 0])
    assert [text.get_text() for text in plane.texts if text.get_gid() == "end"] == ["A", "B"]
    assert {tuple(line.get_xydata()[0]) for line in plane.lines} >= {tuple(end) for end in ends}
    assert "Decoded images along the line from A to B" in texts(figure)


def test_before_a_step_nothing_stands_empty() -> None:
    curves = frames.curves()
    curves["series"] = [{**one, "step": EMPTY, "mean": EMPTY} for one in curves["series"]]
    run = {"name": "MLPVAE", "step": 0, "epoch": 0, "epochs": 30}
    figure = figures.explorer_figure({"run": run, "curves": curves, "scatter": frames.scatter()})
    assert len(figure.axes) == 1
    assert "MLPVAE, not trained yet" in texts(figure)


def test_a_game_that_was_not_played_says_how_it_goes() -> None:
    game = {"bottleneck": "two", "cards": [0, 1, 3], "codes": []}
    (axes,) = figures.game_figure(game, [], dimensions=2).axes
    assert not axes.axison
    assert [text.get_text() for text in axes.texts if text.get_gid() == "card"] == [*"013", *"???"]
    assert axes.get_title(loc="left") == "BottleneckGame: run the cell to play"
