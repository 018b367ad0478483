/**
 * A decoder on the plane that is shown, as a surface: the image at each point and, behind it, its uncertainty; as
 * widgets/latent_geometry/surface.py. What it decodes it asks for (see search.js). No DOM.
 *
 * @typedef {import("../../maths/geometry.js").Point} Point
 * @typedef {import("../../maths/geometry.js").Spread} Spread
 * @typedef {import("../../maths/camera.js").Extent} Extent
 */
import { steady } from "../../maths/camera.js";
import { cellMetric, fitSpread, sigmaAt } from "../../maths/geometry.js";
import { extent2d } from "../../maths/statistics.js";

const MEASURED = 64;
const REACH = 2.2;
const STEP = 1e-3;
/** Of images in 256 steps, as Python sends them. */
const COARSE_STEP = 3e-2;

/** What is in sight: a square with the codes and the prior. @param {Extent | null} held @param {Float32Array} seen @param {[number, number] | null} center of the prior @returns {Extent} */
export function inSight(held, seen, center) {
  const codes = extent2d(seen);
  const [u, v] = center ?? [codes?.x0 ?? 0, codes?.y0 ?? 0];
  const reach = center ? REACH : 1e-3;
  const x0 = Math.min(codes?.x0 ?? u, u - reach);
  const x1 = Math.max(codes?.x1 ?? u, u + reach);
  const y0 = Math.min(codes?.y0 ?? v, v - reach);
  const y1 = Math.max(codes?.y1 ?? v, v + reach);
  const half = Math.max(x1 - x0, y1 - y0) / 2;
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return steady(held, { x0: x - half, x1: x + half, y0: y - half, y1: y + half });
}

/** Numbers of the images that say how large the decoder's error is. @param {number} n how many there are */
export const measured = (n) =>
  Array.from({ length: Math.min(n, MEASURED) }, (_, i) => Math.floor((i * n) / Math.min(n, MEASURED)));

/** What the decoder misses of a pixel (root mean square), and the pixels' standard deviation. @param {ArrayLike<number>[]} originals @param {ArrayLike<number>[]} decoded */
export function errorsOf(originals, decoded) {
  const count = originals.length * (originals[0]?.length ?? 1) || 1;
  let [missed, varied] = [0, 0];
  for (let i = 0; i < (originals[0]?.length ?? 0); i++) {
    let [sum, squares] = [0, 0];
    originals.forEach((image, k) => {
      missed += (decoded[k][i] - image[i]) ** 2;
      sum += image[i];
      squares += image[i] ** 2;
    });
    varied += squares - sum ** 2 / originals.length;
  }
  return { near: Math.sqrt(missed / count), varied: Math.sqrt(Math.max(varied, 0) / count) };
}

export function createSurface() {
  let spread = /** @type {Spread | null} */ (null);
  let root = 0;
  let fittedTo = /** @type {Float32Array | null} */ (null);
  let plain = new Float64Array(0); // the metric of the images alone, flat (cells, cells, 3)
  let extent = /** @type {Extent | null} */ (null);

  /** @param {Point} p */
  const behind = (p) => (spread && root ? root * sigmaAt(spread, p) : 0);

  return {
    get extent() {
      return extent;
    },
    get known() {
      return spread !== null;
    },
    /** @param {Float32Array} codes seen on the plane @param {{near: number, varied: number}} errors @param {number} uncertainty @param {number} pixels */
    fit(codes, { near, varied }, uncertainty, pixels) {
      if (codes !== fittedTo || !spread) spread = fitSpread(codes, near, 0);
      fittedTo = codes;
      spread = { ...spread, near, far: Math.max(near, uncertainty * varied) };
      root = uncertainty > 0 ? Math.sqrt(pixels) : 0;
    },
    /** The surface at a point whose image is known. @param {ArrayLike<number>} image @param {Point} p */
    lift(image, p) {
      const out = new Float64Array(image.length + 1);
      out.set(image);
      out[image.length] = behind(p);
      return out;
    },
    /** Of a forward difference. @param {boolean} exact */
    step: (exact) => (exact ? STEP : COARSE_STEP) * ((extent?.x1 ?? 1) - (extent?.x0 ?? 0)),
    /**
     * Measure the metric of the images over a lattice.
     * @param {Extent} sight @param {number} cells
     * @returns {Generator<Point[], void, ArrayLike<number>[]>}
     */
    *measure(sight, cells) {
      const { x0, x1, y0, y1 } = sight;
      const [width, height] = [(x1 - x0) / cells, (y1 - y0) / cells];
      const found = new Float64Array(3 * cells * cells);
      /** @type {ArrayLike<number>[]} */
      let below = [];
      for (let j = 0; j <= cells; j++) {
        const row = yield Array.from(
          { length: cells + 1 },
          (_, i) => /** @type {Point} */ ([x0 + i * width, y0 + j * height]),
        );
        for (let i = 0; j > 0 && i < cells; i++) {
          const metric = cellMetric(below[i], below[i + 1], row[i], row[i + 1], width, height);
          found.set(metric, 3 * ((j - 1) * cells + i));
        }
        below = row;
      }
      [plain, extent] = [found, sight];
    },
    /** The whole metric, flat (cells, cells, 3). @param {number} cells */
    metric(cells) {
      if (!extent || plain.length !== 3 * cells * cells) return new Float64Array(0);
      const { x0, x1, y0, y1 } = extent;
      const [width, height] = [(x1 - x0) / cells, (y1 - y0) / cells];
      const at = (/** @type {number} */ i, /** @type {number} */ j) => [
        behind([x0 + i * width, y0 + j * height]),
      ];
      const corners = Array.from({ length: cells + 1 }, (_, j) =>
        Array.from({ length: cells + 1 }, (_, i) => at(i, j)),
      );
      const whole = plain.slice();
      for (let c = 0; c < cells * cells; c++) {
        const [i, j] = [c % cells, Math.floor(c / cells)];
        const [low, high] = [corners[j], corners[j + 1]];
        cellMetric(low[i], low[i + 1], high[i], high[i + 1], width, height).forEach((g, k) => {
          whole[3 * c + k] += g;
        });
      }
      return whole;
    },
  };
}
