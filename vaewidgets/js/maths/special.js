/** Functions that JS has not, in double precision. No DOM. */
import { normalQuantile } from "../contract/random.js";

/** Stays finite where exp(x) does not. @param {number} x */
export const sigmoid = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

/** log(1 + exp(x)), for any x. @param {number} x */
export const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/**
 * Of 0 ≤ x < 3: 2/√π exp(−x²) Σ 2^i x^(2i+1) / (2i+1)!! (Abramowitz & Stegun 7.1.6), whose terms are all positive.
 * @param {number} x
 */
function erfSeries(x) {
  let term = x;
  let sum = x;
  for (let i = 1; term > sum * 1e-17; i++) {
    term *= (2 * x * x) / (2 * i + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** Of x ≥ 2, by the continued fraction 7.1.14. @param {number} x */
function erfcFraction(x) {
  let fraction = x;
  for (let i = 60; i > 0; i--) fraction = x + i / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

/** @param {number} x */
export function erf(x) {
  if (Number.isNaN(x) || x === 0) return x;
  const size = Math.abs(x);
  return Math.sign(x) * (size < 3 ? erfSeries(size) : 1 - erfcFraction(size));
}

/** @param {number} x */
export function erfc(x) {
  if (x < 2) return 1 - erf(x);
  return x === Number.POSITIVE_INFINITY ? 0 : erfcFraction(x);
}

/** @param {number} y */
export function erfinv(y) {
  if (!(Math.abs(y) < 1)) return Math.abs(y) === 1 ? y * Number.POSITIVE_INFINITY : Number.NaN;
  const x = normalQuantile((1 + y) / 2) / Math.SQRT2; // digits of a small y are lost here: one step of Newton's brings them back
  return y === 0 ? y : x - ((erf(x) - y) * Math.sqrt(Math.PI) * Math.exp(x * x)) / 2;
}

/** Abramowitz & Stegun 6.1.41, B_2i / (2i (2i − 1)). */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156];

/** log |Γ(x)|. @param {number} x @returns {number} */
export function lgamma(x) {
  if (!Number.isFinite(x)) return Math.abs(x);
  if (x <= 0) {
    const sine = Math.abs(Math.sin(Math.PI * (x % 2)));
    return sine === 0 || Number.isInteger(x)
      ? Number.POSITIVE_INFINITY
      : Math.log(Math.PI / sine) - lgamma(1 - x);
  }
  if (x === 1 || x === 2) return 0;
  let product = 1; // Γ(x) = Γ(x + n) / (x (x + 1) … (x + n − 1)), n so that the series is exact
  for (; x < 10; x++) product *= x;
  let power = 1 / x;
  let sum = 0;
  for (const factor of STIRLING) {
    sum += factor * power;
    power /= x * x;
  }
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + sum - Math.log(product);
}

/** Abramowitz & Stegun 6.3.18, B_2i / 2i. */
const DIGAMMA = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12];

/** The derivative of lgamma. @param {number} x @returns {number} */
export function digamma(x) {
  if (x === 0) return Object.is(x, 0) ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (x < 0) {
    return Number.isInteger(x) ? Number.NaN : digamma(1 - x) - Math.PI / Math.tan(Math.PI * (x % 1));
  }
  let sum = 0;
  for (; x < 10; x++) sum -= 1 / x;
  let power = 1 / (x * x);
  for (const factor of DIGAMMA) {
    sum -= factor * power;
    power /= x * x;
  }
  return sum + Math.log(x) - 0.5 / x;
}
