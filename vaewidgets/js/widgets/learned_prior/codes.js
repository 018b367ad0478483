/**
 * The aggregate posterior of a run's images against N(0, I), and its holes: as vaewidgets/diagnostics/learned_prior.py
 * computes them, from the same random numbers. No DOM.
 *
 * @typedef {{n: number, d: number, mu: Float64Array, variance: Float64Array, z: Float64Array,
 *   images: number[]}} Codes  posteriors (n, d), a draw of each, and of which images
 * @typedef {{kl: number, isUpper: boolean, threshold: number, smoothing: number, expected: number, error: number}} Holes
 *   kl: of the aggregate posterior from N(0, I), in nats; isUpper: too few images to tell more; threshold: log density
 *   under which the least likely per cent of the codes lie; expected: share of draws below it if there were no holes,
 *   and its standard deviation
 */
import { normals } from "../../contract/random.js";
import { clamp } from "../../draw/scales.js";

export const FEWEST_CODES = 8;
const MOST_CODES = 1000;
export const PRIOR_DRAWS = 500;
const RARE = 0.01;
const SMOOTHING = [0, 0.1, 0.2, 0.3, 0.5, 0.8];
const SMOOTHING_CODES = 250;
const CODE_SEED = 1_000_003;
const LEAST_LOG_VARIANCE = -27;
const MOST_LOG_VARIANCE = 20;
/** What is smaller by so much adds nothing to a sum of exponentials. */
const NOTHING = -45;
export const LOG_2PI = Math.log(2 * Math.PI);

/**
 * Posteriors of the first images that have finite ones, and a draw of each; null of too few.
 * @param {ArrayLike<number>} mu flat (n, d) @param {ArrayLike<number>} logvar @param {number} d @returns {Codes | null}
 */
export function priorCodes(mu, logvar, d) {
  /** @type {number[]} */
  const known = [];
  for (let at = 0; at < mu.length && known.length < MOST_CODES; at += d) {
    let j = 0;
    while (j < d && Number.isFinite(mu[at + j]) && Number.isFinite(logvar[at + j])) j++;
    if (j === d) known.push(at);
  }
  const n = known.length;
  if (n < FEWEST_CODES) return null;
  const codes = {
    images: known.map((at) => at / d),
    n,
    d,
    mu: new Float64Array(n * d),
    variance: new Float64Array(n * d),
    z: new Float64Array(n * d),
  };
  known.forEach((from, i) => {
    const eps = normals(d, CODE_SEED, i);
    for (let j = 0; j < d; j++) {
      const at = i * d + j;
      codes.mu[at] = mu[from + j];
      codes.variance[at] = Math.exp(clamp(logvar[from + j], LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE));
      codes.z[at] = codes.mu[at] + Math.sqrt(codes.variance[at]) * eps[j];
    }
  });
  return codes;
}

/** Log density of N(0, I) at a point. @param {Float64Array} z flat (n, d) @param {number} i @param {number} d */
export function logNormal(z, i, d) {
  let square = 0;
  for (let j = i * d; j < (i + 1) * d; j++) square += z[j] * z[j];
  return -0.5 * (square + d * LOG_2PI);
}

/** Whether no prior is fitted to a code: every fourth. @param {number} i */
export const isHeld = (i) => i % 4 === 3;

/** Mean log density of the held-out codes under N(0, I). @param {Codes} codes */
export function heldLikelihood({ n, d, z }) {
  let [sum, count] = [0, 0];
  for (let i = 0; i < n; i++) {
    if (!isHeld(i)) continue;
    sum += logNormal(z, i, d);
    count++;
  }
  return sum / count;
}

/** Log of the sum of exponentials of the first n. @param {Float64Array} log @param {number} n */
export function logSum(log, n) {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) if (log[i] > top) top = log[i];
  let sum = 0;
  for (let i = 0; i < n; i++) if (log[i] - top > NOTHING) sum += Math.exp(log[i] - top);
  return top + Math.log(sum);
}

/**
 * Log density of the aggregate posterior at points: the mixture of all posteriors, each widened by a share of the
 * spread of their means.
 * @param {Codes} codes @param {Float64Array} z flat (m, d) @param {number} [smoothing]
 * @param {((i: number) => number) | null} [leaveOut] an image whose posterior is left out, for each point
 */
export function logAggregate({ n, d, mu, variance }, z, smoothing = 0, leaveOut = null) {
  const spread = smoothing ? varianceOf(mu, d) : new Float64Array(d);
  const precision = new Float64Array(n * d);
  const constant = new Float64Array(n);
  for (let at = 0; at < n * d; at++) {
    const wide = variance[at] + smoothing * smoothing * spread[at % d];
    precision[at] = 0.5 / wide;
    constant[Math.floor(at / d)] -= 0.5 * (Math.log(wide) + LOG_2PI);
  }
  const log = new Float64Array(n);
  const weight = Math.log(n - (leaveOut ? 1 : 0));
  return Float64Array.from({ length: z.length / d }, (_, p) => {
    const point = z.subarray(p * d, (p + 1) * d);
    for (let i = 0, at = 0; i < n; i++) {
      let square = 0;
      for (let j = 0; j < d; j++, at++) {
        const away = point[j] - mu[at];
        square += away * away * precision[at];
      }
      log[i] = constant[i] - square;
    }
    if (leaveOut) log[leaveOut(p)] = Number.NEGATIVE_INFINITY;
    return logSum(log, n) - weight;
  });
}

/** Variance of each column. @param {Float64Array} x flat (n, d) @param {number} d */
export function varianceOf(x, d) {
  const n = x.length / d;
  const mean = new Float64Array(d);
  const out = new Float64Array(d);
  for (let at = 0; at < x.length; at++) mean[at % d] += x[at] / n;
  for (let at = 0; at < x.length; at++) out[at % d] += (x[at] - mean[at % d]) ** 2 / n;
  return out;
}

/**
 * Measure the aggregate posterior against N(0, I). Each code is judged without its own posterior, as draws from a prior
 * are: draws from the aggregate posterior itself then fall into holes as rarely as codes do.
 * @param {Codes} codes @returns {Holes}
 */
export function findHoles(codes) {
  const { n, d, z } = codes;
  const every = Math.max(1, Math.floor(n / SMOOTHING_CODES));
  const few = Float64Array.from({ length: Math.ceil(n / every) * d }, (_, at) => {
    return z[Math.floor(at / d) * every * d + (at % d)];
  });
  const scores = SMOOTHING.map((width) => sumOf(logAggregate(codes, few, width, (p) => p * every)));
  const smoothing = SMOOTHING[scores.indexOf(Math.max(...scores))];
  const rank = Math.max(1, Math.floor(RARE * n));
  const threshold = logAggregate(codes, z, smoothing, (p) => p).sort()[rank - 1];
  const logQ = logAggregate(codes, z);
  let [kl, information] = [0, 0];
  for (let i = 0; i < n; i++) {
    kl += (logQ[i] - logNormal(z, i, d)) / n;
    let own = -logQ[i];
    for (let at = i * d; at < (i + 1) * d; at++) {
      const away = z[at] - codes.mu[at];
      own -= 0.5 * ((away * away) / codes.variance[at] + Math.log(codes.variance[at]) + LOG_2PI);
    }
    information += own / n;
  }
  const error = Math.sqrt(rank / n / PRIOR_DRAWS + rank / n ** 2);
  return {
    kl,
    isUpper: information > Math.log(n) - 1,
    threshold,
    smoothing,
    expected: rank / (n + 1),
    error,
  };
}

const sumOf = (/** @type {Float64Array} */ x) => x.reduce((sum, value) => sum + value, 0);

/** Which draws fall into holes. @param {Codes} codes @param {Holes} holes @param {Float64Array} z flat (m, d) */
export const inHoles = (codes, { smoothing, threshold }, z) =>
  Uint8Array.from(logAggregate(codes, z, smoothing), (log) => (log < threshold ? 1 : 0));

/** Whether so large a share in holes is more than chance. @param {Holes} holes @param {number} share */
export const areFound = ({ expected, error }, share) => share > expected + 4 * error;

/** Draws from N(0, I), flat (count, d). @param {number} count @param {number} d @param {number} seed */
export function normalDraws(count, d, seed) {
  const out = new Float64Array(count * d);
  for (let i = 0; i < count; i++) out.set(normals(d, seed, i), i * d);
  return out;
}
