/**
 * What is known of a latent space, and planes through it. No DOM.
 *
 * @typedef {import("../contract/types.js").LatentData} LatentData
 * @typedef {{d: number, prior: boolean, n: number, mean: Float32Array, std: Float32Array, totalStd: Float32Array,
 *   low: Float32Array, high: Float32Array, kl: Float32Array|null, directions: Float32Array[],
 *   scales: Float32Array, along: Float32Array, points: Float32Array|null, labels: Int32Array|null}} Latent
 *   points flat (n, d); directions orthonormal, the widest first
 * @typedef {null | "principal" | [number, number]} PlaneChoice  null: the two dimensions that carry most
 */

import { toFloat32, toInt32 } from "../contract/bytes.js";
import { normalQuantile } from "../contract/random.js";
import { dimName } from "./format.js";
import { normalCdf } from "./gaussian.js";
import { stableOrder } from "./statistics.js";

/** @param {LatentData} data @returns {Latent} */
export function readLatent(data) {
  const d = data.mean.shape[0];
  const flat = toFloat32(data.directions);
  return {
    d,
    prior: data.prior,
    n: data.n,
    mean: toFloat32(data.mean),
    std: toFloat32(data.std),
    totalStd: toFloat32(data.total_std),
    low: toFloat32(data.low),
    high: toFloat32(data.high),
    kl: data.kl && toFloat32(data.kl),
    directions: Array.from({ length: data.directions.shape[0] }, (_, i) => flat.subarray(i * d, (i + 1) * d)),
    scales: toFloat32(data.scales),
    along: toFloat32(data.along),
    points: data.points && toFloat32(data.points),
    labels: data.labels && toInt32(data.labels),
  };
}

/** How much each dimension carries: its KL in nats or, with no posterior, the variance of its codes. @param {Latent} latent */
export const carried = ({ kl, std }) => kl ?? std.map((s) => s * s);

/**
 * Dimensions in the order in which they are offered: those that carry most first, two as they are.
 * @param {Latent} latent @param {number[]} previous the order so far, kept while it nearly holds
 */
export const dimOrder = (latent, previous) =>
  latent.d < 3 ? [0, 1].slice(0, latent.d) : stableOrder(carried(latent), previous);

/**
 * @param {PlaneChoice} choice
 * @param {Latent} latent
 * @param {number[]} order dimensions, those that carry most first
 */
export function planeOf(choice, latent, order) {
  const { d, mean, std, prior } = latent;
  if (choice === "principal" && latent.directions.length > 1) {
    const [a, b] = latent.directions;
    const scales = [Math.max(latent.scales[0], 1e-6), Math.max(latent.scales[1], 1e-6)];
    return assemble(
      ["principal direction 1", "principal direction 2"],
      [0, 0],
      scales,
      (s, t) => mean.map((m, j) => m + s * a[j] + t * b[j]),
      (z) => [a, b].map((axis) => axis.reduce((sum, x, j) => sum + x * (z[j] - mean[j]), 0)),
    );
  }
  const pair = Array.isArray(choice) && choice.every((i) => i >= 0 && i < d) ? choice : order.slice(0, 2);
  const [i, j] = d === 1 ? [0, 0] : pair;
  // A model with no prior has no quantiles of its own: those of a Gaussian fitted to its codes.
  const at = (/** @type {number} */ k) => (prior ? 0 : mean[k]);
  const wide = (/** @type {number} */ k) => (prior ? 1 : Math.max(std[k], 1e-6));
  return assemble(
    [dimName(i), d === 1 ? "" : dimName(j)],
    [at(i), at(j)],
    [wide(i), wide(j)],
    (s, t) => {
      const z = prior ? new Float32Array(d) : mean.slice();
      z[i] = s;
      if (d > 1) z[j] = t;
      return z;
    },
    (z) => [z[i], z[j]],
  );
}

/**
 * @param {[string, string]} axes
 * @param {number[]} centers
 * @param {number[]} scales
 * @param {(s: number, t: number) => Float32Array} toZ
 * @param {(z: ArrayLike<number>) => number[]} fromZ
 */
function assemble(axes, centers, scales, toZ, fromZ) {
  const quantile = (/** @type {0|1} */ axis) => (/** @type {number} */ q) =>
    centers[axis] + scales[axis] * normalQuantile(q);
  const share = (/** @type {0|1} */ axis) => (/** @type {number} */ z) =>
    normalCdf((z - centers[axis]) / scales[axis]);
  /** @type {[(q: number) => number, (q: number) => number]} */
  const quantiles = [quantile(0), quantile(1)];
  /** @type {[(z: number) => number, (z: number) => number]} */
  const shares = [share(0), share(1)];
  return {
    axes,
    quantile: quantiles,
    share: shares,
    /** The latent vector at a place of the unit square. @param {number} u @param {number} v */
    toZ: (u, v) => toZ(quantiles[0](u), quantiles[1](v)),
    /** Where a latent vector lies on the plane. @param {ArrayLike<number>} z @returns {[number, number]} */
    toUnit(z) {
      const [s, t] = fromZ(z);
      return [shares[0](s), shares[1](t)];
    },
  };
}

/** @typedef {ReturnType<typeof planeOf>} Plane */

/**
 * A plane to see codes on: the latent space itself where it has two dimensions, else the two principal directions.
 * @param {Latent} latent
 */
export function viewPlane(latent) {
  const { d, mean, directions } = latent;
  if (d === 1) return { axes: /** @type {[string, string]} */ (["z₁", ""]), ...direct([0]) };
  if (d === 2) return { axes: /** @type {[string, string]} */ (["z₁", "z₂"]), ...direct([0, 1]) };
  const [a, b] = directions;
  /** @param {ArrayLike<number>} z @returns {[number, number]} */
  const toPlane = (z) => {
    let u = 0;
    let v = 0;
    for (let j = 0; j < d; j++) {
      u += (z[j] - mean[j]) * a[j];
      v += (z[j] - mean[j]) * b[j];
    }
    return [u, v];
  };
  return {
    axes: /** @type {[string, string]} */ (["principal direction 1", "principal direction 2"]),
    toPlane,
    /** Move a point so that it is seen at (u, v), by the shortest way. @param {ArrayLike<number>} z @param {number} u @param {number} v */
    moved(z, u, v) {
      const [u0, v0] = toPlane(z);
      return Float32Array.from(z, (x, j) => x + (u - u0) * a[j] + (v - v0) * b[j]);
    },
  };
}

/** @param {number[]} dims */
function direct(dims) {
  return {
    /** @param {ArrayLike<number>} z @returns {[number, number]} */
    toPlane: (z) => [z[0], dims.length > 1 ? z[1] : 0],
    /** @param {ArrayLike<number>} _z @param {number} u @param {number} v */
    moved: (_z, u, v) => (dims.length > 1 ? Float32Array.of(u, v) : Float32Array.of(u)),
  };
}

/**
 * Points seen on a plane. @param {{toPlane: (z: ArrayLike<number>) => [number, number]}} plane
 * @param {Float32Array} points flat (n, d) @param {number} d @returns {Float32Array} flat (n, 2)
 */
export function onPlane(plane, points, d) {
  const n = points.length / d;
  const out = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) out.set(plane.toPlane(points.subarray(i * d, (i + 1) * d)), 2 * i);
  return out;
}
