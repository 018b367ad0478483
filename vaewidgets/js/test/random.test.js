import assert from "node:assert/strict";
import { test } from "node:test";
import { normalQuantile, normals, streamSeed, uniforms } from "../contract/random.js";
import { normalCdf } from "../maths/gaussian.js";

// scipy.special.ndtri
/** @type {[number, number][]} */
const QUANTILES = [
  [1e-300, -37.0470962993612],
  [1e-20, -9.262340089798409],
  [1e-6, -4.753424308822899],
  [0.001, -3.090232306167813],
  [0.02425, -1.972961051311885],
  [0.05, -1.6448536269514729],
  [0.075, -1.4395314709384563],
  [0.3, -0.5244005127080409],
  [0.5, 0.0],
  [0.9, 1.2815515655446004],
  [0.975, 1.959963984540054],
  [0.9999, 3.719016485455709],
];

test("quantiles of N(0, 1) are scipy's", () => {
  for (const [p, z] of QUANTILES) {
    const tolerance = 1e-13 * Math.max(1, Math.abs(z));
    assert.ok(Math.abs(normalQuantile(p) - z) < tolerance, `${p}: ${normalQuantile(p)} for ${z}`);
  }
  assert.equal(normalQuantile(0), Number.NEGATIVE_INFINITY);
  assert.equal(normalQuantile(1), Number.POSITIVE_INFINITY);
  assert.ok(Number.isNaN(normalQuantile(1.5)) && Number.isNaN(normalQuantile(Number.NaN)));
});

test("the share below a quantile is the quantile's", () => {
  for (let p = 0.001; p < 1; p += 0.0131) assert.ok(Math.abs(normalCdf(normalQuantile(p)) - p) < 1e-12);
});

test("known answers, which tests/contract/test_random.py holds too", () => {
  assert.equal(streamSeed(7, 3), 1232510777);
  const next = uniforms(4);
  assert.deepEqual([next(), next(), next()], [0.923636197228916, 0.33304587949533015, 0.22166790103074163]);
  assert.deepEqual(
    [...normals(5, 7, 3)],
    [0.6131479144096375, -1.3205162286758423, -0.48795944452285767, -0.8373029232025146, 1.3195291757583618],
  );
});

test("uniform draws fill (0, 1) evenly", () => {
  const next = uniforms(7);
  const counts = new Array(20).fill(0);
  for (let i = 0; i < 20000; i++) counts[Math.floor(next() * 20)]++;
  const chi2 = counts.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert.ok(chi2 < 43.8, `chi² ${chi2} of 19 degrees`); // one in a thousand
});

test("normal draws have the moments of N(0, 1), also across streams", () => {
  for (const draw of [
    (/** @type {number} */ i) => normals(2, 3, i)[i % 2],
    (/** @type {number} */ i) => many[i],
  ]) {
    const values = Array.from({ length: 40000 }, (_, i) => draw(i));
    const moment = (/** @type {number} */ k) => values.reduce((sum, x) => sum + x ** k, 0) / values.length;
    // four standard errors of each moment over 40,000 draws
    assert.ok(Math.abs(moment(1)) < 0.02, `mean ${moment(1)}`);
    assert.ok(Math.abs(moment(2) - 1) < 0.0283, `variance ${moment(2)}`);
    assert.ok(Math.abs(moment(3)) < 0.0775, `third ${moment(3)}`);
    assert.ok(Math.abs(moment(4) - 3) < 0.196, `fourth ${moment(4)}`);
    let lag = 0;
    for (let i = 1; i < values.length; i++) lag += values[i] * values[i - 1];
    assert.ok(Math.abs(lag / values.length) < 0.02, `neighbours ${lag / values.length}`);
  }
});
const many = normals(40000, 11);

test("a seed repeats its draws, a shorter draw is the beginning of a longer one, seeds and streams differ", () => {
  assert.deepEqual(normals(5, 1, 2), normals(5, 1, 2));
  assert.deepEqual(normals(3, 1, 2), normals(8, 1, 2).subarray(0, 3));
  const seeds = new Set();
  for (let seed = 0; seed < 40; seed++) for (let k = 0; k < 40; k++) seeds.add(streamSeed(seed, k));
  assert.equal(seeds.size, 1600);
});
