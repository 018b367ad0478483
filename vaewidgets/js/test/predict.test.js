import assert from "node:assert/strict";
import { test } from "node:test";
import { moved } from "../widgets/prediction/order.js";
import {
  formatAmount,
  hint,
  isRight,
  nearestCenter,
  outcome,
  stepOf,
} from "../widgets/prediction/predict.js";

/** @param {Record<string, any>} more @returns {any} */
const asked = (more) => ({ question: "?", because: "", truth: null, ...more });
const number = (/** @type {Record<string, any>} */ more) =>
  asked({
    kind: "between",
    between: [0, 1],
    whole: false,
    unit: "nats",
    tolerance: 0.2,
    truth: 0.6,
    ...more,
  });

test("a number is right within its tolerance, up to its last bit", () => {
  assert.equal(isRight(number({}), 0.8), true); // 0.8 - 0.6 is a little more than 0.2
  assert.equal(isRight(number({}), 0.4), true);
  assert.equal(isRight(number({}), 0.801), false);
  assert.equal(isRight(number({ tolerance: 0 }), 0.6), true);
  assert.equal(isRight(number({ truth: null }), 0.6), null);
  assert.equal(isRight(number({}), null), null);
});

test("an order is right as a whole, and what is in the right place is counted", () => {
  const order = asked({ kind: "order", order: ["a", "b", "c"], truth: ["c", "a", "b"] });
  assert.equal(isRight(order, ["c", "a", "b"]), true);
  assert.equal(isRight(order, ["c", "b", "a"]), false);
  assert.equal(outcome(order, ["c", "b", "a"]), "Not quite: 1 of 3 are in the right place");
});

test("an item is moved, the others keep their order", () => {
  assert.deepEqual(moved(["a", "b", "c", "d"], 0, 2), ["b", "c", "a", "d"]);
  assert.deepEqual(moved(["a", "b", "c", "d"], 3, 0), ["d", "a", "b", "c"]);
  assert.deepEqual(moved(["a", "b"], 1, 1), ["a", "b"]);
});

test("a place is judged by the nearest of all centers", () => {
  const centers = /** @type {[number, number, number][]} */ ([
    [0, 0, 0],
    [7, 2, 0],
    [9, 0, 3],
  ]);
  assert.equal(nearestCenter(centers, [1.1, 0]), 7);
  assert.equal(nearestCenter(centers, [0.9, 0]), 0);
  const place = asked({
    kind: "place",
    label: 7,
    name: "7",
    class_names: null,
    map: { centers },
    truth: [2, 0],
  });
  assert.equal(isRight(place, [5, -1]), true);
  assert.equal(isRight(place, [0, 2]), false);
  assert.match(outcome(place, [0, 2]), /closest to class 9, not 7/);
});

test("numbers are said with their unit", () => {
  assert.equal(formatAmount(8, "units"), "8 units");
  assert.equal(formatAmount(-2.34567), "−2.346");
  assert.equal(formatAmount(12345.6, "steps"), "12,346 steps");
  assert.equal(outcome(number({}), 0.7), "Right: 0.6 nats; your answer was 0.7, within 0.2 nats");
  assert.equal(outcome(number({}), 0.1), "Not quite: 0.6 nats; your answer was 0.1");
  assert.equal(outcome(number({}), 0.6), "Right: 0.6 nats");
});

test("the slider has 100 to 1,000 steps, or whole ones", () => {
  const steps = [
    [0, 1],
    [0, 5],
    [-2, 8],
    [0, 50],
  ].map((between) => stepOf(number({ between })));
  assert.deepEqual(
    steps.map((step) => Number(step.toPrecision(6))),
    [0.01, 0.01, 0.1, 0.1],
  );
  assert.equal(stepOf(number({ between: [0, 5000], whole: true })), 1);
});

test("before it can be revealed it says what is missing", () => {
  assert.match(hint(number({}), null), /Enter your prediction/);
  assert.match(hint(number({ truth: null }), 0.2), /known after training/);
  assert.match(hint(asked({ kind: "place" }), [0, 0]), /when the run has ended/);
  assert.equal(hint(number({}), 0.2), "");
});
