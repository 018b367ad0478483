/** Layer, group and batch norm, and their gradients. No DOM. */
import { size } from "../../contract/bytes.js";
import { createTensor } from "../tensor.js";
import { add, mul, scaled, sub, unary } from "./elementwise.js";
import { mean, sum } from "./reductions.js";
import { view } from "./views.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 */

/** @param {Builder} c @param {Tensor} x @param {number[]} shape */
const as = (c, x, shape) => view(c, x, shape);

/** @param {Builder} c @param {Tensor} x @param {number[]} axes @param {number} eps */
function standardised(c, x, axes, eps) {
  const middle = mean(c, x, axes, true);
  const away = sub(c, x, middle);
  const variance = mean(c, mul(c, away, away), axes, true);
  const rstd = unary(c, "rsqrt", add(c, variance, eps));
  return { y: mul(c, away, rstd), middle, variance, rstd };
}

/** x · weight + bias, where there are any. @param {Builder} c @param {Tensor} x @param {Tensor | null} weight @param {Tensor | null} bias */
function affine(c, x, weight, bias) {
  const wide = weight ? mul(c, x, weight) : x;
  return bias ? add(c, wide, bias) : wide;
}

/** @type {Operation} */
function layerNorm(c, x, shape, weight, bias, eps) {
  const n = size(shape);
  const { y, middle, rstd } = standardised(c, as(c, x, [-1, n]), [1], eps);
  const own = [...x.shape.slice(0, x.shape.length - shape.length), ...shape.map(() => 1)];
  return [affine(c, as(c, y, x.shape), weight, bias), as(c, middle, own), as(c, rstd, own)];
}

/** @type {Operation} */
function groupNorm(c, x, weight, bias, batch, channels, area, groups, eps) {
  const { y, middle, rstd } = standardised(c, as(c, x, [batch * groups, -1]), [1], eps);
  const own = (/** @type {Tensor | null} */ each) => each && as(c, each, [channels, 1]);
  const out = affine(c, as(c, y, [batch, channels, area]), own(weight), own(bias));
  return [as(c, out, x.shape), as(c, middle, [batch, groups]), as(c, rstd, [batch, groups])];
}

/** Axes of everything but the channels. @param {Tensor} x */
const allBut = (x) => x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);

/** A number a channel, to be broadcast over x. @param {Builder} c @param {Tensor} each @param {Tensor} x */
const perChannel = (c, each, x) =>
  as(c, each, [each.shape[0], ...new Array(Math.max(x.shape.length - 2, 0)).fill(1)]);

/** The statistics move towards those of this batch. @param {Builder} c @param {Tensor | null} running @param {Tensor} now @param {number} momentum */
function follow(c, running, now, momentum) {
  if (running) c.copy(running, add(c, scaled(c, running, 1 - momentum), scaled(c, now, momentum)));
}

/** @type {Operation} */
function batchNorm(c, x, weight, bias, runningMean, runningVar, training, momentum, eps) {
  const [w, b] = [weight, bias].map((each) => each && perChannel(c, each, x));
  if (!training) {
    const rstd = unary(c, "rsqrt", add(c, runningVar, eps));
    const scale = weight ? mul(c, rstd, weight) : rstd;
    const less = mul(c, runningMean, scale);
    const shift = bias ? sub(c, bias, less) : unary(c, "neg", less);
    const out = affine(c, x, perChannel(c, scale, x), perChannel(c, shift, x));
    return [out, createTensor([0]), createTensor([0])];
  }
  const { y, middle, variance, rstd } = standardised(c, x, allBut(x), eps);
  const channels = x.shape[1];
  const n = size(x.shape) / channels;
  follow(c, runningMean, as(c, middle, [channels]), momentum);
  follow(c, runningVar, scaled(c, as(c, variance, [channels]), n / (n - 1)), momentum);
  return [affine(c, y, w, b), as(c, middle, [channels]), as(c, rstd, [channels])];
}

/** @type {Operations} */
export const normalisation = {
  native_layer_norm: layerNorm,
  native_group_norm: groupNorm,
  native_batch_norm: batchNorm,
  _native_batch_norm_legit: (c, x, weight, bias, ...rest) =>
    typeof rest[0] === "boolean"
      ? batchNorm(c, x, weight, bias, null, null, ...rest)
      : batchNorm(c, x, weight, bias, ...rest),
};

/**
 * The gradient of what was standardised over some axes, from that of the result.
 * @param {Builder} c @param {Tensor} g @param {Tensor} y the standardised values @param {Tensor} rstd @param {number[]} axes
 */
function standardisedBackward(c, g, y, rstd, axes) {
  const along = mul(c, y, mean(c, mul(c, g, y), axes, true));
  return mul(c, sub(c, sub(c, g, mean(c, g, axes, true)), along), rstd);
}

/** @type {Operation} */
function layerNormBackward(c, gradient, x, shape, middle, rstd, weight, _bias, mask) {
  const n = size(shape);
  const rows = (/** @type {Tensor} */ each) => as(c, each, [-1, n]);
  const column = (/** @type {Tensor} */ each) => as(c, each, [-1, 1]);
  const y = mul(c, sub(c, rows(x), column(middle)), column(rstd));
  const g = rows(gradient);
  const own = weight ? mul(c, g, as(c, weight, [n])) : g;
  const total = (/** @type {Tensor} */ each) => as(c, sum(c, each, [0]), shape);
  return [
    mask[0] ? as(c, standardisedBackward(c, own, y, column(rstd), [1]), x.shape) : null,
    mask[1] ? total(mul(c, g, y)) : null,
    mask[2] ? total(g) : null,
  ];
}

/** @type {Operation} */
function groupNormBackward(c, gradient, x, middle, rstd, weight, batch, channels, area, groups, mask) {
  const rows = (/** @type {Tensor} */ each) => as(c, each, [batch * groups, -1]);
  const maps = (/** @type {Tensor} */ each) => as(c, each, [batch, channels, area]);
  const column = (/** @type {Tensor} */ each) => as(c, each, [-1, 1]);
  const y = mul(c, sub(c, rows(x), column(middle)), column(rstd));
  const g = maps(gradient);
  const own = weight ? mul(c, g, as(c, weight, [channels, 1])) : g;
  return [
    mask[0] ? as(c, standardisedBackward(c, rows(own), y, column(rstd), [1]), x.shape) : null,
    mask[1] ? sum(c, mul(c, g, maps(y)), [0, 2]) : null,
    mask[2] ? sum(c, g, [0, 2]) : null,
  ];
}

/** @type {Operation} */
function batchNormBackward(c, g, x, weight, runningMean, runningVar, savedMean, savedRstd, train, eps, mask) {
  const axes = allBut(x);
  const middle = train ? savedMean : runningMean;
  const rstd = perChannel(c, train ? savedRstd : unary(c, "rsqrt", add(c, runningVar, eps)), x);
  const y = mul(c, sub(c, x, perChannel(c, middle, x)), rstd);
  const own = weight ? mul(c, g, perChannel(c, weight, x)) : g;
  const input = () => (train ? standardisedBackward(c, own, y, rstd, axes) : mul(c, own, rstd));
  return [
    mask[0] ? input() : null,
    mask[1] ? sum(c, mul(c, g, y), axes) : null,
    mask[2] ? sum(c, g, axes) : null,
  ];
}

/** @type {Operations} */
export const normalisationBackward = {
  native_layer_norm_backward: layerNormBackward,
  native_group_norm_backward: groupNormBackward,
  native_batch_norm_backward: batchNormBackward,
};
