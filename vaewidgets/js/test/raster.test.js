import assert from "node:assert/strict";
import { test } from "node:test";
import { inkOf, placement, rasterise, sketchPixels, smooth } from "../draw/raster.js";

const DIAGONAL = [{ width: 0.1, points: [0.2, 0.2, 0.8, 0.8] }];
const FRAMING = { extent: 0.714, center: /** @type {[number, number]} */ ([0.5, 0.5]), background: 0 };

test("a dot covers its disc, softly, and nothing else", () => {
  const ink = rasterise([{ width: 0.5, points: [0.5, 0.5] }], 28, 28);
  const area = ink.reduce((sum, value) => sum + value, 0) / 28 ** 2;
  assert.ok(Math.abs(area - Math.PI / 16) < 0.005, `area ${area}`);
  assert.equal(ink[0], 0);
  assert.equal(ink[14 * 28 + 14], 1);
  assert.ok(ink.some((value) => value > 0.1 && value < 0.9)); // an edge that is not hard
});

test("erasing takes ink away, later strokes put it back", () => {
  const pen = { width: 0.2, points: [0.5, 0.5] };
  const wiped = rasterise([pen, { ...pen, width: 0.4, erase: true }], 28, 28);
  assert.equal(Math.max(...wiped), 0);
  assert.deepEqual(
    rasterise([pen, { ...pen, width: 0.4, erase: true }, pen], 28, 28),
    rasterise([pen], 28, 28),
  );
});

test("a drawing is framed as the data: its longer side, its centre of mass", () => {
  for (const shift of [-0.15, 0, 0.15]) {
    const strokes = [{ width: 0.05, points: [0.4 + shift, 0.45, 0.5 + shift, 0.7, 0.55 + shift, 0.4] }];
    const pixels = sketchPixels(strokes, [1, 28, 28], { framing: FRAMING, framed: true, range: [0, 1] });
    const ink = inkOf(pixels, 28, 28);
    assert.ok(ink);
    assert.ok(Math.abs(ink.extent - 0.714) < 2 / 28, `extent ${ink.extent}`);
    assert.ok(Math.hypot(ink.center[0] - 0.5, ink.center[1] - 0.5) < 0.5 / 28, `center ${ink.center}`);
  }
});

test("as drawn, nothing moves; a small dot is not blown up without end", () => {
  const framed = { framing: FRAMING, framed: false, range: /** @type {[number, number]} */ ([0, 1]) };
  assert.deepEqual(sketchPixels(DIAGONAL, [1, 28, 28], framed), rasterise(DIAGONAL, 28, 28));
  assert.ok(placement([{ width: 0.02, points: [0.1, 0.1] }], FRAMING).scale <= 4);
});

test("range, ground and channels are those of the data", () => {
  const framing = { ...FRAMING, background: 1 };
  const pixels = sketchPixels(DIAGONAL, [3, 12, 12], { framing, framed: false, range: [-1, 1] });
  assert.equal(pixels.length, 3 * 144);
  assert.equal(pixels[11], 1); // a corner: light ground
  assert.ok(Math.min(...pixels) < -0.9 && Math.min(...pixels) >= -1);
  assert.deepEqual(pixels.subarray(0, 144), pixels.subarray(288));
});

test("images that are not square hold the whole pad in their middle", () => {
  const ink = rasterise([{ width: 0.2, points: [0.5, 0.5] }], 28, 20);
  const found = inkOf(ink, 28, 20);
  assert.ok(found && Math.abs(found.center[0] - 0.5) < 0.01 && Math.abs(found.center[1] - 0.5) < 0.01);
});

test("smoothing keeps the ends and stays within the corners", () => {
  const line = smooth([0, 0, 1, 0, 1, 1]);
  assert.deepEqual(line.slice(0, 2), [0, 0]);
  assert.deepEqual(line.slice(-2), [1, 1]);
  assert.ok(line.length > 12 && line.every((x) => x >= 0 && x <= 1));
  assert.deepEqual(smooth([0.5, 0.5]), [0.5, 0.5]);
});
