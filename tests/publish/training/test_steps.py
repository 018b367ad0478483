"""A page's training, under Node, against torch: the same weights, images, order and noise."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vaewidgets as vw
from tests.publish.training.models import CASES, CLASSES, OTHERS, SHAPE
from tests.publish.training.page import EVALUATION, NOISE, drawn_by_name, in_browser, in_page, permutation
from vaewidgets.adapters import named_tensors
from vaewidgets.engine.optimizers import make_optimizer
from vaewidgets.objectives import TERMS, traits
from vaewidgets.publish.training import trainable

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

IMAGES, TESTS, BATCH = 44, 10, 16
EPOCHS = 100  # more than the steps need

FUNCTIONS = """
export function train(trainer, { steps }) {
  while (trainer.state().step < steps && !trainer.state().fault) trainer.advance(0, 1);
  const { position, stepsPerEpoch } = trainer.state();
  if (position === stepsPerEpoch) trainer.advance(0); // the evaluation of the epoch
  const { columns, epochs } = trainer.history.save();
  return { columns, epochs, weights: trainer.weights(), fault: trainer.state().fault };
}
"""


def steps_of(name: str) -> int:
    return 50 if name in OTHERS else 200


def data(likelihood: str) -> vw.ImageDataset:
    """Grey images; for counts black and white ones, for classes rows with one white pixel."""
    generator = torch.Generator().manual_seed(3)
    grey = torch.rand((IMAGES + TESTS, *SHAPE), generator=generator) ** 2
    if likelihood in ("poisson", "negative_binomial"):
        grey = grey.round()
    if likelihood == "categorical":
        grey = (grey == grey.amax(3, keepdim=True)).float()
    pixels = (grey * 255).to(torch.uint8)
    labels = torch.arange(len(pixels)) % CLASSES
    return vw.ImageDataset(
        pixels[:IMAGES], labels[:IMAGES], test=(pixels[IMAGES:], labels[IMAGES:]), name="noise"
    )


def made(name: str) -> vw.TrainingRun:
    build, options = CASES[name]
    torch.manual_seed(len(name))
    given = {"epochs": EPOCHS, "batch_size": BATCH, "seed": 5, **options}
    model = build()
    images = data(getattr(model, "likelihood", ""))
    return vw.train(model, images, start=False, autosave=False, device="cpu", **given)


class InTorch:
    """The loop of the page, written with torch alone."""

    def __init__(self, run: vw.TrainingRun, schedule: Any) -> None:
        self.run, self.schedule = run, schedule
        self.model = run.model
        self.columns: dict[str, list[float]] = {}
        self.epochs: list[dict[str, float]] = []
        self.params = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = make_optimizer(run.options["optimizer"], self.params, run.options["lr"])

    def terms(self, split: Any, index: torch.Tensor, step: int) -> dict[str, torch.Tensor]:
        labels = split.labels[index] if traits(self.model).takes_labels else None
        loss, recon, kl, extras = self.run.objective(
            self.model, self.run.likelihood, split.images(index), self.schedule(step),
            labels=labels, step=step, n_data=IMAGES,
        )  # fmt: skip
        return {"loss": loss, "recon": recon, "kl": kl, **extras}

    def train(self, steps: int) -> None:
        n, seed = (IMAGES, self.run.options["seed"])
        per_epoch = n // BATCH if self.run.options["drop_last"] else -(-n // BATCH)
        for step in range(steps):
            epoch, position = divmod(step, per_epoch)
            index = permutation(n, seed, epoch)[position * BATCH : (position + 1) * BATCH]
            if position == 0:
                self.model.train()
            for p in self.params:
                p.grad = None
            with drawn_by_name(seed, NOISE, step):
                terms = self.terms(self.run.data.train, index, step)
            terms["loss"].backward()
            self.optimizer.step()
            for name, value in terms.items():
                self.columns.setdefault(name, []).append(float(value.detach()))
            if position == per_epoch - 1:
                self.test(step)

    @torch.no_grad()
    def test(self, step: int) -> None:
        self.model.eval()
        with drawn_by_name(self.run.options["seed"], EVALUATION, 0):
            terms = self.terms(self.run.data.test, torch.arange(TESTS), step)
        self.epochs.append({f"test_{name}": float(value) for name, value in terms.items()})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("steps")


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, Any]:
    cases = {}
    for name in CASES:
        run = made(name)
        cases[name] = ("train", trainable(run, weights=True), {"steps": steps_of(name)})
    return in_page(folder, FUNCTIONS, cases)


@pytest.mark.parametrize("name", CASES)
def test_steps_equal_torch(results, name):
    got = results[name]
    assert "error" not in got, got["error"]
    run = made(name)
    weights = named_tensors(run.model)
    for tensor in weights.values():  # as they travel
        if tensor.is_floating_point():
            tensor.data = tensor.data.half().float()
    loop = InTorch(run, CASES[name][1].get("beta", 1.0))
    loop.schedule = vw.objectives.as_schedule(loop.schedule)
    loop.train(steps_of(name))
    assert got["fault"] is None
    for term, wanted in loop.columns.items():
        _close(got["columns"][term], wanted, f"{name}: {term}")
    np.testing.assert_allclose(
        got["columns"]["beta"], [loop.schedule(i) for i in range(steps_of(name))], rtol=1e-12
    )
    for term in (f"test_{name}" for name in TERMS):
        rows = [row[term] for _, row in got["epochs"][: len(loop.epochs)]]
        _close(rows, [row[term] for row in loop.epochs], f"{name}: {term}")
    at = 0
    for tensor_name, tensor in weights.items():
        values = np.array(got["weights"][at : at + tensor.numel()])
        _close(values, tensor.detach().double().flatten().numpy(), f"{name}: {tensor_name}")
        at += tensor.numel()
    assert at == len(got["weights"])


def _close(got: Any, wanted: Any, what: str) -> None:
    """Equal within 1e-4 of the largest."""
    largest = float(np.abs(wanted).max()) if len(wanted) else 0.0
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4 * max(largest, 1e-3), err_msg=what)


@pytest.mark.browser
def test_a_browser_computes_what_node_does(results, folder, browser):
    """A browser may multiply and add in one rounding, which Node does not."""
    found = in_browser(browser, folder)
    assert found.keys() == results.keys()
    for name, got in found.items():
        assert "error" not in got, got["error"]
        _close(got["weights"], results[name]["weights"], f"{name}: weights")
        for term in TERMS:
            _close(got["columns"][term], results[name]["columns"][term], f"{name}: {term}")
