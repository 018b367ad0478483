import assert from "node:assert/strict";
import { test } from "node:test";
import { fit, steady, toData, toScreen, zoomAt } from "../maths/camera.js";
import {
  classAnchors,
  countAbove,
  extent,
  extent2d,
  fromPlane,
  insidePolygon,
  nearest,
  pointsInside,
  stableOrder,
  thin,
} from "../maths/statistics.js";
import { activeText } from "../panels/units/bars.js";

const SQUARE = [0, 0, 2, 0, 2, 2, 0, 2];

test("nearest: the closest point, only among the first ones, never one without a place", () => {
  const points = Float32Array.of(0, 0, NaN, NaN, 3, 3, 1, 1);
  assert.equal(nearest(points, 0.9, 0.9), 3);
  assert.equal(nearest(points, 0.9, 0.9, 3), 0);
  assert.equal(nearest(Float32Array.of(NaN, NaN), 0, 0), -1);
});

test("polygon: inside, outside, concave", () => {
  assert.ok(insidePolygon(SQUARE, 1, 1));
  assert.ok(!insidePolygon(SQUARE, 3, 1));
  const notch = [0, 0, 4, 0, 4, 4, 2, 1, 0, 4];
  assert.ok(!insidePolygon(notch, 2, 3));
  assert.ok(insidePolygon(notch, 0.5, 2));
  assert.deepEqual(pointsInside(Float32Array.of(1, 1, 5, 5, 0.5, 1.5), SQUARE), [0, 2]);
});

test("extents ignore what is not finite, and outliers in the plane", () => {
  assert.deepEqual(extent([3, null, NaN, -1]), [-1, 3]);
  assert.equal(extent([null]), null);
  const points = new Float32Array(2000).map((_, i) => (i % 200) / 100);
  points[0] = 1e6;
  const box = extent2d(points);
  assert.ok(box && box.x1 < 3 && box.y1 < 3);
  assert.equal(extent2d(Float32Array.of(NaN, 1)), null);
});

test("a class stands at one of its points, where it is densest, and not where it is not", () => {
  // Two parts, left and right, the left one larger; the mean and the median of the ring of class 4 are empty.
  const parts = [-3, -3.1, -2.9, -3, 3, 3.1].flatMap((x) => [x, 0]);
  const ring = Array.from({ length: 24 }, (_, i) => [
    Math.cos((i * Math.PI) / 12),
    Math.sin((i * Math.PI) / 12),
  ]);
  const points = Float32Array.from([...parts, ...ring.flat(), Number.NaN, 0]);
  const labels = Int32Array.from([...Array(6).fill(0), ...Array(24).fill(4), 9]);
  const anchors = classAnchors(points, labels);
  assert.deepEqual([...anchors.keys()], [0, 4], "without a finite point there is no place");
  const [left, onRing] = [...anchors.values()];
  assert.ok(left < 4, "in the larger part");
  assert.ok(Math.abs(Math.hypot(points[2 * onRing], points[2 * onRing + 1]) - 1) < 1e-6);
  assert.equal(
    classAnchors(
      points,
      Int32Array.from(labels, (l) => (l === 4 ? -1 : l)),
    ).size,
    1,
  );
});

test("a class keeps its place while none is much denser", () => {
  const points = Float32Array.of(0, 0, 0.1, 0, 1, 0, 1.1, 0);
  const labels = new Int32Array(4);
  for (const i of [0, 1, 2, 3]) assert.equal(classAnchors(points, labels, new Map([[0, i]])).get(0), i);
  const dense = Float32Array.from([0, 0, 9, 9, ...Array(40).fill(0)]);
  assert.notEqual(classAnchors(dense, new Int32Array(22), new Map([[0, 1]])).get(0), 1);
});

test("from the plane: z itself, one dimension, or mean + u·components", () => {
  assert.deepEqual([...fromPlane([1, 2], null, 2)], [1, 2]);
  assert.deepEqual([...fromPlane([1, 2], null, 1)], [1]);
  const projection = { mean: Float32Array.of(1, 1, 1), components: Float32Array.of(1, 0, 0, 0, 0, 2) };
  assert.deepEqual([...fromPlane([3, 4], projection, 3)], [4, 1, 9]);
});

test("order by KL is kept through small changes and taken anew after large ones", () => {
  const first = stableOrder(Float32Array.of(1, 3, 2));
  assert.deepEqual(first, [1, 2, 0]);
  assert.deepEqual(stableOrder(Float32Array.of(1, 2, 2.1), first), [1, 2, 0]);
  assert.deepEqual(stableOrder(Float32Array.of(1, 2, 3), first), [2, 1, 0]);
});

test("active units by both criteria, in words", () => {
  const kl = Float32Array.of(2, 0.02, 0.001);
  const varMu = Float32Array.of(0.9, 0.005, 0);
  assert.equal(countAbove(kl, 0.01), 2);
  assert.equal(
    activeText({ kl, varMu, klThreshold: 0.01, varThreshold: 0.01 }),
    "active: 2 of 3 by KL > 0.01 nats, 1 of 3 by Var(μ) > 0.01",
  );
});

test("camera: one scale for both axes, to the screen and back, zoom about a place", () => {
  const box = { left: 40, top: 10, width: 400, height: 200 };
  const camera = fit({ x0: -4, x1: 4, y0: -2, y1: 2 }, box);
  assert.equal(camera.scale, 50);
  assert.deepEqual(toScreen(camera, box, 0, 0), [240, 110]);
  assert.deepEqual(toData(camera, box, ...toScreen(camera, box, 1.5, -0.5)), [1.5, -0.5]);
  const closer = zoomAt(camera, box, 300, 60, 2);
  assert.equal(closer.scale, 100);
  const [x, y] = toData(camera, box, 300, 60);
  const [px, py] = toScreen(closer, box, x, y);
  assert.ok(Math.abs(px - 300) < 1e-9 && Math.abs(py - 60) < 1e-9);
});

test("the view holds still while the content fits, follows when it does not", () => {
  const content = { x0: -2, x1: 2, y0: -2, y1: 2 };
  const held = steady(null, content);
  assert.equal(steady(held, { ...content, x1: 2.05 }), held);
  assert.notEqual(steady(held, { ...content, x1: 3 }), held);
  assert.notEqual(steady(held, { x0: -1, x1: 1, y0: -1, y1: 1 }), held);
});

test("a thinned curve keeps means, range and its last step, and earlier stretches as it grows", () => {
  const make = (/** @type {number} */ n) => ({
    step: Array.from({ length: n }, (_, i) => i + 1),
    mean: Float32Array.from({ length: n }, (_, i) => (i % 4 === 3 ? 9 : 1)),
    low: null,
    high: null,
  });
  const short = make(10);
  assert.equal(thin(short, 10), short);
  const curve = thin(make(30), 10);
  assert.deepEqual([...curve.step], [4, 8, 12, 16, 20, 24, 28, 30]);
  assert.deepEqual([...curve.mean.subarray(0, 2)], [3, 3]);
  assert.deepEqual([curve.low?.[0], curve.high?.[0], curve.high?.[7]], [1, 9, 1]);
  assert.deepEqual([...thin(make(36), 10).step.slice(0, 7)], [...curve.step.slice(0, 7)]);
});
