/**
 * Where the names of classes are written on a scatter: near the densest place of their class, off the points where there
 * is room, and never over one another. No DOM.
 *
 * @typedef {import("../pen.js").Box} Box
 * @typedef {{label: number, x: number, y: number, half: number}} Wanted  CSS pixels; half: half the width
 * @typedef {{x: number, y: number, half: number, high: number}} Rect  middle, half width and half height
 * @typedef {{x: number, y: number, choice: number}} Place  choice: which of CHOICES it is
 */
import { clamp } from "../scales.js";

/** Side of a cell in CSS pixels. */
const CELL = 4;
/** So many points tell where there is room. */
const ENOUGH = 20_000;
const ANGLES = 16;
/** Distances from the class, in heights of a name. */
const RINGS = [0.4, 1, 1.8, 2.8, 4];
/** Of a name all over points, against one that is a name's height further away. */
const COVERED = 2.4;
const FAR = 0.4;
/** Classes nearer to each other than this share of a name's height lie on top of each other: no name tells them apart. */
const TOO_NEAR = 0.45;
/** A name leaves its place for one that is better by so much: it must not hop from frame to frame. */
const STAY = 0.35;

/** On the class itself, then around it: ring and direction. @type {[number, number][]} */
const CHOICES = [[-1, 0]];
for (const ring of RINGS) {
  for (let i = 0; i < ANGLES; i++) CHOICES.push([ring, (2 * Math.PI * i) / ANGLES]);
}

/**
 * How much of a rectangle is covered by points.
 * @param {Float32Array} points flat (n, 2)
 * @param {Uint8Array | null} shown
 * @param {{x: (value: number) => number, y: (value: number) => number, box: Box}} plane  data units to pixels
 * @returns {(rect: Rect) => number} 0…1
 */
export function coverOf(points, shown, { x, y, box }) {
  const columns = Math.ceil(box.width / CELL) + 1;
  const rows = Math.ceil(box.height / CELL) + 1;
  const taken = new Uint8Array(columns * rows);
  const every = Math.max(1, Math.floor(points.length / 2 / ENOUGH));
  for (let i = 0; i < points.length / 2; i += every) {
    if (shown && !shown[i]) continue;
    const column = Math.round((x(points[2 * i]) - box.left) / CELL);
    const row = Math.round((y(points[2 * i + 1]) - box.top) / CELL);
    if (column >= 0 && column < columns && row >= 0 && row < rows) taken[row * columns + column] = 1;
  }
  // Sums over all cells above and to the left, so that a rectangle costs four look-ups.
  const width = columns + 1;
  const sums = new Int32Array(width * (rows + 1));
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      sum += taken[row * columns + column];
      sums[(row + 1) * width + column + 1] = sums[row * width + column + 1] + sum;
    }
  }
  const cell = (/** @type {number} */ value, /** @type {number} */ most) =>
    clamp(Math.round(value / CELL), 0, most);
  return ({ x, y, half, high }) => {
    const [c0, c1] = [cell(x - half - box.left, columns), cell(x + half - box.left, columns)];
    const [r0, r1] = [cell(y - high - box.top, rows), cell(y + high - box.top, rows)];
    const area = (c1 - c0) * (r1 - r0);
    if (area <= 0) return 1;
    return (
      (sums[r1 * width + c1] - sums[r0 * width + c1] - sums[r1 * width + c0] + sums[r0 * width + c0]) / area
    );
  };
}

/** @param {Rect} a @param {Rect} b */
export const overlap = (a, b) =>
  Math.abs(a.x - b.x) < a.half + b.half && Math.abs(a.y - b.y) < a.high + b.high;

/**
 * @param {Wanted[]} wanted
 * @param {{height: number, box: Box, cover: (rect: Rect) => number, taken: Rect[], previous: Map<number, number>}} around
 *   height: of a name; taken: what no name may cover; previous: the choices of the picture before
 * @returns {Map<number, Place>} by class; one for which there is no room is left out
 */
export function placeNames(wanted, { height, box, cover, taken, previous }) {
  const used = [...taken];
  /** @type {Map<number, Place>} */
  const places = new Map();
  for (const { label, x, y, half } of wanted) {
    if (x < box.left || x > box.left + box.width || y < box.top || y > box.top + box.height) continue;
    const near = TOO_NEAR * height;
    if (wanted.some((other) => other.label !== label && Math.hypot(other.x - x, other.y - y) < near))
      continue;
    let best = /** @type {(Rect & {choice: number}) | null} */ (null);
    let least = Number.POSITIVE_INFINITY;
    for (const [choice, [ring, angle]] of CHOICES.entries()) {
      const out = ring < 0 ? 0 : ring * height;
      const rect = {
        x: x + (ring < 0 ? 0 : Math.cos(angle) * (out + half)),
        y: y + (ring < 0 ? 0 : Math.sin(angle) * (out + height / 2)),
        half,
        high: height / 2,
        choice,
      };
      const inside =
        rect.x - half >= box.left &&
        rect.x + half <= box.left + box.width &&
        rect.y - rect.high >= box.top &&
        rect.y + rect.high <= box.top + box.height;
      if (!inside) continue;
      const far = FAR * Math.max(ring, 0);
      const stay = previous.get(label) === choice ? STAY : 0;
      if (far - stay >= least || used.some((other) => overlap(rect, other))) continue;
      const cost = COVERED * cover(rect) + far - stay;
      if (cost < least) [least, best] = [cost, rect];
    }
    if (!best) continue;
    used.push(best);
    places.set(label, { x: best.x, y: best.y, choice: best.choice });
  }
  return places;
}
