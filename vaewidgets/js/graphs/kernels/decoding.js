/** The kernels in JS that decoding needs: where WebAssembly is forbidden, and for what it has not. No DOM. */
import { BINARY, UNARY } from "./functions.js";
import { col2im, im2col } from "./patches.js";
import { multiply } from "./plain_product.js";

/**
 * @template T
 * @param {Record<string, T>} table
 * @param {string} name
 * @returns {T}
 */
function named(table, name) {
  if (!Object.hasOwn(table, name)) throw new Error(`kernels: no elementwise function "${name}"`);
  return table[name];
}

/** @param {Float32Array} f32 @param {number} out @param {number} x @param {number} rows @param {number} cols */
function sumRows(f32, out, x, rows, cols) {
  const sums = new Float64Array(cols);
  for (let row = 0, at = x; row < rows; row++) {
    for (let col = 0; col < cols; col++, at++) sums[col] += f32[at];
  }
  f32.set(sums, out);
}

/** @typedef {Omit<import("./index.js").Kernels, "isFinite" | "fromBytes" | "adam" | "sgd" | "adagrad">} DecodingKernels */

/**
 * @param {import("./index.js").Room} memory
 * @param {typeof BINARY} [gradients] further functions of two operands
 * @returns {DecodingKernels}
 */
export function createDecodingKernels(memory, gradients = {}) {
  const binaries = { ...BINARY, ...gradients };
  /** @type {DecodingKernels} */
  const kernels = {
    name: "plain",
    product: (product) => multiply(memory.f32, product),
    unary(name, out, x, n, a, b, c) {
      const { f32 } = memory;
      const f = named(UNARY, name);
      for (let i = 0; i < n; i++) f32[out + i] = f(f32[x + i], a, b, c);
    },
    binary(name, out, a, aN, b, bN, n, c, d, e) {
      const { f32 } = memory;
      const f = named(binaries, name);
      for (let i = 0, ai = 0, bi = 0; i < n; i++) {
        f32[out + i] = f(f32[a + ai], f32[b + bi], c, d, e);
        if (++ai === aN) ai = 0;
        if (++bi === bN) bi = 0;
      }
    },
    select(out, condition, a, b, n, conditionN = n, aN = n, bN = n) {
      const { f32 } = memory;
      for (let i = 0, ci = 0, ai = 0, bi = 0; i < n; i++) {
        f32[out + i] = f32[condition + ci] !== 0 ? f32[a + ai] : f32[b + bi];
        if (++ci === conditionN) ci = 0;
        if (++ai === aN) ai = 0;
        if (++bi === bN) bi = 0;
      }
    },
    axpy(out, a, b, alpha, n) {
      const { f32 } = memory;
      for (let i = 0; i < n; i++) f32[out + i] = f32[a + i] + alpha * f32[b + i];
    },
    fill: (out, value, n) => void memory.f32.fill(value, out, out + n),
    copy: (out, from, n) => void memory.f32.copyWithin(out, from, from + n),
    sum(x, n) {
      const { f32 } = memory;
      let sum = 0;
      for (let i = x; i < x + n; i++) sum += f32[i];
      return sum;
    },
    sumRows: (out, x, rows, cols) => sumRows(memory.f32, out, x, rows, cols),
    sumCols(out, x, rows, cols) {
      const { f32 } = memory;
      for (let row = 0; row < rows; row++) f32[out + row] = kernels.sum(x + row * cols, cols);
    },
    im2col: (patches) => im2col(memory.f32, patches),
    col2im: (patches) => col2im(memory.f32, patches),
  };
  return kernels;
}
