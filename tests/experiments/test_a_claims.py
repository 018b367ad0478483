"""The claims of experiment A, on made-up runs: each holds where it should and fails where it should."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaewidgets.data import ImageDataset
from vaewidgets.experiments.a_claims import CLAIMS, FREE
from vaewidgets.experiments.base import Results, Runs

CLASSES, EACH, SIZE = 10, 60, 12


def images() -> tuple[Tensor, Tensor]:
    """Ten classes: a bright row of its own each, some noise on it."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(CLASSES).repeat(EACH)
    x = 0.05 * torch.rand(len(labels), 1, SIZE, SIZE, generator=generator)
    x[torch.arange(len(labels)), 0, labels] += 0.8
    return x, labels


def data() -> ImageDataset:
    x, labels = images()
    return ImageDataset(x, labels, test=(x, labels), name="rows")


class FakeRun:
    """What the claims read of a run: history, codes and a decoder, all as given."""

    def __init__(self, mu: Tensor, sigma: float = 0.3, blur: float = 0.0, **history: Any) -> None:
        self.name, self.data = "fake", data()
        self.model = SimpleNamespace(latent_dim=mu.shape[1])
        self.history = {name: np.asarray(values, float) for name, values in history.items()}
        self._mu, self._logvar, self._blur = mu, torch.full_like(mu, 2 * float(np.log(sigma))), blur

    def snapshot(self) -> FakeRun:
        return self

    def encoded(self, split: str) -> tuple[Tensor, Tensor]:
        return self._mu, self._logvar

    def decode(self, z: Tensor) -> Tensor:
        """The image whose code is nearest, mixed with the mean image by `blur`."""
        x, _ = images()
        nearest = torch.cdist(z, self._mu).argmin(1)
        return (1 - self._blur) * x[nearest] + self._blur * x.mean(0)


def disc(seed: int = 0, dims: int = 2, scale: float = 1.0) -> Tensor:
    """As many codes as images, drawn from the prior; those of a class side by side."""
    z = scale * torch.randn(CLASSES * EACH, dims, generator=torch.Generator().manual_seed(seed))
    order = torch.atan2(z[:, 1], z[:, 0]).argsort()
    mu = torch.empty_like(z)
    mu[images()[1].argsort(stable=True)] = z[order]
    return mu


def verdict(text: str, **runs: FakeRun) -> str:
    names = {"two": "z=2", "five": "z=5", "twenty": "z=20", "forty": "z=40", "free": FREE}
    results = Results(Runs({names[key]: run for key, run in runs.items()}), data(), as_published=True)  # type: ignore[misc]
    return next(claim for claim in CLAIMS if claim.text == text).row(results).verdict


def islands() -> Tensor:
    angle = 2 * torch.pi * images()[1] / CLASSES
    return 8 * torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * disc()


def curve(*values: float) -> np.ndarray:
    """Thirty epochs through values at epochs 1, 5, 15 and 30."""
    return np.interp(np.arange(1, 31), (1, 5, 15, 30), values)


def unused(dims: int, used: int) -> FakeRun:
    mu = disc(dims=dims)
    mu[:, used:] = 0
    run = FakeRun(mu)
    run._logvar[:, used:] = 0
    return run


CASES = {
    "the total falls": (
        {"two": FakeRun(disc(), train_loss=[200, 150])},
        {"two": FakeRun(disc(), train_loss=[150, 200])},
    ),
    "recon dominates throughout": (
        {"two": FakeRun(disc(), train_loss=[200, 150], train_recon=[190, 140])},
        {"two": FakeRun(disc(), train_loss=[200, 150], train_recon=[190, 70])},
    ),
    "three phases": (
        {"two": FakeRun(disc(), train_kl=curve(0.5, 1, 5, 6), train_recon=curve(230, 170, 150, 140))},
        {"two": FakeRun(disc(), train_kl=curve(0.5, 5, 5.5, 6), train_recon=curve(230, 170, 150, 140))},
    ),
    "twenty dimensions: lower test loss": (
        {"two": FakeRun(disc(), test_loss=[150]), "twenty": FakeRun(disc(), test_loss=[110])},
        {"two": FakeRun(disc(), test_loss=[110]), "twenty": FakeRun(disc(), test_loss=[150])},
    ),
    "KL as information sent": (
        {"two": FakeRun(disc(), test_kl=[6]), "twenty": FakeRun(disc(), test_kl=[17])},
        {"two": FakeRun(disc(), test_kl=[6]), "twenty": FakeRun(disc(), test_kl=[5])},
    ),
    "borders are soft": ({"two": FakeRun(disc())}, {"two": FakeRun(islands())}),
    "no gaps": ({"two": FakeRun(disc())}, {"two": FakeRun(islands())}),
    "the aggregate posterior overlaps the prior": (
        {"two": FakeRun(disc(scale=0.95))},
        {"two": FakeRun(islands())},
    ),
    "samples are nonsense where it does not": (
        {"twenty": FakeRun(disc()), "free": FakeRun(islands(), blur=1.0)},
        {"twenty": FakeRun(disc()), "free": FakeRun(islands())},
    ),
    "a straight path stays where the prior has density": (
        {"two": FakeRun(disc())},
        {"two": FakeRun(islands())},
    ),
    "2-D samples are recognisable": ({"two": FakeRun(disc())}, {"two": FakeRun(disc(), blur=1.0)}),
    "20-D samples are sharper": (
        {"two": FakeRun(disc(), blur=0.6), "twenty": FakeRun(disc())},
        {"two": FakeRun(disc()), "twenty": FakeRun(disc(), blur=0.6)},
    ),
    "20-D samples are more varied": (
        {"two": FakeRun(disc(), blur=0.6), "twenty": FakeRun(disc())},
        {"two": FakeRun(disc()), "twenty": FakeRun(disc(), blur=0.6)},
    ),
    "dimensions go unused as z grows": (
        {"two": unused(2, 2), "five": unused(5, 5), "twenty": unused(20, 12), "forty": unused(40, 15)},
        {"two": unused(2, 2), "five": unused(5, 5), "twenty": unused(20, 20), "forty": unused(40, 40)},
    ),
}


@pytest.mark.parametrize("text", CASES)
def test_a_claim_is_met_where_it_holds_and_missed_where_it_does_not(text: str) -> None:
    good, bad = CASES[text]
    assert (verdict(text, **good), verdict(text, **bad)) == ("met", "missed")


def test_like_digits_lie_close_or_do_not() -> None:
    _, labels = images()
    centers = torch.tensor(
        [[3.0, 0], [-3, 0], [0, 3], [0, 0], [2, 2], [0.5, 0], [-2, 2], [2, -2], [0, 0.5], [0, -3]]
    )
    close = centers[labels] + 0.05 * disc()
    swapped = centers[[3, 5, 2, 0, 4, 1, 6, 7, 8, 9]][labels] + 0.05 * disc()
    assert verdict("like digits lie close", two=FakeRun(close)) == "met"
    assert verdict("like digits lie close", two=FakeRun(swapped)) == "missed"


def test_corners_are_told_and_short_runs_have_no_phases() -> None:
    assert verdict("the plane's corners", two=FakeRun(disc())) == "told"
    short = FakeRun(disc(), train_kl=[1, 2], train_recon=[200, 190])
    assert verdict("three phases", two=short) == "told"


def test_every_claim_is_covered_and_says_when_a_run_is_missing() -> None:
    told = {"like digits lie close", "the plane's corners"}
    assert {claim.text for claim in CLAIMS} == {*CASES, *told}
    assert all(claim.row(Results(Runs(), data(), as_published=True)).verdict == "not run" for claim in CLAIMS)
