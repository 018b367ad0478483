/**
 * A direction between two groups of codes: what is added to a code, and how well the direction tells the groups apart.
 * No DOM. widgets/latent_arithmetic.py does the same.
 */

/** @param {Float32Array} points flat (n, d) @param {number[]} rows @param {number} d @returns {Float64Array} */
export function meanOf(points, rows, d) {
  const mean = new Float64Array(d);
  for (const i of rows) for (let k = 0; k < d; k++) mean[k] += points[i * d + k] / rows.length;
  return mean;
}

/** From the mean of one group to that of the other. @param {Float64Array} from @param {Float64Array} to */
export const difference = (from, to) => to.map((x, k) => x - from[k]);

/** @param {ArrayLike<number>} z @param {ArrayLike<number>} direction @param {number} amount @returns {Float32Array} */
export const moved = (z, direction, amount) =>
  Float32Array.from({ length: z.length }, (_, k) => z[k] + amount * direction[k]);

/**
 * Where each code stands along a direction: 0 at the mean it starts from, 1 at the one it leads to.
 * @param {Float32Array} points flat (n, d) @param {ArrayLike<number>} from @param {ArrayLike<number>} direction
 * @returns {Float32Array} (n,); NaN for a direction without length
 */
export function coordinates(points, from, direction) {
  const d = direction.length;
  let norm = 0;
  for (let k = 0; k < d; k++) norm += direction[k] ** 2;
  return Float32Array.from({ length: points.length / d }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += (points[i * d + k] - from[k]) * direction[k];
    return sum / norm;
  });
}

/**
 * The share of pairs, one of each group, that stand in order along the direction; ties count half. 0.5 is chance.
 * @param {Float32Array} along @param {number[]} a @param {number[]} b
 */
export function inOrder(along, a, b) {
  const low = a.map((i) => along[i]).sort((x, y) => x - y);
  let [sum, pairs] = [0, 0];
  for (const j of b) {
    const x = along[j];
    if (!Number.isFinite(x)) continue;
    const below = countBelow(low, x);
    sum += below + 0.5 * (countBelow(low, x, true) - below);
    pairs += low.length;
  }
  return pairs ? sum / pairs : Number.NaN;
}

/** @param {number[]} sorted @param {number} x @param {boolean} [or] or equal */
function countBelow(sorted, x, or = false) {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle] < x || (or && sorted[middle] === x)) from = middle + 1;
    else to = middle;
  }
  return from;
}
