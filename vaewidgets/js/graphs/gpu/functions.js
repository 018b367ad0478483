/**
 * Elementwise functions as WGSL, by the names of kernels/functions.js and kernels/gradients.js. No DOM.
 *
 * A shader may be compiled as if there were no NaN and no infinity, so neither is promised here: whoever trains looks
 * at the results. What has no name here is left to WebAssembly.
 */

/** Functions that WGSL has not, or not for all arguments. */
const HELPERS = `
fn exp_(x: f32) -> f32 { return exp(clamp(x, -87.0, 88.7)); }
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp_(-x)); }
fn tanh_(x: f32) -> f32 { return tanh(clamp(x, -15.0, 15.0)); }
fn log1p(x: f32) -> f32 {
  if (abs(x) < 0.01) { return x * (1.0 - x * (0.5 - x * (0.33333333 - x * (0.25 - x * 0.2)))); }
  return log(1.0 + x);
}
fn expm1(x: f32) -> f32 {
  if (abs(x) < 0.05) { return x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666668 + x * 0.0083333333)))); }
  return exp_(x) - 1.0;
}
fn softplus(x: f32) -> f32 { return max(x, 0.0) + log1p(exp_(-abs(x))); }
fn erf(x: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let s = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - s * exp_(-x * x));
}
fn gelu_inner(x: f32) -> f32 { return tanh_(0.7978846 * (x + 0.044715 * x * x * x)); }
fn floor_divide(a: f32, b: f32) -> f32 {
  let q = floor(a / b);
  let rest = (a - q * b) * sign(b);
  return q + select(0.0, 1.0, rest >= abs(b)) - select(0.0, 1.0, rest < 0.0);
}
fn lgamma(x: f32) -> f32 {
  var y = x; var less = 0.0;
  for (var i = 0; i < 8 && y < 8.0; i++) { less += log(y); y += 1.0; }
  let r = 1.0 / y;
  return (y - 0.5) * log(y) - y + 0.91893853 + r * (0.083333333 - r * r * (0.0027777778 - r * r * 0.00079365079)) - less;
}
fn digamma(x: f32) -> f32 {
  var y = x; var less = 0.0;
  for (var i = 0; i < 8 && y < 8.0; i++) { less += 1.0 / y; y += 1.0; }
  let r = 1.0 / (y * y);
  return log(y) - 0.5 / y - r * (0.083333333 - r * (0.0083333333 - r * 0.003968254)) - less;
}
fn power(a: f32, b: f32) -> f32 {
  if (a == 0.0) { return select(0.0, 1.0, b == 0.0); }
  let size = pow(abs(a), b);
  return select(size, -size, a < 0.0 && abs(b) % 2.0 == 1.0);
}
`;

const helpers = HELPERS.trim()
  .split(/\n(?=fn )/)
  .map((text) => ({ text, name: text.slice(3, text.indexOf("(")) }));

/** Those that a text calls, and those that these call. @param {string} body @returns {string} */
export function helpersOf(body) {
  let found = "";
  for (let text = body; text; ) {
    const known = found;
    const called = helpers.filter(({ name, text: own }) => !known.includes(own) && text.includes(`${name}(`));
    text = called.map(({ text: own }) => own).join("\n");
    found += `${text}\n`;
  }
  return found;
}

/** @param {string} condition */
const truth = (condition) => `f32(${condition})`;
/** Without its sign. @param {string} x */
export const bits = (x) => `(bitcast<u32>(${x}) & 0x7fffffffu)`;

/**
 * Of the operand, then the numbers that the function takes.
 * @type {Record<string, (x: string, a: string, b: string, c: string) => string>}
 */
const UNARY = {
  copy: (x) => x,
  abs: (x) => `abs(${x})`,
  acos: (x) => `acos(${x})`,
  affine: (x, scale, shift) => `${x} * ${scale} + ${shift}`,
  asin: (x) => `asin(${x})`,
  atan: (x) => `atan(${x})`,
  ceil: (x) => `ceil(${x})`,
  clamp: (x, lo, hi) => `min(max(${x}, ${lo}), ${hi})`,
  cos: (x) => `cos(${x})`,
  digamma: (x) => `digamma(${x})`, // of positive numbers, and so is lgamma
  elu: (x, alpha, scale, inputScale) =>
    `select(${scale} * ${alpha} * expm1(${inputScale} * ${x}), ${scale} * ${x}, ${x} > 0.0)`,
  erf: (x) => `erf(${x})`,
  erfc: (x) => `(1.0 - erf(${x}))`,
  exp: (x) => `exp_(${x})`,
  exp2: (x) => `exp2(${x})`,
  expm1: (x) => `expm1(${x})`,
  floor: (x) => `floor(${x})`,
  frac: (x) => `(${x} - trunc(${x}))`,
  gelu: (x) => `0.5 * ${x} * (1.0 + erf(${x} * 0.70710678))`,
  gelu_tanh: (x) => `0.5 * ${x} * (1.0 + gelu_inner(${x}))`,
  hardshrink: (x, lambda) => `select(${x}, 0.0, abs(${x}) <= ${lambda})`,
  hardsigmoid: (x) => `clamp(${x} + 3.0, 0.0, 6.0) / 6.0`,
  hardswish: (x) => `${x} * clamp(${x} + 3.0, 0.0, 6.0) / 6.0`,
  lgamma: (x) => `lgamma(${x})`,
  isfinite: (x) => truth(`${bits(x)} < 0x7f800000u`),
  isinf: (x) => truth(`${bits(x)} == 0x7f800000u`),
  isnan: (x) => truth(`${bits(x)} > 0x7f800000u`),
  leaky_relu: (x, slope) => `select(${x} * ${slope}, ${x}, ${x} > 0.0)`,
  log: (x) => `log(${x})`,
  log10: (x) => `log(${x}) * 0.43429448`,
  log1p: (x) => `log1p(${x})`,
  log2: (x) => `log2(${x})`,
  log_sigmoid: (x) => `-softplus(-${x})`,
  logical_not: (x) => truth(`${x} == 0.0`),
  mish: (x) => `${x} * tanh_(softplus(${x}))`,
  neg: (x) => `-${x}`,
  pow: (x, exponent) => `power(${x}, ${exponent})`,
  reciprocal: (x) => `1.0 / ${x}`,
  relu: (x) => `max(${x}, 0.0)`,
  round: (x) => `round(${x})`,
  rsqrt: (x) => `inverseSqrt(${x})`,
  sigmoid: (x) => `sigmoid(${x})`,
  sign: (x) => `sign(${x})`,
  silu: (x) => `${x} * sigmoid(${x})`,
  sin: (x) => `sin(${x})`,
  softplus: (x, beta, threshold) =>
    `select(softplus(${x} * ${beta}) / ${beta}, ${x}, ${x} * ${beta} > ${threshold})`,
  softshrink: (x, lambda) => `sign(${x}) * max(abs(${x}) - ${lambda}, 0.0)`,
  sqrt: (x) => `sqrt(${x})`,
  square: (x) => `${x} * ${x}`,
  tan: (x) => `tan(${x})`,
  tanh: (x) => `tanh_(${x})`,
  threshold: (x, threshold, value) => `select(${x}, ${value}, ${x} <= ${threshold})`,
  trunc: (x) => `trunc(${x})`,
};

/** @type {Record<string, (a: string, b: string, c: string, d: string, e: string) => string>} */
const BINARY = {
  add: (a, b) => `${a} + ${b}`,
  atan2: (a, b) => `atan2(${a}, ${b})`,
  div: (a, b) => `${a} / ${b}`,
  eq: (a, b) => truth(`${a} == ${b}`),
  floor_divide: (a, b) => `floor_divide(${a}, ${b})`,
  ge: (a, b) => truth(`${a} >= ${b}`),
  gt: (a, b) => truth(`${a} > ${b}`),
  le: (a, b) => truth(`${a} <= ${b}`),
  logaddexp: (a, b) => `(max(${a}, ${b}) + log1p(exp_(-abs(${a} - ${b}))))`,
  logical_and: (a, b) => truth(`${a} != 0.0 && ${b} != 0.0`),
  logical_or: (a, b) => truth(`${a} != 0.0 || ${b} != 0.0`),
  lt: (a, b) => truth(`${a} < ${b}`),
  max: (a, b) => `max(${a}, ${b})`,
  min: (a, b) => `min(${a}, ${b})`,
  mul: (a, b) => `${a} * ${b}`,
  ne: (a, b) => truth(`${a} != ${b}`),
  pow: (a, b) => `power(${a}, ${b})`,
  remainder: (a, b) => `(${a} - ${b} * floor_divide(${a}, ${b}))`,
  sub: (a, b) => `${a} - ${b}`,
  trunc_divide: (a, b) => `trunc(${a} / ${b})`,
  xlogy: (a, b) => `select(${a} * log(${b}), 0.0, ${a} == 0.0)`,
  elu_backward: (g, x, alpha, scale, inputScale) =>
    `${g} * select(${scale}, ${scale} * ${alpha} * ${inputScale} * exp_(${inputScale} * ${x}), ${x} <= 0.0)`,
  elu_backward_of_result: (g, y, alpha, scale, inputScale) =>
    `${g} * select(${scale}, ${inputScale} * (${y} + ${scale} * ${alpha}), ${y} <= 0.0)`,
  gelu_backward: (g, x) =>
    `${g} * (0.5 * (1.0 + erf(${x} * 0.70710678)) + ${x} * 0.39894228 * exp_(-0.5 * ${x} * ${x}))`,
  gelu_tanh_backward: (g, x) =>
    `${g} * (0.5 * (1.0 + gelu_inner(${x})) + 0.5 * ${x} * (1.0 - gelu_inner(${x}) * gelu_inner(${x})) * 0.7978846 * (1.0 + 0.134145 * ${x} * ${x}))`,
  hardsigmoid_backward: (g, x) => `select(0.0, ${g} / 6.0, ${x} > -3.0 && ${x} < 3.0)`,
  hardswish_backward: (g, x) => `${g} * select(select(1.0, ${x} / 3.0 + 0.5, ${x} <= 3.0), 0.0, ${x} < -3.0)`,
  hardtanh_backward: (g, x, lo, hi) => `select(${g}, 0.0, ${x} <= ${lo} || ${x} >= ${hi})`,
  leaky_relu_backward: (g, x, slope) => `select(${g} * ${slope}, ${g}, ${x} > 0.0)`,
  log_sigmoid_backward: (g, x) => `${g} * sigmoid(-${x})`,
  sigmoid_backward: (g, y) => `${g} * (1.0 - ${y}) * ${y}`,
  silu_backward: (g, x) => `${g} * sigmoid(${x}) * (1.0 + ${x} * sigmoid(-${x}))`,
  softplus_backward: (g, x, beta, threshold) =>
    `${g} * select(sigmoid(${x} * ${beta}), 1.0, ${x} * ${beta} > ${threshold})`,
  softshrink_backward: (g, x, lambda) => `select(${g}, 0.0, abs(${x}) <= ${lambda})`,
  tanh_backward: (g, y) => `${g} * (1.0 - ${y} * ${y})`,
  threshold_backward: (g, x, threshold) => `select(${g}, 0.0, ${x} <= ${threshold})`,
};

/**
 * Of each element, its operands and numbers as WGSL.
 * @typedef {(...operands: string[]) => string} Expression
 * @param {"unary" | "binary" | "select"} kind @param {string} name
 * @returns {Expression}
 * @throws {Error} where it is left to WebAssembly
 */
export function expression(kind, name) {
  if (kind === "select") return (condition, a, b) => `select(${b}, ${a}, ${condition} != 0.0)`;
  const table = /** @type {Record<string, Expression>} */ (kind === "unary" ? UNARY : BINARY);
  if (!Object.hasOwn(table, name)) throw new Error(`WebGPU has no function "${name}"`);
  return table[name];
}
