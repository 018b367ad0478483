import assert from "node:assert/strict";
import { test } from "node:test";
import { createTimeReader, decoderAt, frameAt, momentText } from "../panels/time.js";

/** @param {number[]} values @param {number[]} shape @returns {import("../contract/types.js").Packed} */
const packed = (values, shape) => ({ dtype: "f32", shape, data: Float32Array.from(values) });

test("the frame at a time is the newest at or before it", () => {
  const steps = [0, 10, 40];
  assert.deepEqual(
    [-5, 0, 9, 10, 39, 40, 1e9].map((time) => frameAt(steps, time)),
    [0, 0, 0, 1, 1, 2, 2],
  );
});

test("a moment in words", () => {
  assert.equal(momentText({ step: 0, epoch: 0 }), "before training");
  assert.equal(momentText({ step: 1400, epoch: 3 }), "epoch 3, step 1,400");
});

/** @param {Record<string, any>} keys @returns {any} */
const stateOf = (keys) => ({ decoder: { step: 50 }, get: (/** @type {string} */ key) => keys[key] ?? null });

test("the decoder at a time is the newest set at or before it, of now without a time", () => {
  const state = stateOf({
    time_weights_3: { step: 0 },
    time_weights_0: { step: 40 },
    time_weights_5: { step: 9 },
  });
  assert.deepEqual(
    [null, 0, 8, 9, 39, 40, 49].map((time) => decoderAt(state, time)?.step),
    [50, 0, 0, 9, 9, 40, 40],
  );
  assert.equal(decoderAt(stateOf({}), 3)?.step, 50, "without sets the newest must do");
  const two = stateOf({ "decoder:b": { step: 7 }, "time_weights_1:b": { step: 2 } });
  assert.deepEqual([decoderAt(two, null, "b")?.step, decoderAt(two, 5, "b")?.step], [7, 2]);
});

test("points and units of a frame; points that were not kept are not numbers", () => {
  const reader = createTimeReader();
  assert.equal(reader.at(3), null);
  reader.read({
    steps: [0, 5],
    epochs: [0, 1],
    kl: packed([1, 2, 3, 4], [2, 2]),
    var_mu: packed([5, 6, 7, 8], [2, 2]),
    weights: [],
    points: packed([0, 1, 2, 3, 4, 5, 6, 7], [2, 2, 2]),
  });
  assert.equal(reader.at(null), null);
  assert.deepEqual(reader.at(4), { index: 0, step: 0, epoch: 0 });
  assert.deepEqual([...(reader.points(1, 2) ?? [])], [4, 5, 6, 7]);
  assert.deepEqual([...(reader.points(1, 1) ?? [])], [4, 5]);
  assert.deepEqual([...(reader.points(0, 3) ?? [])], [0, 1, 2, 3, Number.NaN, Number.NaN]);
  const units = reader.units(1);
  assert.deepEqual(
    [[...(units?.kl ?? [])], [...(units?.varMu ?? [])]],
    [
      [3, 4],
      [7, 8],
    ],
  );
});
