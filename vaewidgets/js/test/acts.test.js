import assert from "node:assert/strict";
import { test } from "node:test";
import { createActs, REST_MS } from "../host/acts.js";

/** @param {Record<string, any>} state */
function setUp(state) {
  const saved = /** @type {any[]} */ ([]);
  const acts = createActs(() => ({
    get: (key) => state[key],
    set(key, value) {
      state[key] = value;
    },
    save_changes: () => saved.push({ ...state }),
  }));
  return { acts, saved };
}

const turn = { type: "command", name: "view:selected" };

test("what follows closely counts once, a hover and a question never", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { acts, saved } = setUp({ acts: 0 });
  for (const message of [{ type: "hello" }, { type: "decode" }, { type: "command", name: "view:hover" }]) {
    acts.note(message);
    t.mock.timers.tick(2 * REST_MS);
  }
  assert.deepEqual(saved, []);
  acts.note(turn);
  t.mock.timers.tick(REST_MS - 1);
  acts.note(turn);
  t.mock.timers.tick(REST_MS - 1);
  assert.deepEqual(saved, []);
  t.mock.timers.tick(1);
  assert.deepEqual(saved, [{ acts: 1 }]);
  acts.note(turn);
  acts.destroy();
  t.mock.timers.tick(2 * REST_MS);
  assert.equal(saved.length, 1);
});

test("nothing is counted where the kernel has no use for it", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { acts, saved } = setUp({});
  acts.note(turn);
  t.mock.timers.tick(2 * REST_MS);
  assert.deepEqual(saved, []);
});
