/**
 * Elementwise functions by name, with torch's rules for NaN, infinities and ties. No DOM.
 *
 * Booleans are 0 and 1. Computed in double precision; storing rounds to single.
 */
import { digamma, erf, erfc, erfinv, lgamma, sigmoid, softplus } from "../../maths/special.js";

export const SQRT_2_PI = Math.sqrt(2 / Math.PI);

/** Halves go to the even neighbour. @param {number} x */
function round(x) {
  const up = Math.round(x);
  return Math.abs(x % 1) === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

/** Has the sign of b. @param {number} a @param {number} b */
function remainder(a, b) {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** As Python's. @param {number} a @param {number} b */
function floorDivide(a, b) {
  if (b === 0) return a / b;
  const quotient = (a - remainder(a, b)) / b;
  return Math.round(quotient);
}

/** @param {number} x */
export const geluInner = (x) => Math.tanh(SQRT_2_PI * (x + 0.044715 * x ** 3));

/** @param {number} x @param {number} y with 1 for x² of 0: log y is not asked for */
const xlogy = (x, y) => (x === 0 && !Number.isNaN(y) ? 0 : x * Math.log(y));

/** @param {number} a @param {number} b */
function logaddexp(a, b) {
  if (a === b) return a + Math.LN2;
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** @param {number} x @param {number} lo @param {number} hi  as torch: hi wins, NaN stays */
const clamp = (x, lo, hi) => Math.min(Math.max(x, lo), hi);

/**
 * Numbers that a name needs follow x.
 * @type {Record<string, (x: number, a: number, b: number, c: number) => number>}
 */
export const UNARY = {
  abs: Math.abs,
  acos: Math.acos,
  acosh: Math.acosh,
  affine: (x, scale, shift) => x * scale + shift,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  ceil: Math.ceil,
  clamp,
  cos: Math.cos,
  cosh: Math.cosh,
  digamma,
  elu: (x, alpha, scale, inputScale) =>
    x > 0 ? scale * x : Number.isNaN(x) ? x : scale * alpha * Math.expm1(inputScale * x),
  erf,
  erfc,
  erfinv,
  exp: Math.exp,
  exp2: (x) => 2 ** x,
  expm1: Math.expm1,
  floor: Math.floor,
  frac: (x) => x - Math.trunc(x),
  gelu: (x) => 0.5 * x * erfc(-x / Math.SQRT2),
  gelu_tanh: (x) => 0.5 * x * (1 + geluInner(x)),
  hardshrink: (x, lambda) => (x >= -lambda && x <= lambda ? 0 : x),
  hardsigmoid: (x) => clamp(x + 3, 0, 6) / 6,
  hardswish: (x) => (x * clamp(x + 3, 0, 6)) / 6,
  isfinite: (x) => Number(Number.isFinite(x)),
  isinf: (x) => Number(Math.abs(x) === Number.POSITIVE_INFINITY),
  isnan: (x) => Number(Number.isNaN(x)),
  leaky_relu: (x, slope) => (x > 0 ? x : x * slope),
  lgamma,
  log: Math.log,
  log10: Math.log10,
  log1p: Math.log1p,
  log2: Math.log2,
  log_sigmoid: (x) => -softplus(-x),
  logical_not: (x) => Number(x === 0),
  mish: (x) => x * Math.tanh(softplus(x)),
  nan_to_num: (x, nan, most, least) =>
    Number.isNaN(x)
      ? nan
      : x === Number.POSITIVE_INFINITY
        ? most
        : x === Number.NEGATIVE_INFINITY
          ? least
          : x,
  neg: (x) => -x,
  pow: (x, exponent) => power(x, exponent),
  reciprocal: (x) => 1 / x,
  relu: (x) => (x < 0 ? 0 : x),
  round,
  rsqrt: (x) => 1 / Math.sqrt(x),
  sigmoid,
  sign: (x) => Number(x > 0) - Number(x < 0),
  silu: (x) => x * sigmoid(x),
  sin: Math.sin,
  sinh: Math.sinh,
  softplus: (x, beta, threshold) => (x * beta > threshold ? x : softplus(x * beta) / beta),
  softshrink: (x, lambda) => (x > lambda ? x - lambda : x < -lambda ? x + lambda : x * 0),
  sqrt: Math.sqrt,
  square: (x) => x * x,
  tan: Math.tan,
  tanh: Math.tanh,
  threshold: (x, threshold, value) => (x <= threshold ? value : x),
  trunc: Math.trunc,
};

/** Math.pow, but (±1)^±∞ and 1^NaN are 1 as in C. @param {number} a @param {number} b */
function power(a, b) {
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1;
  return a ** b;
}

/** @type {Record<string, (a: number, b: number, c: number, d: number, e: number) => number>} */
export const BINARY = {
  add: (a, b) => a + b,
  atan2: Math.atan2,
  copysign: (a, b) => (Object.is(Math.sign(b), -0) || b < 0 ? -Math.abs(a) : Math.abs(a)),
  div: (a, b) => a / b,
  eq: (a, b) => Number(a === b),
  floor_divide: floorDivide,
  fmax: (a, b) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b)),
  fmin: (a, b) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b)),
  fmod: (a, b) => a % b,
  ge: (a, b) => Number(a >= b),
  gt: (a, b) => Number(a > b),
  hypot: (a, b) => Math.hypot(a, b),
  le: (a, b) => Number(a <= b),
  logaddexp,
  logical_and: (a, b) => Number(a !== 0 && b !== 0),
  logical_or: (a, b) => Number(a !== 0 || b !== 0),
  logical_xor: (a, b) => Number((a !== 0) !== (b !== 0)),
  lt: (a, b) => Number(a < b),
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  mul: (a, b) => a * b,
  ne: (a, b) => Number(a !== b),
  pow: power,
  remainder,
  sub: (a, b) => a - b,
  trunc_divide: (a, b) => Math.trunc(a / b),
  xlogy,
};
