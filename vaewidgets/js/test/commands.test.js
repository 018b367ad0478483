import assert from "node:assert/strict";
import { test } from "node:test";
import { createCommands, FLUSH_MS, MOST_LETTERS, PATIENCE_MS } from "../host/commands.js";

/** @param {import("node:test").TestContext} t */
function setUp(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  /** @type {any[]} */
  const sent = [];
  /** @type {boolean[]} */
  const waits = [];
  const commands = createCommands((message) => sent.push(message), { onWaiting: (on) => waits.push(on) });
  /** @param {number} ms */
  const pass = (ms) => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  return { commands, sent, waits, pass };
}

test("hello twice, 600 ms apart", (t) => {
  const { commands, sent, pass } = setUp(t);
  commands.hello();
  assert.deepEqual(sent, [{ type: "hello" }]);
  pass(599);
  assert.equal(sent.length, 1);
  pass(1);
  assert.equal(sent.length, 2);
});

test("the first command goes at once, of the rest the newest of each name", (t) => {
  const { commands, sent, pass } = setUp(t);
  commands.send("beta", 1);
  for (const value of [2, 3, 4]) commands.send("beta", value);
  commands.send("pause");
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
  const { commands, waits, pass } = setUp(t);
  const seq = commands.send("pause");
  pass(PATIENCE_MS - 1);
  assert.deepEqual(waits, []);
  assert.ok(commands.isPending(seq));
  pass(20);
  assert.deepEqual(waits, [true]);
  commands.acknowledge(seq);
  assert.deepEqual(waits, [true, false]);
  assert.ok(!commands.isPending(seq));
});

test("an answer in time: no waiting; numbers go on above any that were acknowledged", (t) => {
  const { commands, waits, pass } = setUp(t);
  commands.acknowledge(commands.send("pause") + 100);
  pass(5000);
  assert.deepEqual(waits, []);
  assert.ok(commands.send("resume") > 100);
});

test("nothing is sent after the end", (t) => {
  const { commands, sent, pass } = setUp(t);
  commands.hello();
  commands.send("beta", 1);
  commands.send("beta", 2);
  commands.destroy();
  commands.send("stop");
  pass(5000);
  assert.equal(sent.length, 2);
});

test("what is too large for a host to carry is not sent, and said", () => {
  /** @type {any[]} */
  const sent = [];
  /** @type {string[]} */
  const said = [];
  const commands = createCommands((message) => sent.push(message), { onRefused: (why) => said.push(why) });
  commands.send("view:selected", new Array(MOST_LETTERS / 2).fill(1));
  assert.deepEqual(sent, []);
  assert.equal(said.length, 1);
  assert.match(said[0], /^Not sent to the kernel: it takes 900,\d+ letters; at most 900,000 can be/);
  commands.destroy();
});
