/** Beta as an axis: reading between betas, and the place on the curve that is nearest. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { between, nearestBeta, placeOf, readAt } from "../widgets/beta_axis/axis.js";

const BETAS = [0.1, 1, 10];

test("a beta lies between two others by its logarithm", () => {
  assert.deepEqual(between(BETAS, 0.1), [0, 0]);
  assert.deepEqual(between(BETAS, 10), [1, 1]);
  assert.deepEqual(between(BETAS, 1), [1, 0]);
  const [i, share] = between(BETAS, Math.sqrt(10));
  assert.equal(i, 1);
  assert.ok(Math.abs(share - 0.5) < 1e-12);
  assert.deepEqual(between([2], 2), [0, 0]);
  assert.deepEqual(between(BETAS, 1e9), [1, 1]);
});

test("values are those of a beta that was measured, and half-way in the middle", () => {
  const values = [1, 2, 3, 4, 5, 8];
  assert.deepEqual([...readAt(values, 2, between(BETAS, 1))], [3, 4]);
  assert.deepEqual([...readAt(values, 2, [1, 0.5])], [4, 6]);
  assert.deepEqual([...readAt(values, 2, between(BETAS, 10))], [5, 8]);
});

test("a network is told the place of beta in its range", () => {
  for (const [beta, place] of [
    [0.1, -1],
    [1, 0],
    [10, 1],
  ])
    assert.ok(Math.abs(placeOf(BETAS, beta) - place) < 1e-12);
});

test("a drag takes the nearest place of the curve", () => {
  /** @type {[number, number][]} */
  const places = [
    [100, 100],
    [50, 50],
    [0, 0],
  ];
  assert.equal(nearestBeta(BETAS, places, [50, 50]), 1);
  assert.equal(nearestBeta(BETAS, places, [-30, -30]), 10);
  assert.ok(Math.abs(nearestBeta(BETAS, places, [85, 65]) - 10 ** -0.5) < 1e-12);
});
