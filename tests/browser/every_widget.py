"""Every widget once, on small models."""

from __future__ import annotations

from collections.abc import Callable

import torch

import vaewidgets as vw
from tests.browser.book import CLASSES
from vaewidgets.live.run_widget import RunWidget
from vaewidgets.live.widget import LiveWidget

__all__ = ["every_widget"]


def every_widget(run: vw.Run, but: tuple[type, ...] = ()) -> list[LiveWidget]:
    """One of each class of `CLASSES`, in its order, but for some.

    A new class that takes a run, or nothing, needs no line here.
    """
    # one refuses models without a codebook, one a single beta
    runs: dict[type, Callable[[], vw.Run | vw.Sweep]] = {vw.CodebookUsage: _codes, vw.BetaAxis: _betas}
    started: dict[type, Callable[[], LiveWidget]] = {
        vw.Prediction: _exercise,
        vw.Tour: lambda: vw.Tour(vw.KLPlayground(), ["One.", "Two."]),
    }
    return [
        cls(runs[cls]() if cls in runs else run) if issubclass(cls, RunWidget) else started.get(cls, cls)()
        for cls in CLASSES
        if cls not in but
    ]


def _codes() -> vw.Run:
    data = vw.load_dataset("digits", n_train=256)
    torch.manual_seed(0)
    model = vw.VQVAE(data.image_shape, 16, code_dim=4, channels=(8, 8))
    return vw.train(model, data, epochs=1, autosave=False).wait(progress=False)


def _betas() -> vw.Sweep:
    data = vw.load_dataset("digits", n_train=128)
    options = {"latent_dim": 2, "hidden": (8,), "epochs": 1}
    return vw.sweep(vw.MLPVAE, data, beta=[0.5, 1, 2], **options).wait(progress=False)


def _exercise() -> vw.Prediction:
    """Revealed, it shows all that it has."""
    guess = vw.Prediction("Which first?", order=["a", "b", "c"], truth=["b", "a", "c"], because="So it is.")
    guess.view = {"answer": ["a", "b", "c"], "revealed": True}
    return guess
