/**
 * The pictures of the reparameterization: samples on their way from ε to z, and how far two estimates of a gradient
 * spread.
 *
 * @typedef {import("../../draw/pen.js").PlotPen} PlotPen
 * @typedef {import("./gradients.js").Parameter} Parameter
 * @typedef {import("./gradients.js").Way} Way
 * @typedef {{exact: number, mean: number, sd: number, values: Float64Array}} Estimator
 */

import { drawScaleX } from "../../draw/axes.js";
import { clipped, drawCurve, drawDot, drawLine, drawText, fillBox } from "../../draw/pen.js";
import { band, clamp, linear, roundUp } from "../../draw/scales.js";
import { ease } from "../../host/painter.js";
import { formatFixed } from "../../maths/format.js";
import { density } from "../../maths/gaussian.js";
import { histogram } from "./gradients.js";

/** Where z and ε are drawn. */
export const Z = /** @type {[number, number]} */ ([-6, 6]);
/** Estimates in a histogram. */
export const REPEATS = 400;
const MOST_DRAWN = 48;
const BINS = 60;
const STEPS = [1, 1.5, 2, 3, 5, 7];
/** @type {{way: Way, name: string}[]} */
export const WAYS = [
  { way: "path", name: "through z = μ + σε" },
  { way: "score", name: "score function" },
];

/** @param {Estimator} path @param {Estimator} score */
export function verdictOf(path, score) {
  if (Math.abs(path.mean - path.exact) > 1e-6 + 1e-3 * Math.abs(path.exact))
    return "f is a step function: its slope is 0 almost everywhere, and the pathwise estimator misses the gradient. The score-function estimator needs no slope.";
  if (path.sd < 1e-9)
    return "Each sample gives the exact value: the pathwise estimator has no variance here.";
  const ratio = (score.sd / path.sd) ** 2;
  const size = formatFixed(ratio, ratio >= 10 ? 0 : ratio >= 0.1 ? 1 : 2);
  return ratio >= 1
    ? `For the same accuracy the score-function estimator needs ${size}× as many samples.`
    : `Here the score-function estimator has the lower variance: it needs ${size}× as many samples.`;
}

/** @param {Record<Way, Estimator>} both @returns {[number, number]} */
export function spreadRange({ path, score }) {
  const half = roundUp(
    Math.max(3 * score.sd, 3 * path.sd, Math.abs(path.mean - path.exact) * 1.3, 0.05),
    STEPS,
  );
  return [path.exact - half, path.exact + half];
}

/**
 * How far each way's estimates spread.
 * @param {PlotPen} pen
 * @param {Record<Way, Estimator>} both
 * @param {Parameter} by
 * @param {import("./gradients.js").Target} target
 * @param {number} n
 */
export function drawSpreads(pen, both, by, target, n) {
  const { box, size, x } = pen;
  const tall = box.height / 2;
  const uses = {
    path: by === "mu" ? `slope f′(z) = ${target.slope}` : `slope f′(z) · ε`,
    score: by === "mu" ? `height f(z) · ε ∕ σ` : `height f(z) · (ε² − 1) ∕ σ`,
  };
  drawScaleX(pen, { label: "" });
  const at = x(both.path.exact);
  drawLine(pen, [at, box.top - size * 0.4, at, box.bottom], { color: "fg", width: 1.5, dash: [4, 3] });
  WAYS.forEach(({ way, name }, row) => {
    const { values, sd } = both[way];
    const base = box.top + tall * (row + 1) - (row ? 0 : size * 0.5);
    const color = way === "path" ? "accent" : "fg2";
    drawHistogram(pen, histogram(values, x.domain, BINS), base, tall - size * 3.2, color);
    drawLine(pen, [box.left, base + 0.5, box.right, base + 0.5], { color: "line" });
    const top = box.top + tall * row + size * (row ? 0.9 : 0.4);
    const left = /** @type {const} */ ({ align: "left", halo: 4 });
    const strong = { color, weight: "600" };
    drawText(pen, name, box.left, top, { ...left, ...strong });
    drawText(pen, uses[way], box.left, top + size * 1.3, { ...left, relative: 0.92 });
    const spread = `± ${formatFixed(sd, sd >= 10 ? 1 : 3)}`;
    drawText(pen, spread, box.right, top, { ...strong, align: "right", halo: 4 });
    // What the draws in the picture above say.
    const own = clamp(x(values[0]), box.left, box.right);
    const [half, below] = [size * 0.35, base + size * 0.5];
    drawLine(pen, [own, base - 1, own - half, below, own + half, below], { fill: "fg" });
  });
  drawText(pen, `exact ${formatFixed(both.path.exact, 3)}`, at, box.top - size * 0.9, {
    color: "fg",
    halo: 4,
  });
  const key = `▲ this sample; bars: ${REPEATS} repeats of ${n}`;
  drawText(pen, key, box.right, box.bottom + size * 2, { align: "right", relative: 0.85 });
}

/** @param {PlotPen} pen @param {ArrayLike<number>} counts @param {number} base @param {number} room @param {string} color */
function drawHistogram(pen, counts, base, room, color) {
  const x = band(counts.length, [pen.box.left, pen.box.right]);
  const most = Math.max(...Array.from(counts), 1);
  pen.context.globalAlpha = 0.8;
  for (let i = 0; i < counts.length; i++) {
    const height = (counts[i] / most) * room;
    if (counts[i]) fillBox(pen, color, x(i) - x.step / 2, base - height, Math.max(x.step - 1, 1), height);
  }
  pen.context.globalAlpha = 1;
}

/**
 * From below: ε on its line, the lines up to z, the density of z, and f over it with its slopes.
 * @param {PlotPen} pen
 * @param {{q: {mu: number, sigma: number}, target: import("./gradients.js").Target, eps: Float32Array,
 *   own: number, t: number}} state  t: how far the draws have risen, 0…1
 */
export function drawMap(pen, { q, target, eps, own, t }) {
  const { box, size } = pen;
  const yEps = box.bottom;
  const yZ = box.top + box.height * 0.52;
  drawScaleX(pen, { label: "ε ~ N(0, 1)" });
  const drawn = Math.min(eps.length, MOST_DRAWN);
  const rise = ease(t);
  // the bell of the noise, dashed as everywhere, and that of z
  const bell = (/** @type {number} */ base, /** @type {number} */ room) => ({
    ...pen,
    y: linear([0, 1], [base, base - room]),
  });
  const noise = (/** @type {number} */ z) => density(z, { mu: 0, sigma: 1 });
  drawCurve(bell(yEps, box.height * 0.4), noise, { color: "fg", width: 1.4, dash: [5, 4] });
  drawLine(pen, [box.left, yZ, box.right, yZ], { color: "fg3" });
  const room = (box.height * 0.16) / Math.max(density(q.mu, q), 0.4);
  drawCurve(bell(yZ, room), (z) => density(z, q), { color: "accent", width: 1.8 });
  const name = `z ~ N(${formatFixed(q.mu, 2)}, ${formatFixed(q.sigma, 2)}²)`;

  const z = q.mu + q.sigma * own;
  const wide = { left: box.left - size, top: 0, width: box.width + 2 * size, height: pen.height };
  clipped(pen, wide, () => {
    for (let i = 0; i < drawn; i++) {
      const [x0, x1] = [pen.x(eps[i]), pen.x(q.mu + q.sigma * eps[i])];
      const [x, y] = [x0 + (x1 - x0) * rise, yEps + (yZ - yEps) * rise];
      drawLine(pen, [x0, yEps, x, y], { color: "accent", alpha: 0.35 });
      drawDot(pen, x0, yEps, 2.2, { fill: "fg" });
      drawDot(pen, x, y, 2.6, { fill: "accent" });
    }
    if (t >= 1) drawTarget(pen, { q, target, eps: eps.subarray(0, drawn), own, yZ });
    drawLine(pen, [pen.x(own), yEps, pen.x(z), yZ], { color: "accent", width: 3 });
    drawDot(pen, pen.x(z), yZ, 5, { fill: "accent" });
  });
  // Under its axis, where its bell is not, at the end that has fewer samples.
  const [end, align] = q.mu > 0 ? [box.left, "left"] : [box.right, "right"];
  drawText(pen, name, end, yZ + size * 0.9, {
    color: "accent",
    align: /** @type {CanvasTextAlign} */ (align),
    halo: 4,
  });
  const x = clamp(pen.x(own * 0.55 + z * 0.45) + size * 0.8, box.left, box.right - size * 11);
  const text = `ε = ${formatFixed(own, 2)} → z = ${formatFixed(z, 2)}`;
  const style = /** @type {const} */ ({ color: "fg", align: "left", weight: "600", halo: 4 });
  drawText(pen, text, x, yEps * 0.55 + yZ * 0.45, style);
}

/**
 * f over the z that were drawn: its height is what the score function weighs, its slope what the path uses.
 * @param {PlotPen} pen
 * @param {{q: {mu: number, sigma: number}, target: import("./gradients.js").Target, eps: Float32Array,
 *   own: number, yZ: number}} state
 */
function drawTarget(pen, { q, target, eps, own, yZ }) {
  const { box, size } = pen;
  const [a, b] = [Math.max(q.mu - 2.6 * q.sigma, Z[0]), Math.min(q.mu + 2.6 * q.sigma, Z[1])];
  let [lo, hi] = [0, 0.5];
  for (let i = 0; i <= 60; i++) {
    const value = target.f(a + ((b - a) * i) / 60);
    lo = Math.min(lo, value);
    hi = Math.max(hi, value);
  }
  const bottom = yZ - (yZ - box.top) * 0.42;
  const y = linear([lo, hi], [bottom, box.top + size * 0.4]);
  const top = box.top - size * 0.4;
  clipped(pen, { left: box.left, top, width: box.width, height: bottom + size * 0.4 - top }, () => {
    drawCurve({ ...pen, y }, target.f, { color: "loss", width: 2 });
    for (const e of [...eps, own]) {
      const z = q.mu + q.sigma * e;
      const isOwn = e === own;
      const slope = (target.df(z) * y.unit) / pen.x.unit;
      const reach = (isOwn ? size * 2.6 : size * 1.2) / Math.hypot(1, slope);
      const [px, py] = [pen.x(z), y(target.f(z))];
      const places = [px - reach, py - reach * slope, px + reach, py + reach * slope];
      drawLine(pen, places, { color: "accent", width: isOwn ? 3.5 : 1.5 });
      if (isOwn) drawDot(pen, px, py, 4, { fill: "accent" });
    }
  });
  const z = pen.x(q.mu + q.sigma * own);
  drawLine(pen, [z, yZ, z, Math.max(y(target.f(q.mu + q.sigma * own)), top)], {
    color: "accent",
    dash: [2, 3],
  });
  // In a row above, which no curve crosses.
  const row = size * 0.8;
  drawText(pen, `f(z) = ${target.text}`, box.left, row, { align: "left", color: "loss", weight: "600" });
  const key = "short lines: its slope f′(z)";
  drawText(pen, key, box.right, row, { align: "right", color: "accent", relative: 0.92 });
}
