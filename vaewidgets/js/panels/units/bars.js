/**
 * KL per dimension, sorted, with Var(mu) as a second mark on the same logarithmic axis and both thresholds as
 * lines: rows while there are few dimensions, columns for many.
 *
 * @typedef {{kl: Float32Array, varMu: Float32Array, klThreshold: number, varThreshold: number, off?: number[],
 *   died?: (number|null)[]}} BarsState
 *   kl in nats; Var(mu) has no unit; off: dimensions that are switched off; died: the step from which on each was no
 *   longer above the threshold
 * @typedef {import("../../host/theme.js").Theme} Theme
 */

import { drawAxis } from "../../draw/axes.js";
import { boxOf, drawLine, drawText, fillBox } from "../../draw/pen.js";
import { createPicture } from "../../draw/picture.js";
import { band, inside, log } from "../../draw/scales.js";
import { h, reducedMotion, setText } from "../../host/dom.js";
import { easeOut } from "../../host/painter.js";
import { dimName, formatCount, formatLoss, formatTick } from "../../maths/format.js";
import { countAbove, extent, stableOrder } from "../../maths/statistics.js";
import { createBarsInput } from "./bars_input.js";

const MOST_ROWS = 6;
/** Heights in units of the type size: a row, the scale under the rows. */
const ROW_EM = 2.4;
const SCALE_EM = 1.7;
/** Columns spread over the width, but are no blocks. */
const THICKEST_EM = 3.2;
const TRAVEL_MS = 250;
const FLOOR = 1e-4;

/**
 * "active: 2 of 2 by KL > 0.01 nats, 2 of 2 by Var(mu) > 0.01"
 * @param {BarsState} state
 */
export function activeText({ kl, varMu, klThreshold, varThreshold }) {
  const n = kl.length;
  const byKl = `${countAbove(kl, klThreshold)} of ${n} by KL > ${formatTick(klThreshold)} nats`;
  const byVar = `${countAbove(varMu, varThreshold)} of ${n} by Var(μ) > ${formatTick(varThreshold)}`;
  return `active: ${byKl}, ${byVar}`;
}

/**
 * @param {HTMLElement} el
 * @param {{theme: Theme, label?: string, onThreshold?: (name: "kl"|"var", value: number) => void,
 *   onUnit?: (dim: number) => void}} opts  onThreshold: a threshold was dragged; onUnit: a bar was pressed
 */
export function createBars(
  el,
  { theme, label = "KL and variance of the mean, by latent dimension", onThreshold, onUnit },
) {
  const summary = h("p", "vw-note vw-active-count");
  const wrap = h("div", "vw-bars");
  el.append(wrap, summary);

  /** @type {BarsState | null} */
  let state = null;
  /** @type {number[]} */
  let order = [];
  /** Shown and wanted values, KL then Var(mu), by dimension. */
  let shown = new Float32Array(0);
  let from = shown;
  let wanted = shown;
  let start = 0;
  let top = 1;

  const picture = createPicture(wrap, { theme, className: "vw-bars-canvas", paint: draw });
  const input = createBarsInput(wrap, { onThreshold, onUnit });

  /** @param {import("../../draw/pen.js").Pen} pen @param {number} now */
  function draw(pen, now) {
    if (!state) return false;
    const t = Math.min((now - start) / TRAVEL_MS, 1);
    const k = easeOut(Math.max(t, 0));
    // Between logarithms, as the axis is.
    for (let i = 0; i < shown.length; i++) {
      const a = Math.log(Math.max(from[i], FLOOR));
      shown[i] = t >= 1 ? wanted[i] : Math.exp(a + (Math.log(Math.max(wanted[i], FLOOR)) - a) * k);
    }
    const n = order.length;
    const data = { ...state, kl: shown.subarray(0, n), varMu: shown.subarray(n), order, top };
    input.update((n <= MOST_ROWS ? drawRows : drawColumns)(pen, data), state);
    return t < 1;
  }

  return {
    /** @param {BarsState} next */
    update(next) {
      const n = next.kl.length;
      order = stableOrder(next.kl, state?.kl.length === n ? order : []);
      state = next;
      input.setThresholds(next);
      const target = new Float32Array(2 * n);
      target.set(next.kl);
      target.set(next.varMu, n);
      const jump = shown.length !== target.length || reducedMotion();
      from = jump ? target : shown.slice();
      if (jump) shown = target.slice();
      wanted = target;
      start = performance.now();
      const largest = extent(target)?.[1] ?? 1;
      // Whole decades, and not lower again before there is a decade to spare.
      const decade = 10 ** Math.max(Math.ceil(Math.log10(Math.max(largest, FLOOR)) - 1e-6), 0);
      if (jump || decade > top || decade < top / 5) top = decade;
      picture.canvas.style.height = n <= MOST_ROWS ? `${(ROW_EM * n + SCALE_EM).toFixed(1)}em` : "";
      setText(summary, activeText(next));
      picture.describe(`${label}. ${activeText(next)}`);
      picture.request();
    },
    destroy() {
      picture.destroy();
      input.destroy();
      wrap.remove();
      summary.remove();
    },
  };
}

/**
 * @typedef {import("../../draw/pen.js").Pen} Pen
 * @typedef {import("../../draw/pen.js").Box} Box
 * @typedef {import("../../draw/scales.js").Scale} Scale
 * @typedef {BarsState & {order: number[], top: number}} BarsData
 */

/** @param {Pen} pen @param {number} x @param {number} y @param {number} size */
function diamond(pen, x, y, size) {
  const corners = [x - size, y, x, y - size, x + size, y, x, y + size];
  drawLine(pen, corners, { color: "bg", width: 1.5, closed: true });
  drawLine(pen, corners, { fill: "var" });
}

/**
 * One bar: filled where its unit is active, an empty frame where that is switched off.
 * @param {Pen} pen @param {BarsData} data @param {number} dim
 * @param {number} x @param {number} y @param {number} width @param {number} height
 */
function bar(pen, data, dim, x, y, width, height) {
  if (!data.off?.includes(dim)) {
    fillBox(pen, data.kl[dim] > data.klThreshold ? "kl" : "off", x, y, width, height);
    return;
  }
  const [left, top] = [x + 0.5, y + 0.5];
  const [right, bottom] = [left + Math.max(width - 1, 1), top + Math.max(height - 1, 1)];
  const corners = [left, top, right, top, right, bottom, left, bottom];
  drawLine(pen, corners, { color: "fg2", dash: [3, 2], closed: true });
}

/**
 * One row a dimension, values in words beside it.
 * @param {Pen} pen
 * @param {BarsData} data
 * @returns {import("./bars_input.js").Geometry}
 */
function drawRows(pen, data) {
  const { size, width, height } = pen;
  const { order, kl, varMu, off, died } = data;
  const right = width - Math.round(size * 15);
  const box = boxOf(Math.round(size * 2.4), 0, right, height - Math.round(size * SCALE_EM));
  const x = log([FLOOR, data.top], [box.left, right]);
  const y = band(order.length, [box.top, box.bottom]);
  drawScale(pen, data, box, "x", x);
  const thick = Math.min(y.step * 0.5, size * 1.2);
  order.forEach((dim, i) => {
    bar(pen, data, dim, box.left, y(i) - thick / 2, Math.max(inside(x, kl[dim]) - box.left, 1), thick);
    diamond(pen, inside(x, varMu[dim]), y(i), size * 0.38);
    drawText(pen, dimName(dim), box.left - size * 0.5, y(i), { color: "fg", align: "right" });
    const death = died?.[dim] ?? null;
    const rest = death === null ? `Var(μ) ${formatLoss(varMu[dim])}` : `died at step ${formatCount(death)}`;
    const words = off?.includes(dim) ? "switched off" : `${formatLoss(kl[dim])} nats, ${rest}`;
    drawText(pen, words, right + size * 0.8, y(i), { align: "left" });
  });
  return {
    scale: x,
    upright: true,
    ends: [0, box.bottom - size * 0.5],
    bars: order.map((dim, i) => ({ dim, x: 0, y: y.step * i, width, height: y.step })),
  };
}

/**
 * Many dimensions: thin columns, as many names as fit, a cross over what has died.
 * @param {Pen} pen
 * @param {BarsData} data
 * @returns {import("./bars_input.js").Geometry}
 */
function drawColumns(pen, data) {
  const { size, width, height } = pen;
  const { order, kl, varMu, died } = data;
  const [left, top] = [Math.round(size * 3.4), Math.round(size * 0.6)];
  const box = boxOf(left, top, width - Math.round(size * 0.5), height - Math.round(size * 1.7));
  const x = band(order.length, [left, box.right]);
  const y = log([FLOOR, data.top], [box.bottom, top]);
  drawScale(pen, data, box, "y", y);
  const thick = x.step > 4 ? Math.min(x.step * 0.66, size * THICKEST_EM) : Math.max(x.step - 0.5, 0.75);
  const every = Math.ceil((size * 1.9) / x.step);
  order.forEach((dim, i) => {
    const high = inside(y, kl[dim]);
    bar(pen, data, dim, x(i) - thick / 2, high, thick, Math.max(box.bottom - high, 1));
    if ((died?.[dim] ?? null) !== null && x.step > size * 0.6) {
      const above = Math.min(high, inside(y, varMu[dim])) - size * 1.7;
      drawText(pen, "†", x(i), above, { color: "fg", baseline: "top", relative: 0.92 });
    }
    if (i % every === 0)
      drawText(pen, dimName(dim), x(i), box.bottom + size * 0.4, { baseline: "top", relative: 0.85 });
  });
  const half = Math.max(Math.min(x.step * 0.28, size * 0.3), 1.4);
  for (const [i, dim] of order.entries()) diamond(pen, x(i), inside(y, varMu[dim]), half);
  return {
    scale: y,
    upright: false,
    ends: [left, box.right],
    bars: order.map((dim, i) => ({ dim, x: left + x.step * i, y: 0, width: x.step, height })),
  };
}

/**
 * Decades and the two thresholds; coinciding thresholds (both 0.01 by default) share a line.
 * @param {Pen} flat @param {BarsData} data @param {Box} box @param {"x"|"y"} side @param {Scale} scale
 */
function drawScale(flat, { top, klThreshold, varThreshold }, box, side, scale) {
  const pen = { ...flat, box, x: scale, y: scale };
  const { size } = pen;
  const decades = Array.from({ length: Math.round(Math.log10(top / FLOOR)) + 1 }, (_, i) =>
    Number((FLOOR * 10 ** i).toPrecision(1)),
  );
  // Every decade has its line, and as many as there is room for their number.
  const gap = Math.abs(scale.unit) * Math.LN10;
  const every = Math.ceil((size * (side === "x" ? 3.4 : 1.2)) / Math.max(gap, 1));
  drawAxis(pen, side, decades, { gap: size * 0.4, named: (_, i) => (i - 2) % every === 0 });
  // Apart, each has the hue of what it bounds.
  const apart = klThreshold !== varThreshold;
  const threshold = (/** @type {number} */ value, /** @type {string} */ color) => {
    const at = Math.round(inside(scale, value)) + 0.5;
    const line = side === "x" ? [at, box.top, at, box.bottom] : [box.left, at, box.right, at];
    drawLine(pen, line, { color, width: 1.5, dash: [4, 3] });
  };
  if (apart) threshold(varThreshold, "var");
  threshold(klThreshold, apart ? "kl" : "fg");
}
