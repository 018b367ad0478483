import assert from "node:assert/strict";
import { test } from "node:test";
import { barsOf, itemsOf, textAt, toRgba, traceOf } from "../draw/items.js";
import { rampColor } from "../draw/ramp.js";
import { linear } from "../draw/scales.js";
import { layout } from "../draw/sheet.js";

/** @typedef {import("../contract/types.js").Items} Sent */

/** @param {[number, number, number]} image_shape @param {Partial<Sent>} [fields] without any: an old page's run */
const itemsWith = (image_shape, fields) =>
  itemsOf({
    image_shape,
    ...(fields && {
      items: /** @type {Sent} */ ({
        shape: image_shape.filter((n) => n > 1),
        channels: "last",
        range: [0, 255],
        names: null,
        ...fields,
      }),
    }),
  });

/** Bytes 0, 1, 2, … @param {number} n */
const bytes = (n) => Uint8Array.from({ length: n }, (_, i) => i);

const x = linear([0, 4], [0, 40]);
const y = linear([0, 255], [255, 0]);

/** What a canvas would get. @param {ArrayLike<number>} given @param {ReturnType<typeof itemsOf>} items */
function rgbaOf(given, items) {
  const [, height, width] = items.shape;
  const rgba = new Uint8ClampedArray(4 * height * width);
  toRgba(given, items, rgba, "light");
  return [...rgba];
}

test("a run that does not say how its items are drawn has images; grey and color become RGBA", () => {
  const grey = itemsWith([1, 1, 2]);
  assert.deepEqual([grey.draw, grey.vector, grey.length, grey.wide, grey.high], ["images", false, 2, 2, 1]);
  assert.deepEqual(rgbaOf([10, 20], grey), [10, 10, 10, 255, 20, 20, 20, 255]);
  assert.deepEqual(rgbaOf([1, 2, 3, 4, 5, 6], itemsWith([3, 1, 2])), [1, 3, 5, 255, 2, 4, 6, 255]);
});

test("planes stand beside and under each other; a place without one stays empty", () => {
  const items = itemsWith([3, 1, 2], { draw: "slices", shape: [3, 1, 2] });
  assert.deepEqual(items.shape, [3, 2, 4]);
  const rgba = rgbaOf([1, 2, 3, 4, 5, 6], items);
  const reds = rgba.filter((_, i) => i % 4 === 0);
  assert.deepEqual(reds, [1, 2, 3, 4, 5, 6, 0, 0]);
  assert.deepEqual(
    rgba.filter((_, i) => i % 4 === 3),
    [255, 255, 255, 255, 255, 255, 0, 0],
  );
});

test("a heat map has the palette's colors, and a tile that is no thin strip", () => {
  const items = itemsWith([1, 2, 40], { draw: "heatmap" });
  const rgba = rgbaOf(bytes(80), items);
  assert.deepEqual(rgba.slice(0, 4), [...rampColor(0, "light"), 255]);
  assert.deepEqual(rgba.slice(4 * 79), [...rampColor(79 / 255, "light"), 255]);
  assert.deepEqual([items.wide, items.high, items.count, items.lines], [2, 1, 2, 40]);
});

test("lines are read whichever axis counts them", () => {
  const last = itemsWith([1, 5, 2], { draw: "line" });
  assert.deepEqual([last.count, last.lines], [5, 2]);
  assert.deepEqual(traceOf(bytes(10), last, 1, x, y, 100), [0, 254, 10, 252, 20, 250, 30, 248, 40, 246]);
  const first = itemsWith([1, 2, 5], { draw: "line", channels: "first" });
  assert.deepEqual([first.count, first.lines], [5, 2]);
  assert.deepEqual(traceOf(bytes(10), first, 1, x, y, 100), [0, 250, 10, 249, 20, 248, 30, 247, 40, 246]);
  const one = itemsWith([1, 1, 5], { draw: "line", channels: "first" });
  assert.deepEqual([one.count, one.lines], [5, 1]);
  assert.deepEqual(traceOf(bytes(5), one, 0, x, y, 100), [0, 255, 10, 254, 20, 253, 30, 252, 40, 251]);
});

test("of a line with many more values than columns no peak is lost", () => {
  const n = 10_007;
  const items = itemsWith([1, 1, n], { draw: "line" });
  const given = new Uint8Array(n).fill(100);
  given[5003] = 250;
  given[10_006] = 3;
  const places = traceOf(given, items, 0, linear([0, n - 1], [0, 28]), y, 28);
  assert.ok(places.length <= 2 * 2 * 2 * 28 && places.length > 28, `${places.length}`);
  const ys = places.filter((_, i) => i % 2);
  assert.deepEqual([Math.min(...ys), Math.max(...ys)], [5, 252]);
  const xs = places.filter((_, i) => i % 2 === 0);
  assert.ok(xs.every((at, i) => i === 0 || at > xs[i - 1]));
  assert.equal(xs[ys.indexOf(5)], (28 * 5003) / (n - 1));
});

test("bars stand on 0, or on the end of the axis next to it, on whole pixels of the screen", () => {
  const both = itemsWith([1, 1, 3], { draw: "bars", range: [-1, 1] });
  const across = linear([-0.5, 2.5], [0, 30]);
  const signed = barsOf([0, 255, 255], both, across, linear([-1, 1], [20, 0]), 1);
  assert.deepEqual(signed, [
    [0, 10, 9, 10],
    [10, 0, 9, 10],
    [20, 0, 9, 10],
  ]);
  const above = itemsWith([1, 1, 3], { draw: "bars", range: [5, 10] });
  const [bar] = barsOf([255, 0, 0], above, across, linear([5, 10], [20, 0]), 1);
  assert.deepEqual(bar, [0, 0, 9, 20]);
  const many = itemsWith([1, 1, 100], { draw: "bars" });
  const narrow = barsOf(bytes(100), many, linear([-0.5, 99.5], [0, 28]), linear([0, 255], [21, 0]), 2);
  assert.ok(narrow.every(([left, , wide]) => Number.isInteger(2 * left) && wide >= 0.5));
});

test("a place says its name and value", () => {
  const named = itemsWith([1, 1, 2], { draw: "bars", range: [0, 51], names: ["ash", "proline"] });
  assert.equal(textAt([0, 5], named, 1), "proline: 1.00");
  const lines = itemsWith([1, 3, 2], { draw: "line", names: ["I", "V2"] });
  assert.equal(textAt(bytes(6), lines, 2), "2: I 4.00, V2 5.00");
  const cells = itemsWith([1, 2, 3], { draw: "heatmap" });
  assert.equal(textAt(bytes(6), cells, 1, 2), "1, 2: 5.00");
});

test("a sheet's tiles keep the proportions of their items", () => {
  const { cell, tall } = layout({
    count: 10,
    items: itemsWith([1, 1, 200], { draw: "line" }),
    width: 307,
    least: 28,
    most: 72,
    single: true,
  });
  assert.equal(cell, 28);
  assert.equal(tall, 21);
});
