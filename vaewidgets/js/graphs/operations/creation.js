/** New tensors: of one number, counted, triangles. No DOM. */
import { size } from "../../contract/bytes.js";
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

/** Ones on the diagonal. @param {Builder} c @param {number} n @param {number} columns */
export const identity = (c, n, columns) =>
  c.compute([[n, columns]], [], (f, o) => {
    f.fill(0, o, o + n * columns);
    for (let i = 0; i < Math.min(n, columns); i++) f[o + i * columns + i] = 1;
  })[0];

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

/** Filled with one number: of a shape, of another tensor's shape, or beside another tensor. @param {string} name @param {number} value @returns {Operations} */
const filled = (name, value) => ({
  [name]: (c, shape) => full(c, shape, value),
  [`${name}_like`]: (c, x) => full(c, x.shape, value),
  [`new_${name}`]: (c, _, shape) => full(c, shape, value),
});

/** @type {Operations} */
export const creation = {
  ...filled("zeros", 0),
  empty: (c, shape) => c.empty(shape),
  empty_like: (c, x) => c.empty(x.shape),
  new_empty: (c, _, shape) => c.empty(shape),
  ...filled("ones", 1),
  arange,
  eye: (c, n, columns) => identity(c, n, typeof columns === "number" ? columns : n),
  full: (c, shape, value) => full(c, shape, value),
  full_like: (c, x, value) => full(c, x.shape, value),
  new_full: (c, _, shape, value) => full(c, shape, value),
  scalar_tensor: (c, value) => full(c, [], value),
  tril: (c, x, shift = 0) => masked(c, x, (row, column) => column - row <= shift),
  triu: (c, x, shift = 0) => masked(c, x, (row, column) => column - row >= shift),
};
