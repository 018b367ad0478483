/** Views: the same numbers under another shape, and copies where strides cannot say it. No DOM. */
import { size } from "../../contract/bytes.js";
import {
  axesOf,
  axisOf,
  createTensor,
  expand,
  inferred,
  permute,
  reshaped,
  select,
  slice,
  stridesOf,
  transpose,
  unsqueeze,
  viewOf,
} from "../tensor.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 */

/** @type {Single} */
export function view(c, x, shape) {
  const full = inferred(shape, size(x.shape));
  return reshaped(x, full) ?? viewOf(c.contiguous(x), full, stridesOf(full));
}

/** @type {Single} */
function squeeze(_, x, axes) {
  const gone = axesOf(axes, x.shape.length);
  if (axes !== undefined && axes !== null && !gone.length) return x;
  const keep = (/** @type {unknown} */ _extent, /** @type {number} */ axis) =>
    x.shape[axis] !== 1 || !gone.includes(axis);
  return viewOf(x, x.shape.filter(keep), x.strides.filter(keep));
}

/** A place along an axis as torch reads it: from the end if negative, never outside. @param {number | null} at @param {number} n @param {number} otherwise */
function clamped(at, n, otherwise) {
  const place = at ?? otherwise;
  return Math.min(Math.max(place < 0 ? place + n : place, 0), n);
}

/** @type {Single} */
export function sliced(_, x, axis = 0, start = null, stop = null, step = 1) {
  const at = axisOf(axis, x.shape.length);
  const n = x.shape[at];
  const from = clamped(start, n, 0);
  return slice(x, at, from, Math.max(clamped(stop, n, n), from), step);
}

/** @param {Tensor} x @param {number[]} sizes @param {number} axis */
function parts(x, sizes, axis) {
  const at = axisOf(axis, x.shape.length);
  let from = 0;
  return sizes.map((n) => {
    from += n;
    return slice(x, at, from - n, from);
  });
}

/** @param {Tensor} x @param {number | number[]} sizes @param {number} axis */
function split(x, sizes, axis = 0) {
  if (typeof sizes !== "number") return parts(x, sizes, axis);
  const n = x.shape[axisOf(axis, x.shape.length)];
  const each = Array.from({ length: Math.ceil(n / sizes) || 1 }, (_, i) => Math.min(sizes, n - i * sizes));
  return parts(x, each, axis);
}

/** @type {Single} */
export function diagonal(_, x, offset = 0, first = 0, second = 1) {
  const a = axisOf(first, x.shape.length);
  const b = axisOf(second, x.shape.length);
  const down = Math.max(-offset, 0);
  const right = Math.max(offset, 0);
  const n = Math.max(Math.min(x.shape[a] - down, x.shape[b] - right), 0);
  const rest = (/** @type {number[]} */ list) => list.filter((_value, axis) => axis !== a && axis !== b);
  const offsets = x.offset + down * x.strides[a] + right * x.strides[b];
  return viewOf(x, [...rest(x.shape), n], [...rest(x.strides), x.strides[a] + x.strides[b]], offsets);
}

/** Windows of `length` along an axis, as a last axis. @type {Single} */
export function unfold(_, x, axis, length, step) {
  const at = axisOf(axis, x.shape.length);
  const shape = [...x.shape, length];
  const strides = [...x.strides, x.strides[at]];
  shape[at] = Math.floor((x.shape[at] - length) / step) + 1;
  strides[at] *= step;
  return viewOf(x, shape, strides);
}

/** @type {Single} */
export function cat(c, tensors, axis = 0) {
  const given = tensors.filter((/** @type {Tensor} */ x) => x.shape.length !== 1 || x.shape[0] !== 0);
  if (!given.length) return createTensor([0]);
  const at = axisOf(axis, given[0].shape.length);
  const sizes = given.map((/** @type {Tensor} */ x) => x.shape[at]);
  const shape = [...given[0].shape];
  shape[at] = sizes.reduce((/** @type {number} */ sum, /** @type {number} */ n) => sum + n, 0);
  const out = createTensor(shape);
  for (const [i, part] of parts(out, sizes, at).entries()) c.copy(part, given[i]);
  return out;
}

/** @type {Single} */
function flip(c, x, axes) {
  const turned = axesOf(axes, x.shape.length);
  if (!axes.length) return c.copy(createTensor(x.shape), x);
  const strides = x.strides.map((/** @type {number} */ step, /** @type {number} */ axis) =>
    turned.includes(axis) ? -step : step,
  );
  const offset = turned.reduce((at, axis) => at + (x.shape[axis] - 1) * x.strides[axis], x.offset);
  return c.copy(createTensor(x.shape), viewOf(x, x.shape, strides, offset));
}

/** @type {Single} */
function roll(c, x, shifts, axes = []) {
  if (!axes.length) return view(c, roll(c, view(c, x, [-1]), shifts, [0]), x.shape);
  let out = x;
  axes.forEach((/** @type {number} */ given, /** @type {number} */ i) => {
    const axis = axisOf(given, x.shape.length);
    const n = x.shape[axis];
    const by = n && ((shifts[i] % n) + n) % n;
    out = cat(c, [slice(out, axis, n - by, n), slice(out, axis, 0, n - by)], axis);
  });
  return out;
}

/** @type {Single} */
function repeat(c, x, times) {
  const added = times.length - x.shape.length;
  const own = [...new Array(added).fill(1), ...x.shape];
  const steps = [...new Array(added).fill(0), ...x.strides];
  const pairs = (/** @type {(axis: number) => number[]} */ f) => own.flatMap((_, axis) => f(axis));
  const wide = viewOf(
    x,
    pairs((axis) => [times[axis], own[axis]]),
    pairs((axis) => [0, steps[axis]]),
  );
  const full = own.map((extent, axis) => extent * times[axis]);
  return viewOf(c.contiguous(wide), full, stridesOf(full));
}

/** Each element so many times, along an axis. @type {Single} */
function repeatInterleave(c, x, times, axis = null) {
  const from = axis === null ? view(c, x, [-1]) : x;
  const at = axis === null ? 0 : axisOf(axis, x.shape.length);
  const wide = unsqueeze(from, at + 1);
  const shape = [...from.shape];
  shape[at] *= times;
  return view(c, expand(wide, wide.shape.toSpliced(at + 1, 1, times)), shape);
}

/** @type {Single} */
export const selected = (_, x, axis, index) => select(x, axisOf(axis, x.shape.length), index);

/** @type {Single} */
const asStrided = (_, x, shape, strides, offset = null) => viewOf(x, shape, strides, offset ?? x.offset);

/** Channels to pixels, (…, C r², H, W) to (…, C, H r, W r), or back. @param {boolean} back @returns {Single} */
const shuffled = (back) => (c, x, r) => {
  const [channels, height, width] = x.shape.slice(-3);
  const parts = back ? [channels, height / r, r, width / r, r] : [channels / r / r, r, r, height, width];
  const moved = permute(view(c, x, [-1, ...parts]), back ? [0, 1, 3, 5, 2, 4] : [0, 1, 4, 2, 5, 3]);
  const by = back ? 1 / r : r;
  return view(c, moved, [...x.shape.slice(0, -3), channels / by / by, height * by, width * by]);
};

/** @type {Single} */
const same = (_, x) => x;

/** @type {Operations} */
export const views = {
  view,
  _unsafe_view: view,
  _reshape_alias: view,
  alias: same,
  detach: same,
  lift_fresh: same,
  expand: (_, x, shape) => expand(x, shape),
  permute: (_, x, axes) => permute(x, axes),
  t: (_, x) => (x.shape.length === 2 ? transpose(x, 0, 1) : x),
  transpose: (_, x, a, b) => transpose(x, a, b),
  unsqueeze: (_, x, axis) => unsqueeze(x, axis),
  squeeze,
  slice: sliced,
  select: selected,
  split: (_, x, sizes, axis) => split(x, sizes, axis),
  split_with_sizes: (_, x, sizes, axis) => split(x, sizes, axis),
  unbind: (_, x, axis = 0) =>
    Array.from({ length: x.shape[axisOf(axis, x.shape.length)] }, (_value, i) =>
      select(x, axisOf(axis, x.shape.length), i),
    ),
  diagonal,
  unfold,
  as_strided: asStrided,
  cat,
  stack: (c, tensors, axis = 0) =>
    cat(
      c,
      tensors.map((/** @type {Tensor} */ x) => unsqueeze(x, axis)),
      axis < 0 ? axis + tensors[0].shape.length + 1 : axis,
    ),
  flip,
  roll,
  repeat,
  repeat_interleave: repeatInterleave,
  pixel_shuffle: shuffled(false),
  pixel_unshuffle: shuffled(true),
};
