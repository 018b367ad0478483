/** What a training step needs beyond what decoding does: losses, and gradients by torch's own names. No DOM. */
import { axisOf, count, createTensor, unsqueeze } from "../tensor.js";
import { convolutionBackward } from "./convolution.js";
import { add, binary, div, full, mul, named, scaled, sub, unary, where } from "./elementwise.js";
import { embeddingDenseBackward } from "./indexing.js";
import { normalisationBackward } from "./normalisation.js";
import { poolingBackward } from "./pooling.js";
import { mean, product, sum } from "./reductions.js";
import { resamplingBackward } from "./resampling.js";
import { diagonal, selected, sliced, unfold } from "./views.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 */

/** Kernels of the same names: the gradient, what the function saw or gave, its numbers. */
const ACTIVATIONS =
  "hardsigmoid_backward hardswish_backward hardtanh_backward mish_backward sigmoid_backward silu_backward softplus_backward softshrink_backward tanh_backward threshold_backward";

/** torch's reductions by number: none, mean, sum. @param {Builder} c @param {Tensor} x @param {number} kind */
const reduced = (c, x, kind) => (kind === 0 ? x : (kind === 1 ? mean : sum)(c, x));

/** A gradient that came to what was reduced. @param {Builder} c @param {Tensor} g @param {Tensor} x @param {number} kind */
const shared = (c, g, x, kind) => (kind === 1 ? scaled(c, g, 1 / count(x)) : g);

/**
 * A loss of each element with its gradient, and what torch does around both.
 * @param {string} name
 * @param {(c: Builder, away: Tensor, number: number) => Tensor} value of the difference
 * @param {(c: Builder, away: Tensor, number: number) => Tensor} slope
 * @returns {Operations}
 */
const difference = (name, value, slope) => ({
  [name]: (c, x, y, kind = 1, number = 1) => reduced(c, value(c, sub(c, x, y), number), kind),
  [`${name}_backward`]: (c, g, x, y, kind, number = 1) =>
    mul(c, slope(c, sub(c, x, y), number), shared(c, g, x, kind)),
});

/** Quadratic within ±d, then linear: torch's huber loss; divided by d, its smooth L1. @param {Builder} c @param {Tensor} away @param {number} d */
function huber(c, away, d) {
  const size = unary(c, "abs", away);
  const near = scaled(c, mul(c, away, away), 0.5);
  const far = unary(c, "affine", size, d, -0.5 * d * d);
  return where(c, binary(c, "lt", size, d), near, far);
}

/** @param {Builder} c @param {Tensor} away @param {number} d */
const huberSlope = (c, away, d) => unary(c, "clamp", away, -d, d);

/** log, not below -100 as torch's cross entropy has it. @param {Builder} c @param {Tensor} x @param {"log" | "log1p"} log */
const bounded = (c, x, log) => binary(c, "max", unary(c, log, x), -100);

/** @param {Builder} c @param {Tensor} x @param {Tensor | null} weight */
const weighted = (c, x, weight) => (weight ? mul(c, x, weight) : x);

/** @type {Single} */
function crossEntropy(c, x, y, weight = null, kind = 1) {
  const off = mul(c, sub(c, y, 1), bounded(c, unary(c, "neg", x), "log1p"));
  const on = mul(c, y, bounded(c, x, "log"));
  return reduced(c, weighted(c, sub(c, off, on), weight), kind);
}

/** @type {Single} */
function crossEntropyBackward(c, g, x, y, weight = null, kind = 1) {
  const steep = binary(c, "max", mul(c, sub(c, 1, x), x), 1e-12);
  const slope = div(c, sub(c, x, y), steep);
  return mul(c, weighted(c, slope, weight), shared(c, g, x, kind));
}

/** @type {Single} */
function crossEntropyOfLogits(c, x, y, weight = null, onWeight = null, kind = 1) {
  const off = mul(c, sub(c, 1, y), x);
  const softplus = unary(c, "softplus", unary(c, "neg", x), 1, 20);
  const scale = onWeight ? add(c, mul(c, sub(c, onWeight, 1), y), 1) : 1;
  return reduced(c, weighted(c, add(c, off, mul(c, softplus, scale)), weight), kind);
}

/** A weight a row: 0 for a class to be ignored. @param {Builder} c @param {Tensor} y @param {Tensor | null} weight @param {number} ignored */
function rowWeights(c, y, weight, ignored) {
  const kept = binary(c, "ne", y, ignored);
  const safe = mul(c, y, kept);
  const own = weight ? mul(c, indexed(c, weight, safe), kept) : kept;
  return { safe, own: own };
}

/** @param {Builder} c @param {Tensor} list @param {Tensor} at */
function indexed(c, list, at) {
  const [from, places] = [c.contiguous(list), c.contiguous(at)];
  const n = count(places);
  return c.compute([at.shape], [from, places], (f, o, a, p) => {
    for (let i = 0; i < n; i++) f[o + i] = f[a + f[p + i]];
  })[0];
}

/** Of log-probabilities (rows, classes) and a class a row. @type {Operation} */
function nll(c, x, y, weight, kind, ignored) {
  const { safe, own } = rowWeights(c, y, weight, ignored);
  const classes = x.shape[x.shape.length - 1];
  const n = count(y);
  const picked = c.compute([y.shape], [x, safe, own], (f, o, a, p, w) => {
    for (let i = 0; i < n; i++) f[o + i] = f[w + i] === 0 ? 0 : -f[w + i] * f[a + i * classes + f[p + i]];
  })[0];
  const total = sum(c, own);
  if (kind === 0) return [picked, full(c, [], 0)];
  return [kind === 1 ? div(c, sum(c, picked), total) : sum(c, picked), total];
}

/** @type {Single} */
function nllBackward(c, g, x, y, weight, kind, ignored, total) {
  const { safe, own } = rowWeights(c, y, weight, ignored);
  const classes = x.shape[x.shape.length - 1];
  const n = count(y);
  const each = mul(c, own, kind === 1 ? div(c, g, total) : g);
  return c.compute([x.shape], [each, safe], (f, o, a, p) => {
    f.fill(0, o, o + n * classes);
    for (let i = 0; i < n; i++) f[o + i * classes + f[p + i]] = -f[a + i];
  })[0];
}

/** A gradient of zeros but for what a view looked at. @param {Single} view @returns {Single} */
const viewBackward =
  (view) =>
  (c, g, shape, ...args) => {
    const out = full(c, shape, 0);
    c.copy(view(c, out, ...args), g);
    return out;
  };

/** Windows overlap, so what came to each is added up. @type {Single} */
function unfoldBackward(c, g, shape, axis, length, step) {
  const out = full(c, shape, 0);
  const windows = unfold(c, out, axis, length, step);
  const last = windows.shape.length - 1;
  for (let i = 0; i < length; i++) {
    const [to, from] = [windows, g].map((x) => selected(c, x, last, i));
    c.copy(to, add(c, to, from));
  }
  return out;
}

/** Rows to be multiplied one by the other: at most so many, each at least so long. */
const MOST_ROWS = 32;
const LEAST_ROW = 64;

/** @type {Single} */
function prod(c, x, axis, keep = false) {
  const [n] = x.shape;
  const isFirst = typeof axis === "number" && axisOf(axis, x.shape.length) === 0;
  if (!isFirst || !(n > 1 && n <= MOST_ROWS && count(x) >= n * LEAST_ROW)) return product(c, x, axis, keep);
  let all = selected(c, x, 0, 0);
  for (let i = 1; i < n; i++) all = mul(c, all, selected(c, x, 0, i));
  return keep ? unsqueeze(all, 0) : all;
}

/** One copy, but where both are parts of one memory. @type {Single} */
const copyInto = (c, x, source) =>
  c.copy(x, x.storage === source.storage ? c.copy(createTensor(source.shape), source) : source);

/** @type {Operations} */
export const backward = {
  // Decoding has these, too, in slower forms that take less room.
  prod,
  copy_: copyInto,
  ...named(
    ACTIVATIONS,
    (name) =>
      (c, g, x, ...numbers) =>
        binary(c, name, g, x, ...numbers),
  ),
  elu_backward: (c, g, alpha, scale, inputScale, ofResult, x) =>
    binary(c, ofResult ? "elu_backward_of_result" : "elu_backward", g, x, alpha, scale, inputScale),
  gelu_backward: (c, g, x, approximate = "none") =>
    binary(c, approximate === "tanh" ? "gelu_tanh_backward" : "gelu_backward", g, x),
  hardshrink_backward: (c, g, x, lambda) => binary(c, "softshrink_backward", g, x, lambda),
  leaky_relu_backward: (c, g, x, slope) => binary(c, "leaky_relu_backward", g, x, slope),
  log_sigmoid_backward: (c, g, x) => binary(c, "log_sigmoid_backward", g, x),
  _prelu_kernel_backward: (c, g, x, weight) => {
    const positive = binary(c, "gt", x, 0);
    return [where(c, positive, g, mul(c, g, weight)), where(c, positive, 0, mul(c, g, x))];
  },
  _softmax_backward_data: (c, g, y, axis) => {
    const own = mul(c, g, y);
    return sub(c, own, mul(c, y, sum(c, own, axis, true)));
  },
  _log_softmax_backward_data: (c, g, y, axis) => sub(c, g, mul(c, unary(c, "exp", y), sum(c, g, axis, true))),
  ...difference(
    "mse_loss",
    (c, away) => mul(c, away, away),
    (c, away) => scaled(c, away, 2),
  ),
  ...difference("huber_loss", (c, away, d) => huber(c, away, d), huberSlope),
  ...difference(
    "smooth_l1_loss",
    (c, away, d) => (d === 0 ? unary(c, "abs", away) : scaled(c, huber(c, away, d), 1 / d)),
    (c, away, d) => (d === 0 ? unary(c, "sign", away) : scaled(c, huberSlope(c, away, d), 1 / d)),
  ),
  binary_cross_entropy: crossEntropy,
  binary_cross_entropy_backward: crossEntropyBackward,
  binary_cross_entropy_with_logits: crossEntropyOfLogits,
  nll_loss_forward: nll,
  nll_loss_backward: nllBackward,
  convolution_backward: convolutionBackward(sum),
  embedding_dense_backward: embeddingDenseBackward,
  select_backward: viewBackward(selected),
  slice_backward: viewBackward(sliced),
  diagonal_backward: viewBackward(diagonal),
  unfold_backward: unfoldBackward,
  native_dropout_backward: (c, g, mask, scale) => mul(c, scaled(c, g, scale), mask),
  ...normalisationBackward,
  ...poolingBackward,
  ...resamplingBackward,
};
