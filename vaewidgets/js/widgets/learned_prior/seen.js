/** What is seen of codes and Gaussians on a plane. No DOM. */

/** Of one latent dimension the second axis is free: codes are spread over it, so that they do not hide each other. */
const FREE = 0.6;
const GOLDEN = 0.618034;

/**
 * @typedef {{axes: [string, string], toPlane: (z: ArrayLike<number>) => [number, number]}} Plane
 * @param {Plane} plane @param {Float64Array} z flat (n, d) @param {number} d @returns {Float32Array} flat (n, 2)
 */
export function seenOn(plane, z, d) {
  const out = new Float32Array((2 * z.length) / d);
  for (let i = 0; i < z.length / d; i++) {
    out.set(plane.toPlane(z.subarray(i * d, (i + 1) * d)), 2 * i);
    if (d === 1) out[2 * i + 1] = FREE * (((i * GOLDEN) % 1) - 0.5);
  }
  return out;
}

/**
 * Gaussians as ellipses of one standard deviation.
 * @param {Plane} plane @param {import("./mixture.js").Mixture} mixture
 */
export function ellipsesOf(plane, { k, d, means, covariances }) {
  const origin = plane.toPlane(new Float64Array(d));
  const across = new Float64Array(d);
  const up = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    const unit = new Float64Array(d);
    unit[j] = 1;
    const [u, v] = plane.toPlane(unit);
    across[j] = u - origin[0];
    up[j] = v - origin[1];
  }
  const centers = new Float32Array(2 * k);
  const spread = new Float32Array(3 * k);
  for (let c = 0; c < k; c++) {
    centers.set(plane.toPlane(means.subarray(c * d, (c + 1) * d)), 2 * c);
    for (let a = 0; a < d; a++) {
      for (let b = 0; b < d; b++) {
        const value = covariances[(c * d + a) * d + b];
        spread[3 * c] += across[a] * value * across[b];
        spread[3 * c + 1] += across[a] * value * up[b];
        spread[3 * c + 2] += up[a] * value * up[b];
      }
    }
    if (d === 1) spread[3 * c + 2] = (FREE / 2) ** 2;
  }
  return { centers, spread };
}
