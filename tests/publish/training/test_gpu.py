"""A page's training on a GPU, here the software adapter of a browser: the same numbers as WebAssembly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.conftest import find_browser
from tests.publish.training.models import CASES
from tests.publish.training.page import in_browser, written
from tests.publish.training.test_steps import made
from vaewidgets.publish.training import trainable

pytestmark = pytest.mark.browser

FUNCTIONS = """
import { openGpuRun } from "/js/training/gpu_run.js";

const open = (run, memory) => openGpuRun(navigator.gpu, run, memory);
const rest = () => new Promise((done) => setTimeout(done));

/** Until a number of steps is made, or a condition holds. */
async function go(trainer, steps, isDone = () => false) {
  while (trainer.state().step < steps && !trainer.state().fault && !isDone()) {
    trainer.advance(0, steps - trainer.state().step);
    await (trainer.pending ?? rest());
  }
}

/** Ready, and nothing trained yet. */
async function opened(trainer) {
  while (trainer.state().engine.phase === "opening") await rest();
  return trainer;
}

export async function both(wasm, { steps }, other) {
  const gpu = await opened(other({ gpu: { open, isFaster: () => true } }));
  await go(gpu, steps);
  await go(wasm, steps);
  const found = [gpu, wasm].map((one) => ({ columns: one.history.save().columns, weights: one.weights() }));
  return { engine: gpu.state().engine, gpu: found[0], wasm: found[1] };
}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    path = find_browser()
    if path is None:
        pytest.skip("no browser on this machine")
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("gpu")
    cases = {name: ("both", trainable(made(name), weights=True), {"steps": 40}) for name in CASES}
    written(folder, FUNCTIONS, cases)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
        )
        yield in_browser(browser, folder)
        browser.close()


@pytest.mark.parametrize("name", CASES)
def test_steps_equal_webassembly(results, name):
    got = results[name]
    assert "error" not in got, got["error"]
    print(got["engine"])
    for term, wanted in got["wasm"]["columns"].items():
        np.testing.assert_allclose(got["gpu"]["columns"][term], wanted, rtol=1e-3, atol=1e-3, err_msg=term)
    a, b = np.array(got["gpu"]["weights"]), np.array(got["wasm"]["weights"])
    print(np.abs(a - b).max() / np.abs(b).max())
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-3 * np.abs(b).max())
