/**
 * Elementwise functions that follow one another become one pass: what one gives the next one is handed on in a
 * register, and written to memory only where something else reads it. No DOM.
 *
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../tensor.js").Storage} Storage
 * @typedef {import("./builder.js").GpuStep} GpuStep
 * @typedef {import("./builder.js").Mapping} Mapping
 * @typedef {{out: Tensor, reads: Tensor[], map: Mapping}} Part
 */
import { count, isContiguous, merged } from "../tensor.js";
import { float, forEach, groupsOf, MOST_PARAMS, param } from "./shaders.js";

/** Whether the numbers lie one after the other, in the order of the elements. @param {Tensor} x @param {number} n elements */
const isDense = (x, n) => isContiguous(x) && count(x) === n;

/** @param {Tensor} a @param {Tensor} b dense both */
const isSame = (a, b) => a.storage === b.storage && a.offset === b.offset;

/** At most so many parameters does a part take. @param {Part} part */
const needs = ({ out, reads, map }) =>
  map.numbers.length + map.args.length + [out, ...reads].reduce((n, x) => n + 1 + 2 * x.shape.length, 0);

/**
 * The program of some parts over as many elements. Parameters are gathered as the text is written: whole numbers (of
 * which places are known only when memory is planned) and floats.
 * @param {Part[]} parts
 * @param {(storage: Storage) => boolean} isKept whether what it holds is read elsewhere
 * @returns {GpuStep}
 */
function pass(parts, isKept) {
  const n = count(parts[0].out);
  /** @type {Tensor[]} */
  const writes = [];
  /** @type {Tensor[]} */
  const reads = [];
  /** Each a number, the place of a tensor, or a float. @type {({whole: number} | {read: number} | {write: number} | {float: number})[]} */
  const told = [{ whole: n }];
  const tell = (/** @type {(typeof told)[number]} */ what) => told.push(what) - 1;
  /** @type {string[]} */
  const lines = [];

  /** Where element i of a tensor lies. @param {Tensor} x @param {{read: number} | {write: number}} which */
  function placeOf(x, which) {
    const base = param(tell(which));
    if (isDense(x, n)) return `${base} + i`;
    const { shape, strides } = merged(x.shape, [x.strides]);
    let rest = "i";
    const terms = [base];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const step = strides[0][axis];
      const at = axis ? `(${rest} % ${param(tell({ whole: shape[axis] }))})` : rest;
      if (step !== 0) terms.push(`${at} * ${param(tell({ whole: step }))}`);
      if (axis) rest = `(${rest} / ${param(tell({ whole: shape[axis] }))})`;
    }
    return terms.join(" + ");
  }

  /** @param {Tensor} x @param {number} before only parts before this one */
  function operand(x, before) {
    const own = parts.findLastIndex(({ out }, i) => i < before && isDense(x, n) && isSame(out, x));
    if (own >= 0) return `v${own}`;
    reads.push(x);
    return `m[${placeOf(x, { read: reads.length - 1 })}]`;
  }

  parts.forEach(({ out, reads: own, map }, i) => {
    const args = map.args.map((arg) =>
      "value" in arg ? float(tell({ float: arg.value })) : operand(own[arg.tensor], i),
    );
    args.forEach((text, j) => {
      lines.push(`let a${i}_${j} = ${text};`);
    });
    const numbers = map.numbers.map((value) => float(tell({ float: Number(value) })));
    lines.push(`let v${i} = ${map.expression(...args.map((_, j) => `a${i}_${j}`), ...numbers)};`);
    if (!isKept(out.storage)) return;
    writes.push(out);
    lines.push(`m[${placeOf(out, { write: writes.length - 1 })}] = v${i};`);
  });
  const code = forEach(lines.join("\n"));
  const bits = new Uint32Array(1);
  const asBits = (/** @type {number} */ value) => {
    new Float32Array(bits.buffer)[0] = value;
    return bits[0];
  };
  return {
    tensors: [...writes, ...reads],
    writes: writes.length,
    bind: (...offsets) => {
      const params = told.map((one) => {
        if ("whole" in one) return one.whole;
        if ("float" in one) return asBits(one.float);
        return "write" in one ? offsets[one.write] : offsets[writes.length + one.read];
      });
      return [{ code, params, groups: [groupsOf(n), 1, 1] }];
    },
  };
}

/**
 * @param {GpuStep[]} steps
 * @param {Storage[]} kept that are read when all is done
 * @returns {GpuStep[]}
 */
export function fuse(steps, kept) {
  /** The last step that touches a storage. @type {Map<Storage, number>} */
  const last = new Map();
  steps.forEach(({ tensors }, i) => {
    for (const { storage } of tensors) last.set(storage, i);
  });
  const stays = new Set(kept);
  /** @type {GpuStep[]} */
  const out = [];
  /** @type {Part[]} */
  let parts = [];
  let room = 1;

  /** @param {number} next the first step after the parts */
  function close(next) {
    const isKept = (/** @type {Storage} */ storage) =>
      storage.at >= 0 || storage.pinned || stays.has(storage) || (last.get(storage) ?? -1) >= next;
    if (parts.length) out.push(pass(parts, isKept));
    parts = [];
    room = 1;
  }

  /** Whether a part can follow those that are there. @param {Part} part */
  function fits(part) {
    if (!parts.length) return true;
    const n = count(parts[0].out);
    if (count(part.out) !== n || room + needs(part) > MOST_PARAMS) return false;
    if (!isDense(part.out, n) || !parts.every(({ out: each }) => isDense(each, n))) return false;
    const touched = parts.flatMap(({ out: each, reads }) => [each, ...reads]);
    // Another thread may still read, or already have written, what lies elsewhere in the same storage.
    if (touched.some(({ storage }) => storage === part.out.storage)) return false;
    return part.reads.every((x) =>
      parts.every(({ out: each }) => each.storage !== x.storage || (isDense(x, n) && isSame(each, x))),
    );
  }

  steps.forEach((step, i) => {
    if (!step.map) {
      close(i);
      out.push(step);
      return;
    }
    const part = { out: step.tensors[0], reads: step.tensors.slice(1), map: step.map };
    if (!fits(part)) close(i);
    parts.push(part);
    room += needs(part);
  });
  close(steps.length);
  return out;
}
