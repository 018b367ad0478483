/**
 * The loss of one image at a posterior, its two gradients by the mean, and the way to where they cancel: the same as
 * vaewidgets/widgets/elbo_microscope/pulls.py. No DOM.
 *
 * @typedef {import("./gradients.js").OpenGradients} Network
 * @typedef {{x: Float32Array, told: Float32Array | null, logvar: Float32Array, eps: Float32Array, beta: number,
 *   dims: number[]}} Question  eps (n, d), flat; dims: those that are shown
 * @typedef {{mu: Float32Array, xHat: Float32Array, cost: Float32Array, shift: Float64Array, spread: Float64Array,
 *   ofRecon: Float64Array, ofKl: Float64Array, known: number[], recon: number, kl: number, loss: number}} Found
 *   xHat, cost: means over the draws; ofRecon, ofKl: minus the gradients by mu; known: dimensions of which ofRecon is
 *   known, all of them but where the network has no gradient
 */
import { normals } from "../../contract/random.js";

const STEPS = 60;
const HALVINGS = 10;
const ENOUGH = 1e-5;
const LEAST_BETA = 1e-3;
/** Of central differences, in units of z. */
const H = 0.02;

/** Draws of eps, flat (n, d); an even number comes in pairs of eps and −eps. @param {number} n @param {number} d @param {number} seed */
export function draws(n, d, seed) {
  const out = new Float32Array(n * d);
  const own = n % 2 ? n : n / 2;
  for (let i = 0; i < n; i++) {
    const sign = i < own ? 1 : -1;
    out.set(
      normals(d, seed, i % own).map((value) => sign * value),
      i * d,
    );
  }
  return out;
}

/** One after the other, n times. @param {Float32Array} values @param {number} n */
export function repeated(values, n) {
  const out = new Float32Array(values.length * n);
  for (let i = 0; i < n; i++) out.set(values, i * values.length);
  return out;
}

/** Mean of n rows. @param {Float32Array} rows @param {number} n */
function meanOf(rows, n) {
  const out = new Float64Array(rows.length / n);
  for (let i = 0; i < rows.length; i++) out[i % out.length] += rows[i] / n;
  return out;
}

/** The draws of z, flat (n, d). @param {ArrayLike<number>} mu @param {Pick<Question, "logvar" | "eps">} question */
export const drawn = (mu, { logvar, eps }) =>
  eps.map((e, i) => mu[i % mu.length] + Math.exp(logvar[i % mu.length] / 2) * e);

/** @param {Float32Array | Float64Array} values */
const total = (values) => Array.from(values).reduce((sum, value) => sum + value, 0);

/**
 * @param {Network} network for as many items as there are draws @param {ArrayLike<number>} mu @param {Question} question
 * @returns {Found}
 */
export function evaluate(network, mu, question) {
  const { x, told, logvar, eps, beta, dims } = question;
  const [d, n] = [mu.length, eps.length / mu.length];
  const rest = [x, ...(told ? [told] : [])].map((values) => repeated(values, n));
  const z = drawn(mu, question);
  const [xHat, cost, gradient] = network.run(z, ...rest);
  const ofRecon = new Float64Array(d);
  if (gradient) {
    const mean = meanOf(gradient, n);
    for (let j = 0; j < d; j++) ofRecon[j] = -mean[j];
  } else {
    for (const j of dims) {
      const [less, more] = [-H, H].map((h) => {
        const moved = z.map((value, i) => (i % d === j ? value + h : value));
        return total(network.run(moved, ...rest)[1]) / n;
      });
      ofRecon[j] = (less - more) / (2 * H);
    }
  }
  const shift = Float64Array.from(mu, (m) => (m * m) / 2);
  const spread = Float64Array.from(logvar, (l) => (Math.expm1(l) - l) / 2);
  const costs = meanOf(cost, n);
  const [recon, kl] = [total(costs), total(shift) + total(spread)];
  return {
    mu: Float32Array.from(mu),
    xHat: Float32Array.from(meanOf(xHat, n)),
    cost: Float32Array.from(costs),
    shift,
    spread,
    ofRecon,
    ofKl: Float64Array.from(mu, (m) => -beta * m),
    known: gradient ? Array.from({ length: d }, (_, j) => j) : dims,
    recon,
    kl,
    loss: recon + beta * kl,
  };
}

/** Minus the gradient of the loss by the mean; 0 where it is not known. @param {Found} found */
export function netOf({ ofRecon, ofKl, known }) {
  const net = new Float64Array(ofRecon.length);
  for (const j of known) net[j] = ofRecon[j] + ofKl[j];
  return net;
}

/** @param {ArrayLike<number>} a */
export const norm = (a) => Math.hypot(...Array.from(a));

/** A matrix of rows by a vector. @param {Float64Array[]} rows @param {ArrayLike<number>} x */
const times = (rows, x) => Float64Array.from(rows, (row) => dot(row, x));

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/**
 * BFGS: let the inverse Hessian explain how the gradient changed over a step.
 * @param {Float64Array[]} inverse symmetric, changed in place @param {Float64Array} step @param {Float64Array} bend
 */
function learn(inverse, step, bend) {
  const along = dot(step, bend);
  if (!(along > 0)) return;
  const seen = times(inverse, bend);
  const more = (1 + dot(bend, seen) / along) / along;
  inverse.forEach((row, i) => {
    for (let j = 0; j < row.length; j++)
      row[j] += more * step[i] * step[j] - (seen[i] * step[j] + step[i] * seen[j]) / along;
  });
}

/**
 * Downhill on the loss, a step at a time, until a step would gain nothing.
 * @param {(mu: Float32Array) => Found} at @param {Found} start
 * @param {{logvar: Float32Array, beta: number, trainedBeta: number}} opts  trainedBeta: what the encoder was trained with
 * @returns {Generator<Found, Found>}
 */
export function* walk(at, start, { logvar, beta, trainedBeta }) {
  const weight = Math.max(trainedBeta, LEAST_BETA);
  const inverse = Array.from(logvar, (l, i) => {
    const row = new Float64Array(logvar.length);
    row[i] = 1 / Math.max(weight * Math.expm1(-l) + beta, LEAST_BETA);
    return row;
  });
  let now = start;
  for (let k = 0; k < STEPS; k++) {
    const net = netOf(now);
    let step = times(inverse, net);
    if (!(dot(step, net) > ENOUGH)) return now;
    let then = /** @type {Found | null} */ (null);
    for (let half = 0; half < HALVINGS && !then; half++) {
      if (half > 0) step = step.map((value) => value / 2);
      const tried = at(now.mu.map((m, j) => m + step[j]));
      if (tried.loss < now.loss) then = tried;
    }
    if (!then) return now;
    const after = netOf(then);
    learn(
      inverse,
      step,
      net.map((value, j) => value - after[j]),
    );
    now = then;
    yield now;
  }
  return now;
}
