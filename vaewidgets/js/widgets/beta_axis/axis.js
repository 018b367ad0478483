/** Beta as an axis: what is known at some betas, read at any between. No DOM. */

/**
 * Between which betas one lies, as widgets/beta_axis/stops.py has it.
 * @param {number[]} betas from the least to the largest, above 0 @param {number} beta
 * @returns {[number, number]} the number of the one below, and how far it is to the next, 0…1 of their logarithms
 */
export function between(betas, beta) {
  let i = 0;
  while (i < betas.length - 2 && betas[i + 1] <= beta) i++;
  const [low, high] = [Math.log(betas[i]), Math.log(betas[Math.min(i + 1, betas.length - 1)])];
  const share = high > low ? (Math.log(beta) - low) / (high - low) : 0;
  return [i, Math.min(Math.max(share, 0), 1)];
}

/**
 * Rows of numbers, one for each beta, read between two of them.
 * @param {ArrayLike<number>} values flat (betas, length) @param {number} length of a row
 * @param {[number, number]} at as of `between`
 */
export function readAt(values, length, [i, share]) {
  const row = new Float32Array(length);
  const next = Math.min(i + 1, values.length / length - 1);
  for (let j = 0; j < length; j++) {
    const low = values[i * length + j];
    row[j] = low + (values[next * length + j] - low) * share;
  }
  return row;
}

/** Where a beta stands in its range: −1 and 1 at its ends, as a conditioned network is told it. @param {number[]} betas @param {number} beta */
export function placeOf(betas, beta) {
  const [low, high] = [Math.log(betas[0]), Math.log(betas[betas.length - 1])];
  return (2 * Math.log(beta) - low - high) / (high - low);
}

/**
 * The beta at the point of a line through places that is nearest to another place.
 * @param {number[]} betas @param {[number, number][]} places of the betas @param {[number, number]} to
 */
export function nearestBeta(betas, places, [x, y]) {
  let best = { distance: Number.POSITIVE_INFINITY, beta: betas[0] };
  for (let i = 0; i < betas.length - 1; i++) {
    const [[x0, y0], [x1, y1]] = [places[i], places[i + 1]];
    const [dx, dy] = [x1 - x0, y1 - y0];
    const along = ((x - x0) * dx + (y - y0) * dy) / Math.max(dx * dx + dy * dy, 1e-12);
    const share = Math.min(Math.max(along, 0), 1);
    const distance = Math.hypot(x0 + share * dx - x, y0 + share * dy - y);
    if (distance < best.distance) best = { distance, beta: betas[i] * (betas[i + 1] / betas[i]) ** share };
  }
  return best.beta;
}
