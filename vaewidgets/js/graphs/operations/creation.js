/** New tensors: of one number, counted, triangles. No DOM. */
import { size } from "../../contract/bytes.js";
import { createTensor } from "../tensor.js";
import { full } from "./elementwise.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 */

/** (end), (start, end), (start, end, step): what follows is a dtype or nothing. @type {Single} */
function arange(c, ...args) {
  const given = args.filter((value) => typeof value === "number");
  const [start, end, step] = given.length === 1 ? [0, given[0], 1] : [given[0], given[1], given[2] ?? 1];
  const n = Math.max(Math.ceil((end - start) / step), 0);
  return c.compute([[n]], [], (f, o) => {
    for (let i = 0; i < n; i++) f[o + i] = start + i * step;
  })[0];
}

/** @type {Single} */
function eye(c, n, columns) {
  const width = typeof columns === "number" ? columns : n;
  return c.compute([[n, width]], [], (f, o) => {
    f.fill(0, o, o + n * width);
    for (let i = 0; i < Math.min(n, width); i++) f[o + i * width + i] = 1;
  })[0];
}

/** @param {Builder} c @param {Tensor} x @param {(row: number, column: number) => boolean} keep */
function masked(c, x, keep) {
  const [rows, columns] = x.shape.slice(-2);
  const n = size(x.shape);
  return c.compute([x.shape], [x], (f, o, a) => {
    for (let i = 0; i < n; i++) {
      f[o + i] = keep(Math.floor(i / columns) % rows, i % columns) ? f[a + i] : 0;
    }
  })[0];
}

/** @type {Operations} */
export const creation = {
  arange,
  eye,
  full: (c, shape, value) => full(c, shape, value),
  full_like: (c, x, value) => full(c, x.shape, value),
  new_full: (c, _, shape, value) => full(c, shape, value),
  scalar_tensor: (c, value) => full(c, [], value),
  zeros: (c, shape) => full(c, shape, 0),
  zeros_like: (c, x) => full(c, x.shape, 0),
  new_zeros: (c, _, shape) => full(c, shape, 0),
  ones: (c, shape) => full(c, shape, 1),
  ones_like: (c, x) => full(c, x.shape, 1),
  new_ones: (c, _, shape) => full(c, shape, 1),
  empty: (_, shape) => createTensor(shape),
  empty_like: (_, x) => createTensor(x.shape),
  new_empty: (_, _x, shape) => createTensor(shape),
  tril: (c, x, shift = 0) => masked(c, x, (row, column) => column - row <= shift),
  triu: (c, x, shift = 0) => masked(c, x, (row, column) => column - row >= shift),
};
