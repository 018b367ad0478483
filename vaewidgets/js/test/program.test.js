import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemory } from "../graphs/kernels/memory.js";
import { operations } from "../graphs/operations/index.js";
import { createProgram, createTensors } from "../graphs/program.js";
import { graph } from "./graph.js";

/** @param {import("../contract/types.js").Graph} network @param {object} [options] */
function opened(network, options = {}) {
  const memory = createMemory();
  const tensors = createTensors(network, memory);
  return { memory, tensors, program: createProgram(network, { memory, tensors, operations, ...options }) };
}

/** @param {any[]} inputs @param {any[]} ops @param {ArrayLike<number>[]} values */
const run = (inputs, ops, ...values) =>
  opened(graph(inputs, ops))
    .program.call(...values)
    .map((y) => [...y]);

test("a linear layer of any batch size, with shapes that depend on it", () => {
  const ops = [
    ["t", [{ t: 1 }], [3]],
    ["addmm", [{ t: 2 }, { t: 0 }, { t: 3 }, 1, 1], [4]],
    ["view", [{ t: 4 }, [{ b: [2, 0] }, -1]], [5]],
    ["mul", [{ t: 5 }, { per: 6 }], [6]],
  ];
  const network = graph([[{ b: [1, 0] }, 2]], ops, {
    weight: [
      [1, 2],
      [3, 4],
    ],
    bias: [10, 20],
  });
  for (const batch of [1, 3]) {
    const { program } = opened(network, { batch });
    assert.deepEqual(program.inputs[0].shape, [batch, 2]);
    assert.deepEqual(program.outputs[0].shape, [2 * batch, 1]);
    const rows = Array.from({ length: batch }, () => [1, 1]).flat();
    const wanted = Array.from({ length: batch }, () => [(13 * 6) / batch, (27 * 6) / batch]).flat();
    assert.deepEqual([...program.call(rows)[0]], wanted);
  }
});

test("what is written through a view is seen by all that look at the same memory", () => {
  const ops = [
    ["clone", [{ t: 0 }], [1]],
    ["t", [{ t: 1 }], [2]],
    ["select", [{ t: 2 }, 0, 1], [3]],
    ["mul_", [{ t: 3 }, 10], [null]],
    ["add_", [{ t: 2 }, { t: 2 }, 1], [null]],
    ["view", [{ t: 1 }, [6]], [4]],
  ];
  const [y] = run([[2, 3]], ops, [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(y, [2, 40, 6, 8, 100, 12]);
});

test("a view keeps its memory in use, however late it is read", () => {
  const many = Array.from({ length: 6 }, (_, i) => ["exp", [{ t: i ? 2 + i : 0 }], [3 + i]]);
  const ops = [["mul", [{ t: 0 }, 3], [1]], ["t", [{ t: 1 }], [2]], ...many, ["add", [{ t: 2 }, 0, 1], [9]]];
  assert.deepEqual(run([[2, 2]], ops, [1, 2, 3, 4]), [[3, 9, 6, 12]]);
});

test("memory is used again once nothing reads it any more", () => {
  const n = 1000;
  const chain = Array.from({ length: 50 }, (_, i) => ["add", [{ t: i }, 1, 1], [i + 1]]);
  const { program } = opened(graph([[n]], chain));
  assert.deepEqual([...new Set(program.call(new Float32Array(n))[0])], [50]);
  assert.ok(program.size < 5 * n, `${program.size} numbers`);
});

test("what depends on weights alone runs once for each set of them", () => {
  const ops = [
    ["exp", [{ t: 1 }], [2]],
    ["add", [{ t: 0 }, { t: 2 }, 1], [3]],
  ];
  let runs = 0;
  const counted = {
    ...operations,
    exp: (/** @type {any} */ c, /** @type {any} */ x) =>
      c.compute(
        [x.shape],
        [x],
        (/** @type {Float32Array} */ f, /** @type {number} */ o, /** @type {number} */ a) => {
          runs += 1;
          f[o] = Math.exp(f[a]);
        },
      )[0],
  };
  const network = graph([[1]], ops, { weight: [0] });
  const { program, tensors } = opened(network, { operations: counted, constantWeights: true });
  for (let i = 0; i < 3; i++) assert.deepEqual([...program.call([i])[0]], [i + 1]);
  assert.equal(runs, 1);
  tensors.set(Float32Array.of(Math.fround(Math.LN2)));
  assert.ok(Math.abs(program.call([0])[0][0] - 2) < 1e-6);
  assert.equal(runs, 2);
});

test("tensors that a program writes to are not constant, and keep what is written", () => {
  const ops = [
    ["add_", [{ t: 1 }, { t: 0 }, 1], [null]],
    ["mul", [{ t: 1 }, 2], [2]],
  ];
  const { program, tensors } = opened(graph([[1]], ops, { count: [5] }), { constantWeights: true });
  assert.deepEqual([...program.call([1])[0], ...program.call([1])[0]], [12, 14]);
  assert.deepEqual([...tensors.get(), ...tensors.byName("count")], [7, 7]);
});

test("several programs share tensors, by name where their graphs differ", () => {
  const memory = createMemory();
  const first = createTensors(graph([], [["neg", [{ t: 0 }], [2]]], { a: [1, 2], b: [3] }), memory);
  const shared = new Map([["b", first.offsets[1]]]);
  const network = graph([], [["neg", [{ t: 0 }], [1]]], { b: [4] });
  const second = createTensors(network, memory, shared);
  assert.deepEqual([...first.get()], [1, 2, 4]);
  const program = createProgram(network, { memory, tensors: second, operations });
  first.set(Float32Array.of(0, 0, 9));
  assert.deepEqual([...program.call()[0]], [-9]);
  second.destroy();
  assert.equal(first.byName("b")[0], 9);
});

test("draws are filled by the caller; inputs at the end may be left out", () => {
  const ops = [
    ["add", [{ t: 0 }, { t: 2 }, 1], [3]],
    ["add", [{ t: 3 }, { t: 1 }, 1], [4]],
  ];
  const network = { ...graph([[2], [2]], ops, {}, [["normal", [{ b: [2, 0] }]]]), optional: 1 };
  const { program, memory } = opened(network);
  const [{ kind, offset, shape }] = program.draws;
  assert.deepEqual([kind, shape], ["normal", [2]]);
  memory.f32.set([10, 20], offset);
  assert.deepEqual([...program.call([1, 2], [5, 5])[0]], [16, 27]);
  assert.deepEqual([...program.call([1, 2])[0]], [11, 22]);
  assert.throws(() => program.call(), /got 0 inputs, expected 2/);
  assert.throws(() => program.call([1]), /input 0 has 1 values, expected 2/);
});

test("a program that is let go frees its memory", () => {
  const { memory, program, tensors } = opened(graph([[1000]], [["neg", [{ t: 0 }], [1]]]));
  const network = graph([[1000]], [["neg", [{ t: 0 }], [1]]]);
  const before = memory.f32.length;
  for (let i = 0; i < 3000; i++) createProgram(network, { memory, tensors, operations }).destroy();
  assert.equal(memory.f32.length, before);
  assert.equal(program.call(new Float32Array(1000).fill(1))[0][0], -1);
});

test("what cannot be run is refused by name, before anything is computed", () => {
  const one = (/** @type {any} */ op) => () => opened(graph([[2, 3]], [op]));
  assert.throws(one(["fft", [{ t: 0 }], [1]]), /"fft" \(operation 0\): unknown operation/);
  assert.throws(one(["constructor", [{ t: 0 }], [1]]), /"constructor".*unknown operation/);
  assert.throws(one(["tanh", [{ t: 7 }], [1]]), /"tanh".*tensor 7 is read before it is written/);
  assert.throws(one(["view", [{ t: 0 }, [4]], [1]]), /"view".*6 values cannot be viewed as \[4\]/);
  assert.throws(one(["mm", [{ t: 0 }, { t: 0 }], [1]]), /"mm".*\[2,3\] times \[2,3\]/);
  assert.throws(one(["select", [{ t: 0 }, 2, 0], [1]]), /"select".*axis 2 of 2/);
  assert.throws(one(["expand", [{ t: 0 }, [4, 3]], [1]]), /"expand".*\[2,3\] cannot be expanded to \[4,3\]/);
  const weights = graph([], [["neg", [{ t: 0 }], [1]]], { a: [1, 2] });
  weights.tensors[0][1] = [3];
  assert.throws(() => opened(weights), /got 2 weights, expected 3/);
});

test("a result is written to where it would be copied, unless it or what it replaces is still read", () => {
  const n = 20;
  const ops = [
    ["neg", [{ t: 0 }], [1]],
    ["clone", [{ t: 1 }], [2]], // 1 is read below: copied
    ["mul_", [{ t: 2 }, 10], [null]], // in place
    ["flip", [{ t: 2 }, [0]], [3]],
    ["copy_", [{ t: 2 }, { t: 3 }], [null]], // reads 2 in another order than it is written: copied
    ["sub", [{ t: 2 }, { t: 1 }, 1], [4]],
  ];
  const { memory, program } = opened(graph([[n]], ops));
  const { copy } = memory.kernels;
  let copies = 0;
  memory.kernels.copy = (...places) => {
    copies++;
    copy(...places);
  };
  const x = Float32Array.from({ length: n }, (_, i) => i);
  assert.deepEqual(
    [...program.call(x)[0]],
    Array.from(x, (v, i) => v - 10 * x[n - 1 - i]),
  );
  assert.equal(copies, 2);
});
