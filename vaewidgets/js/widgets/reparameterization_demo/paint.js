/**
 * The pictures of the reparameterisation: draws on their way from ε to z, and how far two estimates of a gradient
 * spread.
 *
 * @typedef {import("../../draw/plot.js").Pen} Pen
 * @typedef {import("./gradients.js").Parameter} Parameter
 * @typedef {import("./gradients.js").Way} Way
 * @typedef {{exact: number, mean: number, sd: number, values: Float64Array}} Estimator
 */

import { clamp, drawCurve, drawLine, drawScaleX, drawText, roundUp } from "../../draw/plot.js";
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

/** @param {Pen} pen @param {Record<Way, Estimator>} both @param {Parameter} by @param {import("./gradients.js").Target} target @param {number} n */
export function drawSpreads(pen, both, by, target, n) {
  const { context, theme, box, size } = pen;
  const range = spreadRange(both);
  const tall = (box.bottom - box.top) / 2;
  const uses = {
    path: by === "mu" ? `slope f′(z) = ${target.slope}` : `slope f′(z) · ε`,
    score: by === "mu" ? `height f(z) · ε ∕ σ` : `height f(z) · (ε² − 1) ∕ σ`,
  };
  drawScaleX(pen, range, { label: "" });
  WAYS.forEach(({ way, name }, row) => {
    const { values, sd } = both[way];
    const base = box.top + tall * (row + 1) - (row ? 0 : size * 0.5);
    const color = theme.color(way === "path" ? "accent" : "fg2");
    const counts = histogram(values, range, BINS);
    const most = Math.max(...counts, 1);
    const wide = (box.right - box.left) / BINS;
    const room = tall - size * 3.2;
    context.fillStyle = color;
    context.globalAlpha = 0.8;
    counts.forEach((count, i) => {
      const height = (count / most) * room;
      if (count) context.fillRect(box.left + i * wide, base - height, Math.max(wide - 1, 1), height);
    });
    context.globalAlpha = 1;
    drawLine(pen, [box.left, base + 0.5, box.right, base + 0.5], { color: theme.color("line") });
    const top = box.top + tall * row + size * (row ? 0.9 : 0.4);
    drawText(pen, name, box.left, top, { color, weight: "600", align: "left", halo: true });
    drawText(pen, uses[way], box.left, top + size * 1.3, { align: "left", relative: 0.92, halo: true });
    drawText(pen, `± ${formatFixed(sd, sd >= 10 ? 1 : 3)}`, box.right, top, {
      color,
      weight: "600",
      align: "right",
      halo: true,
    });
    // What the draws in the picture above say.
    const own = clamp(pen.x(values[0]), box.left, box.right);
    context.beginPath();
    context.moveTo(own, base - 1);
    context.lineTo(own - size * 0.35, base + size * 0.5);
    context.lineTo(own + size * 0.35, base + size * 0.5);
    context.closePath();
    context.fillStyle = theme.color("fg");
    context.fill();
  });
  const { exact } = both.path;
  drawLine(pen, [pen.x(exact), box.top - size * 0.4, pen.x(exact), box.bottom], {
    color: theme.color("fg"),
    width: 1.5,
    dash: [4, 3],
  });
  drawText(pen, `exact ${formatFixed(exact, 3)}`, pen.x(exact), box.top - size * 0.9, {
    color: theme.color("fg"),
    halo: true,
  });
  drawText(pen, `▲ this sample; bars: ${REPEATS} repeats of ${n}`, box.right, box.bottom + size * 2, {
    align: "right",
    relative: 0.85,
  });
}

/**
 * From below: ε on its line, the lines up to z, the density of z, and f over it with its slopes.
 * @param {Pen} pen
 * @param {{q: {mu: number, sigma: number}, target: import("./gradients.js").Target, eps: Float64Array,
 *   own: number, t: number}} state  t: how far the draws have risen, 0…1
 */
export function drawMap(pen, { q, target, eps, own, t }) {
  const { context, theme, box, size } = pen;
  const tall = box.bottom - box.top;
  const yEps = box.bottom;
  const yZ = box.top + tall * 0.52;
  const accent = theme.color("accent");
  drawScaleX(pen, Z, { label: "ε ~ N(0, 1)" });
  const drawn = Math.min(eps.length, MOST_DRAWN);
  const rise = ease(t);
  // the bell of the noise, dashed as everywhere, and that of z
  const bell = (/** @type {number} */ base, /** @type {number} */ room) => (/** @type {number} */ height) =>
    base - height * room;
  const low = { ...pen, y: bell(yEps, tall * 0.4) };
  drawCurve(low, (z) => density(z, { mu: 0, sigma: 1 }), Z, {
    color: theme.color("fg"),
    width: 1.4,
    dash: [5, 4],
  });
  drawLine(pen, [box.left, yZ, box.right, yZ], { color: theme.color("fg3") });
  const peak = density(q.mu, q);
  const room = (tall * 0.16) / Math.max(peak, 0.4);
  drawCurve({ ...pen, y: bell(yZ, room) }, (z) => density(z, q), Z, { color: accent, width: 1.8 });
  drawText(pen, `z ~ N(${formatFixed(q.mu, 2)}, ${formatFixed(q.sigma, 2)}²)`, box.right, yZ - size * 0.9, {
    color: accent,
    align: "right",
    halo: true,
  });

  context.save();
  context.beginPath();
  context.rect(box.left - size, 0, box.right - box.left + 2 * size, pen.height);
  context.clip();
  for (let i = 0; i < drawn; i++) {
    const [x0, x1] = [pen.x(eps[i]), pen.x(q.mu + q.sigma * eps[i])];
    const [x, y] = [x0 + (x1 - x0) * rise, yEps + (yZ - yEps) * rise];
    context.globalAlpha = 0.35;
    drawLine(pen, [x0, yEps, x, y], { color: accent, width: 1 });
    context.globalAlpha = 1;
    dot(pen, x0, yEps, 2.2, theme.color("fg"));
    dot(pen, x, y, 2.6, accent);
  }
  if (t >= 1) drawTarget(pen, { q, target, eps: eps.subarray(0, drawn), own, yZ });
  const z = q.mu + q.sigma * own;
  drawLine(pen, [pen.x(own), yEps, pen.x(z), yZ], { color: accent, width: 3 });
  dot(pen, pen.x(z), yZ, 5, accent);
  context.restore();
  const middle = [pen.x(own * 0.55 + z * 0.45), yEps * 0.55 + yZ * 0.45];
  drawText(
    pen,
    `ε = ${formatFixed(own, 2)} → z = ${formatFixed(z, 2)}`,
    clamp(middle[0] + size * 0.8, box.left, box.right - size * 11),
    middle[1],
    { color: theme.color("fg"), align: "left", weight: "600", halo: true },
  );
}

/** @param {Pen} pen @param {number} x @param {number} y @param {number} radius @param {string} color */
function dot({ context }, x, y, radius, color) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
}

/**
 * f over the z that were drawn: its height is what the score function weighs, its slope what the path uses.
 * @param {Pen} pen
 * @param {{q: {mu: number, sigma: number}, target: import("./gradients.js").Target, eps: Float64Array,
 *   own: number, yZ: number}} state
 */
function drawTarget(pen, { q, target, eps, own, yZ }) {
  const { context, theme, box, size } = pen;
  const [a, b] = [Math.max(q.mu - 2.6 * q.sigma, Z[0]), Math.min(q.mu + 2.6 * q.sigma, Z[1])];
  let [lo, hi] = [0, 0.5];
  for (let i = 0; i <= 60; i++) {
    const value = target.f(a + ((b - a) * i) / 60);
    lo = Math.min(lo, value);
    hi = Math.max(hi, value);
  }
  const bottom = yZ - (yZ - box.top) * 0.42;
  const unit = (bottom - box.top - size) / (hi - lo);
  const y = (/** @type {number} */ value) => bottom - (value - lo) * unit;
  const high = { ...pen, y };
  const color = theme.color("loss");
  context.save();
  context.beginPath();
  context.rect(box.left, 0, box.right - box.left, bottom + size * 0.4);
  context.clip();
  drawCurve(high, target.f, Z, { color, width: 2 });
  const perUnit = pen.x(1) - pen.x(0);
  for (const e of [...eps, own]) {
    const z = q.mu + q.sigma * e;
    const isOwn = e === own;
    const slope = (-target.df(z) * unit) / perUnit;
    const reach = (isOwn ? size * 2.6 : size * 1.2) / Math.hypot(1, slope);
    drawLine(
      pen,
      [pen.x(z) - reach, y(target.f(z)) - reach * slope, pen.x(z) + reach, y(target.f(z)) + reach * slope],
      { color: theme.color("accent"), width: isOwn ? 3.5 : 1.5 },
    );
    if (isOwn) dot(pen, pen.x(z), y(target.f(z)), 4, theme.color("accent"));
  }
  context.restore();
  const z = q.mu + q.sigma * own;
  drawLine(pen, [pen.x(z), yZ, pen.x(z), Math.max(y(target.f(z)), 0)], {
    color: theme.color("accent"),
    dash: [2, 3],
  });
  drawText(pen, `f(z) = ${target.text}`, box.left, box.top + size * 0.6, {
    color,
    weight: "600",
    align: "left",
    halo: true,
  });
  drawText(pen, "short lines: its slope f′(z)", box.left, box.top + size * 1.9, {
    color: theme.color("accent"),
    align: "left",
    relative: 0.92,
    halo: true,
  });
}
