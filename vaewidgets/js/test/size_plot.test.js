import assert from "node:assert/strict";
import { test } from "node:test";
import { meansOf } from "../widgets/bottleneck_sweep/size_plot.js";

test("several runs of a size become a mean with its standard error", () => {
  const points = [8, 2, 2, 2].map((dim, index) => ({ index, dim, value: [5, 1, 2, 6][index] }));
  const [two, eight] = meansOf(points);
  assert.deepEqual([two.dim, two.mean, two.n], [2, 3, 3]);
  // deviations −2, −1, 3: variance 14/2, over three runs
  assert.ok(Math.abs(two.error - Math.sqrt(7 / 3)) < 1e-12);
  assert.deepEqual(eight, { dim: 8, mean: 5, error: 0, n: 1 });
});
