/** Larger and smaller images, and what is put around them, with their gradients. No DOM. */
import { size } from "../../contract/bytes.js";
import { count, slice } from "../tensor.js";
import { full } from "./elementwise.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 * @typedef {(n: number, to: number, scale?: number | null, corners?: boolean) => Tap[]} Resampling
 *   from n elements `to`; scale: as the user gave it, if so; corners: the outermost elements stay where they are
 * @typedef {{at: number[], share: number[]}} Tap  a result is a sum of elements, each with its share
 */

/** @param {number} at @returns {Tap} */
const only = (at) => ({ at: [at], share: [1] });

/** @param {number} i @param {number} n */
const within = (i, n) => Math.min(Math.max(i, 0), n - 1);

/** @param {number} shift 0, or 0.5 for torch's "nearest-exact" @returns {Resampling} */
const nearest = (shift) => (n, to, scale) => {
  const step = Math.fround(scale ? 1 / scale : n / to);
  return Array.from({ length: to }, (_, i) => only(within(Math.floor(Math.fround((i + shift) * step)), n)));
};

/** Where a result lies between elements. @param {number} n @param {number} to @param {number | null | undefined} scale @param {boolean} corners aligned */
function placeOf(n, to, scale, corners) {
  if (corners) return (/** @type {number} */ i) => (to > 1 ? (i * (n - 1)) / (to - 1) : 0);
  const step = scale ? 1 / scale : n / to;
  return (/** @type {number} */ i) => (i + 0.5) * step - 0.5;
}

/** @type {Resampling} */
function linear(n, to, scale, corners = false) {
  const place = placeOf(n, to, scale, corners);
  return Array.from({ length: to }, (_, i) => {
    const at = Math.max(place(i), 0);
    const first = Math.min(Math.floor(at), n - 1);
    const share = Math.min(at - first, 1);
    return share ? { at: [first, within(first + 1, n)], share: [1 - share, share] } : only(first);
  });
}

/** Keys' cubic convolution with a = -0.75, as torch has it. @param {number} away */
function cubicShare(away) {
  const t = Math.abs(away);
  if (t <= 1) return (1.25 * t - 2.25) * t * t + 1;
  return ((-0.75 * t + 3.75) * t - 6) * t + 3;
}

/** @type {Resampling} */
function cubic(n, to, scale, corners = false) {
  const place = placeOf(n, to, scale, corners);
  return Array.from({ length: to }, (_, i) => {
    const at = place(i);
    const around = [-1, 0, 1, 2].map((k) => Math.floor(at) + k);
    return { at: around.map((k) => within(k, n)), share: around.map((k) => cubicShare(at - k)) };
  });
}

/** Mirrored at the borders, which are not repeated. @param {number} n @param {number} before @param {number} after @returns {Tap[]} */
const reflected = (n, before, after) =>
  Array.from({ length: n + before + after }, (_, i) => {
    const at = Math.abs(i - before);
    return only(at < n ? at : 2 * (n - 1) - at);
  });

/** @param {number} n @param {number} before @param {number} after @returns {Tap[]} */
const replicated = (n, before, after) =>
  Array.from({ length: n + before + after }, (_, i) => only(within(i - before, n)));

/**
 * What a plane gives, as a list of elements with their shares for each result: at[start[i]] to at[start[i + 1]].
 * @param {Tap[]} rows @param {Tap[]} columns @param {number} width
 */
function flattened(rows, columns, width) {
  const start = [0];
  const at = [];
  const share = [];
  for (const row of rows) {
    for (const column of columns) {
      for (let i = 0; i < row.at.length; i++) {
        for (let j = 0; j < column.at.length; j++) {
          at.push(row.at[i] * width + column.at[j]);
          share.push(row.share[i] * column.share[j]);
        }
      }
      start.push(at.length);
    }
  }
  return { start: Int32Array.from(start), at: Int32Array.from(at), share: Float64Array.from(share) };
}

/** Height and width of what may have no height. @param {number[]} shape @param {number} axes */
const planeOf = (shape, axes) => [axes === 2 ? shape[shape.length - 2] : 1, shape[shape.length - 1]];

/**
 * @param {Builder} c @param {Tensor} x @param {Tap[][]} taps of the last axes
 */
function resampled(c, x, taps) {
  const [height, width] = planeOf(x.shape, taps.length);
  const [rows, columns] = taps.length === 2 ? taps : [[only(0)], taps[0]];
  const lists = flattened(rows, columns, width);
  const { start, at, share } = lists;
  const whole = share.every((each) => each === 1);
  const planes = count(x) / height / width;
  const shape = [...x.shape.slice(0, -taps.length), ...taps.map((axis) => axis.length)];
  return c.compute(
    [shape],
    [x],
    (f, o, a) => {
      for (let plane = 0, to = o; plane < planes; plane++) {
        const from = a + plane * height * width;
        for (let i = 1; i < start.length; i++) {
          let sum = 0;
          if (whole) sum = f[from + at[i - 1]];
          else for (let j = start[i - 1]; j < start[i]; j++) sum += f[from + at[j]] * share[j];
          f[to++] = sum;
        }
      }
    },
    { taps: lists, plane: height * width },
  )[0];
}

/** @param {Builder} c @param {Tensor} gradient @param {number[]} shape of what was resampled @param {Tap[][]} taps */
function resampledBackward(c, gradient, shape, taps) {
  const [height, width] = planeOf(shape, taps.length);
  const [rows, columns] = taps.length === 2 ? taps : [[only(0)], taps[0]];
  const lists = flattened(rows, columns, width);
  const { start, at, share } = lists;
  const planes = size(shape) / height / width;
  return c.compute(
    [shape],
    [gradient],
    (f, o, g) => {
      f.fill(0, o, o + size(shape));
      for (let plane = 0, from = g; plane < planes; plane++) {
        const to = o + plane * height * width;
        for (let i = 1; i < start.length; i++, from++) {
          for (let j = start[i - 1]; j < start[i]; j++) f[to + at[j]] += f[from] * share[j];
        }
      }
    },
    { taps: lists, plane: height * width, back: true },
  )[0];
}

/** Taps of the last axes. @param {number[]} shape @param {number} axes @param {(n: number, axis: number) => Tap[]} make */
const tapsOf = (shape, axes, make) => shape.slice(-axes).map(make);

/** torch lists the padding of the last axis first. @param {number[]} shape @param {number[]} padding @param {typeof reflected} make */
const padTaps = (shape, padding, make) =>
  tapsOf(shape, padding.length / 2, (n, axis) => {
    const at = padding.length - 2 * axis - 2;
    return make(n, padding[at], padding[at + 1]);
  });

/** @type {Single} */
export function constantPad(c, x, padding, value = 0) {
  const axes = padding.length / 2;
  const first = x.shape.length - axes;
  const around = (/** @type {number} */ axis) => padding.slice(2 * (axes - 1 - axis + first)).slice(0, 2);
  const shape = x.shape.map((/** @type {number} */ n, /** @type {number} */ axis) =>
    axis < first ? n : n + around(axis)[0] + around(axis)[1],
  );
  const out = full(c, shape, value);
  let [to, from] = [out, x];
  for (let axis = first; axis < shape.length; axis++) {
    const [before, after] = around(axis);
    to = slice(to, axis, Math.max(before, 0), shape[axis] - Math.max(after, 0));
    from = slice(from, axis, Math.max(-before, 0), x.shape[axis] - Math.max(-after, 0));
  }
  c.copy(to, from);
  return out;
}

/** @type {[string, number, Resampling, boolean][]} name, axes, and whether it asks for aligned corners */
const KINDS = [
  ["upsample_nearest1d", 1, nearest(0), false],
  ["upsample_nearest2d", 2, nearest(0), false],
  ["_upsample_nearest_exact1d", 1, nearest(0.5), false],
  ["_upsample_nearest_exact2d", 2, nearest(0.5), false],
  ["upsample_linear1d", 1, linear, true],
  ["upsample_bilinear2d", 2, linear, true],
  ["upsample_bicubic2d", 2, cubic, true],
];

/** @type {[string, typeof reflected][]} */
const PADS = [
  ["reflection_pad1d", reflected],
  ["reflection_pad2d", reflected],
  ["replication_pad1d", replicated],
  ["replication_pad2d", replicated],
];

/** Taps of a kind. @param {(typeof KINDS)[0]} kind @param {number[]} from @param {number[]} to @param {any[]} settings corners, if asked for, then scales */
function tapsOfKind([, axes, make, asks], from, to, settings) {
  const scales = asks ? settings.slice(1) : settings;
  return tapsOf(from, axes, (n, axis) => make(n, to[axis], scales[axis], asks && settings[0]));
}

/** @param {string} end of the names @param {(kind: (typeof KINDS)[0]) => Single} kind @param {(make: typeof reflected) => Single} pad @returns {Operations} */
const made = (end, kind, pad) =>
  Object.fromEntries([
    ...KINDS.map((each) => [each[0] + end, kind(each)]),
    ...PADS.map(([name, make]) => [name + end, pad(make)]),
  ]);

export const resampling = /* @__PURE__ */ made(
  "",
  (kind) =>
    (c, x, to, ...settings) =>
      resampled(c, x, tapsOfKind(kind, x.shape, to, settings)),
  (make) => (c, x, padding) => resampled(c, x, padTaps(x.shape, padding, make)),
);

export const resamplingBackward = /* @__PURE__ */ made(
  "_backward",
  (kind) =>
    (c, g, to, from, ...settings) =>
      resampledBackward(c, g, from, tapsOfKind(kind, from, to, settings)),
  (make) => (c, g, x, padding) => resampledBackward(c, g, x.shape, padTaps(x.shape, padding, make)),
);
