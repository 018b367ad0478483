import assert from "node:assert/strict";
import { test } from "node:test";
import { boxOf } from "../draw/pen.js";
import { linear } from "../draw/scales.js";
import { coverOf, placeNames } from "../draw/scatter/name_places.js";
import { MOST_NAMED, namedClasses, nameOfLabel, toIndices, toLabels } from "../maths/classes.js";
import { cardPlace } from "../panels/latent/hover_card.js";

const BOX = boxOf(0, 0, 400, 300);
const PLANE = { box: BOX, x: linear([-4, 4], [0, 400]), y: linear([-3, 3], [300, 0]) };
const HEIGHT = 16;

/** @param {any} a @param {any} b */
const overlap = (a, b) => Math.abs(a.x - b.x) < a.half + b.half && Math.abs(a.y - b.y) < HEIGHT;

test("names stand on no other name, on no handle, inside the plot, and off the points where there is room", () => {
  // A full block in the middle, 80 pixels wide.
  const side = Array.from({ length: 41 }, (_, i) => (i - 20) * 0.04);
  const points = Float32Array.from(side.flatMap((x) => side.flatMap((y) => [x, y])));
  const cover = coverOf(points, null, PLANE);
  assert.ok(cover({ x: 200, y: 150, half: 8, high: 8 }) > 0.9);
  assert.equal(cover({ x: 20, y: 20, half: 8, high: 8 }), 0);
  const wanted = [0, 1, 2, 3].map((label) => ({ label, x: 176 + 16 * label, y: 140, half: 20 }));
  const handle = { x: 200, y: 150, half: 12, high: 12 };
  const previous = new Map();
  const places = placeNames(wanted, { height: HEIGHT, box: BOX, cover, taken: [handle], previous });
  assert.equal(places.size, 4);
  const rects = [...places.values()].map((place) => ({ ...place, half: 20, high: 8 }));
  for (const [i, rect] of rects.entries()) {
    assert.ok(cover(rect) < 0.3, "in the free");
    assert.ok(Math.abs(rect.x - 200) >= 32 || Math.abs(rect.y - 150) >= 20, "off the handle");
    for (const other of rects.slice(i + 1)) assert.ok(!overlap(rect, other));
    assert.ok(rect.x >= 20 && rect.x <= 380 && rect.y >= 8 && rect.y <= 292);
  }
  // The same again, a little moved: the same choices.
  const kept = new Map([...places].map(([label, { choice }]) => [label, choice]));
  const moved = wanted.map((one) => ({ ...one, x: one.x + 1 }));
  const next = placeNames(moved, { height: HEIGHT, box: BOX, cover, taken: [handle], previous: kept });
  assert.deepEqual(
    [...next].map(([label, { choice }]) => [label, choice]),
    [...kept],
  );
});

test("where there is no room a name is left out, as are those of classes on top of each other", () => {
  const everywhere = [{ x: 200, y: 150, half: 400, high: 400 }];
  const around = { height: HEIGHT, box: BOX, cover: () => 0, taken: everywhere, previous: new Map() };
  const one = { label: 0, x: 200, y: 150, half: 10 };
  assert.equal(placeNames([one], around).size, 0);
  const free = { ...around, taken: [] };
  assert.equal(placeNames([one], free).size, 1);
  assert.equal(placeNames([one, { ...one, label: 1, x: 203 }], free).size, 0);
  assert.equal(placeNames([{ ...one, x: -5 }], free).size, 0, "out of sight");
});

test("classes are the values that occur: names and labels by index, of any value", () => {
  const run = { class_names: ["-3", "seven", "9007199254740993"], class_values: [-3, 7, "9007199254740993"] };
  assert.equal(nameOfLabel(run, 7), "seven");
  assert.equal(nameOfLabel(run, 5), "5");
  assert.deepEqual(toIndices(run, ["9007199254740993", -3]), [2, 0]);
  assert.deepEqual(toLabels(run, [0, 2]), [-3, "9007199254740993"]);
  assert.equal(toIndices(run, null), null);
  assert.equal(toLabels(run, null), null);
});

test("few classes are all named; of many the most frequent, and how many others there are", () => {
  assert.deepEqual(namedClasses([3, 3, -1, 0]), { named: [0, 3], others: 0 });
  const many = Array.from({ length: 34 }, (_, label) => Array(label < 5 ? 1 : 2).fill(label)).flat();
  const { named, others } = namedClasses(many);
  assert.equal(named.length, MOST_NAMED);
  assert.equal(others, 34 - MOST_NAMED);
  assert.deepEqual(
    named,
    [...named].sort((a, b) => a - b),
  );
  assert.ok(named.every((label) => label >= 5));
  assert.ok(namedClasses(many, [0]).named.includes(0), "one that was chosen is named");
});

test("the card beside the pointer lies in the picture and never on what is pointed at", () => {
  const card = { width: 80, height: 80 };
  for (const room of [
    { width: 380, height: 300 },
    { width: 260, height: 260 },
  ]) {
    for (const finger of [false, true]) {
      for (let x = 0; x <= room.width; x += 20) {
        for (let y = 0; y <= room.height; y += 20) {
          const [left, top] = cardPlace({ x, y }, card, room, finger);
          const covers = x > left - 8 && x < left + 88 && y > top - 8 && y < top + 88;
          assert.ok(!covers, `at ${x}, ${y}`);
          assert.ok(
            left >= 0 && left <= room.width - 80 && top >= 0 && top <= room.height - 80,
            `at ${x}, ${y}`,
          );
        }
      }
    }
  }
  const [left, top] = cardPlace({ x: 200, y: 200 }, card, { width: 400, height: 300 }, true);
  assert.ok(top + 80 < 200 && left < 200 && left + 80 > 200, "above the finger");
});
