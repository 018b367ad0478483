/**
 * Ways through a latent space along one axis: the five ranges that studies of disentanglement use (Locatello et al.
 * 2019, arXiv:1811.12359, in its library: prior quantiles, fitted Gaussian, fixed range, ±2 sigma, least to greatest).
 * The same values stand in widgets/latent_traversal.py. No DOM.
 *
 * @typedef {import("../../maths/plane.js").Latent} Latent
 * @typedef {"quantiles"|"gaussian"|"range"|"sigma"|"minmax"} Style
 * @typedef {{name: string, worth: number, unit: string, coordinate: (z: ArrayLike<number>) => number,
 *   moved: (z: ArrayLike<number>, to: number) => Float32Array, prior: number, mean: number, total: number,
 *   low: number, high: number}} Axis
 *   worth: KL in nats, else a standard deviation; prior: where the prior's mean lies on it
 */

import { normalQuantile } from "../../contract/random.js";
import { dimName } from "../../maths/format.js";

export const FIXED_RANGE = 2;
export const SIGMAS = 2;

/** @type {{value: Style, text: string, needsPrior: boolean}[]} */
export const STYLES = [
  { value: "quantiles", text: "quantiles of the prior", needsPrior: true },
  { value: "gaussian", text: "quantiles of a fitted Gaussian", needsPrior: false },
  { value: "range", text: "fixed range, −2 to 2", needsPrior: true },
  { value: "sigma", text: "mean ± 2 standard deviations", needsPrior: false },
  { value: "minmax", text: "least to greatest code", needsPrior: false },
];

/** One latent dimension. @param {Latent} latent @param {number} j @returns {Axis} */
export function dimension(latent, j) {
  return {
    name: dimName(j),
    worth: latent.kl ? latent.kl[j] : latent.std[j],
    unit: latent.kl ? "nats" : "std",
    coordinate: (z) => z[j],
    moved(z, to) {
      const out = Float32Array.from(z);
      out[j] = to;
      return out;
    },
    prior: 0,
    mean: latent.mean[j],
    total: latent.totalStd[j],
    low: latent.low[j],
    high: latent.high[j],
  };
}

/** One principal direction of the codes, its coordinate counted from their mean. @param {Latent} latent @param {number} k @returns {Axis} */
export function direction(latent, k) {
  const { mean, along } = latent;
  const axis = latent.directions[k];
  const count = latent.directions.length;
  const coordinate = (/** @type {ArrayLike<number>} */ z) =>
    axis.reduce((sum, a, j) => sum + a * (z[j] - mean[j]), 0);
  return {
    name: `direction ${k + 1}`,
    worth: latent.scales[k],
    unit: "std",
    coordinate,
    moved(z, to) {
      const by = to - coordinate(z);
      return Float32Array.from(z, (x, j) => x + by * axis[j]);
    },
    prior: coordinate(new Float32Array(latent.d)),
    mean: 0,
    total: along[k],
    low: along[count + k],
    high: along[2 * count + k],
  };
}

/**
 * Coordinates along an axis.
 * @param {Style} style @param {Axis} axis @param {number} n at least 2
 * @returns {number[]} ascending
 */
export function values(style, axis, n) {
  const even = (/** @type {number} */ lo, /** @type {number} */ hi) =>
    Array.from({ length: n }, (_, k) => lo + ((hi - lo) * k) / (n - 1));
  const quantiles = () => Array.from({ length: n }, (_, k) => normalQuantile((k + 0.5) / n));
  switch (style) {
    case "quantiles":
      return quantiles().map((q) => axis.prior + q);
    case "gaussian":
      return quantiles().map((q) => axis.mean + axis.total * q);
    case "range":
      return even(axis.prior - FIXED_RANGE, axis.prior + FIXED_RANGE);
    case "sigma":
      return even(axis.mean - SIGMAS * axis.total, axis.mean + SIGMAS * axis.total);
    default:
      return even(axis.low, axis.high);
  }
}
