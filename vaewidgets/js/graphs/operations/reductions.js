/** Sums and the like over any axes; running sums. No DOM. */
import { size } from "../../contract/bytes.js";
import { axesOf, axisOf, count, createTensor, permute, stridesOf, viewOf } from "../tensor.js";
import { add, binary, div, mul, scaled, sub, unary, where } from "./elementwise.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 * @typedef {number[] | number | null | undefined} Axes
 */

/**
 * A tensor as `outer` times `n` times `inner` numbers, n those of the axes to go.
 * @param {Builder} c @param {Tensor} x @param {number[]} axes sorted
 */
function split(c, x, axes) {
  const together = axes.every((axis, i) => i === 0 || axis === axes[i - 1] + 1);
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const source = c.contiguous(together ? x : permute(x, [...kept, ...axes]));
  const n = size(axes.map((axis) => x.shape[axis]));
  const inner = together && axes.length ? size(x.shape.slice(axes[axes.length - 1] + 1)) : 1;
  return { source, n, inner, outer: n * inner ? count(x) / n / inner : 0 };
}

/** The shape that is left. @param {number[]} shape @param {number[]} axes @param {boolean} keep as extents of 1 */
const remaining = (shape, axes, keep) =>
  keep
    ? shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
    : shape.filter((_, axis) => !axes.includes(axis));

/** @param {Builder} c @param {Tensor} x @param {Axes} [given] @param {boolean} [keep] @returns {Tensor} */
export function sum(c, x, given, keep = false) {
  const axes = axesOf(given, x.shape.length);
  const last = axes.findLastIndex((axis, i) => i > 0 && axis !== axes[i - 1] + 1);
  if (last > 0) {
    const partly = sum(c, x, axes.slice(last), true);
    const rest = sum(c, partly, axes.slice(0, last), true);
    const shape = remaining(x.shape, axes, keep);
    return viewOf(rest, shape, stridesOf(shape));
  }
  const { source, n, inner, outer } = split(c, x, axes);
  const out = createTensor(remaining(x.shape, axes, keep));
  c.step([out], [source], (o, a) => {
    if (!outer) return () => c.kernels.fill(o, 0, count(out));
    if (inner === 1) return () => c.kernels.sumCols(o, a, outer, n);
    return () => {
      for (let i = 0; i < outer; i++) c.kernels.sumRows(o + i * inner, a + i * n * inner, n, inner);
    };
  });
  return out;
}

/** @param {Builder} c @param {Tensor} x @param {Axes} [given] @param {boolean} [keep] @returns {Tensor} */
export function mean(c, x, given, keep = false) {
  const axes = axesOf(given, x.shape.length);
  return scaled(c, sum(c, x, axes, keep), 1 / size(axes.map((axis) => x.shape[axis])));
}

/**
 * One number a run of n, by a plain loop: `fold(f, from, n, step)` reads f[from + i · step].
 * @param {Builder} c @param {Tensor} x @param {Axes} given @param {boolean} keep
 * @param {string} name of what is computed @param {(f: Float32Array, from: number, n: number, step: number) => number} fold
 */
function reduce(c, x, given, keep, name, fold) {
  const axes = axesOf(given, x.shape.length);
  const { source, n, inner, outer } = split(c, x, axes);
  const run = (/** @type {Float32Array} */ f, /** @type {number} */ o, /** @type {number} */ a) => {
    for (let i = 0; i < outer; i++) {
      for (let j = 0; j < inner; j++) f[o + i * inner + j] = fold(f, a + i * n * inner + j, n, inner);
    }
  };
  return c.compute([remaining(x.shape, axes, keep)], [source], run, { name, n, inner })[0];
}

/** The place of the largest (sign 1) or smallest (-1), the first of several; a NaN wins. @param {number} sign */
function best(sign) {
  return (
    /** @type {Float32Array} */ f,
    /** @type {number} */ from,
    /** @type {number} */ n,
    /** @type {number} */ step,
  ) => {
    let found = 0;
    for (let i = 1; i < n && !Number.isNaN(f[from + found * step]); i++) {
      const value = f[from + i * step];
      if (!(value * sign <= f[from + found * step] * sign)) found = i;
    }
    return found;
  };
}

const LARGEST = best(1);
const SMALLEST = best(-1);

/** @param {string} name @param {typeof LARGEST} place @returns {Single} */
const extreme =
  (name, place) =>
  (c, x, axes, keep = false) =>
    reduce(c, x, axes, keep, name, (f, from, n, step) => f[from + place(f, from, n, step) * step]);

export const amax = extreme("amax", LARGEST);
const amin = extreme("amin", SMALLEST);

/** @param {string} name @param {typeof LARGEST} place @returns {Single} */
const extremePlace =
  (name, place) =>
  (c, x, axis, keep = false) =>
    reduce(c, x, axis, keep, name, place);

const argmax = extremePlace("argmax", LARGEST);
const argmin = extremePlace("argmin", SMALLEST);

/** Of one tensor, of an axis with the places, or of two tensors. @param {Single} value @param {Single} place @param {string} pair @returns {Operation} */
const extremeOf = (value, place, pair) => (c, x, axis, keep) => {
  if (axis === undefined || axis === null) return value(c, x);
  return typeof axis === "object"
    ? binary(c, pair, x, axis)
    : [value(c, x, axis, keep), place(c, x, axis, keep)];
};

/** @param {boolean} wanted what one element decides @returns {Single} */
const decided =
  (wanted) =>
  (c, x, axes, keep = false) =>
    reduce(c, x, axes, keep, wanted ? "any" : "all", (f, from, n, step) => {
      for (let i = 0; i < n; i++) if ((f[from + i * step] !== 0) === wanted) return Number(wanted);
      return Number(!wanted);
    });

/**
 * @param {Builder} c @param {Tensor} x @param {Axes} given @param {number | boolean | null} correction
 * @param {boolean} keep
 */
function varianceAndMean(c, x, given, correction, keep) {
  const axes = axesOf(given, x.shape.length);
  const middle = mean(c, x, axes, true);
  const away = sub(c, x, middle);
  const n = size(axes.map((axis) => x.shape[axis])) - Number(correction ?? 1);
  const variance = scaled(c, sum(c, mul(c, away, away), axes, keep), 1 / Math.max(n, 0));
  return [variance, viewOf(middle, variance.shape, variance.strides)];
}

/** `var` of torch's three signatures: (x, unbiased), (x, axes, unbiased, keep), (x, axes, correction, keep). @param {(c: Builder, found: Tensor[]) => Tensor | Tensor[]} take @returns {Operation} */
const spread =
  (take) =>
  (c, x, axes, correction, keep = false) =>
    take(
      c,
      typeof axes === "boolean"
        ? varianceAndMean(c, x, null, axes, false)
        : varianceAndMean(c, x, axes, correction, keep),
    );

/** @type {Single} */
function norm(c, x, order = 2, axes = null, keep = false) {
  const p = order ?? 2;
  const size = unary(c, "abs", x);
  if (p === 2) return unary(c, "sqrt", sum(c, mul(c, x, x), axes, keep));
  if (p === Number.POSITIVE_INFINITY) return amax(c, size, axes, keep);
  if (p === Number.NEGATIVE_INFINITY) return amin(c, size, axes, keep);
  if (p === 0) return sum(c, binary(c, "ne", x, 0), axes, keep);
  return unary(c, "pow", sum(c, unary(c, "pow", size, p), axes, keep), 1 / p);
}

/** @type {Single} */
function logsumexp(c, x, axes, keep = false) {
  const most = amax(c, x, axes, true);
  const finite = where(c, unary(c, "isinf", most), 0, most);
  const total = sum(c, unary(c, "exp", sub(c, x, finite)), axes, keep);
  const log = unary(c, "log", total);
  return add(c, log, viewOf(finite, log.shape, log.strides));
}

/** @type {Single} */
export function softmax(c, x, axis) {
  const raised = unary(c, "exp", sub(c, x, amax(c, x, axis, true)));
  return div(c, raised, sum(c, raised, axis, true));
}

/** @type {Single} */
function logSoftmax(c, x, axis) {
  const less = sub(c, x, amax(c, x, axis, true));
  return sub(c, less, unary(c, "log", sum(c, unary(c, "exp", less), axis, true)));
}

/** Along one axis, each from the one before it. @param {(before: number, value: number) => number} f @returns {Single} */
const running = (f) => (c, x, axis) => {
  const { source, n, inner, outer } = split(c, x, axesOf(axis, x.shape.length));
  return c.compute([x.shape], [source], (data, o, a) => {
    for (let i = 0; i < outer * inner; i++) {
      const start = Math.floor(i / inner) * n * inner + (i % inner);
      let value = data[a + start];
      data[o + start] = value;
      for (let k = 1, at = start + inner; k < n; k++, at += inner) {
        value = f(value, data[a + at]);
        data[o + at] = value;
      }
    }
  })[0];
};

/** @type {Single} */
export function product(c, x, axis, keep = false) {
  return reduce(c, x, axis, keep, "prod", (f, from, n, step) => {
    let all = 1;
    for (let i = 0; i < n; i++) all *= f[from + i * step];
    return all;
  });
}

/** Values in order and where they were; NaN counts as the largest. @type {Operation} */
function sort(c, x, axis = -1, descending = false) {
  const { source, n, inner, outer } = split(c, x, axesOf(axis, x.shape.length));
  const sign = descending ? -1 : 1;
  const order = (/** @type {number} */ a, /** @type {number} */ b) =>
    a === b || (Number.isNaN(a) && Number.isNaN(b)) ? 0 : Number.isNaN(a) || a > b ? sign : -sign;
  return c.compute([x.shape, x.shape], [source], (f, values, places, a) => {
    const places_ = Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < outer * inner; i++) {
      const start = Math.floor(i / inner) * n * inner + (i % inner);
      const at = (/** @type {number} */ k) => f[a + start + k * inner];
      [...places_]
        .sort((p, q) => order(at(p), at(q)) || p - q)
        .forEach((from, to) => {
          f[values + start + to * inner] = at(from);
          f[places + start + to * inner] = from;
        });
    }
  });
}

/** @type {Operation} */
function topk(c, x, k, axis = -1, largest = true) {
  const at = axisOf(axis, x.shape.length);
  const sorted = /** @type {Tensor[]} */ (sort(c, x, at, largest));
  const shape = x.shape.map((/** @type {number} */ extent, /** @type {number} */ i) =>
    i === at ? k : extent,
  );
  return sorted.map((each) => viewOf(each, shape, each.strides));
}

/** @type {Operations} */
export const reductions = {
  sum,
  mean,
  amax,
  amin,
  prod: product,
  max: extremeOf(amax, argmax, "max"),
  min: extremeOf(amin, argmin, "min"),
  argmax,
  argmin,
  any: decided(true),
  all: decided(false),
  var: spread((_, [variance]) => variance),
  std: spread((c, [variance]) => unary(c, "sqrt", variance)),
  var_mean: spread((_, found) => found),
  norm,
  linalg_vector_norm: norm,
  logsumexp,
  _softmax: softmax,
  _log_softmax: logSoftmax,
  cumsum: running((a, b) => a + b),
  cumprod: running((a, b) => a * b),
  sort,
  topk,
};
