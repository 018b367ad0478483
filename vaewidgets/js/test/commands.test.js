import assert from "node:assert/strict";
import { test } from "node:test";
import { createLink, FLUSH_MS, PATIENCE_MS } from "../host/commands.js";

/** @param {import("node:test").TestContext} t */
function setUp(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  /** @type {any[]} */
  const sent = [];
  /** @type {boolean[]} */
  const waits = [];
  const link = createLink((message) => sent.push(message), { onWaiting: (on) => waits.push(on) });
  /** @param {number} ms */
  const pass = (ms) => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  return { link, sent, waits, pass };
}

test("hello twice, 600 ms apart", (t) => {
  const { link, sent, pass } = setUp(t);
  link.hello("a");
  assert.deepEqual(sent, [{ type: "hello", view: "a" }]);
  pass(599);
  assert.equal(sent.length, 1);
  pass(1);
  assert.equal(sent.length, 2);
});

test("the first command goes at once, of the rest the newest of each name", (t) => {
  const { link, sent, pass } = setUp(t);
  link.command("beta", 1);
  for (const value of [2, 3, 4]) link.command("beta", value);
  link.command("pause");
  assert.equal(sent.length, 1);
  pass(FLUSH_MS);
  assert.deepEqual(
    sent.map(({ name, value }) => [name, value]),
    [
      ["beta", 1],
      ["beta", 4],
      ["pause", null],
    ],
  );
  assert.ok(sent[0].seq < sent[1].seq && sent[1].seq < sent[2].seq);
});

test("after a second without an answer it waits, and says when it is over", (t) => {
  const { link, waits, pass } = setUp(t);
  const seq = link.command("pause");
  pass(PATIENCE_MS - 1);
  assert.deepEqual(waits, []);
  assert.ok(link.isPending(seq));
  pass(20);
  assert.deepEqual(waits, [true]);
  link.acknowledge(seq);
  assert.deepEqual(waits, [true, false]);
  assert.ok(!link.isPending(seq));
});

test("an answer in time: no waiting; numbers go on above any that were acknowledged", (t) => {
  const { link, waits, pass } = setUp(t);
  link.acknowledge(link.command("pause") + 100);
  pass(5000);
  assert.deepEqual(waits, []);
  assert.ok(link.command("resume") > 100);
});

test("nothing is sent after the end", (t) => {
  const { link, sent, pass } = setUp(t);
  link.hello("a");
  link.command("beta", 1);
  link.command("beta", 2);
  link.destroy();
  link.command("stop");
  pass(5000);
  assert.equal(sent.length, 2);
});
