import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsOf } from "../widgets/latent_explorer/ghost.js";
import { settingOf } from "../widgets/latent_explorer/new_run.js";

test("a field's text becomes a number where it is one, else Python is told the text", () => {
  const whole = { name: "epochs", label: "epochs", title: "", kind: /** @type {const} */ ("whole") };
  assert.equal(settingOf(whole, " 12 "), 12);
  assert.equal(settingOf({ ...whole, kind: "real" }, "0,5"), 0.5);
  assert.equal(settingOf(whole, "−3"), -3);
  assert.equal(settingOf(whole, "many"), "many");
  assert.equal(settingOf(whole, ""), "");
  assert.equal(settingOf({ ...whole, kind: "choice" }, "7"), "7");
});

test("the ghost's numbers stand beside the run's, each with its unit", () => {
  const f32 = (/** @type {number[]} */ values) => ({
    dtype: /** @type {const} */ ("f32"),
    shape: [values.length],
    data: Float32Array.from(values),
  });
  const series = (
    /** @type {string} */ name,
    /** @type {"train"|"test"} */ split,
    /** @type {number[]} */ values,
  ) => ({
    name,
    split,
    step: f32(values.map((_, i) => i)),
    mean: f32(values),
    low: null,
    high: null,
  });
  const frame = /** @type {any} */ ({
    run: { unit: "nats", latent_dim: 2 },
    curves: {
      series: [
        series("loss", "train", [9, 8]),
        series("loss", "test", [7, 6]),
        series("kl", "train", [1, 2]),
      ],
    },
    units: { kl: f32([0.5, 0.001]), var_mu: f32([1, 0]), delta: 0.01, var_threshold: 0.01 },
    ghost: {
      run: { unit: "nats", latent_dim: 8 },
      numbers: { loss: { value: 5, split: "test" }, recon: null, kl: { value: 3, split: "train" } },
      active: { kl: 6, var: 7 },
    },
  });
  assert.deepEqual(rowsOf(frame), [
    ["loss, nats per image", "6.00 (test)", "5.00 (test)"],
    ["recon, nats per image", "–", "–"],
    ["kl, nats per image", "2.00 (train)", "3.00 (train)"],
    ["active units, by KL", "1 of 2", "6 of 8"],
  ]);
  assert.equal(rowsOf({ ...frame, ghost: null }), null);
  const other = rowsOf({ ...frame, units: null, run: { unit: "squared error", latent_dim: 2 } });
  assert.match(other?.[0][0] ?? "", /unit of its likelihood/);
  assert.match(other?.[3][1] ?? "", /no posterior/);
});
