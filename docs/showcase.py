"""Each widget once, with something to show: what the gallery photographs and the site keeps alive.

Small models on the drawn digits; those that several widgets show are trained once.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import vaewidgets as vw
from vaewidgets.live.widget import LiveWidget

__all__ = ["WIDGETS", "guide", "summary"]

# A three, as a hand draws it.
THREE = [0.3, 0.25, 0.45, 0.16, 0.62, 0.2, 0.66, 0.33, 0.58, 0.44, 0.46, 0.48]
THREE += [0.6, 0.52, 0.7, 0.64, 0.64, 0.78, 0.48, 0.84, 0.3, 0.76]
# What a group might have played: one wrong guess after the other taken back.
LOOPS_AND_STROKES = {0: [1, 0], 1: [0, 1], 3: [0, 0], 7: [0, 2], 8: [2, 0]}
GUESSES = ([3, 0, 7, 1, 8], [0, 3, 1, 7, 8], [8, 1, 0, 3, 7])
TRUE = ([0, 3, 1, 7, 8], [0, 3, 7, 1, 8], [8, 1, 0, 3, 7])


@functools.cache
def run(latent_dim: int, epochs: int = 30, beta: float = 1.0) -> vw.Run:
    """A finished run; what dies in it is watched from its start."""
    torch.manual_seed(0)
    data = vw.load_dataset("strokes")
    model = vw.MLPVAE(data.image_shape, latent_dim)
    made = vw.train(model, data, epochs=epochs, beta=beta, batch_size=64, autosave=False, start=False)
    made.watch_units()
    made.resume()
    return made.wait(progress=False)


def conditioned() -> vw.Run:
    """A finished run of one model that is conditioned on beta."""
    torch.manual_seed(0)
    data = vw.load_dataset("strokes")
    model = vw.MultiRateVAE(data.image_shape, 8)
    beta = vw.LogUniform(*model.betas)
    return vw.train(model, data, epochs=40, beta=beta, batch_size=64, autosave=False).wait(progress=False)


def holed() -> vw.Run:
    """A finished run whose codes leave a third of the prior empty: few images, and a short training."""
    torch.manual_seed(0)
    data = vw.load_dataset("digits", n_train=600)
    model = vw.MLPVAE(data.image_shape, 2, hidden=(64,))
    return vw.train(model, data, epochs=12, lr=3e-3, batch_size=32, autosave=False).wait(progress=False)


def quantised() -> vw.Run:
    """A finished run of a vector-quantised model."""
    torch.manual_seed(0)
    data = vw.load_dataset("strokes")
    model = vw.VQVAE(data.image_shape)
    return vw.train(model, data, epochs=10, batch_size=64, autosave=False).wait(progress=False)


@functools.cache
def sweep(**options: Any) -> vw.Sweep:
    """A finished sweep."""
    found = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
    data = vw.load_dataset("strokes")
    return vw.sweep(vw.MLPVAE, data, epochs=15, batch_size=64, **found).wait(progress=False)


def betas() -> vw.Sweep:
    """Three weights of the KL."""
    return sweep(latent_dim=2, beta=(0.1, 1.0, 4.0))


def game() -> dict[str, Any]:
    """The card game after three rounds: the last one without a loss."""
    rules = {"bottleneck": "two", "bits": 2, "cards": list(LOOPS_AND_STROKES)}
    codes = [[card, code] for card, code in LOOPS_AND_STROKES.items()]
    rounds = [
        {**rules, "codes": codes, "order": order, "guesses": guesses, "swapped": False}
        for order, guesses in zip(TRUE, GUESSES, strict=True)
    ]
    book = [[code, card] for card, code in codes]
    rest = {"encoder": "person", "decoder": "person", "phase": "summary", "book": book, "seed": 0}
    return {**rounds[-1], **rest, "properties": ["loops", "strokes"], "rounds": rounds}


def prediction() -> vw.Prediction:
    """An exercise whose answer shows."""
    question = "The encoder has seen no label. Where will the sevens lie?"
    because = "Images that look alike lie close together."
    return vw.Prediction(question, place=run(2), label=7, because=because)


@functools.cache
def playground() -> vw.KLPlayground:
    """One for all: the tour turns it."""
    return vw.KLPlayground(kept=[(0.0, 1.0), (0.0, 0.3), (1.5, 1.0)])


def tour() -> vw.Tour:
    """A walk through the KL playground of the same page."""
    start = "Two bells: the prior, and the posterior of one image.\n\nThe KL is what their difference costs."
    equal = "Equal, and the KL is zero.\n\nSuch a code carries nothing."
    shift = "A shift costs half its square."
    stops = [start, (equal, {"mu": 0.0, "sigma": 1.0}), (shift, {"mu": 2.0, "sigma": 1.0})]
    return vw.Tour(playground(), [*stops, ("So does a narrow posterior.", {"mu": 0.0, "sigma": 0.2})])


def looked_at(widget: LiveWidget, **view: Any) -> LiveWidget:
    """The widget with some of its view set."""
    widget.view = view
    return widget


# Each widget once, with something to show.
WIDGETS: dict[str, Callable[[], LiveWidget]] = {
    "LatentExplorer": lambda: vw.LatentExplorer(run(2), train={"latent_dim": [2, 8]}),
    "TrainingCurves": lambda: vw.TrainingCurves(betas()),
    "LatentScatter": lambda: vw.LatentScatter(run(2)),
    "LatentManifold": lambda: vw.LatentManifold(run(2)),
    "ReconstructionGrid": lambda: vw.ReconstructionGrid([run(2), run(16, beta=4.0)]),
    "PriorSamples": lambda: vw.PriorSamples([run(2), run(16, beta=4.0)]),
    "LearnedPrior": lambda: looked_at(vw.LearnedPrior(holed()), steps=40),
    "InterpolationStrip": lambda: vw.InterpolationStrip(run(2)),
    "LatentGeometry": lambda: vw.LatentGeometry(run(2)),
    "LatentArithmetic": lambda: looked_at(vw.LatentArithmetic(run(16), a="3", b="8"), amount=1.0),
    "LatentTraversal": lambda: vw.LatentTraversal(run(16, beta=4.0)),
    "ActiveUnitsBar": lambda: vw.ActiveUnitsBar(run(16, beta=4.0)),
    "Diagnosis": lambda: vw.Diagnosis(run(16, beta=4.0)),
    "SketchEncoder": lambda: looked_at(
        vw.SketchEncoder(run(2)), strokes=[{"width": 0.09, "points": THREE, "erase": False}]
    ),
    "ElboMicroscope": lambda: looked_at(vw.ElboMicroscope(run(2), image=4), mu=[0.2, -1.6], show="prior"),
    "BetaCompare": lambda: looked_at(vw.BetaCompare(betas()), show="latent"),
    "BetaAxis": lambda: vw.BetaAxis(conditioned()),
    "BottleneckSweep": lambda: vw.BottleneckSweep(sweep(latent_dim=(1, 2, 4, 8, 16))),
    "CodebookUsage": lambda: vw.CodebookUsage(quantised()),
    "KLPlayground": playground,
    "ReparameterizationDemo": vw.ReparameterizationDemo,
    "AnnealingSchedule": lambda: vw.AnnealingSchedule("cyclical", at=300),
    "ArchitectureDiagram": lambda: looked_at(vw.ArchitectureDiagram(run(2)), step=4),
    "BottleneckGame": lambda: vw.BottleneckGame(game=game()),
    "Prediction": lambda: looked_at(prediction(), answer=[2.6, -2.6], revealed=True),
    "Tour": tour,
}


def summary(name: str) -> str:
    """Return the first sentence of a widget's docstring, as Markdown."""
    text = (inspect.getdoc(getattr(vw, name)) or "").split("\n\n")[0].replace("\n", " ")
    return re.sub(r"`+", "`", text)


def guide(name: str) -> list[str]:
    """Return what is behind a widget's "?": what is seen, what can be done, what to try."""
    folder = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    path = Path(vw.__file__).parent / "js" / "widgets" / folder / "help.json"
    lines: list[str] = json.loads(path.read_text("utf-8"))
    return [f"- {line}" for line in lines]
