/**
 * The axis that all pictures with scales have. Its name is drawn by who knows where there is room for it, or by
 * `drawScaleX` and `drawScaleY`.
 *
 * @typedef {import("./pen.js").PlotPen} PlotPen
 */
import { formatTick } from "../maths/format.js";
import { drawLine, drawText } from "./pen.js";
import { ticks } from "./scales.js";

/**
 * Values at the left of the box or below it, each with its line across or a short one outside.
 * @param {PlotPen} pen
 * @param {"x"|"y"} side
 * @param {number[]} values
 * @param {{format?: (value: number) => string, gap: number, tick?: number, named?: (at: number, i: number) => boolean}} opts
 *   gap: from the box to the numbers; tick: length of a line outside, by default they go across; named: whether there is
 *   room for the number at this pixel
 */
export function drawAxis(pen, side, values, { format = formatTick, gap, tick = 0, named = () => true }) {
  const { left, top, right, bottom } = pen.box;
  values.forEach((value, i) => {
    const at = Math.round(pen[side](value)) + 0.5;
    const line =
      side === "x"
        ? [at, tick ? bottom + tick : top, at, bottom]
        : [tick ? left - tick : right, at, left, at];
    drawLine(pen, line, { color: tick ? "fg3" : "line" });
    if (!named(at, i)) return;
    if (side === "x") drawText(pen, format(value), at, bottom + gap, { baseline: "top", relative: 0.85 });
    else drawText(pen, format(value), left - gap, at, { align: "right", relative: 0.85 });
  });
}

/**
 * The scale below: a line, ticks, its name at the right end.
 * @param {PlotPen} pen
 * @param {{label: string, at?: number[], format?: (value: number) => string, gap?: number}} opts
 *   gap: from the line to the numbers, in units of the type size
 */
export function drawScaleX(pen, { label, at, format, gap = 0.5 }) {
  const { box, size, x } = pen;
  drawLine(pen, [box.left, box.bottom + 0.5, box.right, box.bottom + 0.5], { color: "fg3" });
  const values = at ?? ticks(...x.domain, Math.max(box.width / (size * 6), 2));
  drawAxis(pen, "x", values, { format, gap: size * gap, tick: 4 });
  const style = /** @type {const} */ ({ baseline: "top", align: "right", relative: 0.92 });
  drawText(pen, label, box.right, box.bottom + size * (gap + 1.1), style);
}

/**
 * Quiet lines across, each with its number at the left; the name above them.
 * @param {PlotPen} pen
 * @param {{label: string, count?: number, at?: number[]}} opts
 */
export function drawScaleY(pen, { label, count, at }) {
  const { box, size, y } = pen;
  const values = at ?? ticks(...y.domain, count ?? Math.max(box.height / (size * 3.2), 2));
  drawAxis(pen, "y", values, { gap: size * 0.5 });
  const style = /** @type {const} */ ({ baseline: "bottom", align: "left", relative: 0.92 });
  drawText(pen, label, size * 0.2, box.top - size * 0.8, style);
}
