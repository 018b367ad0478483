/**
 * What gives sums of a plane's elements, each with a share, on the GPU: larger and smaller images, what is put around
 * them, means of windows; and their gradients. No DOM.
 *
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {{start: ArrayLike<number>, at: ArrayLike<number>, share: ArrayLike<number>}} Lists
 *   of the i-th result of a plane: elements at[start[i]] to at[start[i + 1]] and their shares
 * @typedef {{taps?: Lists, windows?: import("../operations/pooling.js").Window[][], divisor?: number | null,
 *   width?: number, plane: number, back?: boolean}} Known
 *   windows, in place of taps: of rows and columns; plane: elements of what was resampled; back: of its gradient
 */
import { count, createTensor } from "../tensor.js";
import { forEach, groupsOf, param } from "./shaders.js";

const CODE = forEach(`
  let plane = i / ${param(3)} * ${param(4)};
  let k = ${param(5)} + i % ${param(3)};
  let end = u32(m[k + 1u]);
  var s = 0.0;
  for (var j = u32(m[k]); j < end; j++) { s += m[${param(2)} + plane + u32(m[${param(6)} + j])] * m[${param(7)} + j]; }
  m[${param(1)} + i] = s;`);

/** @param {import("../operations/pooling.js").Window[][]} windows @param {number} width @param {number | null} divisor @returns {Lists} */
export function listsOf([rows, columns], width, divisor) {
  const start = [0];
  const at = [];
  const share = [];
  for (const row of rows) {
    for (const column of columns) {
      for (let y = row.from; y < row.to; y += row.step) {
        for (let x = column.from; x < column.to; x += column.step) {
          at.push(y * width + x);
          share.push(1 / (divisor ?? row.size * column.size));
        }
      }
      start.push(at.length);
    }
  }
  return { start, at, share };
}

/** By element in which results it is, and with which shares. @param {Lists} lists @param {number} plane @returns {Lists} */
export function turned({ start, at, share }, plane) {
  /** @type {[number, number][][]} */
  const found = Array.from({ length: plane }, () => []);
  for (let i = 0; i + 1 < start.length; i++)
    for (let j = start[i]; j < start[i + 1]; j++) found[at[j]].push([i, share[j]]);
  const all = found.flat();
  let end = 0;
  return {
    start: [0, ...found.map((own) => (end += own.length))],
    at: all.map(([i]) => i),
    share: all.map(([, each]) => each),
  };
}

/** What lists hold, for dispatches. @param {import("./builder.js").GpuBuilder} c @param {ArrayLike<number>[]} lists */
export const sent = (c, lists) => lists.map((list) => c.constant([list.length], Float32Array.from(list)));

/**
 * @param {import("./builder.js").GpuBuilder} c @param {number[]} shape of the result @param {Tensor} x contiguous
 * @param {Known} known
 * @returns {Tensor}
 */
export function gathered(c, shape, x, { taps, windows, divisor = null, width = 0, plane, back = false }) {
  const forward = taps ?? listsOf(windows ?? [[], []], width, divisor);
  const lists = back ? turned(forward, plane) : forward;
  const results = forward.start.length - 1;
  const [outs, ins] = back ? [plane, results] : [results, plane];
  const out = createTensor(shape);
  const n = count(out);
  const told = sent(c, [lists.start, lists.at, lists.share]);
  c.dispatch([out], [x, ...told], (o, a, start, at, share) => ({
    code: CODE,
    params: [n, o, a, outs, ins, start, at, share],
    groups: [groupsOf(n), 1, 1],
  }));
  return out;
}
