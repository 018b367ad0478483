/** Images that travel small, as publish/training/enlarged.py sends them. No DOM. */

/** Of a pixel's weight, in whole numbers. */
const ONE = 4096;

/**
 * What two neighbors of `n` pixels give to each of `to`: the first one's number, and the second one's weight.
 * @param {number} n @param {number} to
 */
function weights(n, to) {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(Math.max(((i + 0.5) * n) / to - 0.5, 0), n - 1);
    const low = Math.min(Math.floor(at), n - 2);
    return { low, share: Math.round((at - low) * ONE) };
  });
}

/**
 * Interpolate between the centers of pixels, and add what is lacking, modulo 256.
 * @param {Uint8Array} small (planes, h, w)
 * @param {[number, number]} from
 * @param {[number, number]} to
 * @param {Uint8Array} rest (planes, H, W)
 */
export function enlarge(small, [h, w], [height, width], rest) {
  const out = new Uint8Array(rest.length);
  const [rows, columns] = [weights(h, height), weights(w, width)];
  const line = new Float64Array(w);
  let to = 0;
  for (let first = 0; first < small.length; first += h * w) {
    for (const { low, share } of rows) {
      const above = first + low * w;
      for (let x = 0; x < w; x++) line[x] = (ONE - share) * small[above + x] + share * small[above + w + x];
      for (const column of columns) {
        const sum = (ONE - column.share) * line[column.low] + column.share * line[column.low + 1];
        out[to] = Math.floor((sum + (ONE * ONE) / 2) / (ONE * ONE)) + rest[to];
        to++;
      }
    }
  }
  return out;
}
