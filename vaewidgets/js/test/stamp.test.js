import assert from "node:assert/strict";
import { test } from "node:test";
import { createDiscs, stamp } from "../draw/scatter/stamp.js";

const W = 20;
const RED = [200, 10, 20];

/** @param {(pixels: Uint32Array) => void} draw */
function picture(draw) {
  const pixels = new Uint32Array(W * W);
  draw(pixels);
  return new Uint8ClampedArray(pixels.buffer);
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

test("many over each other come to what exact arithmetic says, channel by channel", () => {
  const layers = Array.from({ length: 40 }, (_, i) => ({
    opacity: 0.05 + (0.9 * ((i * 37) % 41)) / 41,
    color: [(i * 91) % 256, (i * 53 + 7) % 256, (i * 29 + 200) % 256],
  }));
  /** @type {number[]} */
  const exact = [0, 0, 0, 0];
  const rgba = picture((out) => {
    for (const { opacity, color } of layers) {
      stamp(out, W, W, 10, 10, createDiscs(4, opacity), color, 0);
      const a = Math.round(255 * opacity) / 255;
      const alpha = a + exact[3] * (1 - a);
      for (let c = 0; c < 3; c++) exact[c] += ((color[c] - exact[c]) * a) / alpha;
      exact[3] = alpha;
    }
  });
  const middle = (10 * W + 10) * 4;
  for (let c = 0; c < 4; c++) {
    const wanted = c === 3 ? 255 * exact[3] : exact[c];
    assert.ok(Math.abs(rgba[middle + c] - wanted) < 3, `${c}: ${rgba[middle + c]} for ${wanted}`);
  }
});

test("what is stamped again and again becomes its color, and no other", () => {
  const discs = createDiscs(3, 0.8);
  const color = [255, 0, 129];
  const rgba = picture((out) => {
    stamp(out, W, W, 10, 10, discs, [0, 255, 3], 0);
    for (let i = 0; i < 30; i++) stamp(out, W, W, 10, 10, discs, color, 0);
  });
  const middle = (10 * W + 10) * 4;
  assert.deepEqual([...rgba.subarray(middle, middle + 4)], [...color, 255]);
});
