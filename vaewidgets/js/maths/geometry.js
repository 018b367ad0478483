/**
 * The geometry that a decoder gives to a plane of its latent space: the same numbers as diagnostics/geometry.py, where it
 * is explained, and compared with it in the tests. No DOM.
 *
 * What has to be decoded is asked for: a generator yields points of the plane and is given, for each, the surface there
 * (the image and, behind it, √D σ).
 *
 * @typedef {[number, number]} Point
 * @typedef {ArrayLike<number>} Values
 * @typedef {{centres: Point[], rates: Float64Array, weights: Float64Array, near: number, far: number}} Spread
 * @typedef {Generator<Point[], Point[], Values[]>} Search
 */

export const SEGMENTS = 30;
const CENTRES = 64;
const MEANS = 10;
const FITS = 30;
const WIDTH = 1.25;
const ROUNDS = 30;
const RESTS = 1e-5;
const EPS = 1e-12;

/** @param {ArrayLike<number>} points flat (n, 2) @param {number} i @param {Point} c */
const square = (points, i, c) => (points[2 * i] - c[0]) ** 2 + (points[2 * i + 1] - c[1]) ** 2;

/** The nearest centre to each point, and how far it is. @param {Float64Array} points @param {Point[]} centres */
function assigned(points, centres) {
  const n = points.length / 2;
  const nearest = new Int32Array(n);
  const far = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < centres.length; k++) {
      const d = square(points, i, centres[k]);
      if (d < far[i]) [far[i], nearest[i]] = [d, k];
    }
  }
  return { nearest, far: far.map(Math.sqrt) };
}

/** @param {number} k @param {Int32Array} nearest @param {(i: number) => number} value */
function summed(k, nearest, value) {
  const sums = new Float64Array(k);
  for (let i = 0; i < nearest.length; i++) sums[nearest[i]] += value(i);
  return sums;
}

/**
 * Fit the precision 1 / σ² to where the codes lie. @param {ArrayLike<number>} codes flat (n, 2)
 * @param {number} near σ at the codes @param {number} far away from them
 * @returns {Spread}
 */
export function fitSpread(codes, near, far) {
  const pairs = Array.from({ length: codes.length / 2 }, (_, i) => [codes[2 * i], codes[2 * i + 1]]);
  const points = Float64Array.from(pairs.filter((p) => p.every(Number.isFinite)).flat());
  const n = points.length / 2;
  const k = Math.max(1, Math.min(CENTRES, Math.floor(n / 8)));
  let centres = Array.from({ length: k }, (_, c) => {
    const i = Math.floor(((c + 0.5) * n) / k);
    return /** @type {Point} */ ([points[2 * i], points[2 * i + 1]]);
  });
  for (let round = 0; round < MEANS; round++) {
    const { nearest } = assigned(points, centres);
    const count = summed(k, nearest, () => 1);
    const [x, y] = [0, 1].map((axis) => summed(k, nearest, (i) => points[2 * i + axis]));
    centres = centres.map((c, j) => (count[j] ? [x[j] / count[j], y[j] / count[j]] : c));
  }
  const { nearest, far: off } = assigned(points, centres);
  const mean = off.reduce((sum, x) => sum + x, 0) / n;
  const count = summed(k, nearest, () => 1);
  const rates = summed(k, nearest, (i) => off[i]).map(
    (sum, j) => 0.5 / (WIDTH * Math.max(sum / Math.max(count[j], 1), mean, EPS)) ** 2,
  );
  return { centres, rates, weights: fitWeights(points, centres, rates), near, far: Math.max(far, near) };
}

/** Non-negative least squares to 1 at each code (Lee & Seung 2001). @param {Float64Array} points @param {Point[]} centres @param {Float64Array} rates */
function fitWeights(points, centres, rates) {
  const k = centres.length;
  const target = new Float64Array(k);
  const gram = new Float64Array(k * k);
  const row = new Float64Array(k);
  for (let i = 0; i < points.length / 2; i++) {
    for (let a = 0; a < k; a++) row[a] = Math.exp(-rates[a] * square(points, i, centres[a]));
    for (let a = 0; a < k; a++) {
      target[a] += row[a];
      for (let b = 0; b < k; b++) gram[a * k + b] += row[a] * row[b];
    }
  }
  let weights = new Float64Array(k).fill(1);
  for (let round = 0; round < FITS; round++) {
    const held = weights;
    weights = held.map((w, a) => {
      let sum = 0;
      for (let b = 0; b < k; b++) sum += gram[a * k + b] * held[b];
      return (w * target[a]) / Math.max(sum, EPS);
    });
  }
  return weights;
}

/** Standard deviation of a pixel at a point. @param {Spread} spread @param {Point} point */
export function sigmaAt({ centres, rates, weights, near, far }, point) {
  let cover = 0;
  for (let k = 0; k < centres.length; k++)
    cover += weights[k] * Math.exp(-rates[k] * square(point, 0, centres[k]));
  const least = 1 / Math.max(far, EPS) ** 2;
  const most = Math.max(1 / Math.max(near, EPS) ** 2, least);
  return 1 / Math.sqrt(least + (most - least) * cover);
}

/**
 * G11, G12 and G22 of a cell from the surface at its corners: lower left, lower right, upper left, upper right.
 * @param {Values} a @param {Values} b @param {Values} c @param {Values} d
 * @param {number} width @param {number} height
 * @returns {[number, number, number]}
 */
export function cellMetric(a, b, c, d, width, height) {
  let [g11, g12, g22] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const across = (b[i] - a[i] + d[i] - c[i]) / (2 * width);
    const up = (c[i] - a[i] + d[i] - b[i]) / (2 * height);
    g11 += across * across;
    g12 += across * up;
    g22 += up * up;
  }
  return [g11, g12, g22];
}

/** √det G. @param {ArrayLike<number>} metric flat (n, 3) @param {number} i */
export const magnification = (metric, i) =>
  Math.sqrt(Math.max(metric[3 * i] * metric[3 * i + 2] - metric[3 * i + 1] ** 2, 0));

/** @param {Values} a @param {Values} b */
function apart(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

/** Length of a path on the surface. @param {Values[]} surface */
export const lengthOf = (surface) =>
  surface.slice(1).reduce((sum, value, k) => sum + Math.sqrt(apart(value, surface[k])), 0);

/** @param {Values[]} surface */
const energyOf = (surface) => surface.slice(1).reduce((sum, value, k) => sum + apart(value, surface[k]), 0);

/** Points at equal distances along a line of several pieces. @param {Point[]} path @param {number} [segments] @returns {Point[]} */
export function evenly(path, segments = SEGMENTS) {
  const way = [0];
  for (let k = 1; k < path.length; k++) way.push(way[k - 1] + Math.sqrt(apart(path[k], path[k - 1])));
  let k = 0;
  return Array.from({ length: segments + 1 }, (_, s) => {
    const at = (way[way.length - 1] * s) / segments;
    while (k < path.length - 2 && way[k + 1] < at) k++;
    const t = Math.min((at - way[k]) / Math.max(way[k + 1] - way[k], EPS), 1);
    return [0, 1].map((axis) => path[k][axis] + t * (path[k + 1][axis] - path[k][axis]));
  }).map(([u, v]) => [u, v]);
}

/**
 * The shortest way from cell to neighbouring cell, of which there are eight (Dijkstra 1959).
 * @param {Float64Array} metric flat (cells, cells, 3), the first row lowest
 * @param {number} cells across and up
 * @param {import("./camera.js").Extent} extent
 * @param {Point} a @param {Point} b
 * @returns {Point[]}
 */
export function latticePath(metric, cells, { x0, x1, y0, y1 }, a, b) {
  const [width, height] = [(x1 - x0) / cells, (y1 - y0) / cells];
  const inside = (/** @type {number} */ i) => Math.min(Math.max(Math.floor(i), 0), cells - 1);
  const cellOf = (/** @type {Point} */ [u, v]) =>
    inside((v - y0) / height) * cells + inside((u - x0) / width);
  const [first, last] = [cellOf(a), cellOf(b)];
  const far = new Float64Array(cells * cells).fill(Number.POSITIVE_INFINITY);
  const before = new Int32Array(cells * cells).fill(-1);
  const done = new Uint8Array(cells * cells);
  far[first] = 0;
  const waiting = new Set([first]);
  while (waiting.size) {
    let here = -1;
    for (const cell of waiting) if (here < 0 || far[cell] < far[here]) here = cell;
    waiting.delete(here);
    done[here] = 1;
    if (here === last) break;
    const [i, j] = [here % cells, Math.floor(here / cells)];
    for (let dj = -1; dj <= 1; dj++) {
      for (let di = -1; di <= 1; di++) {
        const there = here + dj * cells + di;
        if (i + di < 0 || i + di >= cells || j + dj < 0 || j + dj >= cells || done[there]) continue;
        const [u, v] = [di * width, dj * height];
        const g = [0, 1, 2].map((k) => (metric[3 * here + k] + metric[3 * there + k]) / 2);
        const on = far[here] + Math.sqrt(Math.max(g[0] * u * u + 2 * g[1] * u * v + g[2] * v * v, 0));
        if (on < far[there]) {
          far[there] = on;
          before[there] = here;
          waiting.add(there);
        }
      }
    }
  }
  const path = [b];
  for (let cell = before[last]; last !== first && cell !== first; cell = before[cell])
    path.push([x0 + ((cell % cells) + 0.5) * width, y0 + (Math.floor(cell / cells) + 0.5) * height]);
  return evenly([...path, a].reverse());
}

/** @param {Values} p @param {Values} q */
function dot(p, q) {
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += p[i] * q[i];
  return sum;
}

/** The chain of 2 × 2 blocks that says how each inner point moves. @param {[Float64Array, Float64Array][]} slopes of each, along u and v @param {Values[]} values @param {number} damping @returns {Point[]} */
function chainStep(slopes, values, damping) {
  const n = slopes.length;
  /** [a, b, c, d] is the block of rows (a, b) and (c, d). */
  const own = slopes.map(([u, v]) => [2 * dot(u, u), 2 * dot(u, v), 2 * dot(u, v), 2 * dot(v, v)]);
  const trace = own.reduce((sum, g) => sum + g[0] + g[3], 0) / n;
  const held = damping * Math.max(trace / 2, EPS);
  for (const g of own) {
    g[0] += held;
    g[3] += held;
  }
  const next = slopes
    .slice(1)
    .map(([u, v], k) => [
      -dot(slopes[k][0], u),
      -dot(slopes[k][0], v),
      -dot(slopes[k][1], u),
      -dot(slopes[k][1], v),
    ]);
  const right = slopes.map(([u, v], k) => {
    let [along, up] = [0, 0];
    for (let i = 0; i < u.length; i++) {
      const pull = values[k][i] - 2 * values[k + 1][i] + values[k + 2][i];
      along += u[i] * pull;
      up += v[i] * pull;
    }
    return [along, up];
  });
  return solveChain(own, next, right);
}

/** Solve it, from the first block to the last and back (Thomas). @param {number[][]} own on the diagonal @param {number[][]} next above it @param {number[][]} right @returns {Point[]} */
function solveChain(own, next, right) {
  const n = own.length;
  for (let k = 1; k < n; k++) {
    const [a, b, c, d] = own[k - 1];
    const det = a * d - b * c;
    const o = next[k - 1];
    const inverse = [d / det, -b / det, -c / det, a / det];
    // oᵀ times the inverse
    const f = [
      o[0] * inverse[0] + o[2] * inverse[2],
      o[0] * inverse[1] + o[2] * inverse[3],
      o[1] * inverse[0] + o[3] * inverse[2],
      o[1] * inverse[1] + o[3] * inverse[3],
    ];
    own[k][0] -= f[0] * o[0] + f[1] * o[2];
    own[k][1] -= f[0] * o[1] + f[1] * o[3];
    own[k][2] -= f[2] * o[0] + f[3] * o[2];
    own[k][3] -= f[2] * o[1] + f[3] * o[3];
    right[k][0] -= f[0] * right[k - 1][0] + f[1] * right[k - 1][1];
    right[k][1] -= f[2] * right[k - 1][0] + f[3] * right[k - 1][1];
  }
  /** @type {Point[]} */
  const move = new Array(n);
  for (let k = n - 1; k >= 0; k--) {
    let [p, q] = right[k];
    if (k < n - 1) {
      p -= next[k][0] * move[k + 1][0] + next[k][1] * move[k + 1][1];
      q -= next[k][2] * move[k + 1][0] + next[k][3] * move[k + 1][1];
    }
    const [a, b, c, d] = own[k];
    const det = a * d - b * c;
    move[k] = [(d * p - b * q) / det, (a * q - c * p) / det];
  }
  return move;
}

/**
 * Move a path's inner points until its energy is least (Gauss–Newton with Levenberg's damping): a geodesic.
 * @param {Point[]} start @param {number} step of the forward differences
 * @returns {Search}
 */
export function* relax(start, step) {
  let path = start;
  let values = yield path;
  let energy = energyOf(values);
  let damping = 1e-3;
  let slopes = /** @type {[Float64Array, Float64Array][] | null} */ (null);
  for (let round = 0; round < ROUNDS; round++) {
    if (!slopes) {
      const inner = path.slice(1, -1);
      const moved = yield [
        ...inner.map(([u, v]) => /** @type {Point} */ ([u + step, v])),
        ...inner.map(([u, v]) => /** @type {Point} */ ([u, v + step])),
      ];
      const from = values;
      const slope = (/** @type {Values} */ at, /** @type {number} */ k) =>
        Float64Array.from(at, (x, i) => (x - from[k + 1][i]) / step);
      slopes = inner.map((_, k) => [slope(moved[k], k), slope(moved[inner.length + k], k)]);
    }
    const move = chainStep(slopes, values, damping);
    const tried = path.map(
      (p, k) => /** @type {Point} */ (move[k - 1] ? [p[0] + move[k - 1][0], p[1] + move[k - 1][1]] : p),
    );
    const found = yield tried;
    const less = energy - energyOf(found);
    if (less > 0) {
      [path, values, slopes] = [tried, found, null];
      energy -= less;
      damping = Math.max(damping / 4, 1e-7);
      if (less < RESTS * energy) break;
    } else {
      damping *= 8;
      if (damping > 1e4) break;
    }
  }
  return path;
}

/**
 * The shortest of some paths between two points and of what they relax to.
 * @param {Point[][]} starts @param {number} step
 * @returns {Search}
 */
export function* geodesic(starts, step) {
  const paths = [...starts];
  for (const start of starts) paths.push(yield* relax(start, step));
  let best = paths[0];
  let least = Number.POSITIVE_INFINITY;
  for (const path of paths) {
    const length = lengthOf(yield path);
    if (length < least) [least, best] = [length, path];
  }
  return best;
}

/** The semi-axes of the ellipse of all steps that change the surface by 1. @param {ArrayLike<number>} metric flat (n, 3) @param {number} i @returns {{long: number, short: number, angle: number}} angle: of the long one */
export function indicatrix(metric, i) {
  const [a, b, c] = [metric[3 * i], metric[3 * i + 1], metric[3 * i + 2]];
  const middle = (a + c) / 2;
  const half = Math.hypot((a - c) / 2, b);
  return {
    long: 1 / Math.sqrt(Math.max(middle - half, EPS)),
    short: 1 / Math.sqrt(Math.max(middle + half, EPS)),
    // The image changes least along the eigenvector of the smaller eigenvalue.
    angle: 0.5 * Math.atan2(2 * b, a - c) + Math.PI / 2,
  };
}
