/**
 * Strokes of a pen into the pixels of a small image, framed as the data are. No DOM.
 *
 * @typedef {{width: number, erase?: boolean, points: number[]}} Stroke
 *   on a square pad from 0 to 1, y down; points flat (x0, y0, x1, y1, …)
 * @typedef {import("../contract/types.js").Framing} Framing
 *   how the data are framed: the longer side of what is drawn, as a share of the image; where its centre of mass
 *   lies, (x, y) from 0 to 1; 1 for dark ink on a light ground
 * @typedef {{scale: number, dx: number, dy: number}} Placement  pad to image: x · scale + dx
 */

const SUPER = 4;
const MOST_SCALE = 4;
const INK = 0.1;

/**
 * A hand's line made smooth: each corner is cut off twice (Chaikin 1974); the ends stay.
 * @param {number[]} points flat
 */
export function smooth(points) {
  let line = points;
  for (let pass = 0; pass < 2 && line.length > 4; pass++) {
    const next = [line[0], line[1]];
    for (let i = 0; i + 3 < line.length; i += 2) {
      const [x0, y0, x1, y1] = line.slice(i, i + 4);
      next.push(0.75 * x0 + 0.25 * x1, 0.75 * y0 + 0.25 * y1, 0.25 * x0 + 0.75 * x1, 0.25 * y0 + 0.75 * y1);
    }
    next.push(line[line.length - 2], line[line.length - 1]);
    line = next;
  }
  return line;
}

/**
 * Ink of each pixel, 0…1, by 4 × 4 samples a pixel.
 * @param {Stroke[]} strokes
 * @param {number} height @param {number} width
 * @param {Placement} [placed] the pad fills the image's longer side by default
 * @returns {Float32Array} (height, width)
 */
export function rasterise(strokes, height, width, { scale, dx, dy } = { scale: 1, dx: 0, dy: 0 }) {
  const side = Math.max(height, width) * SUPER;
  const [h, w] = [height * SUPER, width * SUPER];
  const left = (w - side) / 2;
  const top = (h - side) / 2;
  const ink = new Float32Array(h * w);
  for (const { width: pen, erase = false, points } of strokes) {
    const line = smooth(points);
    const radius = Math.max((pen * scale * side) / 2, SUPER / 3);
    const cover = new Float32Array(h * w);
    const at = (/** @type {number} */ i) => [
      left + (line[i] * scale + dx) * side,
      top + (line[i + 1] * scale + dy) * side,
    ];
    for (let i = 0; i < line.length; i += 2) {
      const [x0, y0] = at(Math.max(i - 2, 0));
      const [x1, y1] = at(i);
      segment(cover, w, h, [x0, y0, x1, y1], radius);
    }
    for (let i = 0; i < ink.length; i++) {
      ink[i] = erase ? ink[i] * (1 - cover[i]) : Math.max(ink[i], cover[i]);
    }
  }
  const out = new Float32Array(height * width);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) out[Math.floor(y / SUPER) * width + Math.floor(x / SUPER)] += ink[y * w + x];
  }
  for (let i = 0; i < out.length; i++) out[i] /= SUPER * SUPER;
  return out;
}

/**
 * A line with round ends, soft over one sample.
 * @param {Float32Array} cover @param {number} w @param {number} h
 * @param {[number, number, number, number]} ends @param {number} radius
 */
function segment(cover, w, h, [x0, y0, x1, y1], radius) {
  const reach = radius + 1;
  const length2 = (x1 - x0) ** 2 + (y1 - y0) ** 2;
  const fromX = Math.max(Math.floor(Math.min(x0, x1) - reach), 0);
  const toX = Math.min(Math.ceil(Math.max(x0, x1) + reach), w - 1);
  const fromY = Math.max(Math.floor(Math.min(y0, y1) - reach), 0);
  const toY = Math.min(Math.ceil(Math.max(y0, y1) + reach), h - 1);
  for (let y = fromY; y <= toY; y++) {
    for (let x = fromX; x <= toX; x++) {
      const px = x + 0.5 - x0;
      const py = y + 0.5 - y0;
      const t = length2 ? Math.min(Math.max((px * (x1 - x0) + py * (y1 - y0)) / length2, 0), 1) : 0;
      const far = Math.hypot(px - t * (x1 - x0), py - t * (y1 - y0));
      const value = Math.min(Math.max(radius + 0.5 - far, 0), 1);
      if (value > cover[y * w + x]) cover[y * w + x] = value;
    }
  }
}

/**
 * Where the ink is: its box and its centre of mass, as shares of the image; null with none.
 * @param {Float32Array} ink (height, width) @param {number} height @param {number} width
 */
export function inkOf(ink, height, width) {
  let [x0, x1, y0, y1] = [width, -1, height, -1];
  let [mass, mx, my] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = ink[y * width + x];
      mass += value;
      mx += value * (x + 0.5);
      my += value * (y + 0.5);
      if (value < INK) continue;
      x0 = Math.min(x0, x);
      x1 = Math.max(x1, x);
      y0 = Math.min(y0, y);
      y1 = Math.max(y1, y);
    }
  }
  if (x1 < 0) return null;
  return {
    extent: Math.max((x1 - x0 + 1) / width, (y1 - y0 + 1) / height),
    center: [mx / mass / width, my / mass / height],
  };
}

/**
 * How a drawing is moved and scaled so that it is framed as the data are: its longer side to their extent, its centre
 * of mass to theirs (as MNIST was made: LeCun et al. 1998). For square images; others are only moved.
 * @param {Stroke[]} strokes @param {Framing} framing
 * @returns {Placement}
 */
export function placement(strokes, { extent, center }) {
  const side = 64;
  const whole = { scale: 1, dx: 0, dy: 0 };
  const drawn = inkOf(rasterise(strokes, side, side), side, side);
  if (!drawn) return whole;
  const scale = Math.min(extent / drawn.extent, MOST_SCALE);
  return {
    scale,
    dx: center[0] - drawn.center[0] * scale,
    dy: center[1] - drawn.center[1] * scale,
  };
}

/**
 * The image that the encoder gets, in the data's value range, (C, H, W).
 * @param {Stroke[]} strokes
 * @param {[number, number, number]} shape
 * @param {{framing: Framing, framed: boolean, range: [number, number]}} opts
 */
export function sketchPixels(strokes, [channels, height, width], { framing, framed, range: [lo, hi] }) {
  const ink = rasterise(strokes, height, width, framed ? placement(strokes, framing) : undefined);
  const plane = ink.map((value) => lo + (hi - lo) * (framing.background ? 1 - value : value));
  const out = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) out.set(plane, c * plane.length);
  return out;
}
