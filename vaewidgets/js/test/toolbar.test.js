import assert from "node:assert/strict";
import { test } from "node:test";
import { toBytes } from "../draw/images.js";
import { mainAction, progressOf } from "../widgets/latent_explorer/toolbar.js";

/** @typedef {import("../contract/types.js").RunInfo} RunInfo */

/** @param {Partial<RunInfo>} fields */
const run = (fields) =>
  /** @type {RunInfo} */ ({ can_train: true, epochs: 30, epoch: 0, step: 0, ...fields });

test("the main button follows the status", () => {
  assert.equal(mainAction(run({ status: "created" }), 30)?.text, "train");
  assert.equal(mainAction(run({ status: "running" }), 30)?.action, "pause");
  assert.equal(mainAction(run({ status: "paused" }), 30)?.text, "resume");
  assert.equal(mainAction(run({ status: "stopped", epoch: 12 }), 30)?.text, "resume");
  assert.equal(mainAction(run({ status: "finished", epoch: 30 }), 30)?.text, "train 30 more");
  assert.equal(mainAction(run({ status: "failed" }), 30), null);
});

test("an attached run can be paused and resumed, not started", () => {
  assert.equal(mainAction(run({ status: "created", can_train: false }), 30), null);
  assert.equal(mainAction(run({ status: "finished", can_train: false }), 30), null);
  assert.equal(mainAction(run({ status: "running", can_train: false }), 30)?.action, "pause");
  assert.equal(mainAction(run({ status: "paused", can_train: false }), 30)?.action, "resume");
});

test("progress, with and without an end", () => {
  assert.deepEqual(progressOf(run({ epoch: 3, step: 350, steps_per_epoch: 100 })), {
    text: "epoch 3/30",
    share: 350 / 3000,
  });
  assert.deepEqual(progressOf(run({ epochs: null, steps_per_epoch: null, step: 4210 })), {
    text: "step 4,210",
    share: null,
  });
});

test("images: the value range is undone and clipped", () => {
  assert.deepEqual([...toBytes([-1, 0, 1, 2], [-1, 1])], [0, 128, 255, 255]);
});
