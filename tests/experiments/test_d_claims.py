"""The claims of experiment D, on made-up runs: each holds where it should and fails where it should."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaewidgets.data import ImageDataset, load_dataset
from vaewidgets.experiments.base import Results, Runs
from vaewidgets.experiments.d_claims import AGAIN, CLAIMS, face

FACES = load_dataset("faces", n_train=400, n_test=60)
LATENT = 20


class FakeRun:
    """A decoder that shrinks faces towards their average by `keep`; codes of size `code`."""

    def __init__(self, *, keep: float = 1.0, code: float = 1.0, tongues: bool = True, **history: Any) -> None:
        self.name, self.data = "fake", FACES
        self.model = SimpleNamespace(latent_dim=LATENT)
        self.history = {name: np.asarray(values, float) for name, values in history.items()}
        self._keep, self._code, self._tongues = keep, code, tongues

    def snapshot(self) -> FakeRun:
        return self

    def evaluate(self, split: str) -> dict[str, float]:
        return {"kl": 5 * self._code}

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu = self._code * torch.randn(len(x), LATENT, generator=torch.Generator().manual_seed(1))
        return mu, torch.full_like(mu, -2 * self._code)

    def encoded(self, split: str) -> tuple[Tensor, Tensor]:
        return self.encode(self.data.split(split).images(slice(None)))

    def decode(self, z: Tensor) -> Tensor:
        x = self.data.train.images(slice(None))
        out = self.data.train.factors[:, -1] == 1
        pool = x[out] if self._tongues else x[~out]
        return self._keep * pool[torch.arange(len(z)) % len(pool)] + (1 - self._keep) * x.mean(0)


def verdict(text: str, runs: dict[str, FakeRun], data: ImageDataset = FACES) -> str:
    results = Results(Runs(runs), data, as_published=True)  # type: ignore[arg-type]
    return next(claim for claim in CLAIMS if claim.text == text).row(results).verdict


def collapsed() -> FakeRun:
    return FakeRun(keep=0.0, code=0.001)


def sizes(quantity: str, *values: float) -> dict[str, FakeRun]:
    named = zip((2, 10, 20, 40), values, strict=True)
    return {f"digits, z={size}": FakeRun(**{quantity: [value]}) for size, value in named}


def seeds(*totals: float) -> dict[str, FakeRun]:
    names = ("digits, z=10", *AGAIN)
    return {name: FakeRun(test_loss=[total]) for name, total in zip(names, totals, strict=True)}


def blur(at_ten: float, at_twenty: float) -> dict[str, FakeRun]:
    keep = {2: 1.0, 10: at_ten, 20: at_twenty}
    return {f"digits, z={size}": FakeRun(keep=value) for size, value in keep.items()}


PLAIN, GOOD, SMALL = face(1.0, "identity"), face(0.05, "sigmoid"), face(0.05, "identity")
CASES: dict[str, tuple[dict[str, FakeRun], dict[str, FakeRun]]] = {
    "without a sigmoid the faces collapse": ({PLAIN: collapsed()}, {PLAIN: FakeRun()}),
    "... to the average face": ({PLAIN: collapsed()}, {PLAIN: FakeRun()}),
    "with a sigmoid they recover": (
        {face(1.0, "sigmoid"): FakeRun()},
        {face(1.0, "sigmoid"): collapsed()},
    ),
    "with a smaller variance they recover, without a sigmoid": ({SMALL: FakeRun()}, {SMALL: collapsed()}),
    "a learned pixel variance blurs": (
        {GOOD: FakeRun(), face("pixel", "sigmoid"): FakeRun(keep=0.2)},
        {GOOD: FakeRun(keep=0.2), face("pixel", "sigmoid"): FakeRun()},
    ),
    "prior samples of faces vary little": ({GOOD: FakeRun(keep=0.3)}, {GOOD: FakeRun(tongues=False)}),
    "the tongue never appears in a sample": ({GOOD: FakeRun(tongues=False)}, {GOOD: FakeRun()}),
    "recon falls with latent_dim": (
        sizes("test_recon", 170, 120, 110, 105),
        sizes("test_recon", 170, 120, 110, 115),
    ),
    "kl rises with latent_dim": (sizes("test_kl", 6, 15, 20, 22), sizes("test_kl", 6, 15, 20, 19)),
    "samples at z = 20 are blurrier": (blur(1.0, 0.3), blur(0.3, 1.0)),
    "digits are stable over seeds": (seeds(138, 138.5, 137.6), seeds(138, 150, 137)),
}


@pytest.mark.parametrize("text", CASES)
def test_a_claim_is_met_where_it_holds_and_missed_where_it_does_not(text: str) -> None:
    good, bad = CASES[text]
    assert (verdict(text, good), verdict(text, bad)) == ("met", "missed")


def test_a_tongue_that_nobody_recorded_is_told() -> None:
    unknown = ImageDataset(FACES.train.images(slice(None)), test=FACES.test.images(slice(None)))  # type: ignore[union-attr]
    assert verdict("the tongue never appears in a sample", {GOOD: FakeRun()}, unknown) == "told"


def test_speed_is_told_in_epochs_and_steps() -> None:
    losses = {"train_loss": [100, 20, 10, 10], "loss": np.zeros(40)}
    runs = {"digits, z=10": FakeRun(**losses), GOOD: FakeRun(**{**losses, "train_loss": [100, 90, 80, 10]})}
    claim = next(claim for claim in CLAIMS if claim.text == "digits converge faster than faces")
    row = claim.row(Results(Runs(runs), FACES, as_published=True))  # type: ignore[arg-type]
    assert row.verdict == "told"
    assert (
        row.obtained == "90% of the fall: digits after 3 epochs (30 steps), faces after 4 epochs (40 steps)"
    )


def test_every_claim_is_covered_and_says_when_a_run_is_missing() -> None:
    assert {claim.text for claim in CLAIMS} == {*CASES, "digits converge faster than faces"}
    empty = Results(Runs(), FACES, as_published=True)
    missing = [claim.row(empty).verdict for claim in CLAIMS]
    assert set(missing) == {"not run"}
