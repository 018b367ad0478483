"""One notebook in JupyterLab that shows every widget: each can be asked in the page and in the kernel."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from tests.browser.helpers import Widget
from tests.browser.lab import Lab, wait_for
from vaewidgets import widgets as room
from vaewidgets.live.widget import LiveWidget

CLASSES = [
    member
    for name in room.__all__
    if isinstance(member := getattr(room, name), type) and issubclass(member, LiveWidget)
]
NAMES = [cls.__name__ for cls in CLASSES]

# `plane`, `many` and `vq` wait: they train when their widgets are on the page
SETUP = """import json, threading
import numpy as np, torch, vaewidgets as vw
from vaewidgets.contract.packing import unpack

data = vw.load_dataset("digits", n_train=256, n_test=100)
options = {"batch_size": 64, "autosave": False}

def run_of(model, epochs=6, **more):
    run = vw.train(model, data, epochs=epochs, start=False, **options, **more)
    run.time_line.budget = 10.0
    return run

torch.manual_seed(0)
plane = run_of(vw.MLPVAE(data.image_shape, 2, hidden=(32,)))
dying = {"beta": vw.LinearWarmup(0, 10, 160), "epochs": 60, "lr": 3e-3}  # units that live and die
many = run_of(vw.MLPVAE(data.image_shape, 6, hidden=(32,)), **dying)
vq = run_of(vw.VQVAE(data.image_shape, 16, code_dim=4, channels=(8, 8)), epochs=2)
small = {"hidden": (16,), "epochs": 3, "batch_size": 64}
betas = vw.sweep(vw.MLPVAE, data, beta=[0.1, 1, 4], **small)
dims = vw.sweep(vw.MLPVAE, data, latent_dim=[1, 2, 4], **small)
betas.wait(progress=False), dims.wait(progress=False)

def plain(value):
    return value.tolist() if hasattr(value, "tolist") else str(value)

def decoded(run, z):
    with torch.no_grad():
        return run.snapshot().decode(torch.tensor([z], dtype=torch.float32)).flatten()
"""
WIDGETS = """n = len(plane.time_line.sample)
widgets = {
    "LatentExplorer": vw.LatentExplorer(data, hidden=(16,), epochs=10**6, speed=4, start=False, **options),
    "TrainingCurves": vw.TrainingCurves(betas),
    "LatentScatter": vw.LatentScatter(plane, values={"width": np.linspace(0, 1, n)}),
    "LatentManifold": vw.LatentManifold(plane, cells=8),
    "ReconstructionGrid": vw.ReconstructionGrid([plane, many], images=6),
    "PriorSamples": vw.PriorSamples([plane, many], draws=6),
    "LearnedPrior": vw.LearnedPrior(plane, samples=3, components=6),
    "InterpolationStrip": vw.InterpolationStrip(plane, images=6),
    "LatentArithmetic": vw.LatentArithmetic(plane, a="1", b="4"),
    "LatentGeometry": vw.LatentGeometry(plane, cells=8),
    "LatentTraversal": vw.LatentTraversal(many, images=5),
    "ActiveUnitsBar": vw.ActiveUnitsBar(many),
    "BetaCompare": vw.BetaCompare(betas, images=4, samples=3, points=100),
    "BottleneckSweep": vw.BottleneckSweep(dims),
    "SketchEncoder": vw.SketchEncoder(plane),
    "ElboMicroscope": vw.ElboMicroscope(plane),
    "BetaAxis": vw.BetaAxis(betas),
    "KLPlayground": vw.KLPlayground(1.0, 0.5),
    "ReparameterizationDemo": vw.ReparameterizationDemo(0.5, 1.2),
    "AnnealingSchedule": vw.AnnealingSchedule("linear", steps=20, ratio=0.5, at=5),
    "ArchitectureDiagram": vw.ArchitectureDiagram(),
    "BottleneckGame": vw.BottleneckGame(),
    "Prediction": vw.Prediction("How many?", between=(0, 20), unit="units", tolerance=2, codes=True),
    "CodebookUsage": vw.CodebookUsage(vq, images=100, examples=4),
    "Diagnosis": vw.Diagnosis(many),
}
widgets["Tour"] = vw.Tour(widgets["AnnealingSchedule"], ["As it is.", ("Seven.", {"cycles": 7})])
for one in widgets.values():
    display(one)
"""
START = "for one in (plane, many, vq): one.resume()"
FINISHED = "[one.status for one in (plane, many, vq)] == ['finished'] * 3"


def selector(name: str) -> str:
    """KLPlayground -> .vw-kl-playground"""
    return ".vw-" + re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


class Shown(Widget):
    """A widget of the notebook, asked in the page (`ask`, `wait`) and in the kernel (`python`, `until`)."""

    def __init__(self, lab: Lab, name: str) -> None:
        super().__init__(lab, selector(name))
        self.name, self.page = name, lab.page

    def python(self, expression: str) -> Any:
        """Evaluate in the kernel with `w` the widget."""
        code = f"w = widgets[{self.name!r}]\nprint(json.dumps({expression}, default=plain))"
        text = self.lab.execute(code)
        try:
            return json.loads(text.strip().splitlines()[-1])
        except (ValueError, IndexError) as error:
            raise AssertionError(f"{expression}: the kernel said {text}") from error

    def until(self, expression: str, seconds: float = 15.0) -> Any:
        """Wait until that is true in the kernel, and until the page has drawn since.

        What is not in the view yet is not true. The kernel can be faster than the page's next frame.
        """
        found = wait_for(lambda: self._so_far(expression), f"{self.name}: {expression}", seconds)
        self.settle()
        return found

    def _so_far(self, expression: str) -> Any:
        try:
            return self.python(expression)
        except AssertionError as error:
            if "KeyError" in str(error):
                return None
            raise

    def locator(self, part: str) -> Any:
        return self.page.locator(f"{self.selector} {part}").first

    def show(self, part: str = "") -> Any:
        """Bring it, or a part of it, into the middle of the window."""
        place = self.locator(part) if part else self.page.locator(self.selector)
        place.evaluate("e => e.scrollIntoView({ block: 'center' })")
        return place

    def press(self, part: str, *keys: str) -> None:
        """Focus a control and press keys."""
        self.show(part).focus()
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, part: str, value: str) -> None:
        """One of the radio buttons that look like segments."""
        self.locator(f"{part} input[value={value}]").check(force=True)

    def center(self, part: str) -> tuple[float, float]:
        box = self.show(part).bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, part: str, right: float, down: float = 0.0) -> None:
        """By so many pixels, with the mouse."""
        x, y = self.center(part)
        self.stroke((x, y), (x + right, y + down))

    def stroke(self, first: tuple[float, float], *rest: tuple[float, float]) -> None:
        """Press the mouse at the first place of the window and lead it through the others."""
        mouse = self.page.mouse
        mouse.move(*first)
        mouse.down()
        for place in rest:
            mouse.move(*place, steps=4)
        mouse.up()

    def drag_time_there_and_back(self, meanwhile: str = "True") -> None:
        """Draw the points of step 0, at which `meanwhile` holds in Python, and again those of now."""
        now = self.points()
        self.press(".vw-time-slider", "Home")
        self.until(f"w.view['time'] == 0 and {meanwhile}")
        first = self.python("w.run.time_line.frames[0].mu")
        wait_for(lambda: np.abs(self.points() - first).max() < 1e-2, "the points of step 0", 10)
        self.press(".vw-time-slider", "End")
        self.until("w.view['time'] is None")
        wait_for(lambda: np.array_equal(self.points(), now), "the points of now", 10)

    def pixels(self, part: str) -> str:
        """What a canvas shows."""
        return self.locator(part).evaluate("canvas => canvas.toDataURL()")


class Book:
    """The notebook."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def __call__(self, name: str) -> Shown:
        """The widget of that name, on screen."""
        widget = Shown(self.lab, name)
        widget.show()
        return widget

    def open(self) -> Book:
        """Set all up, train what is shown, and wait until each widget has drawn the end."""
        self.file = self.lab.open([SETUP, WIDGETS])
        self.lab.page.set_viewport_size({"width": 1400, "height": 1300})
        self.lab.run_cell(0)
        wait_for(lambda: not self.lab.is_running(0), "the models", 120)
        self.lab.run_cell(1)
        wait_for(lambda: self.lab.page.locator(".vw-root").count() == len(NAMES), self.failure, 120)
        self.lab.wait_idle()
        self.before = self.statuses()
        self.lab.execute(START)
        self("LatentScatter").until(FINISHED, 120)
        self.after = self.statuses()
        return self

    @property
    def failure(self) -> str:
        return f"all widgets are shown; {self.lab.text(0)} {self.lab.text(1)}"

    def statuses(self) -> dict[str, tuple[str, str | None]]:
        """Status and step that each widget has drawn, once it is drawn."""
        found = {}
        for name in NAMES:
            widget = self(name)
            widget.wait("w.frame !== null && (w.frame.run?.status ?? 'ready') === root.dataset.status", 20)
            if "run" in widget.ask("w.frame"):
                wait_for(
                    lambda on=widget: (
                        on.ask("w.step") == on.python("w.run.step")
                        and on.ask("w.status") == on.python("w.run.status")
                    ),
                    f"{name} shows its run's newest step",
                    20,
                )
            found[name] = (widget.ask("root.dataset.status"), widget.ask("root.dataset.step ?? null"))
        return found

    def errors(self) -> list[str]:
        """What stands in panels of the page that say what went wrong."""
        return self.lab.page.eval_on_selector_all(
            ".vw-root .vw-error",
            "all => all.filter(e => e.checkVisibility())"
            ".map(e => `${e.closest('.vw-root').className}: ${e.textContent}`)",
        )
