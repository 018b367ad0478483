import assert from "node:assert/strict";
import { test } from "node:test";
import { rampColor } from "../draw/ramp.js";
import { pressClass } from "../maths/classes.js";
import { fromPlane, nearest, nearestRow, toPlane } from "../maths/statistics.js";
import { rampBytes, readValues } from "../panels/latent/ramp.js";
import { nearestOf } from "../panels/thumbnails.js";
import { costText, deaths } from "../panels/units/index.js";

test("a unit died at the first record from which on it was no longer above the threshold", () => {
  const steps = [0, 10, 20, 30];
  // units: alive to the end, died at 20, flickered and died at 30, never alive
  const kl = [1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0];
  assert.deepEqual(deaths(steps, Float32Array.from(kl), 0.5), [null, 20, 30, null]);
  assert.deepEqual(deaths(steps, Float32Array.from(kl), 2), [null, null, null, null]);
  assert.deepEqual(deaths([], new Float32Array(0), 0.5), []);
});

/** @param {number[]} off @param {number | null} together @returns {any} */
const ablation = (off, together) => ({
  step: 1200,
  unit: "nats",
  recon: 80,
  n: 500,
  cost: { dtype: "f32", shape: [3], data: Float32Array.of(2.5, -0.125, Number.NaN) },
  off,
  together,
  measuring: null,
});

test("what units that are off cost", () => {
  assert.equal(costText([], ablation([], null)), "");
  assert.match(
    costText([0], ablation([], null)),
    /^z₁ off: recon \+2\.50 nats per image, of 80\.0 \(step 1,200, 500 images\)$/,
  );
  assert.match(costText([0, 1], ablation([0, 1], 3)), /^z₁ and z₂ off: recon \+3\.00 nats/);
  assert.match(costText([0, 1], ablation([1], -0.1)), /z₁ \+2\.50, z₂ −0\.125 .*do not add up$/);
  assert.match(costText([0], null), /not known yet/);
  assert.match(costText([2], ablation([], null)), /not known yet/);
  assert.match(
    costText([2], { ...ablation([], null), recon: null, unit: "as logged" }),
    /recon is known as logged/,
  );
  assert.match(
    costText([2], { ...ablation([], null), measuring: [12, 32] }),
    /^z₃ off: cost being measured \(12 of 32 units\)$/,
  );
  assert.match(costText([0], { ...ablation([], null), recon: null, measuring: [0, 3] }), /\(0 of 3 units\)/);
  assert.match(costText([0], { ...ablation([], null), measuring: [1, 3] }), /recon \+2\.50/);
});

test("a class alone, with others, and all again", () => {
  const all = [0, 1, 2];
  assert.deepEqual(pressClass(null, 1, false, all), [1]);
  assert.equal(pressClass([1], 1, false, all), null);
  assert.deepEqual(pressClass([0, 1], 1, false, all), [1]);
  assert.deepEqual(pressClass([1], 0, true, all), [0, 1]);
  assert.deepEqual(pressClass(null, 0, true, all), [1, 2]);
  assert.equal(pressClass([0, 1], 2, true, all), null);
  assert.equal(pressClass([1], 1, true, all), null);
});

test("the ramp gets brighter all the way in both themes, and what is no number has a color of its own", () => {
  for (const scheme of /** @type {("light"|"dark")[]} */ (["light", "dark"])) {
    let last = -1;
    for (let t = 0; t <= 1; t += 0.05) {
      const [r, g, b] = rampColor(t, scheme);
      const bright = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      assert.ok(bright > last);
      last = bright;
    }
  }
  for (const scheme of /** @type {("light"|"dark")[]} */ (["light", "dark"])) {
    const none = rampBytes(Float32Array.of(Number.NaN), [0, 1], scheme);
    for (let t = 0; t <= 1; t += 0.02) {
      const far = rampColor(t, scheme).reduce((sum, part, c) => sum + Math.abs(part - none[c]), 0);
      assert.ok(far > 60, "a missing value looks like one of the ramp");
    }
  }
});

test("few values are named one by one, many by the ends of the ramp; missing ones are counted", () => {
  const some = Float32Array.of(0.5, 0, 1, 0, Number.NaN);
  assert.deepEqual(readValues(some), { range: [0, 1], distinct: [0, 0.5, 1], missing: 1 });
  assert.deepEqual(readValues(Float32Array.of(2, 2)), { range: [2, 2], distinct: [2], missing: 0 });
  assert.equal(readValues(Float32Array.of(Number.NaN)), null);
  const many = readValues(Float32Array.from({ length: 1001 }, (_, i) => (i === 1000 ? 1e9 : i)));
  assert.deepEqual(many, { range: [10, 990], distinct: null, missing: 0 });
});

test("where not all originals travelled the nearest is said to be one of those", () => {
  assert.equal(nearestOf(130, 2000), "nearest of the 130 originals in this page");
  for (const [count, n] of [
    [500, 500],
    [0, 500],
    [12, 0],
  ])
    assert.equal(nearestOf(count, n), "nearest original");
});

test("a latent vector on the plane and back", () => {
  const projection = {
    mean: Float32Array.of(1, 2, 3),
    components: Float32Array.of(1, 0, 0, 0, 0.6, 0.8),
  };
  const u = toPlane(fromPlane([0.5, -2], projection, 3), projection);
  assert.ok(Math.hypot(u[0] - 0.5, u[1] + 2) < 1e-5);
  assert.deepEqual(toPlane([3, 4], null), [3, 4]);
  assert.deepEqual(toPlane([3], null), [3, 0]);
  assert.equal(nearestRow(Float32Array.of(0, 0, 5, 5, Number.NaN, 1), [4, 4]), 1);
});

test("a point that is not shown is not the nearest", () => {
  const points = Float32Array.of(0, 0, 1, 1);
  assert.equal(nearest(points, 0, 0, 2, Uint8Array.of(0, 1)), 1);
  assert.equal(nearest(points, 0, 0, 2, Uint8Array.of(0, 0)), -1);
});
