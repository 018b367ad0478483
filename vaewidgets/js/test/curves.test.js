import assert from "node:assert/strict";
import { test } from "node:test";
import { readout, valuesAt } from "../panels/curves/chart.js";
import {
  endOf,
  nearestStep,
  noLogarithm,
  roomFor,
  scalesOf,
  stepsOf,
  verticalRange,
} from "../panels/curves/panel.js";

/** @typedef {import("../panels/curves/chart.js").Curve} Curve */

/** @param {number[]} step @param {number[]} mean @param {"train"|"test"} [split] @returns {Curve} */
const curve = (step, mean, split = "train") => ({
  name: "loss",
  split,
  step,
  mean: Float32Array.from(mean),
  low: null,
  high: null,
});
const BOX = { left: 40, right: 240, top: 10, bottom: 110 };

test("steps and values to pixels and back; the x axis starts at 0", () => {
  const scale = scalesOf([curve([5, 10], [1, 3])], false, BOX);
  assert.equal(scale.x(0), 40);
  assert.equal(scale.x(10), 240);
  assert.equal(scale.x.invert(140), 5);
  assert.deepEqual(scale.y.domain, [0.8, 3.2]);
  assert.ok(Math.abs(scale.y(2) - 60) < 1e-9);
});

test("of a run that was resumed late, the x axis starts where it does", () => {
  const scale = scalesOf([curve([50_000, 50_100], [1, 3]), curve([50_060], [2], "test")], false, BOX);
  assert.deepEqual([scale.x.domain[0], scale.x(50_000), scale.x(50_100)], [50_000, 40, 240]);
  assert.equal(scale.x.invert(140), 50_050);
  assert.equal(scalesOf([curve([50_000], [1])], false, BOX).x(50_000), 240);
});

test("a logarithmic scale leaves out what has no logarithm", () => {
  const scale = scalesOf([curve([1, 2, 3], [-1, 1, 100])], true, BOX);
  assert.ok(Math.abs(scale.y(10) - 60) < 1e-9);
  assert.deepEqual(
    [-1, 0, Number.NaN, 5].map((value) => Number.isFinite(scale.y(value))),
    [false, false, false, true],
  );
  assert.deepEqual(verticalRange([curve([1], [-2])], true), [1, 10]);
});

test("an axis stays linear, and says why, where values have no logarithm", () => {
  assert.equal(noLogarithm([curve([1, 2], [3, 700]), curve([1], [0])]), "");
  assert.equal(
    noLogarithm([curve([1], [5]), curve([1, 2], [-690, -700])]),
    "linear: values below 0 have no logarithm",
  );
  const dipping = { ...curve([1, 2], [3, 2]), low: Float32Array.from([1, -1]) };
  assert.equal(noLogarithm([dipping]), "linear: values below 0 have no logarithm");
  assert.equal(noLogarithm([curve([1, 2], [0, Number.NaN])]), "linear: no value is above 0");
  assert.equal(noLogarithm([]), "");
});

test("the first steps may leave the range, a constant has one", () => {
  const mean = Array.from({ length: 100 }, (_, i) => (i < 3 ? 1000 : 50 + (i % 2)));
  const [lo, hi] = verticalRange([curve([...mean.keys()], mean)], false);
  assert.ok(lo > 49 && hi < 52, `${lo} to ${hi}`);
  const flat = verticalRange([curve([1, 2], [7, 7])], false);
  assert.ok(flat[0] < 7 && flat[1] > 7);
  assert.deepEqual(verticalRange([], false), [0, 1]);
});

test("what stands at a line's end has its room, and a value of usual length takes no other", () => {
  for (const value of [-1308.2, -690.7, 0.5, 12_345.6, -123_456]) {
    const end = endOf(curve([1, 2], [0, value]));
    assert.ok(roomFor(curve([1, 2], [0, value])).length >= end.length, end);
  }
  assert.equal(roomFor(curve([1], [2.25])), roomFor(curve([1], [-104.2])));
});

test("the cursor goes from step to step of all curves, to the nearest one", () => {
  const steps = stepsOf([curve([1, 4, 9], [0, 0, 0]), curve([4, 6], [0, 0], "test")]);
  assert.deepEqual(steps, [1, 4, 6, 9]);
  assert.deepEqual(
    [-5, 2, 3, 5.1, 100].map((at) => nearestStep(steps, at)),
    [0, 0, 1, 2, 3],
  );
  assert.equal(nearestStep([], 3), -1);
});

test("read-out: values in force at a step, train then test", () => {
  const curves = [curve([1, 4, 9], [30, 20, 10]), curve([4], [21], "test")];
  assert.deepEqual(
    valuesAt(curves, 3).map(({ split, value }) => [split, value]),
    [["train", 30]],
  );
  const state = { curves, stepsPerEpoch: 4, unit: "nats" };
  assert.equal(readout(state, 5), "epoch 1.25 (step 5): loss 20.0; test loss 21.0");
  assert.equal(readout({ ...state, stepsPerEpoch: null }, 1), "step 1: loss 30.0");
});
