/**
 * A mixture of Gaussians fitted to posteriors by expectation and maximisation: `fit_prior` of
 * vaewidgets/diagnostics/learned_prior.py, a step at a time. No DOM.
 *
 * @typedef {import("./codes.js").Codes} Codes
 * @typedef {{k: number, d: number, weights: Float64Array, means: Float64Array, covariances: Float64Array}} Mixture
 *   means (k, d), covariances (k, d, d)
 */
import { streamSeed, uniforms } from "../../contract/random.js";
import { heldLikelihood, isHeld, LOG_2PI, logSum, normalDraws, varianceOf } from "./codes.js";

export const MOST_COMPONENTS = 40;
const MOST_FULL = 32;
const STRENGTH = 0.5;
const COMPONENT_STREAMS = 1 << 20;

/** Row-major lower triangle L of a symmetric matrix, L Lᵀ. @param {Float64Array} matrix (d, d) @param {number} d */
function cholesky(matrix, d) {
  const root = new Float64Array(d * d);
  for (let r = 0; r < d; r++) {
    for (let c = 0; c <= r; c++) {
      let sum = matrix[r * d + c];
      for (let i = 0; i < c; i++) sum -= root[r * d + i] * root[c * d + i];
      root[r * d + c] = r === c ? Math.sqrt(sum) : sum / root[c * d + c];
    }
  }
  return root;
}

/** The inverse of a lower triangle. @param {Float64Array} root @param {number} d */
function inverted(root, d) {
  const out = new Float64Array(d * d);
  for (let c = 0; c < d; c++) {
    out[c * d + c] = 1 / root[c * d + c];
    for (let r = c + 1; r < d; r++) {
      let sum = 0;
      for (let i = c; i < r; i++) sum += root[r * d + i] * out[i * d + c];
      out[r * d + c] = -sum / root[r * d + r];
    }
  }
  return out;
}

/**
 * What the density of each component needs: the inverse root of its covariance, and its constant.
 * @param {Mixture} mixture
 */
function whitened({ k, d, weights, covariances }) {
  return Array.from({ length: k }, (_, c) => {
    const root = cholesky(covariances.subarray(c * d * d, (c + 1) * d * d), d);
    let constant = Math.log(weights[c]) - 0.5 * d * LOG_2PI;
    for (let j = 0; j < d; j++) constant -= Math.log(root[j * d + j]);
    const white = inverted(root, d);
    const squares = new Float64Array(d); // columns: what a posterior's variance adds
    for (let r = 0; r < d; r++) for (let j = 0; j <= r; j++) squares[j] += white[r * d + j] ** 2;
    return { white, constant, squares };
  });
}

/**
 * Log of weight times density of each component at a point; with its variance, the mean over N(x, variance).
 * @param {Mixture} mixture @param {ReturnType<typeof whitened>} parts
 * @param {ArrayLike<number>} x (d,) @param {ArrayLike<number> | null} variance @param {Float64Array} out (k,)
 */
function logJoint({ k, d, means }, parts, x, variance, out) {
  const diagonal = d > MOST_FULL;
  const away = new Float64Array(d);
  for (let c = 0; c < k; c++) {
    const { white, constant, squares } = parts[c];
    for (let j = 0; j < d; j++) away[j] = x[j] - means[c * d + j];
    let square = 0;
    for (let r = 0; r < d; r++) {
      let sum = 0;
      for (let j = diagonal ? r : 0; j <= r; j++) sum += white[r * d + j] * away[j];
      square += sum * sum;
      if (variance) square += variance[r] * squares[r];
    }
    out[c] = constant - 0.5 * square;
  }
}

/**
 * The start of a fit: components at codes that are evenly spread over the images.
 * @param {Codes} codes @param {number} components
 */
export function createFit(codes, components) {
  const { n, d } = codes;
  const all = Array.from({ length: n }, (_, i) => i);
  const held = all.filter(isHeld);
  const fitted = all.filter((i) => !isHeld(i));
  const pick = (/** @type {Float64Array} */ x) =>
    Float64Array.from({ length: fitted.length * d }, (_, at) => x[fitted[Math.floor(at / d)] * d + (at % d)]);
  const [mu, variance] = [pick(codes.mu), pick(codes.variance)];
  const m = fitted.length;
  const k = Math.min(components, m);
  const spread = varianceOf(mu, d);
  for (let at = 0; at < variance.length; at++) spread[at % d] += variance[at] / m;
  for (let j = 0; j < d; j++) spread[j] /= k ** (2 / d);
  /** @type {Mixture} */
  const mixture = {
    k,
    d,
    weights: new Float64Array(k).fill(1 / k),
    means: Float64Array.from({ length: k * d }, (_, at) => {
      return mu[Math.floor((Math.floor(at / d) * m) / k) * d + (at % d)];
    }),
    covariances: new Float64Array(k * d * d),
  };
  for (let c = 0; c < k; c++)
    for (let j = 0; j < d; j++) mixture.covariances[(c * d + j) * d + j] = spread[j];
  const joint = new Float64Array(k);

  /** Mean log density of the held-out codes. @param {ReturnType<typeof whitened>} parts */
  function score(parts) {
    let sum = 0;
    for (const i of held) {
      logJoint(mixture, parts, codes.z.subarray(i * d, (i + 1) * d), null, joint);
      sum += logSum(joint, k);
    }
    return sum / held.length;
  }

  let parts = whitened(mixture);
  const logLikelihood = [score(parts)];

  /** Shares of each component in each posterior, (m, k). */
  function shares() {
    const out = new Float64Array(m * k);
    for (let i = 0; i < m; i++) {
      const row = out.subarray(i * k, (i + 1) * k);
      logJoint(mixture, parts, mu.subarray(i * d, (i + 1) * d), variance.subarray(i * d, (i + 1) * d), row);
      const total = logSum(row, k);
      for (let c = 0; c < k; c++) row[c] = Math.exp(row[c] - total);
    }
    return out;
  }

  /** @param {Float64Array} share @param {number} c */
  function maximise(share, c) {
    const mean = mixture.means.subarray(c * d, (c + 1) * d);
    const covariance = mixture.covariances.subarray(c * d * d, (c + 1) * d * d);
    let count = 0;
    for (let j = 0; j < d; j++) mean[j] *= STRENGTH;
    for (let i = 0; i < m; i++) {
      const r = share[i * k + c];
      count += r;
      for (let j = 0; j < d; j++) mean[j] += r * mu[i * d + j];
    }
    for (let j = 0; j < d; j++) mean[j] /= count + STRENGTH;
    mixture.weights[c] = (count + 1) / (m + k);
    covariance.fill(0);
    const away = new Float64Array(d);
    for (let i = 0; i < m; i++) {
      const r = share[i * k + c];
      for (let j = 0; j < d; j++) away[j] = mu[i * d + j] - mean[j];
      for (let a = 0; a < d; a++) {
        covariance[a * d + a] += r * variance[i * d + a];
        for (let b = d > MOST_FULL ? a : 0; b <= a; b++) covariance[a * d + b] += r * away[a] * away[b];
      }
    }
    for (let a = 0; a < d; a++) {
      covariance[a * d + a] += STRENGTH * spread[a];
      for (let b = 0; b <= a; b++) {
        covariance[a * d + b] /= count + STRENGTH;
        covariance[b * d + a] = covariance[a * d + b];
      }
    }
  }

  return {
    mixture,
    /** In nats: at the start and after each step. */
    logLikelihood,
    /** The same under N(0, I). */
    normal: heldLikelihood(codes),
    /** One step of EM. */
    step() {
      const share = shares();
      for (let c = 0; c < k; c++) maximise(share, c);
      parts = whitened(mixture);
      logLikelihood.push(score(parts));
    },
  };
}

/** @typedef {ReturnType<typeof createFit>} Fit */

/** Draws from a mixture, flat (count, d), from the same eps as those of N(0, I). @param {Mixture} mixture @param {number} count @param {number} seed */
export function mixtureDraws({ k, d, weights, means, covariances }, count, seed) {
  const ends = new Float64Array(k);
  let total = 0;
  for (let c = 0; c < k; c++) {
    total += weights[c];
    ends[c] = total;
  }
  const roots = Array.from({ length: k }, (_, c) =>
    cholesky(covariances.subarray(c * d * d, (c + 1) * d * d), d),
  );
  const eps = normalDraws(count, d, seed);
  const out = new Float64Array(count * d);
  for (let i = 0; i < count; i++) {
    const at = uniforms(streamSeed(seed, i + COMPONENT_STREAMS))() * total;
    const found = ends.findIndex((end) => end > at);
    const c = found < 0 ? k - 1 : found;
    for (let r = 0; r < d; r++) {
      let sum = means[c * d + r];
      for (let j = 0; j <= r; j++) sum += roots[c][r * d + j] * eps[i * d + j];
      out[i * d + r] = sum;
    }
  }
  return out;
}
