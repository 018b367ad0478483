import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cellsIn,
  clampWindow,
  coarseness,
  panWindow,
  standIns,
  zoomWindow,
} from "../widgets/latent_manifold/tiling.js";

test("the whole square: each cell once, at the middle of its share", () => {
  const cells = cellsIn({ center: [0.5, 0.5], span: 1 }, 20, false);
  assert.equal(cells.length, 400);
  assert.equal(new Set(cells.map(({ key }) => key)).size, 400);
  const corner = cells.find(({ key }) => key === "0,19");
  assert.ok(corner && Math.abs(corner.u - 0.025) < 1e-12 && Math.abs(corner.v - 0.975) < 1e-12);
});

test("coarse cells come first and stand in for the others", () => {
  const cells = cellsIn({ center: [0.5, 0.5], span: 1 }, 16, false);
  const ranks = cells.map(({ kx, ky }) => coarseness(kx, ky));
  assert.deepEqual(
    ranks,
    [...ranks].sort((a, b) => b - a),
  );
  assert.deepEqual(ranks.slice(0, 5), [8, 8, 8, 8, 4]);
  assert.deepEqual(standIns(13, 7), ["12,6", "12,4", "8,0"]);
});

test("a pan keeps the lattice: only what comes into sight is new", () => {
  const view = clampWindow({ center: [0.5, 0.5], span: 0.5 });
  const before = new Set(cellsIn(view, 10, false).map(({ key }) => key));
  const after = cellsIn(panWindow(view, 0.05, 0), 10, false);
  assert.equal(after.filter(({ key }) => !before.has(key)).length, 10);
});

test("a zoom keeps the place under the pointer, and no window leaves the square", () => {
  const view = zoomWindow({ center: [0.5, 0.5], span: 1 }, 0.3, 0.6, 2);
  assert.equal(view.span, 0.5);
  const before = (0.3 - 0.5) / 1;
  assert.ok(Math.abs((0.3 - view.center[0]) / view.span - before) < 1e-12);
  assert.deepEqual(panWindow(view, 5, -5).center, [0.75, 0.25]);
  assert.deepEqual(zoomWindow(view, 0.3, 0.6, 1e-9), { center: [0.5, 0.5], span: 1 });
  assert.deepEqual(clampWindow({ center: [Number.NaN, 0.5], span: Number.NaN }), {
    center: [0.5, 0.5],
    span: 1,
  });
});

test("one dimension: one row", () => {
  const cells = cellsIn({ center: [0.5, 0.5], span: 1 }, 12, true);
  assert.equal(cells.length, 12);
  assert.ok(cells.every(({ v }) => v === 0.5));
});
