import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createPlainKernel, createWasmKernel, kernel, packRows } from "../graphs/gemm.js";
import { compile } from "../graphs/nn.js";
import { bytes, file } from "../graphs/wasm/gemm.mjs";

/** @typedef {import("../contract/types.js").Op} Op */

/** @param {number} n @param {Op[]} ops @param {number[]} [weights] */
function run(n, ops, weights = []) {
  const network = {
    inputs: [[n]],
    outputs: [ops[ops.length - 1].out],
    ops,
    weights: {
      dtype: /** @type {const} */ ("f32"),
      shape: [weights.length],
      data: Float32Array.from(weights),
    },
  };
  return (/** @type {number[]} */ x) => [...compile(network).run(x)[0]];
}

/** A layer on one register. @param {string} op @param {object} attributes */
const layer = (op, attributes) => ({ op, in: [0], out: 1, ...attributes });

test("the kernel in the bundle is what its source says", () => {
  assert.equal(readFileSync(new URL("../graphs/gemm_wasm.js", import.meta.url), "utf8"), file);
  assert.ok(WebAssembly.validate(bytes));
  assert.equal(kernel().name, "wasm");
});

for (const create of [createWasmKernel, createPlainKernel]) {
  test(`${create.name}: products of any size, also after a smaller and a larger one`, () => {
    const made = create();
    assert.ok(made);
    for (const [m, k, n] of [
      [1, 1, 1],
      [4, 3, 8],
      [5, 7, 17],
      [130, 90, 250],
      [3, 2, 9],
    ]) {
      const a = Float32Array.from({ length: m * k }, (_, i) => Math.sin(i));
      const columns = Math.ceil(n / 8);
      const { b, c } = made.load(packRows(a, m, k), columns * 8 * k, Math.ceil(m / 4) * 4 * columns * 8);
      const at = (/** @type {number} */ i, /** @type {number} */ j) => (j - (j % 8)) * k + i * 8 + (j % 8);
      for (let i = 0; i < k; i++) for (let j = 0; j < n; j++) b[at(i, j)] = Math.cos(i + 3 * j);
      made.multiply(Math.ceil(m / 4), columns, k);
      for (let row = 0; row < m; row++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          let size = 0;
          for (let i = 0; i < k; i++) {
            sum += a[row * k + i] * b[at(i, j)];
            size += Math.abs(a[row * k + i] * b[at(i, j)]);
          }
          // k products and k sums, each rounded by half a unit in the last place
          const allowed = (k + 1) * 2 ** -24 * size;
          assert.ok(Math.abs(c[row * columns * 8 + j] - sum) <= allowed, `${m} × ${k} × ${n}: ${row}, ${j}`);
        }
      }
    }
  });
}

const GEOMETRY = {
  height: 2,
  width: 3,
  grid_height: 2,
  grid_width: 2,
  kernel: [1, 2],
  stride: [1, 2],
  padding: [0, 1],
  dilation: [1, 1],
};

test("conv2d: what its kernel sees, and zeros around", () => {
  const op = { ...GEOMETRY, in_channels: 1, out_channels: 1, w: 0, b: 2 };
  // rows 0 1 2 3 and 0 4 5 6, two at a time
  assert.deepEqual(run(6, [layer("conv2d", op)], [10, 1, 100])([1, 2, 3, 4, 5, 6]), [101, 123, 104, 156]);
});

test("conv_transpose2d is the transpose of conv2d", () => {
  const weights = [1, 2, 3, 4, 5, 6, 7, 8]; // (2 grid channels, 2 image channels, 1 × 2)
  const forth = layer("conv2d", { ...GEOMETRY, in_channels: 2, out_channels: 2, w: 0, b: null });
  const swapped = [1, 5, 2, 6, 3, 7, 4, 8]; // image channel and tap first, then grid channel
  const back = layer("conv_transpose2d", { ...GEOMETRY, in_channels: 2, out_channels: 2, w: 0, b: null });
  const x = Array.from({ length: 12 }, (_, i) => Math.sin(i));
  const y = Array.from({ length: 8 }, (_, i) => Math.cos(2 * i));
  const dot = (/** @type {number[]} */ a, /** @type {number[]} */ b) =>
    a.reduce((s, v, i) => s + v * b[i], 0);
  const one = dot(run(12, [forth], weights)(x), y);
  const other = dot(run(8, [back], swapped)(y), x);
  assert.ok(Math.abs(one - other) < 1e-4, `${one}, ${other}`);
});

test("columns that do not fit at once go block by block", () => {
  const sizes = { height: 40, width: 40, grid_height: 40, grid_width: 40, kernel: [1, 1], stride: [1, 1] };
  const op = {
    ...sizes,
    padding: [0, 0],
    dilation: [1, 1],
    in_channels: 200,
    out_channels: 1,
    w: 0,
    b: null,
  };
  const x = Array.from({ length: 200 * 1600 }, (_, i) => i % 7);
  const y = run(x.length, [layer("conv2d", op)], new Array(200).fill(1))(x);
  for (const n of [0, 7, 8, 655, 656, 1599]) {
    let sum = 0;
    for (let k = 0; k < 200; k++) sum += x[k * 1600 + n];
    assert.equal(y[n], sum);
  }
});

test("max_pool2d: padding never wins", () => {
  assert.deepEqual(
    run(6, [layer("max_pool2d", { ...GEOMETRY, channels: 1 })])([-1, -2, -3, 4, 6, 5]),
    [-1, -2, 4, 6],
  );
});

test("resample: rows and columns as weighted sums", () => {
  const rows = [
    [0, 1],
    [0, 0.5, 1, 0.5],
  ];
  const op = { channels: 2, height: 2, width: 1, rows, cols: [[0, 2], []] };
  assert.deepEqual(run(4, [layer("resample", op)])([1, 3, 5, 9]), [2, 0, 4, 0, 10, 0, 14, 0]);
});

test("strided and concat: axes turned, flipped, repeated, joined; constants", () => {
  const op = layer("strided", { start: 2, shape: [3, 2], strides: [-1, 3] });
  assert.deepEqual(run(6, [op])([0, 1, 2, 3, 4, 5]), [2, 5, 1, 4, 0, 3]);
  const constant = { op: "constant", in: [], out: 2, w: 1, n: 2 };
  const joined = { op: "concat", in: [1, 2], out: 3, outer: 2 };
  assert.deepEqual(run(6, [op, constant, joined], [9, 7, 8])([0, 1, 2, 3, 4, 5]), [2, 5, 1, 7, 4, 0, 3, 8]);
});

test("layers whose sizes do not fit are refused", () => {
  const conv = layer("conv2d", { ...GEOMETRY, in_channels: 1, out_channels: 1, w: 0, b: null });
  assert.throws(() => run(5, [conv], [1, 2])([]), /"conv2d".*got 5 values, expected 6/);
  assert.throws(() => run(6, [conv], [1])([]), /outside the 1 that came/);
  assert.throws(
    () => run(6, [layer("strided", { start: 1, shape: [3], strides: [3] })])([]),
    /beyond its 6 values/,
  );
});
