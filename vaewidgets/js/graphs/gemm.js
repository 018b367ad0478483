/**
 * Matrix products C = A B in single precision: WebAssembly SIMD where there is any, else plain JS. No DOM.
 *
 * Both take A in panels of 4 rows and B in panels of 8 columns, each stored with k running slowest, so that the inner
 * loop reads straight on; 4 × 8 (in JS 4 × 4) sums stay in registers over the whole of k.
 *
 * @typedef {{b: Float32Array, c: Float32Array}} Room  valid until the next `load`
 * @typedef {{name: string, load(a: Float32Array, b: number, c: number): Room,
 *   multiply(rows: number, columns: number, k: number): void}} Kernel
 *   `load` takes packed A and makes room for so many numbers of B and C; `multiply` takes numbers of panels
 */
import { GEMM_WASM } from "./gemm_wasm.js";

export const ROWS = 4;
export const COLUMNS = 8;
const PAGE_BYTES = 65536;

/**
 * Rows of a row-major matrix in panels of 4; those that fill up the last panel are 0.
 * @param {Float32Array} matrix (m, k)
 * @param {number} m
 * @param {number} k
 * @returns {Float32Array}
 */
export function packRows(matrix, m, k) {
  const packed = new Float32Array(Math.ceil(m / ROWS) * ROWS * k);
  for (let row = 0; row < m; row++) {
    let at = (row - (row % ROWS)) * k + (row % ROWS);
    for (let i = row * k; i < (row + 1) * k; i++, at += ROWS) packed[at] = matrix[i];
  }
  return packed;
}

/** @returns {Kernel} */
export function createPlainKernel() {
  /** @type {Float32Array} */
  let a = new Float32Array(0);
  let b = new Float32Array(0);
  let c = new Float32Array(0);
  return {
    name: "plain",
    load(packed, bLength, cLength) {
      a = packed;
      if (b.length < bLength) b = new Float32Array(bLength);
      if (c.length < cLength) c = new Float32Array(cLength);
      return { b, c };
    },
    multiply(rows, columns, k) {
      const stride = columns * COLUMNS;
      for (let row = 0; row < rows; row++) {
        for (let half = 0; half < 2 * columns; half++) {
          const from = (half >> 1) * COLUMNS * k + (half & 1) * 4;
          tile(a, row * ROWS * k, b, from, c, row * ROWS * stride + half * 4, stride, k);
        }
      }
    },
  };
}

/**
 * @param {Float32Array} a @param {number} ap
 * @param {Float32Array} b @param {number} bp
 * @param {Float32Array} c @param {number} cp
 * @param {number} stride numbers in a row of C
 * @param {number} k
 */
function tile(a, ap, b, bp, c, cp, stride, k) {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  const end = ap + ROWS * k;
  for (; ap < end; ap += ROWS, bp += COLUMNS) {
    const a0 = a[ap];
    const a1 = a[ap + 1];
    const a2 = a[ap + 2];
    const a3 = a[ap + 3];
    const b0 = b[bp];
    const b1 = b[bp + 1];
    const b2 = b[bp + 2];
    const b3 = b[bp + 3];
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
    s20 += a2 * b0;
    s21 += a2 * b1;
    s22 += a2 * b2;
    s23 += a2 * b3;
    s30 += a3 * b0;
    s31 += a3 * b1;
    s32 += a3 * b2;
    s33 += a3 * b3;
  }
  c[cp] = s00;
  c[cp + 1] = s01;
  c[cp + 2] = s02;
  c[cp + 3] = s03;
  cp += stride;
  c[cp] = s10;
  c[cp + 1] = s11;
  c[cp + 2] = s12;
  c[cp + 3] = s13;
  cp += stride;
  c[cp] = s20;
  c[cp + 1] = s21;
  c[cp + 2] = s22;
  c[cp + 3] = s23;
  cp += stride;
  c[cp] = s30;
  c[cp + 1] = s31;
  c[cp + 2] = s32;
  c[cp + 3] = s33;
}

/**
 * One memory for all networks of a page: each browser reserves gigabytes of addresses for each.
 * @returns {Kernel | null} null where the browser has no SIMD or the page forbids WebAssembly
 */
export function createWasmKernel() {
  /** @type {WebAssembly.Exports} */
  let exports;
  try {
    const bytes = Uint8Array.from(atob(GEMM_WASM), (letter) => letter.charCodeAt(0));
    exports = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  } catch {
    return null;
  }
  const memory = /** @type {WebAssembly.Memory} */ (exports.m);
  const multiply = /** @type {(...n: number[]) => void} */ (exports.f);
  let bStart = 0;
  let cStart = 0;
  return {
    name: "wasm",
    load(packed, bLength, cLength) {
      bStart = 4 * packed.length;
      cStart = bStart + 4 * bLength;
      const missing = cStart + 4 * cLength - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
      new Float32Array(memory.buffer, 0, packed.length).set(packed);
      return {
        b: new Float32Array(memory.buffer, bStart, bLength),
        c: new Float32Array(memory.buffer, cStart, cLength),
      };
    },
    multiply: (rows, columns, k) => multiply(0, bStart, cStart, rows, columns, k),
  };
}

/** @type {Kernel | null} */
let shared = null;

/** The best that this page has. @returns {Kernel} */
export function kernel() {
  shared ??= createWasmKernel() ?? createPlainKernel();
  return shared;
}
