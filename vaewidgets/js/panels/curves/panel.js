/**
 * One chart of a few curves on a canvas: ranges as bands, lines, points for the test set, names at the line ends, and
 * a cursor that goes by the pointer or the arrow keys from step to step.
 *
 * @typedef {import("./chart.js").Curve} Curve
 * @typedef {import("../../host/theme.js").Theme} Theme
 * @typedef {{curves: Curve[], title: string, stepsPerEpoch: number|null, log: boolean,
 *   hidden: boolean}} PanelState
 * @typedef {import("../../draw/pen.js").PlotPen} PlotPen
 */
import { drawAxis } from "../../draw/axes.js";
import { boxOf, clipped, drawDot, drawLine, drawText } from "../../draw/pen.js";
import { createPicture } from "../../draw/picture.js";
import { clamp, linear, log, logTicks, ticks } from "../../draw/scales.js";
import { h, listen, OWN_KEYS, setAttributes, setText, show } from "../../host/dom.js";
import { ARROWS, takeKey } from "../../host/input.js";
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
const MOST_LEFT_EM = 5;
const NUMBERS_GAP_PX = 8;
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
 * Why curves stay on a linear axis where a logarithmic one is wanted; empty where they need not.
 * @param {Curve[]} curves
 */
export function noLogarithm(curves) {
  const columns = curves.flatMap(({ mean, low }) => (low ? [mean, low] : [mean]));
  if (columns.some((column) => column.some((value) => value < 0)))
    return "linear: values below 0 have no logarithm";
  const isAbove = columns.some((column) => column.some((value) => value > 0));
  return curves.length && !isAbove ? "linear: no value is above 0" : "";
}

/**
 * Steps and values to pixels and back.
 * @param {Curve[]} curves
 * @param {boolean} isLog
 * @param {Pick<import("../../draw/pen.js").Box, "left"|"right"|"top"|"bottom">} box
 */
export function scalesOf(curves, isLog, { left, right, top, bottom }) {
  const last = curves.map(({ step }) => step[step.length - 1] ?? 0);
  const most = Math.max(1, ...last);
  const least = Math.min(...curves.map(({ step }) => step[0] ?? Number.POSITIVE_INFINITY));
  const first = least > LATE * most && least < most ? least : 0;
  return {
    x: linear([first, most], [left, right]),
    y: (isLog ? log : linear)(verticalRange(curves, isLog), [bottom, top]),
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

/**
 * @param {HTMLElement} el
 * @param {{theme: Theme, onCursor: (step: number|null) => void}} opts
 */
export function createPanel(el, { theme, onCursor }) {
  const title = h("div", "vw-title");
  const plot = h("div", "vw-plot", { tabindex: 0, role: "img", ...OWN_KEYS });
  const wrap = h("div", "vw-panel", { hidden: true }, [title, plot]);
  el.append(wrap);

  /** @type {PanelState} */
  let state = { curves: [], title: "", stepsPerEpoch: null, log: false, hidden: true };
  let isLog = false;
  /** @type {number[]} */
  let steps = [];
  /** The step under the cursor. @type {number | null} */
  let cursor = null;
  let pen = /** @type {PlotPen | null} */ (null);

  const picture = createPicture(plot, {
    theme,
    className: "vw-plot-canvas",
    paint(flat) {
      const { curves, stepsPerEpoch } = state;
      const { size, width, height } = flat;
      const right = width - Math.round(namesWidth(flat, curves));
      const left = curves.length ? Math.round(numbersWidth(flat, curves, isLog)) : 0;
      const bottom = height - Math.round(size * BELOW_EM);
      pen = null;
      if (!curves.length) return drawEmpty(flat);
      if (right <= left || bottom <= size * TOP_EM) return;
      const box = boxOf(left, size * TOP_EM, right, bottom);
      const drawn = { ...flat, box, ...scalesOf(curves, isLog, box) };
      pen = drawn;
      drawAxes(drawn, stepsPerEpoch, isLog);
      clipped(drawn, { ...box, width: box.width + 3, height: box.height + 1 }, () => {
        for (const curve of curves) drawBand(drawn, curve);
        for (const curve of curves) drawMean(drawn, curve);
        if (cursor !== null) drawCursor(drawn, curves, cursor);
      });
      drawNames(drawn, curves);
    },
  });
  // The element around it takes the keys, and says what the picture shows.
  setAttributes(picture.canvas, { role: undefined, "aria-label": undefined });

  /** @param {number | null} step  by hand, so that the others hear of it */
  function point(step) {
    if (step === cursor) return;
    cursor = step;
    picture.request();
    onCursor(step);
  }

  /** @param {PointerEvent} event */
  function onMove(event) {
    if (!pen) return;
    const [x] = localOf(event, plot);
    const inside = x >= pen.box.left && x <= pen.box.right;
    point(inside ? (steps[nearestStep(steps, pen.x.invert(x))] ?? null) : null);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const [dx] = ARROWS[event.key] ?? [0];
    if (!steps.length || !dx) return;
    takeKey(event);
    const jump = event.shiftKey ? Math.max(Math.round(steps.length / 20), 1) : 1;
    const at = cursor === null ? steps.length - 1 : nearestStep(steps, cursor);
    point(steps[clamp(at + dx * jump, 0, steps.length - 1)]);
  }

  const leave = () => point(null);
  listen(plot, {
    pointermove: onMove,
    pointerdown: onMove,
    pointerleave: leave,
    keydown: onKey,
    blur: leave,
  });

  return {
    /** @param {PanelState} next */
    update(next) {
      state = next;
      steps = stepsOf(next.curves);
      show(wrap, !next.hidden);
      const refused = next.log ? noLogarithm(next.curves) : "";
      isLog = next.log && !refused;
      const named = refused ? `${next.title} (${refused})` : next.title;
      setText(title, named);
      const last = next.curves.map(
        (c) => `${c.split} ${lineName(c)} ${formatLoss(c.mean[c.mean.length - 1])}`,
      );
      setAttributes(plot, { "aria-label": `${named}: ${last.join(", ")}` });
      picture.request();
    },
    /** Show the cursor that another panel has. @param {number | null} step */
    setCursor(step) {
      cursor = step;
      picture.request();
    },
    destroy() {
      picture.destroy();
      wrap.remove();
    },
  };
}

/** Axes alone, where the curves are still to come. @param {import("../../draw/pen.js").Pen} pen */
function drawEmpty(pen) {
  const { size, width, height } = pen;
  const [left, bottom] = [size * LEFT_EM, height - size * BELOW_EM].map((at) => Math.round(at) + 0.5);
  drawLine(pen, [left, size * TOP_EM, left, bottom, width - size * RIGHT_EM, bottom], {
    color: "line",
    width: 2,
  });
}

/** Grid lines, their numbers, and what the x axis counts. @param {PlotPen} pen @param {number|null} stepsPerEpoch @param {boolean} isLog */
function drawAxes(pen, stepsPerEpoch, isLog) {
  const { size, box, x, y } = pen;
  const [first, last] = x.domain;
  const perEpoch = stepsPerEpoch ?? 1;
  const count = first && perEpoch === 1 ? formatCount : formatTick; // "50k" again and again says nothing
  const epochs = linear([first / perEpoch, last / perEpoch], x.range);
  drawAxis({ ...pen, x: epochs }, "x", ticks(...epochs.domain, box.width / (size * 5)), {
    gap: 4,
    format: count,
  });
  const style = /** @type {const} */ ({ align: "left", baseline: "top", relative: 0.85 });
  drawText(pen, stepsPerEpoch ? "epoch" : "step", box.right + size * 1.4, box.bottom + 4, style);
  const values = (isLog ? logTicks : ticks)(...y.domain, box.height / (size * (isLog ? 2 : 2.4)));
  drawAxis(pen, "y", values, { gap: 6 });
}

/** Smallest to largest value. @param {PlotPen} pen @param {Curve} curve */
function drawBand(pen, curve) {
  const { step, low, high, name } = curve;
  if (!low || !high) return;
  const places = placesOf(pen, step, high);
  for (let i = low.length - 1; i >= 0; i--) places.push(pen.x(step[i]), pen.y(low[i]));
  drawLine(pen, places, { fill: name, alpha: strokeOf(curve).alpha * BAND_ALPHA });
}

/** @param {PlotPen} pen @param {ArrayLike<number>} step @param {Float32Array} values */
const placesOf = ({ x, y }, step, values) => Array.from(values, (value, i) => [x(step[i]), y(value)]).flat();

/** What cannot be drawn (not finite, not above 0 on logarithms) is spanned. @param {PlotPen} pen @param {Curve} curve */
function drawMean(pen, curve) {
  const { step, mean, name } = curve;
  const { line, dots, ...style } = strokeOf(curve);
  const places = placesOf(pen, step, mean);
  if (line) drawLine(pen, places, { ...style, color: name });
  // A line through a single point shows nothing.
  if (!dots && mean.length > 1) return;
  for (let i = 0; i < places.length; i += 2)
    drawDot(pen, places[i], places[i + 1], 2, { fill: name, alpha: style.alpha });
}

/** A line at the step, and each curve's value in force there. @param {PlotPen} pen @param {Curve[]} curves @param {number} step */
function drawCursor(pen, curves, step) {
  const x = Math.round(pen.x(step)) + 0.5;
  drawLine(pen, [x, pen.box.top, x, pen.box.bottom], { color: "fg2", dash: [3, 3] });
  for (const curve of curves) {
    const i = Array.from(curve.step).findLastIndex((at) => at <= step);
    if (i >= 0) drawDot(pen, pen.x(curve.step[i]), pen.y(curve.mean[i]), 3, { fill: curve.name });
  }
}

/** What stands at a line's end. @param {Curve} curve */
export const endOf = (curve) => `${lineName(curve)} ${formatLoss(curve.mean[curve.mean.length - 1] ?? 0)}`;

/** A text as wide as what stands at a line's end will be: it does not grow with each digit. @param {Curve} curve */
export function roomFor(curve) {
  const usual = `${lineName(curve)} −000.0`;
  const now = endOf(curve).replace(/\d/g, "0");
  return now.length > usual.length ? now : usual;
}

/** Room for the numbers at the left: the usual, or what those at the ends of the axis take. @param {import("../../draw/pen.js").Pen} pen @param {Curve[]} curves @param {boolean} isLog */
function numbersWidth({ context, theme, size }, curves, isLog) {
  context.font = theme.font(0.92);
  const widths = verticalRange(curves, isLog).map(
    (end) => context.measureText(formatTick(Number(end.toPrecision(2)))).width,
  );
  return clamp(Math.max(...widths) + NUMBERS_GAP_PX, size * LEFT_EM, size * MOST_LEFT_EM);
}

/** Room for the names at the line ends: what they take, up to a limit. @param {import("../../draw/pen.js").Pen} pen @param {Curve[]} curves */
function namesWidth({ context, theme, size }, curves) {
  context.font = theme.font(0.92, "600");
  const widths = curves.map((curve) => context.measureText(roomFor(curve)).width);
  return Math.min(Math.max(size * RIGHT_EM, ...widths.map((width) => width + size)), size * MOST_RIGHT_EM);
}

/** Names and last values at the line ends. @param {PlotPen} pen @param {Curve[]} curves */
function drawNames(pen, curves) {
  const { size, box } = pen;
  const bottom = box.bottom - size * 0.6; // clear of what the x axis says there
  const labels = curves
    .filter((curve) => curve.split === "train" && curve.mean.length && !curve.raw && !curve.ghost)
    .map((curve) => {
      const last = curve.mean[curve.mean.length - 1];
      const y = pen.y(last);
      return { curve, y: Number.isFinite(y) ? clamp(y, box.top, bottom) : bottom };
    })
    .sort((a, b) => a.y - b.y);
  // Upper ones keep their place, lower ones make room; then all move up if they ran out below.
  for (let i = 1; i < labels.length; i++) {
    labels[i].y = Math.max(labels[i].y, labels[i - 1].y + size * 1.15);
  }
  const over = Math.max((labels[labels.length - 1]?.y ?? 0) - bottom, 0);
  const style = /** @type {const} */ ({ align: "left", relative: 0.92, weight: "600" });
  for (const { curve, y } of labels) {
    drawText(pen, endOf(curve), box.right + size * 0.5, y - over, { ...style, color: curve.name });
  }
}
