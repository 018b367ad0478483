"""Widgets on a page that is scaled, turned or zoomed: what a pointer does is what is under it.

Each gesture is made twice: at a place of the plain page, and where the transform draws that place. Both have
to come to the same. The places are computed here, from the transform alone. Between two gestures the page's
view is put back, since loading the page takes longer than a gesture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage, open_page

# The page's own width stays, so that nothing is laid out anew but what `zoom` itself does.
TRANSFORMS = {  # a style, and what it does to the plain page
    "scale 1.5": ("transform: scale(1.5)", "scale(1.5)"),
    "scale 0.6": ("transform: scale(0.6)", "scale(0.6)"),
    "zoom 1.25": ("zoom: 1.25", "scale(1.25)"),
    "zoom 1.1 of a scale 0.9": ("zoom: 1.1; transform: scale(0.9)", "scale(0.99)"),
    "property scale": ("scale: 1.3 0.8", "scale(1.3, 0.8)"),
    "turned": ("transform: translate(300px, 0) rotate(15deg) scale(1.2)", "rotate(15deg) scale(1.2)"),
}
# Places in the window, of the plain page: `at` a share of an element, `by` so far from there.
PLACES = """
    const at = (part, across = 0.5, down = 0.5) => {
        const box = root.querySelector(part).getBoundingClientRect();
        return [box.left + across * box.width, box.top + down * box.height];
    };
    const by = ([x, y], right, below) => [x + right, y + below];
"""
# Puts a view of the page back; null for what it did not hold yet.
RESTORE = """view => {
    const now = document.documentElement.vaewidgets.view;
    const back = {};
    for (const [kind, all] of Object.entries(now)) {
        back[kind] = all.map((values, i) =>
            Object.fromEntries(Object.keys(values).map(key => [key, view[kind][i][key] ?? null])));
    }
    history.replaceState(null, "", "#");  // the page reads its address when that changes
    location.hash = "view=" + encodeURIComponent(JSON.stringify(back));
}"""


@dataclass(frozen=True)
class Gesture:
    """What is done to a widget, and what comes of it.

    Attributes
    ----------
    places : str
        JavaScript: an array of places in the window, from first to last.
    reading : str
        JavaScript: an array of numbers, or a text.
    tolerance : float
        What a pixel and a half more or less makes of the numbers.
    moved : str
        Selector of what goes with the pointer: it must be drawn under it in both.
    anchor : str
        Selector of what the places are in.
    keeps : bool
        Whether the widget keeps what no view of the page holds (its zoom): the page is then loaded anew.
    """

    widget: str
    places: str
    reading: str
    tolerance: float = 0.0
    kind: str = "hover"
    moved: str = ""
    anchor: str = ".vw-body canvas"
    keeps: bool = False


MAP = "by(at('.vw-map-handle'), 40, -50)"
GESTURES = {
    "scatter, hover": Gesture("LatentScatter", "[w.toClient(0.9, 0.7)]", "w.hover.z", 0.06),
    "scatter, lasso": Gesture(
        "LatentScatter",
        "[[-0.5, -0.5], [1.5, -0.5], [1.5, 1.5], [-0.5, 1.5], [-0.5, -0.5]].map(p => w.toClient(...p))",
        "[w.selected().length]",
        3,
        "drag",
    ),
    "scatter, wheel": Gesture(
        "LatentScatter", "[w.toClient(0.9, 0.7)]", "w.hover.z", 0.06, "wheel", keeps=True
    ),
    "scatter, pan": Gesture(
        "LatentScatter",
        "[w.toClient(0, 0), by(w.toClient(0, 0), 60, 30)]",
        "w.hover.z",
        0.06,
        "pan",
        keeps=True,
    ),
    "explorer, hover": Gesture("LatentExplorer", "[w.toClient(-0.7, 0.6)]", "w.hover.z", 0.06),
    "curves, hover": Gesture(
        "TrainingCurves", "[at('.vw-plot-canvas', 0.4)]", "root.querySelector('.vw-readout').innerText"
    ),
    "units, threshold": Gesture(
        "ActiveUnitsBar",
        "[at('.vw-knob-kl'), by(at('.vw-knob-kl'), 45, 0)]",
        "[Math.log(Number(root.querySelector('.vw-knob-kl').getAttribute('aria-valuenow')))]",
        0.15,
        "drag",
        moved=".vw-knob-kl",
    ),
    "manifold, hover": Gesture("LatentManifold", "[w.toClient(0.7, 0.4)]", "w.view.hover", 0.03),
    "manifold, wheel and pan": Gesture(
        "LatentManifold",
        "[w.toClient(0.7, 0.4), by(w.toClient(0.7, 0.4), 50, 40)]",
        "[...w.view.center ?? [], w.view.span]",
        0.01,
        "wheel drag",
    ),
    "samples, hover": Gesture(
        "PriorSamples", "[at('.vw-sheet-canvas', 0.63, 0.41)]", "w.view.hover", 1e-9
    ),
    "strip, handle": Gesture(
        "InterpolationStrip",
        f"[at('.vw-map-handle'), {MAP}]",
        "w.view.ends.join()",
        0,
        "drag",
    ),
    "pad, stroke": Gesture(
        "SketchEncoder",
        "[[0.3, 0.3], [0.6, 0.4], [0.7, 0.75]].map(p => at('.vw-pad-canvas', ...p))",
        "w.view.strokes?.[0].points.slice(-2)",
        0.02,
        "drag",
    ),
    "KL, mean": Gesture(
        "KLPlayground",
        "[at('.vw-handle'), by(at('.vw-handle'), 60, 0)]",
        "[w.kl.total]",
        0.1,
        "drag",
        moved=".vw-handle",
    ),
    "reparameterization, handle": Gesture(
        "ReparameterizationDemo",
        "[at('.vw-handle'), by(at('.vw-handle'), 50, 0)]",
        "[w.z]",
        0.1,
        "drag",
        moved=".vw-handle",
    ),
    "annealing, handle": Gesture(
        "AnnealingSchedule",
        "[at('.vw-handle-end'), by(at('.vw-handle-end'), -50, 30)]",
        "[w.view.end, w.view.ratio]",
        0.03,
        "drag",
        moved=".vw-handle-end",
    ),
    "codes, hover": Gesture("CodebookUsage", "[at('.vw-cells-canvas', 0.31, 0.5)]", "[w.code()]"),
    "sizes, click": Gesture("BottleneckSweep", "[w.toClient(2)]", "[w.view.picked]", kind="click"),
    "place, click": Gesture(
        "Place", "[at('.vw-map-canvas', 0.4, 0.3)]", "w.view.answer", 0.1, "click", moved=".vw-map-handle"
    ),
    "place, handle": Gesture(
        "Place",
        "[at('.vw-map-handle'), by(at('.vw-map-handle'), -90, 60)]",
        "w.view.answer",
        0.1,
        "drag",
        moved=".vw-map-handle",
    ),
    "order, drag": Gesture(
        "Order",
        "[at('.vw-predict-item .vw-predict-grip'), at('.vw-predict-item:nth-child(3)', 0.1, 0.8)]",
        "w.view.answer?.join() ?? null",
        0,
        "drag",
        anchor=".vw-predict-list",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page for each widget."""
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=256)
    options: dict[str, Any] = {"epochs": 5, "batch_size": 64, "autosave": False}
    run = vw.train(vw.MLPVAE(data.image_shape, 2, hidden=(32,)), data, **options).wait(progress=False)
    coded = vw.VQVAE(data.image_shape, 16, code_dim=4, channels=(8, 8))
    codes = vw.train(coded, data, epochs=1, autosave=False).wait(progress=False)
    sizes = vw.sweep(vw.MLPVAE, data, latent_dim=[1, 2, 4], hidden=(16,), epochs=1).wait(progress=False)
    made = {
        "LatentScatter": vw.LatentScatter(run),
        "LatentExplorer": vw.LatentExplorer(run),
        "TrainingCurves": vw.TrainingCurves(run),
        "ActiveUnitsBar": vw.ActiveUnitsBar(run),
        "LatentManifold": vw.LatentManifold(run),
        "PriorSamples": vw.PriorSamples(run),
        "InterpolationStrip": vw.InterpolationStrip(run),
        "SketchEncoder": vw.SketchEncoder(run),
        "KLPlayground": vw.KLPlayground(),
        "ReparameterizationDemo": vw.ReparameterizationDemo(),
        "AnnealingSchedule": vw.AnnealingSchedule("linear", steps=20),
        "CodebookUsage": vw.CodebookUsage(codes),
        "BottleneckSweep": vw.BottleneckSweep(sizes),
        "Place": vw.Prediction("Where?", place=run, label=7),
        "Order": vw.Prediction("Which first?", order=["a", "b", "c", "d"]),
    }
    folder = tmp_path_factory.mktemp("pages")
    return {name: vw.save_html(widget, folder / f"{name}.html") for name, widget in made.items()}


@pytest.fixture
def page(browser: Any, paths: dict[str, Path], gesture: str) -> Iterator[SavedPage]:
    path = paths[GESTURES[gesture].widget]
    with open_page(browser, path, viewport={"width": 1600, "height": 1500}, reduced_motion="reduce") as page:
        yield page
        page.assert_alone()


class Stage:
    """The page as it was loaded, and with one gesture after the other made on it, plain or transformed."""

    def __init__(self, page: SavedPage, gesture: Gesture) -> None:
        self.page, self.gesture, self.widget = page, gesture, page.widget()
        self.set("")
        self.view = page.page.evaluate("document.documentElement.vaewidgets.view")
        self.at_rest = self.ask(gesture.reading)

    def set(self, style: str) -> None:
        """A style of the page, nothing of which has been touched."""
        self.page.page.evaluate(
            """style => {
                const main = document.querySelector('main');
                main.style.cssText = `width: 1000px; transform-origin: 0 0; ${style}`;
                document.body.style.margin = '0';
            }""",
            style,
        )
        self.still()

    def again(self, style: str, wanted: Any) -> None:
        """As it was, in this style; `wanted`, what came of the gesture before, cannot be read any more."""
        self.page.page.mouse.move(1, 1)
        if self.gesture.keeps:
            self.page.go_to()
        else:
            self.page.page.evaluate(RESTORE, self.view)
        self.set("")
        if self.gesture.kind == "hover":  # what was pointed at last may still be read
            self.page.page.mouse.move(*self.ask(f"by({self.gesture.places}[0], -90, 0)"))
            wait_for(lambda: self.ask(self.gesture.reading) != wanted, "another place is read", 10)
            self.page.page.mouse.move(1, 1)
        else:
            wait_for(lambda: self.ask(self.gesture.reading) == self.at_rest, "all is as it was", 10)
        self.set(style)

    def still(self) -> None:
        seen: list[Any] = [None]

        def same() -> bool:
            self.widget.settle()
            seen.append(self.widget.ask("root.querySelector('.vw-body').getBoundingClientRect().toJSON()"))
            return seen[-1] == seen[-2]

        wait_for(same, "the widget stands still", 10)

    def ask(self, expression: str) -> Any:
        return self.widget.ask(f"(() => {{ {PLACES} return {expression}; }})()")

    def corner(self, selector: str) -> list[float]:
        """The upper left corner of an element that is not turned."""
        return self.page.page.evaluate(
            """selector => {
                const { left, top } = document.querySelector(selector).getBoundingClientRect();
                return [left, top];
            }""",
            selector,
        )

    def act(self, kind: str, places: list[list[float]]) -> None:
        mouse = self.page.page.mouse
        mouse.move(1, 1)
        if kind == "click":
            mouse.click(*places[0])
            return
        mouse.move(*places[0])
        if "wheel" in kind:
            self.page.page.keyboard.down("Control")
            mouse.wheel(0, -300)
            self.page.page.keyboard.up("Control")
            self.widget.settle()
            mouse.move(1, 1)
            mouse.move(*places[0])
        if "drag" in kind or kind == "pan":
            mouse.down(button="middle" if kind == "pan" else "left")
            for place in places[1:]:
                mouse.move(*place, steps=6)
            mouse.up(button="middle" if kind == "pan" else "left")
            if kind == "pan":  # where the hand ended, the plane has come along
                mouse.move(1, 1)
                mouse.move(*places[-1])
        self.widget.settle()


def shifted(origin: list[float], name: str) -> list[float]:
    """Where the corner of the page is drawn: only what is turned is shifted, to stay in the window."""
    return [origin[0] + 300, origin[1]] if name == "turned" else origin


def drawn_at(page: SavedPage, matrix: str, places: list[list[float]], before: Any, after: Any) -> np.ndarray:
    """Where a transform draws places of the plain page, that draws the place `before` at `after`."""
    offsets = (np.array(places) - before).tolist()
    turned = page.page.evaluate(
        """([text, offsets]) => offsets.map(([x, y]) => {
            const { a, b, c, d } = new DOMMatrix(text);
            return [a * x + c * y, b * x + d * y];
        })""",
        [matrix, offsets],
    )
    return np.array(turned) + after


@pytest.mark.parametrize("gesture", GESTURES)
def test_what_is_done_is_what_is_under_the_pointer(page: SavedPage, gesture: str) -> None:
    one = GESTURES[gesture]
    stage = Stage(page, one)
    before = None if "hover" in gesture else stage.at_rest
    places, origin, anchor = stage.ask(one.places), stage.corner("main"), stage.corner(one.anchor)
    stage.act(one.kind, places)
    wanted = wait_for(
        lambda: (value := stage.ask(one.reading)) is not None and value != before and [value],
        f"{gesture} does something",
        10,
    )[0]
    stage.widget.settle()  # what is moved is drawn in the next frame
    moved = stage.ask(f"at({one.moved!r})") if one.moved else None
    for name, (style, matrix) in TRANSFORMS.items():
        stage.again(style, wanted)
        # Type that is zoomed is a pixel higher or lower: what stands below moves.
        pair = (anchor, stage.corner(one.anchor)) if "zoom" in name else (origin, shifted(origin, name))
        stage.act(one.kind, drawn_at(page, matrix, places, *pair).tolist())

        def same() -> bool:
            value = stage.ask(one.reading)
            if isinstance(wanted, str) or value is None:
                return value == wanted
            return bool(np.allclose(value, wanted, rtol=0, atol=one.tolerance))

        try:
            wait_for(same, f"{gesture} in {name}", 4)
        except AssertionError as error:
            raise AssertionError(f"{error}: {stage.ask(one.reading)}, but {wanted} was there") from None
        if moved:
            stage.widget.settle()
            there = np.array(stage.ask(f"at({one.moved!r})"))
            assert np.abs(there - drawn_at(page, matrix, [moved], *pair)[0]).max() < 3, name
