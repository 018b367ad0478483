/** Geometry and order statistics of point clouds. Points are flat: x0, y0, x1, y1, … No DOM. */

/**
 * @param {ArrayLike<number>} sorted ascending, not empty
 * @param {number} q 0…1
 */
export function quantileSorted(sorted, q) {
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** Order statistics of so many points are as good as those of all. */
const ENOUGH = 20_000;

/** @param {number} n points @returns {number} every how many-th is looked at */
const stride = (n) => Math.max(1, Math.floor(n / ENOUGH));

/**
 * The box that holds nearly all finite points; a few outliers must not shrink the rest to a dot.
 * @param {Float32Array} points
 * @param {number} [tail] share left out at each end of each axis
 * @returns {{x0: number, x1: number, y0: number, y1: number} | null} null without a finite point
 */
export function extent2d(points, tail = 0.002) {
  const n = points.length / 2;
  const every = stride(n);
  const xs = new Float32Array(Math.ceil(n / every));
  const ys = new Float32Array(xs.length);
  let count = 0;
  for (let i = 0; i < n; i += every) {
    if (!Number.isFinite(points[2 * i]) || !Number.isFinite(points[2 * i + 1])) continue;
    xs[count] = points[2 * i];
    ys[count] = points[2 * i + 1];
    count++;
  }
  if (count === 0) return null;
  const sortedX = xs.subarray(0, count).sort();
  const sortedY = ys.subarray(0, count).sort();
  return {
    x0: quantileSorted(sortedX, tail),
    x1: quantileSorted(sortedX, 1 - tail),
    y0: quantileSorted(sortedY, tail),
    y1: quantileSorted(sortedY, 1 - tail),
  };
}

/**
 * Least and greatest finite number.
 * @param {ArrayLike<number|null>} values
 * @returns {[number, number] | null}
 */
export function extent(values) {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null || !Number.isFinite(value)) continue;
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  return lo <= hi ? [lo, hi] : null;
}

/**
 * Index of the nearest point, by a straight scan (20,000 points take about 0.03 ms).
 * @param {Float32Array} points
 * @param {number} x
 * @param {number} y
 * @param {number} [count] only among the first so many
 * @param {Uint8Array | null} [shown] only among those with a 1
 * @returns {number} -1 without a finite point
 */
export function nearest(points, x, y, count = points.length / 2, shown = null) {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const dx = points[2 * i] - x;
    const dy = points[2 * i + 1] - y;
    const d = dx * dx + dy * dy;
    if (d < least && (!shown || shown[i])) {
      least = d;
      best = i;
    }
  }
  return best;
}

/**
 * Even–odd rule.
 * @param {ArrayLike<number>} polygon flat, closed implicitly
 * @param {number} x
 * @param {number} y
 */
export function insidePolygon(polygon, x, y) {
  let inside = false;
  const n = polygon.length / 2;
  for (let i = 0, j = n - 1; i < n; j = i++) {
    const yi = polygon[2 * i + 1];
    const yj = polygon[2 * j + 1];
    if (yi > y === yj > y) continue;
    const crossing = ((polygon[2 * j] - polygon[2 * i]) * (y - yi)) / (yj - yi) + polygon[2 * i];
    if (x < crossing) inside = !inside;
  }
  return inside;
}

/**
 * Indices of the points inside a polygon.
 * @param {Float32Array} points
 * @param {ArrayLike<number>} polygon
 * @returns {number[]}
 */
export function pointsInside(points, polygon) {
  /** @type {number[]} */
  const out = [];
  for (let i = 0; i < points.length / 2; i++) {
    if (insidePolygon(polygon, points[2 * i], points[2 * i + 1])) out.push(i);
  }
  return out;
}

/** Members of a class that are looked at for its densest place: the cost grows with their square. */
const MOST_MEMBERS = 150;
/** A class keeps its place until another one is denser by this factor, so that names do not jump while it trains. */
const DENSER = 1.25;

/**
 * The image in whose neighborhood each class is densest: where its name belongs. The mean of a class that lies in two
 * parts or around another would be a place where the class is not.
 * @param {Float32Array} points flat (n, 2)
 * @param {Int32Array} labels negative: no class
 * @param {Map<number, number> | null} [previous] what this function returned for the frame before
 * @returns {Map<number, number>} number of the point, by class in ascending order; classes without a finite point are left out
 */
export function classAnchors(points, labels, previous = null) {
  /** @type {Map<number, number[]>} */
  const groups = new Map();
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] < 0 || !Number.isFinite(points[2 * i]) || !Number.isFinite(points[2 * i + 1])) continue;
    const group = groups.get(labels[i]);
    if (group) group.push(i);
    else groups.set(labels[i], [i]);
  }
  /** @type {Map<number, number>} */
  const anchors = new Map();
  for (const [label, all] of [...groups].sort((a, b) => a[0] - b[0])) {
    const every = Math.max(1, Math.ceil(all.length / MOST_MEMBERS));
    const members = every === 1 ? all : all.filter((_, k) => k % every === 0);
    anchors.set(label, densest(points, members, previous?.get(label) ?? -1));
  }
  return anchors;
}

/**
 * The member with the most others around it.
 * @param {Float32Array} points
 * @param {number[]} members
 * @param {number} before the member that was it
 */
function densest(points, members, before) {
  const n = members.length;
  let [sumX, sumY, squares] = [0, 0, 0];
  for (const i of members) {
    sumX += points[2 * i];
    sumY += points[2 * i + 1];
  }
  for (const i of members) squares += (points[2 * i] - sumX / n) ** 2 + (points[2 * i + 1] - sumY / n) ** 2;
  // A third of the class's spread: wide enough for a smooth density, narrow enough to tell two parts apart.
  const width = squares / n / 9 || 1;
  let [best, most, kept] = [members[0], -1, -1];
  for (const i of members) {
    let density = 0;
    for (const j of members) {
      const far = (points[2 * i] - points[2 * j]) ** 2 + (points[2 * i + 1] - points[2 * j + 1]) ** 2;
      density += 1 / (1 + (far / width) ** 2);
    }
    if (density > most) [best, most] = [i, density];
    if (i === before) kept = density;
  }
  return kept * DENSER >= most ? before : best;
}

/**
 * The latent vector under a place of the plane: z = mean + u·components, or u itself where the plane is
 * the latent space.
 * @param {[number, number]} u
 * @param {{mean: Float32Array, components: Float32Array} | null} projection components are (2, d), row-major
 * @param {number} latentDim
 * @returns {Float32Array}
 */
export function fromPlane(u, projection, latentDim) {
  const z = new Float32Array(latentDim);
  if (!projection) {
    z.set(latentDim === 1 ? [u[0]] : u);
    return z;
  }
  for (let j = 0; j < latentDim; j++) {
    z[j] = projection.mean[j] + u[0] * projection.components[j] + u[1] * projection.components[latentDim + j];
  }
  return z;
}

/**
 * Where a latent vector stands on the plane.
 * @param {ArrayLike<number>} z
 * @param {{mean: Float32Array, components: Float32Array} | null} projection
 * @returns {[number, number]}
 */
export function toPlane(z, projection) {
  if (!projection) return [z[0], z.length > 1 ? z[1] : 0];
  const d = z.length;
  const u = /** @type {[number, number]} */ ([0, 0]);
  for (let j = 0; j < d; j++) {
    const off = z[j] - projection.mean[j];
    u[0] += off * projection.components[j];
    u[1] += off * projection.components[d + j];
  }
  return u;
}

/**
 * The row nearest to a vector.
 * @param {Float32Array} rows flat (n, d)
 * @param {ArrayLike<number>} z
 * @returns {number} -1 without a finite row
 */
export function nearestRow(rows, z) {
  const d = z.length;
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rows.length / d; i++) {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += (rows[d * i + j] - z[j]) ** 2;
    if (sum < least) {
      least = sum;
      best = i;
    }
  }
  return best;
}

/**
 * Dimensions by falling value. An earlier order is kept while no pair is out of place by more than `slack`
 * (a factor), so that bars of nearly equal height do not swap at every frame.
 * @param {Float32Array} values
 * @param {number[]} [previous]
 * @param {number} [slack]
 * @returns {number[]}
 */
export function stableOrder(values, previous = [], slack = 1.15) {
  const usable = previous.length === values.length;
  if (usable) {
    let least = Number.POSITIVE_INFINITY;
    let fits = true;
    for (const dim of previous) {
      if (values[dim] > least * slack + 1e-4) fits = false;
      least = Math.min(least, values[dim]);
    }
    if (fits) return previous;
  }
  return Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
}

/**
 * How many exceed a threshold.
 * @param {Float32Array} values
 * @param {number} threshold
 */
export function countAbove(values, threshold) {
  let n = 0;
  for (const value of values) if (value > threshold) n++;
  return n;
}

/**
 * A curve in fewer points: the mean of each stretch, with its least and greatest value. Stretches are powers of two
 * long and start at the beginning, so that a growing curve does not shimmer.
 * @template {{step: ArrayLike<number>, mean: Float32Array, low: Float32Array|null, high: Float32Array|null}} T
 * @param {T} curve
 * @param {number} most points that may remain
 * @returns {T} the curve itself where it is short enough
 */
export function thin(curve, most) {
  const n = curve.mean.length;
  if (n <= most) return curve;
  const length = 2 ** Math.ceil(Math.log2(n / most));
  const count = Math.ceil(n / length);
  const step = new Float64Array(count);
  const mean = new Float32Array(count);
  const low = new Float32Array(count);
  const high = new Float32Array(count);
  for (let k = 0; k < count; k++) {
    const stop = Math.min((k + 1) * length, n);
    let sum = 0;
    let known = 0;
    low[k] = Number.POSITIVE_INFINITY;
    high[k] = Number.NEGATIVE_INFINITY;
    for (let i = k * length; i < stop; i++) {
      if (!Number.isFinite(curve.mean[i])) continue;
      sum += curve.mean[i];
      known++;
      low[k] = Math.min(low[k], (curve.low ?? curve.mean)[i]);
      high[k] = Math.max(high[k], (curve.high ?? curve.mean)[i]);
    }
    step[k] = curve.step[stop - 1];
    mean[k] = sum / known;
  }
  return { ...curve, step, mean, low, high };
}
