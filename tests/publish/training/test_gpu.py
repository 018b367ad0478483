"""A page's training on a GPU, here the software adapter of a browser: the same numbers as WebAssembly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

import vaewidgets as vw
from tests.browser.conftest import find_browser
from tests.publish.training.page import in_browser, written
from tests.publish.training.test_steps import BATCH, data, made
from vaewidgets.publish.training import trainable

pytestmark = pytest.mark.browser

STEPS = 20
MODELS = ("elbo", "conditional", "convolutional", "resampled")
UNKNOWN = "codebook by gradients"
SOFTWARE = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]

FUNCTIONS = """
import { openDevice } from "/js/graphs/gpu/machine.js";
import { openGpuRun } from "/js/training/gpu_run.js";

const open = (run, memory) => openGpuRun(navigator.gpu, run, memory);
const always = { open, isFaster: () => true, turns: 0, patience: 60000 }; // from the second step on
const rest = () => new Promise((done) => setTimeout(done));

async function go(trainer, steps) {
  while (trainer.state().step < steps && !trainer.state().fault) {
    trainer.advance(0, steps - trainer.state().step);
    await (trainer.pending ?? rest());
  }
}
async function opened(trainer) {
  while (trainer.state().engine.phase === "opening") await rest();
  return trainer;
}
const found = (trainer) => {
  const { step, engine } = trainer.state();
  return { step, engine, weights: trainer.weights(), columns: trainer.history.save().columns };
};

export const adapter = async () => ({ found: Boolean(await navigator.gpu?.requestAdapter()) });
export async function steps(wasm, steps, other) {
  const gpu = await opened(other({ gpu: always }));
  await go(gpu, steps);
  await go(wasm, steps);
  return [found(gpu), found(wasm)];
}
export async function measured(wasm, steps, other) {
  const gpu = await opened(other({ gpu: { open } }));
  await go(gpu, steps);
  await go(wasm, steps);
  return [found(gpu), found(wasm)];
}
export async function lost(wasm, steps, other) {
  const gpu = await opened(other({ gpu: always }));
  while (gpu.state().engine.phase !== "gpu") await go(gpu, gpu.state().step + 3);
  gpu.advance(0, 2);
  (await openDevice(navigator.gpu)).destroy();
  await go(gpu, steps);
  await go(wasm, steps);
  return [found(gpu), found(wasm)];
}
"""


class Resampled(nn.Module):
    """Means and maxima of windows that overlap, borders of both kinds, and images made larger."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(1, 2, 3), nn.MaxPool2d(3, 1, padding=1, dilation=2),
            nn.AdaptiveMaxPool2d(5), nn.AvgPool2d(3, 2, padding=1), nn.Flatten(),
        )  # fmt: skip
        self.to_mu, self.to_logvar = nn.Linear(18, 3), nn.Linear(18, 3)
        self.decoder = nn.Sequential(
            nn.Linear(3, 8), nn.Unflatten(1, (2, 2, 2)),
            nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.ReplicationPad2d(1), nn.Conv2d(2, 1, 3), nn.Sigmoid(),
        )  # fmt: skip

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder(x)
        return self.to_mu(h), self.to_logvar(h)

    def decode(self, z: Tensor) -> Tensor:
        image: Tensor = self.decoder(z)
        return image


def run_of(name: str) -> vw.Run:
    if name != "resampled":
        return made(name)
    return vw.train(Resampled(), data(""), batch_size=BATCH, seed=5, start=False, autosave=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = find_browser()
    if path is None:
        pytest.skip("no browser on this machine")
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("gpu")
    given = {name: trainable(run_of(name), weights=True) for name in (*MODELS, UNKNOWN)}
    cases = {name: ("steps", payload, STEPS) for name, payload in given.items()}
    first = given["elbo"]
    more = {name: (name, first, STEPS) for name in ("adapter", "measured", "lost")}
    written(folder, FUNCTIONS, {**cases, **more})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SOFTWARE)
        found = in_browser(browser, folder)
        browser.close()
    if not found["adapter"]["found"]:
        pytest.skip("this browser has no software adapter for WebGPU")
    return found


def both(results: dict[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """On the GPU and in WebAssembly alone, which are to be equal within 1e-3."""
    assert "error" not in results[name], results[name]["error"]
    gpu, wasm = results[name]
    assert gpu["step"] == wasm["step"] == STEPS
    for term, wanted in wasm["columns"].items():
        largest = max(np.abs(wanted).max(), 1e-3)
        np.testing.assert_allclose(gpu["columns"][term], wanted, rtol=0, atol=1e-3 * largest, err_msg=term)
    largest = np.abs(wasm["weights"]).max()
    np.testing.assert_allclose(gpu["weights"], wasm["weights"], rtol=0, atol=1e-3 * largest)
    return gpu, wasm


@pytest.mark.parametrize("name", MODELS)
def test_steps_equal_those_of_webassembly(results, name):
    gpu, wasm = both(results, name)
    assert gpu["engine"] == {"name": "WebGPU", "phase": "gpu", "reason": ""}
    assert wasm["engine"]["name"] == "WebAssembly"


def test_a_model_that_it_does_not_know_is_left_to_webassembly(results):
    gpu, wasm = both(results, UNKNOWN)
    assert gpu["engine"]["name"] == "WebAssembly"
    assert '"index"' in gpu["engine"]["reason"]
    np.testing.assert_array_equal(gpu["weights"], wasm["weights"])


def test_a_software_adapter_is_measured_to_be_slower(results):
    gpu, wasm = both(results, "measured")
    assert gpu["engine"]["name"] == "WebAssembly"
    assert gpu["engine"]["reason"].startswith(("WebGPU takes", "WebGPU took more than"))
    np.testing.assert_array_equal(gpu["weights"], wasm["weights"])


def test_a_device_that_is_lost_loses_nothing(results):
    gpu, _ = both(results, "lost")
    assert gpu["engine"]["name"] == "WebAssembly"
    assert "the GPU was lost" in gpu["engine"]["reason"]
