/** Operations for each element, by kernels of the same names. No DOM. */
import { createTensor } from "../tensor.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 */

/** @param {Builder} c @param {string} name @param {Tensor | number} x @param {number[]} numbers that the kernel takes */
export function unary(c, name, x, ...numbers) {
  return c.each([x], (out, [a], [aN], n) => {
    if (aN === n) c.kernels.unary(name, out, a, n, ...numbers);
    else repeated(c, name, out, a, aN, n, numbers);
  });
}

/**
 * An operand that repeats is computed once, and copied.
 * @param {Builder} c @param {string} name @param {number} out @param {number} a @param {number} aN @param {number} n @param {number[]} numbers
 */
function repeated(c, name, out, a, aN, n, numbers) {
  c.kernels.unary(name, out, a, aN, ...numbers);
  for (let at = aN; at < n; at *= 2) c.kernels.copy(out + at, out, Math.min(at, n - at));
}

/** @param {Builder} c @param {string} name @param {Tensor | number} x @param {Tensor | number} y @param {number[]} numbers */
export function binary(c, name, x, y, ...numbers) {
  return c.each([x, y], (out, [a, b], [aN, bN], n) =>
    c.kernels.binary(name, out, a, aN, b, bN, n, ...numbers),
  );
}

/** x where the condition holds, else y. @type {Single} */
export const where = (c, condition, x, y) =>
  c.each([condition, x, y], (out, [k, a, b], [kN, aN, bN], n) =>
    c.kernels.select(out, k, a, b, n, kN, aN, bN),
  );

/** @type {Single} */
export const add = (c, x, y, alpha = 1) => binary(c, "add", x, times(c, y, alpha));
/** @type {Single} */
export const sub = (c, x, y, alpha = 1) => binary(c, "sub", x, times(c, y, alpha));
/** @type {Single} */
export const mul = (c, x, y) => binary(c, "mul", x, y);

/** @param {Builder} c @param {Tensor} x @param {number} factor @returns {Tensor} */
export const scaled = (c, x, factor) => (factor === 1 ? x : unary(c, "affine", x, factor, 0));

/** @param {Builder} c @param {Tensor | number} x @param {number} factor */
const times = (c, x, factor) => (typeof x === "number" ? x * factor : scaled(c, x, factor));

/** @type {Single} */
export function div(c, x, y, rounding = null) {
  const name = rounding === "floor" ? "floor_divide" : rounding === "trunc" ? "trunc_divide" : "div";
  return binary(c, name, x, y);
}

/** @type {Single} */
export function clamp(c, x, lo = null, hi = null) {
  if (typeof lo === "object" || typeof hi === "object") {
    const raised = lo === null ? x : binary(c, "max", x, lo);
    return hi === null ? raised : binary(c, "min", raised, hi);
  }
  return unary(c, "clamp", x, lo, hi);
}

/** Exponents for which torch takes another function. @type {Record<number, string>} */
const POWERS = { [-1]: "reciprocal", [-0.5]: "rsqrt", 0.5: "sqrt", 2: "square" };

/** @type {Single} */
function power(c, x, y) {
  if (typeof y !== "number") return binary(c, "pow", x, y);
  if (y === 1) return c.copy(createTensor(x.shape), x);
  return POWERS[y] ? unary(c, POWERS[y], x) : unary(c, "pow", x, y);
}

/** A new tensor of one number. @param {Builder} c @param {number[]} shape @param {Tensor | number} value */
export const full = (c, shape, value) => c.copy(createTensor(shape), value);

/** Of one name in torch and in the kernels, of one operand; further arguments are numbers. */
const UNARY =
  "abs acos acosh asin asinh atan atanh ceil cos cosh digamma elu erf erfc erfinv exp exp2 expm1 floor frac hardshrink hardsigmoid hardswish isfinite isinf isnan leaky_relu lgamma log log10 log1p log2 logical_not mish neg reciprocal relu round rsqrt sigmoid sign silu sin sinh softplus softshrink sqrt square tan tanh threshold trunc";

/** Of two. */
const BINARY =
  "atan2 copysign eq floor_divide fmax fmin fmod ge gt hypot le logaddexp logical_and logical_or logical_xor lt mul ne remainder xlogy";

/** @param {string} names @param {(name: string) => Operation} made @returns {Operations} */
export const named = (names, made) => Object.fromEntries(names.split(" ").map((name) => [name, made(name)]));

/** @type {Operations} */
export const elementwise = {
  ...named(
    UNARY,
    (name) =>
      (c, x, ...numbers) =>
        unary(c, name, x, ...numbers),
  ),
  ...named(BINARY, (name) => (c, x, y) => binary(c, name, x, y)),
  add,
  sub,
  rsub: (c, x, y, alpha = 1) => binary(c, "sub", y, times(c, x, alpha)),
  div,
  pow: power,
  maximum: (c, x, y) => binary(c, "max", x, y),
  minimum: (c, x, y) => binary(c, "min", x, y),
  where,
  clamp,
  clamp_min: (c, x, lo) => binary(c, "max", x, lo),
  clamp_max: (c, x, hi) => binary(c, "min", x, hi),
  hardtanh: (c, x, lo, hi) => unary(c, "clamp", x, lo, hi),
  gelu: (c, x, approximate = "none") => unary(c, approximate === "tanh" ? "gelu_tanh" : "gelu", x),
  log_sigmoid_forward: (c, x) => [unary(c, "log_sigmoid", x), c.empty([0])],
  _prelu_kernel: (c, x, weight) => where(c, binary(c, "gt", x, 0), x, mul(c, x, weight)),
  nan_to_num: (c, x, nan, most, least) =>
    unary(c, "nan_to_num", x, nan ?? 0, most ?? 3.4028234663852886e38, least ?? -3.4028234663852886e38),
  addcmul: (c, x, a, b, value = 1) => add(c, x, mul(c, a, b), value),
  addcdiv: (c, x, a, b, value = 1) => add(c, x, div(c, a, b), value),
  lerp: (c, x, end, weight) => add(c, x, mul(c, sub(c, end, x), weight)),
  masked_fill: (c, x, mask, value) => where(c, mask, value, x),
  copy: (c, x, source) => c.copy(createTensor(x.shape), source),
  clone: (c, x) => c.copy(createTensor(x.shape), x),
  fill: (c, x, value) => full(c, x.shape, value),
  zero: (c, x) => full(c, x.shape, 0),
};
