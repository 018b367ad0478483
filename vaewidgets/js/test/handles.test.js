import assert from "node:assert/strict";
import { test } from "node:test";
import { apart } from "../draw/handles.js";

test("handles that would cover one another are moved apart, around the same middle", () => {
  /** @type {[number, number][]} */
  const far = [
    [0, 0],
    [30, 40],
  ];
  assert.deepEqual(apart(far, 20), far);
  const [a, b] = apart(
    [
      [10, 10],
      [13, 14],
    ],
    25,
  );
  assert.ok(Math.abs(Math.hypot(a[0] - b[0], a[1] - b[1]) - 25) < 1e-9);
  assert.deepEqual(
    [a[0] + b[0], a[1] + b[1]].map((sum) => Math.round(sum * 1e6) / 1e6),
    [23, 24],
  );
  assert.deepEqual(
    apart(
      [
        [5, 5],
        [5, 5],
      ],
      10,
    ),
    [
      [0, 5],
      [10, 5],
    ],
  );
});
