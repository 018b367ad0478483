/**
 * One chart of a few curves on a canvas: ranges as bands, lines, points for the test set, names at the line ends, and
 * a cursor that goes by the pointer or the arrow keys from step to step.
 *
 * @typedef {import("./chart.js").Curve} Curve
 * @typedef {import("../../host/theme.js").Theme} Theme
 * @typedef {import("../../host/theme.js").ColorName} ColorName
 * @typedef {{curves: Curve[], title: string, stepsPerEpoch: number|null, log: boolean}} PanelState
 * @typedef {{left: number, right: number, top: number, bottom: number}} Box  in CSS pixels
 * @typedef {{box: Box, lo: number, hi: number, first: number, x(step: number): number, y(value: number): number,
 *   step(x: number): number, drawable(value: number): boolean}} Scale
 */
import { logTicks, ticks } from "../../draw/scales.js";
import { createCanvas, h, OWN_KEYS, setText, show } from "../../host/dom.js";
import { localOf } from "../../host/pointer.js";
import { formatCount, formatLoss, formatTick } from "../../maths/format.js";
import { extent } from "../../maths/statistics.js";
import { lineName, strokeOf } from "./runs.js";

/** Share of the first points that may leave the top: the first steps are ten times the rest. */
const SETTLING = 0.04;
/** Curves that begin beyond this share of the axis are those of a resumed run: the axis begins with them. */
const LATE = 0.5;
/** How much of its line's color a range has. */
const BAND_ALPHA = 0.17;
/** Room around the plot, in units of the type size: numbers at the left and below, names at the right. */
const LEFT_EM = 3.4;
const BELOW_EM = 1.9;
const RIGHT_EM = 6.6;
const MOST_RIGHT_EM = 13;
const TOP_EM = 0.5;

/**
 * A vertical range that follows the settled part of the curves.
 * @param {Curve[]} curves
 * @param {boolean} log
 * @returns {[number, number]}
 */
export function verticalRange(curves, log) {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  for (const { mean, low, high, split, ghost } of curves) {
    if (ghost && curves.some((curve) => !curve.ghost && curve.mean.length > 1)) continue;
    const skip = split === "train" && mean.length > 24 && !log ? Math.ceil(mean.length * SETTLING) : 0;
    for (const column of [mean, low, high]) {
      if (!column) continue;
      const values = column.subarray(column === high ? skip : Math.min(skip, column.length));
      const found = extent(log ? values.filter((v) => v > 0) : values);
      if (found) {
        lo = Math.min(lo, found[0]);
        hi = Math.max(hi, found[1]);
      }
    }
  }
  if (!(lo <= hi)) return log ? [1, 10] : [0, 1];
  if (log) return [lo / 1.15, hi * 1.15];
  const pad = Math.max((hi - lo) * 0.1, Math.abs(hi) * 1e-3, 1e-9);
  return [lo >= 0 ? Math.max(lo - pad, 0) : lo - pad, hi + pad];
}

/**
 * Steps and values to pixels and back.
 * @param {Curve[]} curves
 * @param {boolean} log
 * @param {Box} box
 * @returns {Scale}
 */
export function createScale(curves, log, box) {
  const last = curves.map(({ step }) => step[step.length - 1] ?? 0);
  const most = Math.max(1, ...last);
  const least = Math.min(...curves.map(({ step }) => step[0] ?? Number.POSITIVE_INFINITY));
  const first = least > LATE * most && least < most ? least : 0;
  const perStep = (box.right - box.left) / (most - first);
  const [lo, hi] = verticalRange(curves, log);
  const height = (/** @type {number} */ value) => (log ? Math.log(value) : value);
  const unit = (box.bottom - box.top) / (height(hi) - height(lo));
  return {
    box,
    lo,
    hi,
    first,
    x: (step) => box.left + (step - first) * perStep,
    y: (value) => box.bottom - (height(value) - height(lo)) * unit,
    step: (x) => first + (x - box.left) / perStep,
    drawable: (value) => Number.isFinite(value) && !(log && value <= 0),
  };
}

/**
 * All steps at which any curve has a point, rising.
 * @param {Curve[]} curves
 * @returns {number[]}
 */
export function stepsOf(curves) {
  return [...new Set(curves.flatMap(({ step }) => Array.from(step)))].sort((a, b) => a - b);
}

/**
 * Index of the step nearest to a place.
 * @param {number[]} steps rising
 * @param {number} at
 * @returns {number} -1 if there is none
 */
export function nearestStep(steps, at) {
  const after = steps.findIndex((step) => step >= at);
  if (after < 0) return steps.length - 1;
  return after > 0 && at - steps[after - 1] < steps[after] - at ? after - 1 : after;
}

/** @param {Curve} curve */
const hue = (curve) => /** @type {ColorName} */ (curve.name);

/**
 * @param {HTMLElement} el
 * @param {{theme: Theme, onCursor: (step: number|null) => void}} opts
 */
export function createPanel(el, { theme, onCursor }) {
  const title = h("div", "vw-title");
  const surface = createCanvas("vw-plot-canvas");
  const plot = h("div", "vw-plot", { tabindex: 0, role: "img", ...OWN_KEYS }, [surface.canvas]);
  const wrap = h("div", "vw-panel", { hidden: true }, [title, plot]);
  el.append(wrap);

  /** @type {PanelState} */
  let state = { curves: [], title: "", stepsPerEpoch: null, log: false };
  /** @type {number[]} */
  let steps = [];
  /** The step under the cursor. @type {number | null} */
  let cursor = null;
  /** @type {Scale | null} */
  let scale = null;

  function draw() {
    surface.resize();
    surface.clear();
    const { width, height, context } = surface;
    const size = theme.fontSize();
    scale = null;
    if (!state.curves.length || !width || !height) return;
    const box = {
      left: Math.round(size * LEFT_EM),
      right: width - Math.round(namesWidth(context, theme, state.curves)),
      top: size * TOP_EM,
      bottom: height - Math.round(size * BELOW_EM),
    };
    if (box.right <= box.left || box.bottom <= box.top) return;
    scale = createScale(state.curves, state.log, box);
    const picture = { context, theme, size, scale, log: state.log };
    drawAxes(picture, state.stepsPerEpoch);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.right - box.left + 3, box.bottom - box.top + 1);
    context.clip();
    for (const curve of state.curves) drawBand(picture, curve);
    for (const curve of state.curves) drawLine(picture, curve);
    if (cursor !== null) drawCursor(picture, state.curves, cursor);
    context.restore();
    drawNames(picture, state.curves);
  }

  /** @param {number | null} step  by hand, so that the others hear of it */
  function point(step) {
    if (step === cursor) return;
    cursor = step;
    draw();
    onCursor(step);
  }

  /** @param {PointerEvent} event */
  function onMove(event) {
    if (!scale) return;
    const [x] = localOf(event, surface.canvas);
    const inside = x >= scale.box.left && x <= scale.box.right;
    point(inside ? (steps[nearestStep(steps, scale.step(x))] ?? null) : null);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (!steps.length || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
    event.preventDefault();
    event.stopPropagation();
    const jump = event.shiftKey ? Math.max(Math.round(steps.length / 20), 1) : 1;
    const at = cursor === null ? steps.length - 1 : nearestStep(steps, cursor);
    const to = at + (event.key === "ArrowLeft" ? -jump : jump);
    point(steps[Math.min(Math.max(to, 0), steps.length - 1)]);
  }

  const abort = new AbortController();
  const { signal } = abort;
  plot.addEventListener("pointermove", onMove, { signal });
  plot.addEventListener("pointerdown", onMove, { signal });
  plot.addEventListener("pointerleave", () => point(null), { signal });
  plot.addEventListener("keydown", onKey, { signal });
  plot.addEventListener("blur", () => point(null), { signal });

  return {
    /** @param {PanelState} next */
    update(next) {
      state = next;
      steps = stepsOf(next.curves);
      show(wrap, next.curves.length > 0);
      setText(title, next.title);
      const last = next.curves.map(
        (c) => `${c.split} ${lineName(c)} ${formatLoss(c.mean[c.mean.length - 1])}`,
      );
      plot.setAttribute("aria-label", `${next.title}: ${last.join(", ")}`);
      draw();
    },
    /** Show the cursor that another panel has. @param {number | null} step */
    setCursor(step) {
      cursor = step;
      draw();
    },
    destroy() {
      abort.abort();
      wrap.remove();
    },
  };
}

/**
 * @typedef {{context: CanvasRenderingContext2D, theme: Theme, size: number, scale: Scale, log: boolean}} Picture
 *   size of the type in pixels
 */

/** Grid lines, their numbers, and what the x axis counts. @param {Picture} picture @param {number|null} stepsPerEpoch */
function drawAxes({ context, theme, size, scale, log }, stepsPerEpoch) {
  const { box, lo, hi } = scale;
  const epochs = stepsPerEpoch ?? 1;
  const most = scale.step(box.right) / epochs;
  context.font = theme.font(0.85);
  context.fillStyle = theme.color("fg2");
  context.strokeStyle = theme.color("line");
  context.lineWidth = 1;
  context.beginPath();
  context.textAlign = "center";
  context.textBaseline = "top";
  const format = scale.first && epochs === 1 ? formatCount : formatTick; // "50k" again and again says nothing
  for (const value of ticks(scale.first / epochs, most, (box.right - box.left) / (size * 5))) {
    const x = Math.round(scale.x(value * epochs)) + 0.5;
    context.moveTo(x, box.top);
    context.lineTo(x, box.bottom);
    context.fillText(format(value), x, box.bottom + 4);
  }
  context.textAlign = "left";
  context.fillText(stepsPerEpoch ? "epoch" : "step", box.right + size * 1.4, box.bottom + 4);
  context.textAlign = "right";
  context.textBaseline = "middle";
  const room = (box.bottom - box.top) / (size * (log ? 2 : 2.4));
  for (const value of log ? logTicks(lo, hi, room) : ticks(lo, hi, room)) {
    const y = Math.round(scale.y(value)) + 0.5;
    context.moveTo(box.left, y);
    context.lineTo(box.right, y);
    context.fillText(formatTick(value), box.left - 6, y);
  }
  context.stroke();
}

/** Smallest to largest value. @param {Picture} picture @param {Curve} curve */
function drawBand({ context, theme, scale }, curve) {
  const { step, low, high } = curve;
  if (!low || !high) return;
  context.beginPath();
  for (let i = 0; i < high.length; i++) {
    if (scale.drawable(high[i])) context.lineTo(scale.x(step[i]), scale.y(high[i]));
  }
  for (let i = low.length - 1; i >= 0; i--) {
    if (scale.drawable(low[i])) context.lineTo(scale.x(step[i]), scale.y(low[i]));
  }
  context.globalAlpha = strokeOf(curve).alpha * BAND_ALPHA;
  context.fillStyle = theme.color(hue(curve));
  context.fill();
  context.globalAlpha = 1;
}

/** What cannot be drawn (not finite, not above 0 on logarithms) is spanned. @param {Picture} picture @param {Curve} curve */
function drawLine({ context, theme, scale }, curve) {
  const { step, mean } = curve;
  const { dash, width, alpha, line, dots } = strokeOf(curve);
  const color = theme.color(hue(curve));
  context.strokeStyle = color;
  context.fillStyle = color;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.globalAlpha = alpha;
  context.setLineDash(dash);
  context.beginPath();
  for (let i = 0; line && i < mean.length; i++) {
    if (scale.drawable(mean[i])) context.lineTo(scale.x(step[i]), scale.y(mean[i]));
  }
  context.stroke();
  context.setLineDash([]);
  // A line through a single point shows nothing.
  for (let i = 0; (dots || mean.length === 1) && i < mean.length; i++) {
    if (scale.drawable(mean[i])) dot(context, scale.x(step[i]), scale.y(mean[i]), 2);
  }
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius */
function dot(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** A line at the step, and each curve's value in force there. @param {Picture} picture @param {Curve[]} curves @param {number} step */
function drawCursor({ context, theme, scale }, curves, step) {
  const x = Math.round(scale.x(step)) + 0.5;
  context.strokeStyle = theme.color("fg2");
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(x, scale.box.top);
  context.lineTo(x, scale.box.bottom);
  context.stroke();
  context.setLineDash([]);
  for (const curve of curves) {
    const i = Array.from(curve.step).findLastIndex((at) => at <= step);
    if (i < 0 || !scale.drawable(curve.mean[i])) continue;
    context.fillStyle = theme.color(hue(curve));
    dot(context, scale.x(curve.step[i]), scale.y(curve.mean[i]), 3);
  }
}

/** Room for the names at the line ends: what they take, up to a limit. @param {CanvasRenderingContext2D} context @param {Theme} theme @param {Curve[]} curves */
function namesWidth(context, theme, curves) {
  const size = theme.fontSize();
  context.font = theme.font(0.92, "600");
  const widths = curves.map((curve) => context.measureText(`${lineName(curve)} 000.0`).width);
  return Math.min(Math.max(size * RIGHT_EM, ...widths.map((width) => width + size)), size * MOST_RIGHT_EM);
}

/** Names and last values at the line ends. @param {Picture} picture @param {Curve[]} curves */
function drawNames({ context, theme, size, scale }, curves) {
  const { top, right } = scale.box;
  const bottom = scale.box.bottom - size * 0.6; // clear of what the x axis says there
  const labels = curves
    .filter((curve) => curve.split === "train" && curve.mean.length && !curve.raw && !curve.ghost)
    .map((curve) => {
      const last = curve.mean[curve.mean.length - 1];
      const y = scale.drawable(last) ? scale.y(last) : bottom;
      return { curve, last, y: Math.min(Math.max(y, top), bottom) };
    })
    .sort((a, b) => a.y - b.y);
  // Upper ones keep their place, lower ones make room; then all move up if they ran out below.
  for (let i = 1; i < labels.length; i++) {
    labels[i].y = Math.max(labels[i].y, labels[i - 1].y + size * 1.15);
  }
  const over = Math.max((labels[labels.length - 1]?.y ?? 0) - bottom, 0);
  context.font = theme.font(0.92, "600");
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const { curve, last, y } of labels) {
    context.fillStyle = theme.color(hue(curve));
    context.fillText(`${lineName(curve)} ${formatLoss(last)}`, right + size * 0.5, y - over);
  }
}
