import assert from "node:assert/strict";
import { test } from "node:test";
import { createPull, EVERY_MS, LOST_MS, PROBE_MS } from "../host/pull.js";

/** @param {import("node:test").TestContext} t @param {{news: number | null}} has */
function setUp(t, has) {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  /** @type {any[]} */
  const sent = [];
  const pull = createPull(
    () => has.news,
    (message) => sent.push(message),
  );
  const pass = (/** @type {number} */ ms) => {
    for (let left = ms; left > 0; left -= 50) {
      now += 50;
      t.mock.timers.tick(50);
    }
  };
  return { pull, sent, pass };
}

test("it asks once the kernel counts news, five times a second, one question at a time", (t) => {
  const has = { news: /** @type {number | null} */ (null) };
  const { pull, sent, pass } = setUp(t, has);
  pull.start();
  pass(1000);
  assert.deepEqual(sent, []);
  has.news = 3;
  pull.start();
  pull.start();
  pass(1000);
  assert.deepEqual(sent, [{ type: "pull", have: 3 }]);
  for (let i = 0; i < 5; i += 1) {
    pull.message({ type: "pulled" });
    pass(EVERY_MS);
  }
  assert.equal(sent.length, 6);
  pass(LOST_MS + EVERY_MS);
  assert.equal(sent.length, 7);
  pull.destroy();
  pass(2 * LOST_MS);
  assert.equal(sent.length, 7);
});

test("of two messages the one of a thread comes, or does not", (t) => {
  const { pull, sent, pass } = setUp(t, { news: null });
  pull.message({ type: "probe", thread: false });
  pull.message({ type: "probe", thread: true });
  pass(2 * PROBE_MS);
  assert.deepEqual(sent, [{ type: "reached", thread: true }]);
  pull.message({ type: "probe", thread: false });
  pass(PROBE_MS + 50);
  assert.deepEqual(sent[1], { type: "reached", thread: false });
});
