import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, erf } from "../graphs/nn.js";

/** @typedef {import("../contract/types.js").Op} Op */

/**
 * @param {number} inputs
 * @param {Op[]} ops
 * @param {number[]} [weights]
 */
function network(inputs, ops, weights = []) {
  return compile({
    inputs: [[inputs]],
    outputs: [ops[ops.length - 1].out],
    ops,
    weights: { dtype: "f32", shape: [weights.length], data: Float32Array.from(weights) },
  });
}

/** @param {ArrayLike<number>} got @param {number[]} wanted @param {number} [tolerance] */
function close(got, wanted, tolerance = 1e-6) {
  assert.equal(got.length, wanted.length);
  wanted.forEach((value, i) => {
    assert.ok(Math.abs(got[i] - value) <= tolerance, `[${i}] ${got[i]}, expected ${value}`);
  });
}

test("linear: y = Wx + b, W row-major (out, in), for any number of rows", () => {
  for (const rows of [1, 3, 4, 5, 9]) {
    const w = Array.from({ length: rows * 3 }, (_, i) => i - 4);
    const b = Array.from({ length: rows }, (_, i) => 10 * i);
    const op = { op: "linear", in: [0], out: 1, w: 0, b: w.length, in_features: 3, out_features: rows };
    const x = [1, -2, 0.5];
    const expected = b.map((bias, r) => bias + x.reduce((sum, v, k) => sum + v * w[3 * r + k], 0));
    close(network(3, [op], [...w, ...b]).run(x)[0], expected);
    close(
      network(3, [{ ...op, b: null }], w).run(x)[0],
      expected.map((v, r) => v - b[r]),
    );
  }
});

const X = [-30, -2, -0.5, 0, 0.5, 3, 30];
/** @type {[string, object, (x: number) => number][]} */
const ELEMENTWISE = [
  ["relu", {}, (x) => Math.max(0, x)],
  ["tanh", {}, Math.tanh],
  ["sigmoid", {}, (x) => 1 / (1 + Math.exp(-x))],
  ["softplus", {}, (x) => Math.log1p(Math.exp(x))],
  ["leaky_relu", { slope: 0.1 }, (x) => (x > 0 ? x : 0.1 * x)],
  ["elu", { alpha: 2 }, (x) => (x > 0 ? x : 2 * (Math.exp(x) - 1))],
  ["gelu", { approximate: "none" }, (x) => (x * (1 + erf(x / Math.SQRT2))) / 2],
  [
    "gelu",
    { approximate: "tanh" },
    (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
  ],
  ["silu", {}, (x) => x / (1 + Math.exp(-x))],
  ["hardtanh", { lo: -1, hi: 2 }, (x) => Math.min(Math.max(x, -1), 2)],
  ["scale_shift", { scale: -2, shift: 3 }, (x) => -2 * x + 3],
];
for (const [op, parameters, f] of ELEMENTWISE) {
  test(`${op} ${JSON.stringify(parameters)}`, () => {
    const [y] = network(X.length, [{ op, in: [0], out: 1, ...parameters }]).run(X);
    close(y, X.map(f), 1e-5);
  });
}

test("exp", () => {
  close(network(2, [{ op: "exp", in: [0], out: 1 }]).run([0, 1])[0], [1, Math.E]);
});

test("softmax along an axis in the middle", () => {
  const op = { op: "softmax", in: [0], out: 1, outer: 2, n: 2, inner: 2 };
  const x = [0, 900, 0, 900, -1, 2, 1, -900];
  const e = 1 / (1 + Math.E ** 2);
  close(network(8, [op]).run(x)[0], [0.5, 0.5, 0.5, 0.5, e, 1, 1 - e, 0]);
  assert.throws(() => network(6, [op]), /softmax.*got 6 values, expected 8/);
});

test("erf against known values", () => {
  close([erf(0), erf(0.5), erf(-1), erf(2)], [0, 0.5204998778, -0.8427007929, 0.995322265], 2e-7);
});

test("affine: one scale and shift a channel", () => {
  const op = { op: "affine", in: [0], out: 1, scale: 0, shift: 2, n: 2, inner: 3 };
  close(network(6, [op], [2, -1, 10, 20]).run([1, 2, 3, 4, 5, 6])[0], [12, 14, 16, 16, 15, 14]);
});

test("slices, sums, products and a residual path", () => {
  const ops = [
    { op: "reshape", in: [0], out: 1, shape: [2, 2] },
    { op: "slice", in: [1], out: 2, start: 0, stop: 2 },
    { op: "slice", in: [1], out: 3, start: 2, stop: 4 },
    { op: "mul", in: [2, 3], out: 4 },
    { op: "add", in: [4, 2], out: 5 },
    { op: "sub", in: [5, 3], out: 6 },
  ];
  close(network(4, ops).run([1, 2, 3, 5])[0], [1 * 3 + 1 - 3, 2 * 5 + 2 - 5]);
});

test("two inputs and two outputs", () => {
  const program = compile({
    inputs: [[2], [2]],
    outputs: [2, 3],
    ops: [
      { op: "add", in: [0, 1], out: 2 },
      { op: "mul", in: [0, 1], out: 3 },
    ],
    weights: { dtype: "f16", shape: [0], data: new Uint16Array(0) },
  });
  const [sum, product] = program.run([1, 2], [3, 4]);
  close(sum, [4, 6]);
  close(product, [3, 8]);
});

test("what cannot be run is refused by name, before anything is computed", () => {
  assert.throws(() => network(2, [{ op: "conv9d", in: [0], out: 1 }]), /unknown operation "conv9d"/);
  const linear = { op: "linear", in: [0], out: 1, w: 0, b: null, in_features: 3, out_features: 1 };
  assert.throws(() => network(2, [linear], [1, 1, 1]), /"linear".*got 2 values, expected 3/);
  assert.throws(() => network(3, [linear], [1, 1]), /outside the 2 that came/);
  assert.throws(() => network(2, [{ op: "tanh", in: [7], out: 1 }]), /reads register 7 before/);
  assert.throws(() => network(4, [{ op: "reshape", in: [0], out: 1, shape: [3] }]), /cannot view 4/);
  assert.throws(() => network(4, [{ op: "slice", in: [0], out: 1, start: 2, stop: 6 }]), /2:6 of 4/);
  assert.throws(() => network(2, [{ op: "tanh", in: [0], out: 1 }]).run([1]), /has 1 values, expected 2/);
});

test("a 2-256-512-784 decoder takes about a millisecond", (t) => {
  const sizes = [2, 256, 512, 784];
  /** @type {Op[]} */
  const ops = [];
  let offset = 0;
  for (let i = 1; i < sizes.length; i++) {
    const [n, m] = [sizes[i - 1], sizes[i]];
    const b = offset + n * m;
    ops.push({
      op: "linear",
      in: [2 * i - 2],
      out: 2 * i - 1,
      w: offset,
      b,
      in_features: n,
      out_features: m,
    });
    ops.push({ op: i < 3 ? "relu" : "sigmoid", in: [2 * i - 1], out: 2 * i });
    offset = b + m;
  }
  const weights = Array.from({ length: offset }, (_, i) => Math.sin(i * 12.9898) * 0.08);
  const program = network(2, ops, weights);
  for (let i = 0; i < 200; i++) program.run([i / 100, -1]);
  const start = performance.now();
  for (let i = 0; i < 100; i++) program.run([i / 100, 1]);
  const ms = (performance.now() - start) / 100;
  t.diagnostic(`${ms.toFixed(2)} ms`);
  assert.ok(ms < 20, `${ms} ms`); // far above the aim: machines that test are busy
});
