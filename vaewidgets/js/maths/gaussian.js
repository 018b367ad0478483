/** Gaussians on a line: densities, KL divergences, shuffling. All costs in nats. No DOM. */

import { erfc } from "./special.js";

const LOG_2PI = Math.log(2 * Math.PI);

/**
 * @typedef {{mu: number, sigma: number}} Gaussian
 */

/** Natural log of the density. @param {number} z @param {Gaussian} of */
export function logDensity(z, { mu, sigma }) {
  return -0.5 * ((z - mu) / sigma) ** 2 - Math.log(sigma) - 0.5 * LOG_2PI;
}

/** The share of N(0, 1) below x. @param {number} x */
export const normalCdf = (x) => 0.5 * erfc(-x / Math.SQRT2);

/** @param {number} z @param {Gaussian} of */
export function density(z, of) {
  return Math.exp(logDensity(z, of));
}

/**
 * KL(q ‖ p), in what the distance of the means costs and what the different widths cost.
 * @param {Gaussian} q
 * @param {Gaussian} [p] the prior N(0, 1)
 * @returns {{shift: number, spread: number, total: number}}
 */
export function klParts(q, p = { mu: 0, sigma: 1 }) {
  const logRatio = 2 * Math.log(q.sigma / p.sigma);
  const shift = 0.5 * ((q.mu - p.mu) / p.sigma) ** 2;
  // expm1 keeps the digits near equal widths, where the terms cancel.
  const spread = 0.5 * (Math.expm1(logRatio) - logRatio);
  return { shift, spread, total: shift + spread };
}

/** What is summed over z: q ln(q/p). @param {number} z @param {Gaussian} q @param {Gaussian} p */
export function klIntegrand(z, q, p) {
  const log = logDensity(z, q);
  return Math.exp(log) * (log - logDensity(z, p));
}

/**
 * The areas above and below zero of q ln(q/p); their sum is KL(q ‖ p).
 * @param {Gaussian} q
 * @param {Gaussian} p
 * @returns {{above: number, below: number}} below is negative
 */
export function klAreas(q, p) {
  const half = 12 * q.sigma;
  const n = 4000;
  const step = (2 * half) / n;
  let above = 0;
  let below = 0;
  for (let i = 0; i < n; i++) {
    const value = klIntegrand(q.mu - half + (i + 0.5) * step, q, p) * step;
    if (value > 0) above += value;
    else below += value;
  }
  return { above, below };
}

/** Whole numbers 0…n−1 in a random order. @param {number} n @param {() => number} next uniform numbers */
export function shuffled(n, next) {
  const out = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}
