/** What a prior draws on a map of codes: shaded holes below them; samples, those in holes crossed, and Gaussians above. */
import { drawDot, drawLine } from "../../draw/pen.js";
import { drawEllipses } from "../../draw/scatter/paint.js";
import { createShading } from "../../draw/shading.js";
import { logAggregate } from "./codes.js";

/** @typedef {import("../../draw/pen.js").PlotPen} PlotPen */
/**
 * @typedef {{draws: Float32Array, inHole: Uint8Array | null, marked: number | null,
 *   ellipses: {centers: Float32Array, spread: Float32Array} | null}} Shown
 *   draws, centers flat (n, 2); spread: entries 11, 12, 22 of each covariance
 */
/** Half of a cross, and the radius of a sample that is in none, CSS pixels at type of 13. */
const CROSS = 3;
const DOT = 1.3;
const CELLS = 40;
/** Holes are shaded where 95 % of the prior are. */
const REACH = 2.45;
const STRONGEST = 0.3;

/** @param {PlotPen} pen @param {Shown} shown */
export function drawSamples(pen, { draws, inHole, marked, ellipses }) {
  const unit = pen.size / 13;
  if (ellipses) {
    const { centers, spread } = ellipses;
    const cloud = { points: centers, spread, labels: null };
    const all = Array.from({ length: centers.length / 2 }, (_, i) => i);
    drawEllipses(pen, cloud, all, { alpha: 0.6, width: 4, color: pen.theme.color("bg") });
    drawEllipses(pen, cloud, all, { alpha: 1, width: 1.8, color: pen.theme.color("accent") });
  }
  for (let i = 0; i < draws.length / 2; i++) {
    const [x, y] = [pen.x(draws[2 * i]), pen.y(draws[2 * i + 1])];
    if (!inHole?.[i]) {
      drawDot(pen, x, y, DOT * unit, { fill: "fg2", alpha: 0.8 });
      continue;
    }
    const r = CROSS * unit;
    drawLine(pen, [x - r, y - r, x + r, y + r], { color: "fg", width: 1.3 * unit });
    drawLine(pen, [x - r, y + r, x + r, y - r], { color: "fg", width: 1.3 * unit });
  }
  if (marked === null || 2 * marked >= draws.length) return;
  const at = /** @type {const} */ ([pen.x(draws[2 * marked]), pen.y(draws[2 * marked + 1])]);
  drawDot(pen, ...at, 8 * unit, { color: "bg", width: 5 * unit });
  drawDot(pen, ...at, 8 * unit, { color: "accent", width: 2.5 * unit });
}

/** Whether holes can be shaded: a plane through more dimensions does not show where they are. @param {number} d */
export const canShade = (d) => d < 3;

/**
 * How much each cell lies in a hole, 0…1, the lowest row first; 0 where the prior expects nothing.
 * @param {import("./codes.js").Codes} codes of one or two dimensions @param {import("./codes.js").Holes} holes
 */
export function inHole(codes, { smoothing, threshold }) {
  const { d } = codes;
  const at = (/** @type {number} */ k) => ((2 * k + 1) / CELLS - 1) * REACH;
  const places = Array.from({ length: CELLS ** 2 }, (_, c) => [at(c % CELLS), at(Math.floor(c / CELLS))]);
  const wanted = [...places.keys()].filter((c) => Math.hypot(...places[c].slice(0, d)) < REACH);
  // of one dimension a column is one place
  const asked = d === 1 ? wanted.slice(0, CELLS) : wanted;
  const log = logAggregate(codes, Float64Array.from(asked.flatMap((c) => places[c].slice(0, d))), smoothing);
  const shares = new Float64Array(CELLS ** 2);
  wanted.forEach((c, i) => {
    // a nat to each side of the threshold, so that the edge is no staircase
    shares[c] = Math.min(Math.max((threshold - log[i % log.length]) / 2 + 0.5, 0), 1);
  });
  return shares;
}

/** The holes below a map's points. */
export function createHoleShading() {
  const shading = createShading();
  return {
    /** @param {import("./codes.js").Codes} codes @param {import("./codes.js").Holes | null} holes */
    update(codes, holes) {
      const shares = holes && canShade(codes.d) ? inHole(codes, holes) : new Float64Array(0);
      shading.update(
        shares.map((share) => STRONGEST * share),
        { x0: -REACH, x1: REACH, y0: -REACH, y1: REACH },
      );
    },
    draw: shading.draw,
  };
}
