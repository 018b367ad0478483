/**
 * Two ways to estimate the gradient of E[f(z)], z ~ N(mu, sigma²), from draws of eps: through the path
 * z = mu + sigma·eps (the reparameterization), and by weights on f (the score function). No DOM.
 *
 * @typedef {{text: string, slope: string, f: (z: number) => number, df: (z: number) => number,
 *   exact: (mu: number, sigma: number) => [number, number]}} Target
 *   exact: the derivatives of E[f(z)] by mu and by sigma
 * @typedef {"mu"|"sigma"} Parameter
 * @typedef {"path"|"score"} Way
 */
import { density } from "../../maths/gaussian.js";

/** The same names stand in widgets/reparameterization_demo.py. @type {Record<string, Target>} */
export const TARGETS = {
  square: {
    text: "z²",
    slope: "2z",
    f: (z) => z * z,
    df: (z) => 2 * z,
    exact: (mu, sigma) => [2 * mu, 2 * sigma],
  },
  sine: {
    text: "sin z",
    slope: "cos z",
    f: Math.sin,
    df: Math.cos,
    exact: (mu, sigma) => {
      const damp = Math.exp(-0.5 * sigma * sigma);
      return [Math.cos(mu) * damp, -sigma * Math.sin(mu) * damp];
    },
  },
  cube: {
    text: "z³",
    slope: "3z²",
    f: (z) => z ** 3,
    df: (z) => 3 * z * z,
    exact: (mu, sigma) => [3 * (mu * mu + sigma * sigma), 6 * mu * sigma],
  },
  step: {
    text: "z > 0",
    slope: "0",
    f: (z) => (z > 0 ? 1 : 0),
    df: () => 0,
    exact: (mu, sigma) => {
      const peak = density(0, { mu, sigma });
      return [peak, (-mu / sigma) * peak];
    },
  },
};

/**
 * What one draw says of the derivative.
 * @param {Target} target
 * @param {Way} way
 * @param {Parameter} by
 * @param {{mu: number, sigma: number}} q
 * @param {number} eps
 */
export function oneDraw(target, way, by, { mu, sigma }, eps) {
  const z = mu + sigma * eps;
  if (way === "path") return target.df(z) * (by === "mu" ? 1 : eps);
  return target.f(z) * (by === "mu" ? eps / sigma : (eps * eps - 1) / sigma);
}

/**
 * Mean and standard deviation of what one draw says, by integration over eps.
 * @param {Target} target
 * @param {Way} way
 * @param {Parameter} by
 * @param {{mu: number, sigma: number}} q
 */
export function ofOneDraw(target, way, by, q) {
  const n = 4000;
  const half = 9;
  const step = (2 * half) / n;
  let mean = 0;
  let square = 0;
  for (let i = 0; i < n; i++) {
    const eps = -half + (i + 0.5) * step;
    const weight = density(eps, { mu: 0, sigma: 1 }) * step;
    const value = oneDraw(target, way, by, q, eps);
    mean += weight * value;
    square += weight * value * value;
  }
  return { mean, sd: Math.sqrt(Math.max(square - mean * mean, 0)) };
}

/**
 * Estimates from groups of `samples` draws each.
 * @param {Target} target
 * @param {Way} way
 * @param {Parameter} by
 * @param {{mu: number, sigma: number}} q
 * @param {ArrayLike<number>} eps
 * @param {number} samples
 * @returns {Float64Array} one a group
 */
export function estimates(target, way, by, q, eps, samples) {
  const out = new Float64Array(Math.floor(eps.length / samples));
  for (let k = 0; k < out.length; k++) {
    let sum = 0;
    for (let i = k * samples; i < (k + 1) * samples; i++) sum += oneDraw(target, way, by, q, eps[i]);
    out[k] = sum / samples;
  }
  return out;
}

/**
 * How many of the values fall into each of equal bins; those outside are left out.
 * @param {ArrayLike<number>} values
 * @param {[number, number]} range
 * @param {number} bins
 */
export function histogram(values, [lo, hi], bins) {
  const counts = new Float64Array(bins);
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor(((values[i] - lo) / (hi - lo)) * bins);
    if (at >= 0 && at < bins) counts[at]++;
  }
  return counts;
}
