import assert from "node:assert/strict";
import { test } from "node:test";
import { createDiscs, stamp } from "../lib/stamp.js";

const W = 20;
const RED = [200, 10, 20];

/** @param {(rgba: Uint8ClampedArray) => void} draw */
function picture(draw) {
  const rgba = new Uint8ClampedArray(W * W * 4);
  draw(rgba);
  return rgba;
}

test("a disc has its area, its color and its center", () => {
  const discs = createDiscs(4, 1);
  const rgba = picture((out) => stamp(out, W, W, 10.4, 9.6, discs, RED, 0));
  let area = 0;
  let mx = 0;
  let my = 0;
  for (let i = 0; i < W * W; i++) {
    const a = rgba[4 * i + 3] / 255;
    area += a;
    mx += a * ((i % W) + 0.5);
    my += a * (Math.floor(i / W) + 0.5);
    if (a > 0) assert.deepEqual([...rgba.subarray(4 * i, 4 * i + 3)], RED);
  }
  assert.ok(Math.abs(area - Math.PI * 16) < 0.5, `${area}`);
  assert.ok(
    Math.abs(mx / area - 10.4) < 0.13 && Math.abs(my / area - 9.6) < 0.13,
    `${mx / area} ${my / area}`,
  );
});

test("at the border only what lies inside is drawn", () => {
  const discs = createDiscs(3, 1);
  for (const [x, y] of [
    [0, 0],
    [-2, 5],
    [W, W],
    [W + 1.5, 3],
    [-50, -50],
    [500, 3],
  ]) {
    const rgba = picture((out) => stamp(out, W, W, x, y, discs, RED, 0));
    const right = rgba.some((v, i) => i % 4 === 3 && v > 0 && x < 0 && Math.floor(i / 4) % W > W / 2);
    assert.ok(!right, "nothing wraps round to the other side");
  }
});

test("over another color it mixes by opacity", () => {
  const rgba = picture((out) => {
    stamp(out, W, W, 10, 10, createDiscs(4, 1), [0, 0, 0], 0);
    stamp(out, W, W, 10, 10, createDiscs(4, 0.5), [9, 9, 9, 200, 100, 50], 3);
  });
  const middle = (10 * W + 10) * 4;
  assert.deepEqual(
    [...rgba.subarray(middle, middle + 4)].map((v) => Math.round(v / 10)),
    [10, 5, 3, 26],
  );
});
