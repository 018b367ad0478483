"""What makes the steps of a page's run, under Node: a stand-in for a GPU beside WebAssembly."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest

from tests.publish.training.models import mlp
from tests.publish.training.page import in_page
from tests.publish.training.test_trainer import run_of
from vaewidgets.publish.training import trainable

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

STEPS = 40

FUNCTIONS = """
const rest = () => new Promise((done) => setTimeout(done));

/** Another trainer in the place of a GPU; `change` may spoil what a burst gives. */
const standIn = (other, change, isFaster = () => true) => ({
  isFaster,
  patience: 1e6,
  async open(run) {
    const mirror = other();
    let bursts = 0;
    return {
      load: async () => mirror.restore(structuredClone(run.save(0))),
      async burst(batches) {
        const before = mirror.history.length;
        const until = mirror.state().step + batches.length;
        while (mirror.state().step < until && !mirror.state().fault) mirror.advance(0, 1);
        const { columns, names } = mirror.history;
        const own = names.filter((name) => name !== "beta" && name !== "lr");
        const row = (i) => own.map((name) => columns[name][before + i]);
        const terms = mirror.state().fault ? null : batches.map((_, i) => row(i));
        const { weights, optimiser } = structuredClone(mirror.save());
        const land = () => {
          run.model.setWeights(weights);
          run.optimiser.load(optimiser, run.optimiser.count);
        };
        await rest();
        return change({ terms, land }, bursts++);
      },
      lost: new Promise(() => {}),
      destroy() {},
    };
  },
});
const same = (burst) => burst;

async function go(trainer, steps) {
  while (trainer.state().step < steps && !trainer.state().fault && !trainer.state().isFinished) {
    trainer.advance(0, steps - trainer.state().step);
    await (trainer.pending ?? rest());
  }
}
const found = (trainer) => {
  const { fault, step, engine } = trainer.state();
  return { fault, step, engine, weights: trainer.weights(), columns: trainer.history.save().columns };
};

/** The run on the stand-in and in WebAssembly alone; `turn` is done to both after twenty steps. */
async function both(plain, other, gpu, steps, turn = () => {}) {
  const on = other({ gpu });
  while (on.state().engine.phase === "opening") await rest();
  for (const trainer of [on, plain]) {
    await go(trainer, 20);
    turn(trainer);
    await go(trainer, steps);
  }
  return [found(on), found(plain)];
}

export const chosen = (plain, steps, other) => both(plain, other, standIn(other, same), steps);
export const slower = (plain, steps, other) => both(plain, other, standIn(other, same, () => false), steps);
export function different(plain, steps, other) {
  const wrong = ({ terms, land }) => ({ terms: terms.map(([loss, ...row]) => [2 * loss, ...row]), land });
  return both(plain, other, standIn(other, wrong), steps);
}
export const away = (plain, steps, other) =>
  both(plain, other, standIn(other, same), steps, (trainer) => trainer.setLr(1e9));
export function lost(plain, steps, other) {
  const broken = (burst, i) => {
    if (i < 5) return burst;
    throw new Error("the device is gone");
  };
  return both(plain, other, standIn(other, broken), steps);
}
export async function turned(plain, steps, other) {
  const on = other({ gpu: standIn(other, same) });
  while (on.state().engine.phase !== "gpu" && !on.state().isFinished) {
    on.advance(0, 3);
    await (on.pending ?? rest());
  }
  await go(plain, on.state().step);
  on.advance(0, 3); // a burst is under way, and is of no use any more
  for (const trainer of [on, plain]) trainer.setBeta(7);
  await go(on, steps);
  await go(plain, steps);
  return [found(on), found(plain)];
}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    payload = trainable(run_of(mlp(), epochs=20), weights=True)
    names = ("chosen", "slower", "different", "away", "lost", "turned")
    return in_page(tmp_path_factory.mktemp("engine"), FUNCTIONS, {n: (n, payload, STEPS) for n in names})


@pytest.mark.parametrize(
    ("name", "engine", "reason"),
    [
        ("chosen", "WebGPU", ""),
        ("slower", "WebAssembly", "WebGPU takes"),
        ("different", "WebAssembly", "other numbers"),
        ("lost", "WebAssembly", "the device is gone"),
        ("turned", "WebGPU", ""),
    ],
)
def test_whatever_happens_the_run_is_the_same(results, name, engine, reason):
    on, plain = results[name]
    assert on["engine"]["name"] == engine
    assert reason in on["engine"]["reason"]
    assert on["step"] == plain["step"] == STEPS
    np.testing.assert_array_equal(on["weights"], plain["weights"])
    assert on["columns"] == plain["columns"]


def test_a_loss_that_runs_away_leaves_the_last_good_weights(results):
    on, plain = results["away"]
    assert on["fault"] == plain["fault"]
    assert on["fault"]["step"] > 20
    np.testing.assert_array_equal(on["weights"], plain["weights"])
    assert on["columns"] == plain["columns"]
