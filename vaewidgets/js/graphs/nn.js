/**
 * Runs a decoder or encoder in the page: a list of layers over numbered registers, in float32. No DOM.
 *
 * Register 0 (and up, with several inputs) holds the input; each operation writes one register once.
 *
 * @typedef {import("../contract/types.js").Network} Network
 * @typedef {import("../contract/types.js").Op} Op
 * @typedef {{inputs: number[], outputs: number[], run(...inputs: ArrayLike<number>[]): Float32Array[]}} Program
 *   `inputs` and `outputs` are lengths; `run` returns its own buffers, overwritten by the next call
 */
import { size, toFloat32 } from "../contract/bytes.js";
import { concat, conv2d, convTranspose2d, maxPool2d, resample, strided } from "./spatial.js";

/** Elementwise layers: parameters in, a scalar function out. @type {Record<string, (op: Op) => (x: number) => number>} */
const ACTIVATIONS = {
  tanh: () => Math.tanh,
  sigmoid: () => sigmoid,
  exp: () => Math.exp,
  softplus: (op) => {
    const beta = op.beta ?? 1;
    const threshold = op.threshold ?? 20;
    return (x) => (x * beta > threshold ? x : Math.log1p(Math.exp(x * beta)) / beta);
  },
  elu: (op) => (x) => (x > 0 ? x : op.alpha * Math.expm1(x)),
  gelu: (op) => (op.approximate === "tanh" ? geluTanh : geluExact),
  silu: () => (x) => x * sigmoid(x),
  hardtanh: (op) => (x) => Math.min(Math.max(x, op.lo), op.hi),
  scale_shift: (op) => (x) => x * op.scale + op.shift,
};

/** @type {Record<string, (a: number, b: number) => number>} */
const BINARY = { add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b };

/** How many values a layer of images takes. @type {Record<string, (op: Op) => number>} */
const TAKES = {
  conv2d: (op) => op.in_channels * op.height * op.width,
  conv_transpose2d: (op) => op.in_channels * op.grid_height * op.grid_width,
  max_pool2d: (op) => op.channels * op.height * op.width,
  resample: (op) => op.channels * op.height * op.width,
};

/** @param {number} x */
function sigmoid(x) {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** @param {number} x */
function geluTanh(x) {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** @param {number} x */
function geluExact(x) {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

/**
 * Error function, absolute error below 1.5e-7 (Abramowitz & Stegun 7.1.26).
 * @param {number} x
 */
export function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const poly =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const value = 1 - poly * Math.exp(-x * x);
  return x < 0 ? -value : value;
}

/**
 * y = W x + b, four rows of the row-major W at a time so that each x is loaded once for four sums.
 * @param {Float32Array} x
 * @param {Float32Array} y
 * @param {Float32Array} weights
 * @param {number} w offset of W
 * @param {number|null} b offset of b
 */
function linear(x, y, weights, w, b) {
  const n = x.length;
  const rows = y.length;
  let row = 0;
  for (; row + 3 < rows; row += 4) {
    const w0 = w + row * n;
    const w1 = w0 + n;
    const w2 = w1 + n;
    const w3 = w2 + n;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let k = 0; k < n; k++) {
      const v = x[k];
      s0 += v * weights[w0 + k];
      s1 += v * weights[w1 + k];
      s2 += v * weights[w2 + k];
      s3 += v * weights[w3 + k];
    }
    y[row] = s0;
    y[row + 1] = s1;
    y[row + 2] = s2;
    y[row + 3] = s3;
  }
  for (; row < rows; row++) {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += x[k] * weights[w + row * n + k];
    y[row] = sum;
  }
  if (b !== null) for (let i = 0; i < rows; i++) y[i] += weights[b + i];
}

/**
 * Far the most frequent activation, and the one after the largest layers: a loop without a call.
 * @param {Float32Array} x
 * @param {Float32Array} y
 * @param {number} slope of what is negative
 */
function rectify(x, y, slope) {
  for (let i = 0; i < y.length; i++) {
    const value = x[i];
    y[i] = value < 0 ? value * slope : value;
  }
}

/**
 * Lay out one operation: how long its output is, and the call that fills it.
 * @param {Op} op
 * @param {Float32Array[]} inputs registers that it reads
 * @param {Float32Array} weights
 * @returns {import("./spatial.js").Layer}
 */
function plan(op, inputs, weights) {
  const x = inputs[0];
  const fail = (/** @type {string} */ why) => new Error(`network: "${op.op}" (register ${op.out}): ${why}`);
  /** @param {number} offset @param {number} n */
  const need = (offset, n) => {
    if (!(offset >= 0 && offset + n <= weights.length)) {
      throw fail(`weights ${offset} to ${offset + n} lie outside the ${weights.length} that came`);
    }
  };
  if (op.op in TAKES && x.length !== TAKES[op.op](op)) {
    throw fail(`got ${x.length} values, expected ${TAKES[op.op](op)}`);
  }
  if (op.op === "conv2d" || op.op === "conv_transpose2d") {
    const { w, b, in_channels, out_channels } = op;
    need(w, in_channels * out_channels * size(op.kernel));
    if (b !== null) need(b, out_channels);
    return op.op === "conv2d" ? conv2d(op, x, weights) : convTranspose2d(op, x, weights);
  }
  if (op.op === "max_pool2d") return maxPool2d(op, x);
  if (op.op === "resample") return resample(op, x);
  if (op.op === "strided") {
    const reach = (/** @type {1|-1} */ sign) =>
      op.strides.reduce(
        (/** @type {number} */ sum, /** @type {number} */ stride, /** @type {number} */ i) =>
          sum + Math.max(sign * stride, 0) * (op.shape[i] - 1),
        0,
      );
    if (!(op.start - reach(-1) >= 0 && op.start + reach(1) < x.length)) {
      throw fail(`it reaches beyond its ${x.length} values`);
    }
    return strided(op, x);
  }
  if (op.op === "concat") return concat(op, inputs);
  if (op.op === "constant") {
    need(op.w, op.n);
    return {
      length: op.n,
      bind: (y) => {
        y.set(weights.subarray(op.w, op.w + op.n));
        return () => {};
      },
    };
  }
  if (op.op === "linear") {
    const { w, b, in_features, out_features } = op;
    if (x.length !== in_features) throw fail(`got ${x.length} values, expected ${in_features}`);
    need(w, in_features * out_features);
    if (b !== null && b !== undefined) need(b, out_features);
    return { length: out_features, bind: (y) => () => linear(x, y, weights, w, b ?? null) };
  }
  if (op.op === "affine") {
    const { scale, shift, n, inner } = op;
    if (x.length !== n * inner) throw fail(`got ${x.length} values, expected ${n} channels of ${inner}`);
    need(scale, n);
    need(shift, n);
    return { length: x.length, bind: (y) => () => affine(x, y, weights, scale, shift, inner) };
  }
  if (op.op === "softmax") {
    const { outer, n, inner } = op;
    if (x.length !== outer * n * inner) throw fail(`got ${x.length} values, expected ${outer * n * inner}`);
    return { length: x.length, bind: (y) => () => softmax(x, y, op) };
  }
  if (op.op === "reshape") {
    if (size(op.shape) !== x.length) throw fail(`cannot view ${x.length} values as [${op.shape}]`);
    return { length: x.length, bind: (y) => () => y.set(x) };
  }
  if (op.op === "slice") {
    const { start, stop } = op;
    if (!(start >= 0 && start < stop && stop <= x.length))
      throw fail(`${start}:${stop} of ${x.length} values`);
    return { length: stop - start, bind: (y) => () => y.set(x.subarray(start, stop)) };
  }
  if (op.op in BINARY) {
    const f = BINARY[op.op];
    const other = inputs[1];
    if (!other || other.length !== x.length) throw fail(`lengths ${x.length} and ${other?.length} differ`);
    return {
      length: x.length,
      bind: (y) => () => {
        for (let i = 0; i < y.length; i++) y[i] = f(x[i], other[i]);
      },
    };
  }
  if (op.op === "relu" || op.op === "leaky_relu") {
    return { length: x.length, bind: (y) => () => rectify(x, y, op.slope ?? 0) };
  }
  if (op.op in ACTIVATIONS) {
    const f = ACTIVATIONS[op.op](op);
    return {
      length: x.length,
      bind: (y) => () => {
        for (let i = 0; i < y.length; i++) y[i] = f(x[i]);
      },
    };
  }
  throw new Error(`network: unknown operation "${op.op}" (register ${op.out})`);
}

/**
 * Exponentials over their sum along one axis.
 * @param {Float32Array} x
 * @param {Float32Array} y
 * @param {Op} op `outer` times `n` values, `inner` apart
 */
function softmax(x, y, { outer, n, inner }) {
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const first = i * n * inner + j;
      const end = first + n * inner;
      let most = -Infinity;
      for (let k = first; k < end; k += inner) most = Math.max(most, x[k]);
      let sum = 0;
      for (let k = first; k < end; k += inner) sum += y[k] = Math.exp(x[k] - most);
      for (let k = first; k < end; k += inner) y[k] /= sum;
    }
  }
}

/**
 * BatchNorm in eval mode: one scale and shift a channel.
 * @param {Float32Array} x
 * @param {Float32Array} y
 * @param {Float32Array} weights
 * @param {number} scale
 * @param {number} shift
 * @param {number} inner elements a channel
 */
function affine(x, y, weights, scale, shift, inner) {
  for (let i = 0; i < x.length; i++) {
    const channel = Math.floor(i / inner);
    y[i] = x[i] * weights[scale + channel] + weights[shift + channel];
  }
}

/**
 * Check a network once and allot its registers; running it then allocates nothing.
 * @param {Network} network
 * @returns {Program}
 * @throws {Error} naming an operation that is not known, or whose sizes do not fit
 */
export function compile(network) {
  const weights = toFloat32(network.weights);
  /** @type {Map<number, Float32Array>} */
  const registers = new Map();
  const inputs = network.inputs.map((shape, id) => {
    const buffer = new Float32Array(size(shape));
    registers.set(id, buffer);
    return buffer;
  });
  const steps = network.ops.map((op) => {
    const sources = op.in.map((id) => {
      const register = registers.get(id);
      if (!register) throw new Error(`network: "${op.op}" reads register ${id} before it is written`);
      return register;
    });
    const { length, bind } = plan(op, sources, weights);
    const out = new Float32Array(length);
    registers.set(op.out, out);
    return bind(out);
  });
  const outputs = network.outputs.map((id) => {
    const register = registers.get(id);
    if (!register) throw new Error(`network: output register ${id} is never written`);
    return register;
  });
  return {
    inputs: inputs.map((buffer) => buffer.length),
    outputs: outputs.map((buffer) => buffer.length),
    run(...values) {
      if (values.length > inputs.length || values.length < inputs.length - (network.optional ?? 0)) {
        throw new Error(`network: got ${values.length} inputs, expected ${inputs.length}`);
      }
      values.forEach((value, i) => {
        if (value.length !== inputs[i].length) {
          throw new Error(`network: input ${i} has ${value.length} values, expected ${inputs[i].length}`);
        }
        inputs[i].set(value);
      });
      for (let i = values.length; i < inputs.length; i++) inputs[i].fill(0);
      for (const step of steps) step();
      return outputs;
    },
  };
}
