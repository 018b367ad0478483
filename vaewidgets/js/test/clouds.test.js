import assert from "node:assert/strict";
import { test } from "node:test";
import { beyond, commonExtent } from "../widgets/beta_compare/clouds.js";

/** @param {number[]} flat */
const cloud = (flat) => ({
  name: "",
  points: Float32Array.from(flat),
  labels: null,
  faint: false,
  prior: null,
  note: "",
});
const square = Array.from({ length: 400 }, (_, i) => [(i % 20) / 10 - 1, Math.floor(i / 20) / 10 - 1]).flat();

test("the common scale holds every point, but for outliers that would make all others small", () => {
  const near = [...square, 2, 0.5];
  assert.equal(beyond(Float32Array.from(near), commonExtent([cloud(near)])), 0);
  const far = [...square, 50, 0];
  const extent = commonExtent([cloud(far), cloud(square)]);
  assert.ok(extent.x1 < 2);
  assert.equal(beyond(Float32Array.from(far), extent), 1);
  assert.equal(beyond(Float32Array.from(square), extent), 0);
});
