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

import { createCanvas, h, reducedMotion, setText } from "../../host/dom.js";
import { createPainter, easeOut } from "../../host/painter.js";
import { formatCount, formatLoss, formatTick, subscript } from "../../maths/format.js";
import { countAbove, extent, stableOrder } from "../../maths/statistics.js";
import { createBarsInput } from "./bars_input.js";

const MOST_ROWS = 6;
/** Heights in units of the type size: a row, the scale under the rows. */
const ROW_EM = 2.4;
const SCALE_EM = 1.7;
/** Columns spread over the width, but not to where they are blocks or far apart. */
const WIDEST_EM = 4.6;
const THICKEST_EM = 2;
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
  const surface = createCanvas("vw-bars-canvas");
  surface.canvas.setAttribute("role", "img");
  const summary = h("p", "vw-note vw-active-count");
  const wrap = h("div", "vw-bars", {}, [surface.canvas]);
  const input = createBarsInput(wrap, { floor: FLOOR, onThreshold, onUnit });
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

  /** @param {number} now */
  function draw(now) {
    surface.resize();
    if (!surface.width || !state) return false;
    const t = Math.min((now - start) / TRAVEL_MS, 1);
    const k = easeOut(Math.max(t, 0));
    // Between logarithms, as the axis is.
    for (let i = 0; i < shown.length; i++) {
      const a = Math.log(Math.max(from[i], FLOOR));
      shown[i] = t >= 1 ? wanted[i] : Math.exp(a + (Math.log(Math.max(wanted[i], FLOOR)) - a) * k);
    }
    surface.clear();
    const picture = { context: surface.context, theme, width: surface.width, height: surface.height };
    const data = {
      ...state,
      kl: shown.subarray(0, order.length),
      varMu: shown.subarray(order.length),
      order,
      top,
    };
    const geometry = order.length <= MOST_ROWS ? drawRows(picture, data) : drawColumns(picture, data);
    input.update(geometry, { top, off: state.off ?? [] });
    return t < 1;
  }

  const painter = createPainter(wrap, draw);
  const observer = new ResizeObserver(() => painter.request());
  observer.observe(wrap);
  const unfollow = theme.onChange(() => painter.request());

  return {
    /** @param {BarsState} next */
    update(next) {
      const n = next.kl.length;
      order = stableOrder(next.kl, state?.kl.length === n ? order : []);
      state = next;
      input.setThresholds(next.klThreshold, next.varThreshold);
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
      surface.canvas.style.height = n <= MOST_ROWS ? `${(ROW_EM * n + SCALE_EM).toFixed(1)}em` : "";
      setText(summary, activeText(next));
      surface.canvas.setAttribute("aria-label", `${label}. ${activeText(next)}`);
      painter.request();
    },
    destroy() {
      painter.destroy();
      observer.disconnect();
      unfollow();
      input.destroy();
      wrap.remove();
      summary.remove();
    },
  };
}

/**
 * @typedef {{context: CanvasRenderingContext2D, theme: Theme, width: number, height: number}} Picture
 * @typedef {BarsState & {order: number[], top: number}} BarsData
 */

/** Share of the axis, 0 at the floor. @param {number} value @param {number} top */
function share(value, top) {
  return Math.min(Math.max(Math.log(Math.max(value, FLOOR) / FLOOR) / Math.log(top / FLOOR), 0), 1);
}

/** @param {number} top @returns {number[]} decades */
function decades(top) {
  const out = [];
  for (let v = FLOOR; v <= top * 1.001; v *= 10) out.push(Number(v.toPrecision(1)));
  return out;
}

/** @param {Picture} picture @param {number} x @param {number} y @param {number} size */
function diamond({ context, theme }, x, y, size) {
  context.beginPath();
  context.moveTo(x - size, y);
  context.lineTo(x, y - size);
  context.lineTo(x + size, y);
  context.lineTo(x, y + size);
  context.closePath();
  context.fillStyle = theme.color("var");
  context.strokeStyle = theme.color("bg");
  context.lineWidth = 1.5;
  context.stroke();
  context.fill();
}

/** @param {Picture} picture @param {string} color @param {[number, number, number, number]} ends @param {boolean} dashed */
function stroke({ context }, color, [x0, y0, x1, y1], dashed) {
  context.strokeStyle = color;
  context.lineWidth = dashed ? 1.5 : 1;
  context.setLineDash(dashed ? [4, 3] : []);
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
  context.setLineDash([]);
}

/**
 * One bar: filled where its unit is active, an empty frame where that is switched off.
 * @param {Picture} picture
 * @param {BarsData} data
 * @param {number} dim
 * @param {[number, number, number, number]} box x, y, width, height
 */
function bar({ context, theme }, data, dim, [x, y, width, height]) {
  if (data.off?.includes(dim)) {
    context.strokeStyle = theme.color("fg2");
    context.lineWidth = 1;
    context.setLineDash([3, 2]);
    context.strokeRect(x + 0.5, y + 0.5, Math.max(width - 1, 1), Math.max(height - 1, 1));
    context.setLineDash([]);
    return;
  }
  context.fillStyle = theme.color(data.kl[dim] > data.klThreshold ? "kl" : "off");
  context.fillRect(x, y, width, height);
}

/**
 * One row a dimension, values in words beside it.
 * @param {Picture} picture
 * @param {BarsData} data
 * @returns {import("./bars_input.js").Geometry}
 */
function drawRows(picture, data) {
  const { context, theme, width, height } = picture;
  const size = theme.fontSize();
  const left = Math.round(size * 2.4);
  const right = width - Math.round(size * 15);
  const step = (height - Math.round(size * SCALE_EM)) / data.order.length;
  const x = (/** @type {number} */ v) => left + share(v, data.top) * (right - left);
  const used = step * data.order.length;
  drawScale(picture, data, (v) => [Math.round(x(v)) + 0.5, 0, Math.round(x(v)) + 0.5, used]);
  context.textBaseline = "middle";
  data.order.forEach((dim, i) => {
    const y = step * (i + 0.5);
    const thick = Math.min(step * 0.5, size * 1.2);
    bar(picture, data, dim, [left, y - thick / 2, Math.max(x(data.kl[dim]) - left, 1), thick]);
    diamond(picture, x(data.varMu[dim]), y, size * 0.38);
    context.font = theme.font(1);
    context.textAlign = "right";
    context.fillStyle = theme.color("fg");
    context.fillText(subscript(`z${dim + 1}`), left - size * 0.5, y);
    context.textAlign = "left";
    context.fillStyle = theme.color("fg2");
    const died = data.died?.[dim] ?? null;
    const variance =
      died === null ? `Var(μ) ${formatLoss(data.varMu[dim])}` : `died at step ${formatCount(died)}`;
    const words = data.off?.includes(dim) ? "switched off" : `${formatLoss(data.kl[dim])} nats, ${variance}`;
    context.fillText(words, right + size * 0.8, y);
  });
  return {
    vertical: true,
    from: 0,
    to: used - size * 0.5,
    low: left,
    high: right,
    bars: data.order.map((dim, i) => ({ dim, x: 0, y: step * i, width, height: step })),
  };
}

/**
 * Many dimensions: thin columns, as many names as fit, a cross over what has died.
 * @param {Picture} picture
 * @param {BarsData} data
 * @returns {import("./bars_input.js").Geometry}
 */
function drawColumns(picture, data) {
  const { context, theme, width, height } = picture;
  const size = theme.fontSize();
  const left = Math.round(size * 3.4);
  const right = width - Math.round(size * 0.5);
  const bottom = height - Math.round(size * 1.7);
  const top = Math.round(size * 0.6);
  const n = data.order.length;
  const step = Math.min((right - left) / n, size * WIDEST_EM);
  const y = (/** @type {number} */ v) => bottom - share(v, data.top) * (bottom - top);
  drawScale(picture, data, (v) => [left, Math.round(y(v)) + 0.5, right, Math.round(y(v)) + 0.5]);
  const thick = step > 4 ? Math.min(step * 0.66, size * THICKEST_EM) : Math.max(step - 0.5, 0.75);
  const every = Math.ceil((size * 1.9) / step);
  context.textAlign = "center";
  context.textBaseline = "top";
  data.order.forEach((dim, i) => {
    const x = left + step * (i + 0.5);
    const high = y(data.kl[dim]);
    bar(picture, data, dim, [x - thick / 2, high, thick, Math.max(bottom - high, 1)]);
    if ((data.died?.[dim] ?? null) !== null && step > size * 0.6) {
      context.font = theme.font(0.92);
      context.fillStyle = theme.color("fg");
      context.fillText("†", x, Math.min(high, y(data.varMu[dim])) - size * 1.7);
    }
    if (i % every === 0) {
      context.font = theme.font(0.85);
      context.fillStyle = theme.color("fg2");
      context.fillText(subscript(`z${dim + 1}`), x, bottom + size * 0.4);
    }
  });
  data.order.forEach((dim, i) => {
    diamond(
      picture,
      left + step * (i + 0.5),
      y(data.varMu[dim]),
      Math.max(Math.min(step * 0.28, size * 0.3), 1.4),
    );
  });
  return {
    vertical: false,
    from: left,
    to: right,
    low: bottom,
    high: top,
    bars: data.order.map((dim, i) => ({ dim, x: left + step * i, y: 0, width: step, height })),
  };
}

/**
 * Decades and the two thresholds; coinciding thresholds (both 0.01 by default) share a line.
 * @param {Picture} picture
 * @param {BarsData} data
 * @param {(value: number) => [number, number, number, number]} place
 */
function drawScale(picture, data, place) {
  const { context, theme } = picture;
  const size = theme.fontSize();
  context.font = theme.font(0.85);
  const values = decades(data.top);
  const vertical = place(FLOOR)[0] === place(FLOOR)[2];
  const gap = Math.abs(place(values[1])[vertical ? 0 : 1] - place(values[0])[vertical ? 0 : 1]);
  // Every decade has its line, and as many as there is room for their number.
  const every = Math.ceil((size * (vertical ? 3.4 : 1.2)) / Math.max(gap, 1));
  values.forEach((value, i) => {
    const [x0, y0, x1, y1] = place(value);
    stroke(picture, theme.color("line"), [x0, y0, x1, y1], false);
    context.fillStyle = theme.color("fg2");
    context.textAlign = vertical ? "center" : "right";
    context.textBaseline = vertical ? "top" : "middle";
    const [tx, ty] = vertical ? [x0, y1 + size * 0.4] : [x0 - size * 0.4, y0];
    if ((i - 2) % every === 0) context.fillText(formatTick(value), tx, ty);
  });
  // Apart, each has the hue of what it bounds.
  const apart = data.klThreshold !== data.varThreshold;
  if (apart) stroke(picture, theme.color("var"), place(data.varThreshold), true);
  stroke(picture, theme.color(apart ? "kl" : "fg"), place(data.klThreshold), true);
}
