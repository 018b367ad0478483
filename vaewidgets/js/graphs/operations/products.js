/** Matrix products; operands may have any strides. No DOM. */
import { createTensor, unsqueeze, viewOf } from "../tensor.js";
import { add, mul, scaled } from "./elementwise.js";
import { sum } from "./reductions.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 */

/**
 * A (batch, m, k) B (batch, k, n), or without a batch.
 * @param {Builder} c @param {Tensor} a @param {Tensor} b @param {Tensor | null} [bias] n numbers
 */
function product(c, a, b, bias = null) {
  const lead = a.shape.length - 2;
  const [m, k] = a.shape.slice(lead);
  const n = b.shape[lead + 1];
  if (b.shape[lead] !== k) throw new Error(`[${a.shape}] times [${b.shape}]`);
  const batches = lead ? a.shape[0] : 1;
  const out = createTensor([...a.shape.slice(0, lead), m, n]);
  const sizes = {
    m,
    n,
    k,
    aRow: a.strides[lead],
    aCol: a.strides[lead + 1],
    bRow: b.strides[lead],
    bCol: b.strides[lead + 1],
    cRow: n,
  };
  const reads = bias ? [a, b, bias] : [a, b];
  c.step([out], reads, (o, p, q, shift = -1) => {
    const calls = Array.from({ length: batches }, (_, i) => ({
      ...sizes,
      a: p + (lead && i * a.strides[0]),
      b: q + (lead && i * b.strides[0]),
      c: o + i * m * n,
      bias: shift,
    }));
    return () => {
      for (const call of calls) c.kernels.product(call);
    };
  });
  return out;
}

/** @type {Single} */
export const mm = (c, a, b) => product(c, a, b);

/** beta · x + alpha · A B. @type {Single} */
function addmm(c, x, a, b, beta = 1, alpha = 1) {
  const n = b.shape[b.shape.length - 1];
  if (beta === 1 && alpha === 1 && x.shape.length === 1 && x.shape[0] === n && x.strides[0] === 1) {
    return product(c, a, b, x);
  }
  const found = scaled(c, product(c, a, b), alpha);
  return beta === 0 ? found : add(c, found, scaled(c, x, beta));
}

/** A matrix times a vector. @type {Single} */
function mv(c, a, x) {
  const out = product(c, a, unsqueeze(x, 1));
  return viewOf(out, [a.shape[0]], [1]);
}

/** @type {Operations} */
export const products = {
  mm,
  bmm: mm,
  addmm,
  baddbmm: addmm,
  mv,
  addmv: (c, x, a, y, beta = 1, alpha = 1) => add(c, scaled(c, mv(c, a, y), alpha), scaled(c, x, beta)),
  dot: (c, x, y) => sum(c, mul(c, x, y)),
};
