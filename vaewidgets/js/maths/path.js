/**
 * The path between two latent points, and how its images read: smooth, a jump or a detour. The rule and its numbers
 * are those of diagnostics/path.py, compared with it in the tests. No DOM.
 *
 * @typedef {"lerp"|"slerp"} PathKind
 * @typedef {{verdict: "smooth"|"jump"|"detour", steps: Float64Array, halfWidth: number, stretch: number,
 *   classes: number[]|null, foreignShare: number, logPrior: Float64Array, radius: Float64Array, dim: number}} Verdict
 *   steps: change from image to image; logPrior in nats; radius ‖z‖ / √d
 */
import { shortened } from "./format.js";

export const JUMP_WIDTH = 0.25;
const FOREIGN_SHARE = 0.1;
const DETOUR_LENGTH = 2;
const SHELL_DIMS = 8;
const ROUNDING = 1e-5;
const EPS = 1e-12;
const MOST_NAMED = 8;
/** What a verdict means. */
export const READS = {
  smooth: "Smooth: the images change steadily along the path",
  jump: "Jump: little changes, then everything at once",
  detour: "Detour: the path passes through other classes",
};

/** @param {ArrayLike<number>} a */
function norm(a) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * a[i];
  return Math.sqrt(sum);
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {number} n @returns {Float64Array[]} */
export function lerp(a, b, n) {
  return Array.from({ length: n }, (_, k) => {
    const t = k / (n - 1);
    return Float64Array.from(a, (x, j) => (1 - t) * x + t * b[j]);
  });
}

/**
 * On the arc about the origin, the norm going linearly from one end's to the other's; `lerp` where there is no arc.
 * @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {number} n @returns {Float64Array[]}
 */
export function slerp(a, b, n) {
  const r0 = norm(a);
  const r1 = norm(b);
  const u0 = Float64Array.from(a, (x) => x / Math.max(r0, EPS));
  const u1 = Float64Array.from(b, (x) => x / Math.max(r1, EPS));
  const cosine = u0.reduce((sum, x, j) => sum + x * u1[j], 0);
  const angle = Math.acos(Math.min(Math.max(cosine, -1), 1));
  if (Math.sin(angle) < 1e-4 || Math.min(r0, r1) < EPS) return lerp(a, b, n);
  return Array.from({ length: n }, (_, k) => {
    const t = k / (n - 1);
    const w0 = Math.sin((1 - t) * angle) / Math.sin(angle);
    const w1 = Math.sin(t * angle) / Math.sin(angle);
    const r = (1 - t) * r0 + t * r1;
    return u0.map((x, j) => (w0 * x + w1 * u1[j]) * r);
  });
}

/** @param {PathKind} kind @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {number} n */
export const interpolate = (kind, a, b, n) => (kind === "slerp" ? slerp : lerp)(a, b, n);

/**
 * Label of the nearest of labelled points; −1 with none.
 * @param {ArrayLike<number>} z @param {Float32Array} points flat (n, d) @param {Int32Array} labels
 */
export function nearestLabel(z, points, labels) {
  const d = z.length;
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < labels.length && (i + 1) * d <= points.length; i++) {
    if (labels[i] < 0) continue;
    let far = 0;
    for (let j = 0; j < d && far < least; j++) far += (points[i * d + j] - z[j]) ** 2;
    if (far < least) [least, best] = [far, labels[i]];
  }
  return best;
}

/** y at x of a piecewise linear curve with rising knots. @param {number} x @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys */
function at(x, xs, ys) {
  const last = xs.length - 1;
  if (x <= xs[0]) return ys[0];
  if (x >= xs[last]) return ys[last];
  let k = 0;
  while (xs[k + 1] < x) k++;
  return ys[k] + ((ys[k + 1] - ys[k]) * (x - xs[k])) / (xs[k + 1] - xs[k]);
}

/** Length of the shortest part of the path in which half of all change happens. @param {Float64Array} steps */
function halfWidthOf(steps) {
  const total = steps.reduce((sum, x) => sum + x, 0);
  const n = steps.length + 1;
  const way = new Float64Array(n);
  let sum = 0;
  for (let k = 1; k < n; k++) {
    sum += steps[k - 1];
    way[k] = sum / total;
  }
  // Strictly rising, for its inverse.
  for (let k = 0; k < n; k++) way[k] += (1e-12 * k) / (n - 1);
  const t = way.map((_, k) => k / (n - 1));
  let best = Number.POSITIVE_INFINITY;
  for (let k = 0; k < n; k++) {
    // Way and time are piecewise linear, so the shortest interval begins or ends at a knot.
    if (way[k] <= way[n - 1] - 0.5) best = Math.min(best, at(way[k] + 0.5, way, t) - t[k]);
    if (way[k] >= 0.5) best = Math.min(best, t[k] - at(way[k] - 0.5, way, t));
  }
  return best;
}

/**
 * @param {{images: ArrayLike<number>[], z: ArrayLike<number>[], classes?: number[]|null,
 *   ends?: [number, number]|null}} path  images decoded at equal distances, at least 3; classes of each; ends: true
 *   classes of the two ends, by default those of the first and the last image
 * @returns {Verdict}
 */
export function judgePath({ images, z, classes = null, ends = null }) {
  const n = images.length;
  const steps = new Float64Array(n - 1);
  let largest = 0;
  for (let k = 0; k < n; k++) {
    let size = 0;
    let change = 0;
    for (let i = 0; i < images[k].length; i++) {
      size += images[k][i] ** 2;
      if (k) change += (images[k][i] - images[k - 1][i]) ** 2;
    }
    largest = Math.max(largest, Math.sqrt(size));
    if (k) steps[k - 1] = Math.sqrt(change);
  }
  let chord = 0;
  for (let i = 0; i < images[0].length; i++) chord += (images[n - 1][i] - images[0][i]) ** 2;
  chord = Math.sqrt(chord);
  const total = steps.reduce((sum, x) => sum + x, 0);
  const rounding = ROUNDING * Math.max(1, largest);
  const stands = total <= rounding;
  const stretch = stands ? 1 : chord > rounding ? total / chord : Number.POSITIVE_INFINITY;
  const halfWidth = stands ? 0.5 : halfWidthOf(steps);
  const own = classes && (ends ?? [classes[0], classes[n - 1]]);
  const foreignShare = classes && own ? classes.filter((c) => !own.includes(c)).length / n : Number.NaN;
  const detour = classes ? foreignShare > FOREIGN_SHARE : stretch > DETOUR_LENGTH;
  const dim = z[0].length;
  const squares = z.map((point) => norm(point) ** 2);
  return {
    verdict: detour ? "detour" : halfWidth < JUMP_WIDTH ? "jump" : "smooth",
    steps,
    halfWidth,
    stretch,
    classes,
    foreignShare,
    logPrior: Float64Array.from(squares, (s) => -0.5 * (s + dim * Math.log(2 * Math.PI))),
    radius: Float64Array.from(squares, (s) => Math.sqrt(s / dim)),
    dim,
  };
}

/** Classes in the order met, repeats left out. @param {number[] | null} classes */
export const passesThrough = (classes) => (classes ?? []).filter((c, i, all) => i === 0 || c !== all[i - 1]);

/** @param {string[]} names */
function routeOf(names) {
  const shown =
    names.length > MOST_NAMED ? [...names.slice(0, MOST_NAMED - 2), "…", names[names.length - 1]] : names;
  // Each name on its own: one that is written from right to left must not turn the others round.
  return shown.map((name) => `\u2068${shortened(name)}\u2069`).join(" → ");
}

/**
 * What a verdict rests on, in sentences.
 * @param {Verdict} verdict @param {(label: number) => string} nameOf
 */
export function evidence({ halfWidth, stretch, classes, foreignShare, radius, dim }, nameOf) {
  const percent = (/** @type {number} */ x) => `${(x * 100).toFixed(0)} %`;
  const found = [
    `half of the change happens within ${percent(halfWidth)} of the path (50 % at constant speed, a jump below ${percent(JUMP_WIDTH)})`,
    `it is ${Number.isFinite(stretch) ? stretch.toFixed(1) : "∞"} times as long as the straight distance in pixel space`,
  ];
  if (classes) {
    found.push(
      `nearest codes: ${routeOf(passesThrough(classes).map(nameOf))}; ${percent(foreignShare)} of the images in neither end's class`,
    );
  }
  const lowest = Math.min(...radius);
  const least = Math.min(radius[0], radius[radius.length - 1]);
  const crosses = dim >= SHELL_DIMS && lowest < 0.66 && lowest < 0.8 * least;
  found.push(
    `‖z‖ dips to ${lowest.toFixed(2)} √d${crosses ? ": it crosses the empty middle of the prior; the arc stays on the shell" : ""}`,
  );
  return found;
}
