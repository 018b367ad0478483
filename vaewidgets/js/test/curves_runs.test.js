import assert from "node:assert/strict";
import { test } from "node:test";
import { panelsOf, quantityShown, readout } from "../panels/curves/chart.js";
import { verticalRange } from "../panels/curves/panel.js";
import { lineName, smooth, strokeOf } from "../panels/curves/runs.js";

/** @typedef {import("../panels/curves/chart.js").Curve} Curve */

/** @param {string} name @param {Partial<Curve>} [more] @returns {Curve} */
const curve = (name, more = {}) => ({
  name,
  split: "train",
  step: [1, 2, 3],
  mean: Float32Array.of(3, 2, 1),
  low: null,
  high: null,
  ...more,
});
/** @param {number} runs @returns {Curve[]} */
const several = (runs) =>
  Array.from({ length: runs }, (_, run) =>
    ["loss", "recon", "kl"].map((name) => curve(name, { run, runs, label: `β = ${run}` })),
  ).flat();

test("smoothing is the closed form of an exponential mean, unbiased from the start", () => {
  const values = [4, 8, 1, 5];
  const step = [10, 20, 30, 40];
  const keep = Math.exp(-10 / 25);
  const smoothed = smooth(step, values, 25);
  for (let n = 0; n < values.length; n++) {
    let sum = 0;
    let weight = 0;
    for (let i = 0; i <= n; i++) {
      sum += keep ** (n - i) * values[i];
      weight += keep ** (n - i);
    }
    assert.ok(Math.abs(smoothed[n] - sum / weight) < 1e-6, `${n}: ${smoothed[n]} for ${sum / weight}`);
  }
  assert.deepEqual([...smooth(step, values, 0)], values);
});

test("a thinned curve is smoothed as the whole one; what is not finite is passed over", () => {
  const whole = Array.from({ length: 400 }, (_, i) => 100 - i / 8);
  const thinned = whole.filter((_, i) => i % 4 === 3);
  const at = (/** @type {Float32Array} */ out) => out[out.length - 1];
  const a = at(smooth([...whole.keys()], whole, 50));
  const b = at(
    smooth(
      thinned.map((_, i) => 4 * i + 3),
      thinned,
      50,
    ),
  );
  assert.ok(Math.abs(a - b) < 0.3, `${a} and ${b}`);
  const holed = smooth([1, 2, 3], [5, Number.NaN, 5], 10);
  assert.ok(
    [...holed].every((value) => Math.abs(value - 5) < 1e-5),
    String(holed),
  );
});

test("more than four runs show one quantity, the one that is chosen", () => {
  assert.equal(quantityShown(several(4), null), null);
  assert.equal(quantityShown(several(5), null), "loss");
  assert.equal(quantityShown(several(5), "kl"), "kl");
  assert.equal(quantityShown(several(2), "nonsense"), null);
  assert.deepEqual(panelsOf(several(2), null), [false, true, true, true, false]);
  assert.deepEqual(panelsOf(several(2), "kl"), [false, false, false, true, false]);
  assert.deepEqual(panelsOf([curve("loss"), curve("kl")], null), [true, false, false, true, false]);
});

test("runs differ in their stroke, and the one at the front stands out", () => {
  const strokes = several(3).map(strokeOf);
  assert.equal(new Set([0, 3, 6].map((i) => JSON.stringify(strokes[i].dash))).size, 3);
  assert.ok(strokes[0].alpha > strokes[3].alpha && strokes[3].alpha > strokes[6].alpha);
  const front = several(3).map((one) => strokeOf({ ...one, front: 2 }));
  assert.ok(front[6].alpha > front[0].alpha && front[6].width > front[0].width);
  assert.ok(strokeOf(curve("loss", { ghost: true })).alpha < 0.5);
});

test("several runs are read at the cursor, each by its label", () => {
  const curves = several(2).filter(({ name }) => name === "loss");
  const text = readout({ curves, stepsPerEpoch: null, unit: "nats" }, 2);
  assert.equal(text, "step 2: loss β = 0: 2.00, β = 1: 2.00");
  assert.equal(lineName(curve("loss", { label: "x".repeat(300) })).length, 23);
});

test("a ghost does not stretch the range of the run that is there", () => {
  const ghost = curve("loss", { ghost: true, mean: Float32Array.of(900, 900, 900) });
  assert.ok(verticalRange([ghost, curve("loss")], false)[1] < 10);
});
