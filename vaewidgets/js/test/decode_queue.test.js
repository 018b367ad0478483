import assert from "node:assert/strict";
import { test } from "node:test";
import { BUDGET_MS, createMany } from "../graphs/decode_queue.js";
import { graph } from "./graph.js";

/** Decodes z to (z0 + label, z1), or, conditional, with a second input of three classes. @param {boolean} conditional */
function network(conditional) {
  if (!conditional) return graph([[1, 2]], [["clone", [{ t: 0 }], [1]]]);
  const classes = {
    label: [
      [1, 0],
      [2, 0],
      [3, 0],
    ],
  };
  const ops = [["addmm", [{ t: 0 }, { t: 1 }, { t: 2 }, 1, 1], [3]]];
  return {
    ...graph(
      [
        [1, 2],
        [1, 3],
      ],
      ops,
      classes,
    ),
    optional: 1,
  };
}

function setUp() {
  /** @type {(() => void)[]} */
  const frames = [];
  /** @type {[string, number[]][]} */
  const got = [];
  /** @type {number[][][]} */
  const asked = [];
  let clock = 0;
  const many = createMany({
    ask: (z) => asked.push(z),
    onImage(key, bytes) {
      clock += 1; // each image takes a millisecond
      got.push([key, [...bytes]]);
    },
    frame: (fn) => frames.push(fn),
    cancel: () => frames.splice(0),
    now: () => clock,
  });
  const tick = () => frames.shift()?.();
  return { many, got, asked, tick, frames, wait: (/** @type {number} */ ms) => (clock += ms) };
}

const jobs = (/** @type {number} */ n) =>
  Array.from({ length: n }, (_, i) => ({ key: String(i), z: [i / 100, 0.2] }));

test("a frame takes a few milliseconds and leaves the rest to the next", () => {
  const { many, got, tick } = setUp();
  many.setDecoder({ step: 1, network: network(false), reason: null, value_range: [0, 1] });
  many.start(jobs(20));
  assert.equal(got.length, 0); // not within the call
  tick();
  assert.equal(got.length, BUDGET_MS);
  while (many.left) tick();
  assert.deepEqual(
    got.map(([key]) => key),
    jobs(20).map(({ key }) => key),
  );
  assert.deepEqual(got[10][1], [26, 51]);
});

test("a new list drops what was left of the old one, and the end stops it", () => {
  const { many, got, tick, frames } = setUp();
  many.setDecoder({ step: 1, network: network(false), reason: null, value_range: [0, 1] });
  many.start(jobs(20));
  tick();
  many.start([{ key: "new", z: [1, 1] }]);
  tick();
  assert.equal(got[got.length - 1][0], "new");
  assert.equal(many.left, 0);
  many.start(jobs(3));
  many.destroy();
  assert.equal(frames.length, 0);
});

test("a conditional decoder is told the class, or none", () => {
  const { many } = setUp();
  many.setDecoder({ step: 1, network: network(true), reason: null, value_range: [0, 10] });
  assert.equal(many.classes, 3);
  assert.deepEqual([...(many.now([1, 1]) ?? [])], [26, 26]);
  assert.ok(many.setLabel(2));
  assert.deepEqual([...(many.now([1, 1]) ?? [])], [102, 26]); // 1 + 3, 1 + 0
  assert.ok(!many.setLabel(2));
});

test("by Python: sixteen at a time, old answers dropped, asked anew after two seconds", () => {
  const { many, got, asked, tick, wait } = setUp();
  many.setDecoder({ step: 1, network: null, reason: "fft", value_range: [0, 1] });
  assert.ok(!many.local && many.reason === "fft" && many.now([0, 0]) === null);
  many.start(jobs(20));
  tick();
  assert.equal(asked[0].length, 16);
  const image = (/** @type {number} */ n) => ({ dtype: "u8", shape: [n, 1, 1, 2] });
  many.reply({ type: "decoded", seq: 9, image: image(16) }, [new DataView(new ArrayBuffer(32))]);
  assert.equal(got.length, 0);
  wait(2500);
  tick();
  assert.equal(asked.length, 2);
  many.reply({ type: "decoded", seq: 2, image: image(16) }, [
    new DataView(new Uint8Array(32).fill(5).buffer),
  ]);
  assert.equal(got.length, 16);
  assert.equal(many.left, 4);
  tick();
  assert.equal(asked[2].length, 4);
});

test("those that Python could not decode are passed over", () => {
  const { many, got, asked, tick } = setUp();
  many.setDecoder({ step: 1, network: null, reason: "fft", value_range: [0, 1] });
  many.start(jobs(20));
  tick();
  many.reply({ type: "decoded", seq: 1, image: null, error: "ShapeError: planted" });
  assert.equal(got.length, 0);
  assert.equal(many.left, 4);
  tick();
  assert.equal(asked[1].length, 4);
});
