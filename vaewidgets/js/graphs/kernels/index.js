/**
 * What programs are made of: products, elementwise passes, sums, convolutions as products, optimisers. No DOM.
 *
 * Two sets of the same functions; all take offsets into one memory (memory.js). A tensor is contiguous unless strides
 * are among the arguments. What is written must not overlap what is read, but an elementwise result may be an operand.
 *
 * @typedef {{a: number, aRow: number, aCol: number, b: number, bRow: number, bCol: number, c: number, cRow: number,
 *   m: number, n: number, k: number, accumulate?: boolean, bias?: number}} Product
 *   C (m, n) = A (m, k) B (k, n) [+ C] [+ a bias per column, -1: none]; strides count floats, C's columns are neighbours
 * @typedef {{x: number, columns: number, channels: number, height: number, width: number, kernel: number[],
 *   stride: number[], padding: number[], dilation: number[], outHeight: number, outWidth: number, row?: number}} Patches
 *   x: one image (channels, height, width); columns: (channels · kernel area, outHeight · outWidth), `row` numbers from
 *   one row to the next (default: as many as it has columns); 1-D is of height 1
 * @typedef {{p: number, g: number, n: number, lr: number, weightDecay?: number}} Update  parameter, gradient
 * @typedef {Update & {m: number, v: number, beta1: number, beta2: number, eps: number, step: number,
 *   decoupled?: boolean}} Adam   step counts from 1; decoupled: AdamW
 * @typedef {Update & {buffer?: number, momentum?: number, dampening?: number, nesterov?: boolean, step: number}} Sgd
 *   buffer: only with a momentum
 * @typedef {Update & {sum: number, lrDecay?: number, eps: number, step: number}} Adagrad
 *
 * @typedef {object} Kernels
 * @property {"wasm" | "wasm relaxed" | "plain"} name
 * @property {(product: Product) => void} product
 * @property {(name: string, out: number, x: number, n: number, ...numbers: number[]) => void} unary  functions.js: UNARY
 * @property {(name: string, out: number, a: number, aN: number, b: number, bN: number, n: number,
 *   ...numbers: number[]) => void} binary  functions.js: BINARY; operands of aN and bN numbers repeat until n are full
 * @property {(out: number, condition: number, a: number, b: number, n: number, conditionN?: number, aN?: number,
 *   bN?: number) => void} select  a where the condition is not 0, else b; operands repeat as in `binary`
 * @property {(out: number, a: number, b: number, alpha: number, n: number) => void} axpy  a + alpha · b
 * @property {(out: number, value: number, n: number) => void} fill
 * @property {(out: number, from: number, n: number) => void} copy
 * @property {(x: number, n: number) => number} sum
 * @property {(x: number, n: number) => boolean} isFinite  all of them
 * @property {(out: number, x: number, rows: number, cols: number) => void} sumRows  cols numbers
 * @property {(out: number, x: number, rows: number, cols: number) => void} sumCols  rows numbers
 * @property {(patches: Patches) => void} im2col
 * @property {(patches: Patches) => void} col2im  adds to x
 * @property {(x: number, n: number, low: number, span: number) => void} fromBytes  n numbers at x, whose last n bytes
 *   are read: byte / 255 · span + low
 * @property {(update: Adam) => void} adam
 * @property {(update: Sgd) => void} sgd
 * @property {(update: Adagrad) => void} adagrad
 */
import { createPlainKernels } from "./plain.js";
import { createArrayStorage, createWasmStorage } from "./storage.js";
import { createWasmKernels, instantiate } from "./wasm.js";

/** @typedef {{readonly f32: Float32Array, scratch(n: number): number}} Room  what kernels need of a memory */

/**
 * WebAssembly where the browser has SIMD and the page allows it.
 * @param {boolean} plain though there may be some
 * @param {number} pages of 64 KB to begin with
 * @returns {{storage: import("./storage.js").Storage, reserved: number, bind: (memory: Room) => Kernels}}
 *   reserved: floats at the start of the memory that are the kernels' own
 */
export function openKernels(plain, pages) {
  const wasm = plain ? null : instantiate(pages);
  if (!wasm) return { storage: createArrayStorage(), reserved: 0, bind: createPlainKernels };
  return {
    storage: createWasmStorage(wasm.memory),
    reserved: wasm.exports.reserved(),
    bind: (memory) => createWasmKernels(memory, wasm),
  };
}
