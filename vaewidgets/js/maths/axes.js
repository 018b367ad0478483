/**
 * Principal axes of points, and the plane on which they are seen: as vaewidgets/diagnostics/projection.py. No DOM.
 *
 * @typedef {{mode: "direct" | "pca" | "line", axes: [string, string], mean: Float64Array, components: Float64Array,
 *   explained: [number, number], points: Float64Array}} Plane  components (2, d), points (n, 2)
 */
import { normals } from "../contract/random.js";

const MOST_SWEEPS = 60;
/** Dimensions up to which all axes are computed. */
const DENSE = 128;
const MORE = 6;
const PASSES = 50;
/** Change of the variance along each axis, as a share, at which they are taken. */
const SETTLED = 1e-10;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations (Golub & Van Loan, section 8.5).
 * @param {Float64Array} matrix (d, d), overwritten
 * @param {number} d
 * @returns {{values: Float64Array, vectors: Float64Array}} rows, the largest value first
 */
export function symmetricAxes(matrix, d) {
  const vectors = new Float64Array(d * d);
  for (let i = 0; i < d; i++) vectors[i * d + i] = 1;
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) {
        all += matrix[i * d + j] ** 2;
        if (i !== j) off += matrix[i * d + j] ** 2;
      }
    }
    if (off <= 1e-28 * all) break;
    for (let p = 0; p < d; p++) for (let q = p + 1; q < d; q++) rotate(matrix, vectors, d, p, q);
  }
  const order = Array.from({ length: d }, (_, i) => i).sort((a, b) => matrix[b * d + b] - matrix[a * d + a]);
  const sorted = new Float64Array(d * d);
  order.forEach((from, to) => {
    sorted.set(vectors.subarray(from * d, (from + 1) * d), to * d);
  });
  return { values: Float64Array.from(order, (i) => matrix[i * d + i]), vectors: sorted };
}

/** @param {Float64Array} a @param {Float64Array} rows @param {number} d @param {number} p @param {number} q */
function rotate(a, rows, d, p, q) {
  const apq = a[p * d + q];
  if (apq === 0) return;
  const theta = (a[q * d + q] - a[p * d + p]) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (let k = 0; k < d; k++) {
    const [x, y] = [a[k * d + p], a[k * d + q]];
    a[k * d + p] = c * x - s * y;
    a[k * d + q] = s * x + c * y;
  }
  for (let k = 0; k < d; k++) {
    const [x, y] = [a[p * d + k], a[q * d + k]];
    a[p * d + k] = c * x - s * y;
    a[q * d + k] = s * x + c * y;
    const [u, v] = [rows[p * d + k], rows[q * d + k]];
    rows[p * d + k] = c * u - s * v;
    rows[q * d + k] = s * u + c * v;
  }
}

/** The rows' products with each other over all points: xᵀx. @param {Float64Array} x (n, d) @param {number} d */
function scatterMatrix(x, d) {
  const out = new Float64Array(d * d);
  for (let at = 0; at < x.length; at += d) {
    for (let i = 0; i < d; i++) {
      const xi = x[at + i];
      for (let j = i; j < d; j++) out[i * d + j] += xi * x[at + j];
    }
  }
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) out[i * d + j] = out[j * d + i];
  return out;
}

/** Points along rows: x rowsᵀ, (n, k). @param {Float64Array} x @param {Float64Array} rows @param {number} d */
export function along(x, rows, d) {
  const k = rows.length / d;
  const n = x.length / d;
  const out = new Float64Array(n * k);
  for (let i = 0; i < n; i++) {
    for (let r = 0; r < k; r++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += x[i * d + j] * rows[r * d + j];
      out[i * k + r] = sum;
    }
  }
  return out;
}

/** Orthonormal rows that span the same space (Gram & Schmidt, twice). @param {Float64Array} rows @param {number} d */
function orthonormal(rows, d) {
  const k = rows.length / d;
  for (let r = 0; r < k; r++) {
    const row = rows.subarray(r * d, (r + 1) * d);
    for (let pass = 0; pass < 2; pass++) {
      for (let s = 0; s < r; s++) {
        const other = rows.subarray(s * d, (s + 1) * d);
        const share = row.reduce((sum, value, j) => sum + value * other[j], 0);
        for (let j = 0; j < d; j++) row[j] -= share * other[j];
      }
      const length = Math.hypot(...row) || 1;
      for (let j = 0; j < d; j++) row[j] /= length;
    }
  }
  return rows;
}

/**
 * Principal axes of points about their mean.
 * @param {Float64Array} centered (n, d)
 * @param {number} d
 * @param {number} k axes, at most d
 * @returns {Float64Array} (k, d), orthonormal rows, the largest variance first; the largest entry of each is positive
 */
export function principalAxes(centered, d, k) {
  const rows =
    d <= DENSE
      ? symmetricAxes(scatterMatrix(centered, d), d).vectors.slice(0, k * d)
      : iterated(centered, d, k);
  for (let r = 0; r < k; r++) {
    const row = rows.subarray(r * d, (r + 1) * d);
    const largest = row.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    if (largest < 0) for (let j = 0; j < d; j++) row[j] = -row[j];
  }
  return rows;
}

/** By subspace iteration, for hundreds of dimensions. @param {Float64Array} x @param {number} d @param {number} k */
function iterated(x, d, k) {
  const m = Math.min(d, k + MORE);
  let rows = orthonormal(Float64Array.from(normals(m * d, 0)), d);
  /** @type {Float64Array} */
  let before = new Float64Array(m);
  for (let pass = 0; pass < PASSES; pass++) {
    const { values, vectors } = symmetricAxes(scatterMatrix(along(x, rows, d), m), m);
    rows = product(vectors, rows, m, m, d);
    if (values.every((value, r) => r >= k || Math.abs(value - before[r]) <= SETTLED * value)) break;
    before = values;
    const seen = along(x, rows, d);
    const n = x.length / d;
    const turned = Float64Array.from(seen, (_, i) => seen[(i % n) * m + Math.floor(i / n)]);
    rows = orthonormal(product(turned, x, m, n, d), d);
  }
  return rows.slice(0, k * d);
}

/** a b, (m, n) by (n, d). @param {Float64Array} a @param {Float64Array} b @param {number} m @param {number} n @param {number} d */
function product(a, b, m, n, d) {
  const out = new Float64Array(m * d);
  for (let r = 0; r < m; r++) {
    for (let s = 0; s < n; s++) {
      const factor = a[r * n + s];
      for (let j = 0; j < d; j++) out[r * d + j] += factor * b[s * d + j];
    }
  }
  return out;
}

/**
 * Put posterior means on a plane: two dimensions as they are, more on the plane of the largest variance, turned and
 * mirrored within it so that it fits the one before best.
 * @param {ArrayLike<number>} mu (n, d), finite
 * @param {number} d
 * @param {Plane | null} [previous]
 * @returns {Plane}
 */
export function projectPoints(mu, d, previous = null) {
  if (d === 1) return seen("line", mu, d, new Float64Array(1), Float64Array.of(1, 0), ["z1", ""]);
  if (d === 2) return seen("direct", mu, d, new Float64Array(2), Float64Array.of(1, 0, 0, 1), ["z1", "z2"]);
  const mean = meanOf(mu, d);
  const components = principalAxes(
    Float64Array.from(mu, (value, i) => value - mean[i % d]),
    d,
    2,
  );
  return seen("pca", mu, d, mean, previous ? fitted(components, previous.components, d) : components, [
    "PCA 1",
    "PCA 2",
  ]);
}

/** Mean of each column. @param {ArrayLike<number>} x (n, d) @param {number} d */
export function meanOf(x, d) {
  const mean = new Float64Array(d);
  for (let i = 0; i < x.length; i++) mean[i % d] += x[i];
  return mean.map((sum) => (sum * d) / x.length);
}

/** The orthogonal turn within the plane that brings the axes closest to others (orthogonal Procrustes).
 * @param {Float64Array} rows @param {Float64Array} wanted @param {number} d */
function fitted(rows, wanted, d) {
  const [a, b, c, e] = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ].map(([r, s]) => {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += wanted[r * d + j] * rows[s * d + j];
    return sum;
  });
  // the nearest rotation, or where the matrix mirrors the nearest mirroring
  const [p, q, sign] = a * e - b * c >= 0 ? [a + e, b - c, -1] : [a - e, b + c, 1];
  const length = Math.hypot(p, q) || 1;
  const turn = [p / length, q / length, (sign * q) / length, (-sign * p) / length];
  const out = new Float64Array(2 * d);
  for (let j = 0; j < d; j++) {
    out[j] = turn[0] * rows[j] + turn[1] * rows[d + j];
    out[d + j] = turn[2] * rows[j] + turn[3] * rows[d + j];
  }
  return out;
}

/**
 * @param {Plane["mode"]} mode @param {ArrayLike<number>} mu @param {number} d @param {Float64Array} mean
 * @param {Float64Array} components @param {[string, string]} axes @returns {Plane}
 */
function seen(mode, mu, d, mean, components, axes) {
  const points = along(
    Float64Array.from(mu, (value, i) => value - mean[i % d]),
    components,
    d,
  );
  const total = varianceOf(mu, d).reduce((sum, one) => sum + one, 0) || Number.MIN_VALUE;
  const [across, up] = varianceOf(points, 2);
  return { mode, axes, mean, components, explained: [across / total, up / total], points };
}

/** Variance of each column, divided by n. @param {ArrayLike<number>} x (n, d) @param {number} d */
export function varianceOf(x, d) {
  const mean = meanOf(x, d);
  const sum = new Float64Array(d);
  for (let i = 0; i < x.length; i++) sum[i % d] += (x[i] - mean[i % d]) ** 2;
  return sum.map((one) => (one * d) / x.length);
}

/** Where latent vectors stand on a plane, (n, 2). @param {ArrayLike<number>} z (n, d) @param {Plane} plane */
export function ontoPlane(z, { mean, components }) {
  const d = mean.length;
  return along(
    Float64Array.from(z, (value, i) => value - mean[i % d]),
    components,
    d,
  );
}
