import assert from "node:assert/strict";
import test from "node:test";
import { findHoles, inHoles, normalDraws, priorCodes } from "../widgets/learned_prior/codes.js";
import { inHole } from "../widgets/learned_prior/map.js";

/** Codes whose mean is far from 0: a ring in two dimensions, two heaps in one. @param {number} d */
function codesAround(d) {
  const n = 400;
  const at = (/** @type {number} */ i) =>
    d === 1 ? [i % 2 ? 2 : -2] : [2 * Math.cos((2 * Math.PI * i) / n), 2 * Math.sin((2 * Math.PI * i) / n)];
  const mu = [...Array(n).keys()].flatMap(at);
  const codes = priorCodes(mu, new Float32Array(n * d).fill(-4), d);
  assert.ok(codes);
  return { codes, holes: findHoles(codes) };
}

for (const d of [1, 2]) {
  test(`the hole among codes of ${d} dimension(s) is shaded, the codes and what no prior asks for are not`, () => {
    const { codes, holes } = codesAround(d);
    const shares = inHole(codes, holes);
    const cells = Math.sqrt(shares.length);
    const middle = Math.floor(cells / 2);
    assert.equal(shares[middle * cells + middle], 1);
    const ring = Math.round(((2 / 2.45 + 1) / 2) * cells - 0.5);
    assert.ok(shares[middle * cells + ring] < 0.5);
    if (d === 2) assert.equal(shares[0], 0);
    else assert.deepEqual(shares.slice(0, cells), shares.slice(cells, 2 * cells));
  });
}

test("draws of the prior are in holes where the map is shaded", () => {
  const { codes, holes } = codesAround(2);
  const shares = inHole(codes, holes);
  const cells = Math.sqrt(shares.length);
  const draws = normalDraws(400, 2, 0);
  const is = inHoles(codes, holes, draws);
  for (let i = 0; i < 400; i++) {
    const [u, v] = [draws[2 * i], draws[2 * i + 1]];
    if (Math.hypot(u, v) > 2.3) continue;
    const [x, y] = [u, v].map((at) => Math.floor(((at / 2.45 + 1) / 2) * cells));
    const share = shares[y * cells + x];
    if (share === 0 || share === 1) assert.equal(is[i], share);
  }
});
