/**
 * The scatter's drawing, as functions of plain state: axes, the prior's circles, points, names, the cursor.
 *
 * @typedef {import("../pen.js").Pen} Pen
 * @typedef {import("../pen.js").PlotPen} PlotPen
 * @typedef {import("../pen.js").Box} Box
 * @typedef {import("../../maths/camera.js").Camera} Camera
 */

import { formatTick, shortened } from "../../maths/format.js";
import { drawAxis } from "../axes.js";
import { drawDot, drawLine, drawText } from "../pen.js";
import { linear, ticks } from "../scales.js";
import { coverOf, placeNames } from "./name_places.js";
import { createDiscs, stamp } from "./stamp.js";

const LONGEST_NAME = 24;

/** A pen on the part of a plane that a camera shows in a box. @param {Pen} pen @param {Camera} camera @param {Box} box @returns {PlotPen} */
export function onPlane(pen, { cx, cy, scale }, box) {
  const [across, up] = [box.width / 2 / scale, box.height / 2 / scale];
  const x = linear([cx - across, cx + across], [box.left, box.right]);
  return { ...pen, box, x, y: linear([cy - up, cy + up], [box.bottom, box.top]) };
}

/** Radius in CSS pixels that keeps a cloud of n points readable. @param {number} n */
export function pointRadius(n) {
  if (n <= 6000) return n <= 400 ? 4 : n <= 2500 ? 3 : 2.4;
  // Where there are more points than pixels, larger ones would only hide each other.
  return n <= 100_000 ? 1.9 : n <= 300_000 ? 1.3 : 0.8;
}

/**
 * A layer for the points: pixels of our own, laid over the picture in one piece.
 */
export function createPointLayer() {
  const canvas = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  /** @type {ImageData | null} */
  let image = null;
  let pixels = new Uint32Array(0); // the same
  let discs = createDiscs(1, 1);
  let faint = discs;
  let size = 0;

  /** @param {number} width @param {number} height @returns {ImageData} empty, of this size */
  function blank(width, height) {
    if (!image || image.width !== width || image.height !== height) {
      canvas.width = width;
      canvas.height = height;
      image = context.createImageData(width, height);
      pixels = new Uint32Array(image.data.buffer);
    } else {
      pixels.fill(0);
    }
    return image;
  }

  return {
    /** @param {PlotPen} pen @param {Cloud} cloud */
    draw(pen, { points, labels, selected = null, shown, colors: own }) {
      const { theme, ratio, box } = pen;
      const radius = (pointRadius(points.length / 2) * pen.size * ratio) / 13;
      if (radius !== size) {
        size = radius;
        discs = createDiscs(radius, 0.8);
        faint = createDiscs(radius, 0.1);
      }
      const width = Math.round(box.width * ratio);
      const height = Math.round(box.height * ratio);
      const drawn = blank(width, height);
      const scale = pen.x.unit * ratio;
      const x0 = (pen.x(0) - box.left) * ratio;
      const y0 = (pen.y(0) - box.top) * ratio;
      const colors = own ?? theme.classBytes(labels);
      for (let pass = selected ? 0 : 1; pass < 2; pass++) {
        const shape = pass === 0 ? faint : discs;
        for (let i = 0; i < points.length / 2; i++) {
          const x = points[2 * i] * scale + x0;
          if (!(x > -99 && x < width + 99) || (selected && selected.has(i) !== (pass === 1))) continue;
          if (shown && !shown[i]) continue;
          const at = own ? 3 * i : labels && labels[i] >= 0 ? 3 * labels[i] + 3 : 0;
          stamp(pixels, width, height, x, y0 - points[2 * i + 1] * scale, shape, colors, at);
        }
      }
      context.putImageData(drawn, 0, 0);
      pen.context.drawImage(canvas, box.left, box.top, box.width, box.height);
    },
  };
}

/**
 * @typedef {{label: number, px: number, py: number, half: number}} Mark  a name: its middle and half its width, CSS pixels
 * @typedef {{points: Float32Array, labels: Int32Array|null, selected?: Set<number>|null, shown?: Uint8Array|null,
 *   colors?: Uint8Array|null}} Cloud  colors: r, g, b a point, in place of its class's
 */

/**
 * Posteriors as ellipses of one standard deviation.
 * @param {PlotPen} pen
 * @param {Cloud & {spread: Float32Array}} cloud spread: entries 11, 12, 22 of the covariance a point
 * @param {Iterable<number>} indices
 * @param {{alpha: number, width: number, color?: string}} style
 */
export function drawEllipses(pen, { points, spread, labels, colors }, indices, { alpha, width, color }) {
  const { context, theme } = pen;
  context.globalAlpha = alpha;
  context.lineWidth = (width * pen.size) / 13;
  for (const i of indices) {
    const [a, b, c] = spread.subarray(3 * i, 3 * i + 3);
    const half = (a + c) / 2;
    const off = Math.hypot((a - c) / 2, b);
    const [x, y] = [pen.x(points[2 * i]), pen.y(points[2 * i + 1])];
    if (!Number.isFinite(x + y + half)) continue;
    const own = colors ? `rgb(${colors.subarray(3 * i, 3 * i + 3).join(" ")})` : null;
    context.strokeStyle = color ?? own ?? theme.classColor(labels ? labels[i] : -1);
    context.beginPath();
    const long = Math.sqrt(half + off) * pen.x.unit;
    const short = Math.sqrt(Math.max(half - off, 0)) * pen.x.unit;
    context.ellipse(x, y, long, short, -Math.atan2(2 * b, a - c) / 2, 0, 2 * Math.PI);
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** Ticks at the left and below, faint lines through them, and names. @param {PlotPen} pen @param {[string, string]} names */
export function drawAxes(pen, names) {
  const { context, theme, box, size, x, y } = pen;
  context.font = theme.font(0.85);
  const free = box.right - context.measureText(names[0]).width * 1.3 - size;
  // The same spacing on both axes, since they share a scale.
  const room = size * 5.5;
  drawAxis(pen, "x", ticks(...x.domain, box.width / room), { gap: size * 0.45, named: (at) => at < free });
  drawAxis(pen, "y", ticks(...y.domain, box.height / room), {
    gap: size * 0.5,
    named: (at) => at > box.top + size * 0.6,
  });
  const style = /** @type {const} */ ({ color: "fg", weight: "600", baseline: "top" });
  drawText(pen, names[0], box.right, box.bottom + size * 0.35, { ...style, align: "right" });
  const [left, top] = [box.left + size * 0.4, box.top + size * 0.1];
  drawText(pen, names[1], left, top, { ...style, align: "left", halo: 3 });
}

/**
 * The prior N(0, I): dashed circles at one and two standard deviations.
 * @param {PlotPen} pen
 * @param {{center: [number, number], radii: number[]}} prior
 */
export function drawPrior(pen, { center, radii }) {
  const [px, py] = [pen.x(center[0]), pen.y(center[1])];
  for (const radius of radii) {
    const wide = radius * pen.x.unit;
    // A thin veil below it: the dashes are to be seen among points, too.
    drawDot(pen, px, py, wide, { color: "bg", width: 3, alpha: 0.5 });
    drawDot(pen, px, py, wide, { color: "fg2", width: 1, dash: [4, 4] });
    drawText(pen, `${formatTick(radius)}σ`, px, py - wide - 2, {
      baseline: "bottom",
      relative: 0.85,
      halo: 3,
    });
  }
}

/**
 * Where "1σ" and "2σ" stand.
 * @param {PlotPen} pen @param {{center: [number, number], radii: number[]}} prior
 * @returns {import("./name_places.js").Rect[]}
 */
export function priorLabels({ x, y, size }, { center, radii }) {
  return radii.map((radius) => ({
    x: x(center[0]),
    y: y(center[1]) - radius * x.unit - size * 0.6,
    half: size,
    high: size * 0.6,
  }));
}

/**
 * Class names near the places of their classes; see name_places.js. A line leads from a name to its class where they do
 * not touch.
 * @param {PlotPen} pen
 * @param {{points: Float32Array, shown?: Uint8Array|null}} cloud
 * @param {{anchors: Map<number, number>, nameOf: (label: number) => string, isOn?: (label: number) => boolean,
 *   taken: import("./name_places.js").Rect[], previous: Map<number, number>}} names  anchors: number of the point that
 *   stands for a class; isOn: whether the class is shown; taken: what no name may cover; previous: the choices of the
 *   picture before, which are replaced
 * @returns {Mark[]} where they stand
 */
export function drawClassNames(pen, { points, shown = null }, names) {
  const { anchors, nameOf, isOn = () => true, taken, previous } = names;
  const { context, theme, size, box } = pen;
  const height = size * 1.3;
  const style = { relative: 1.1, weight: "700", halo: size * 0.36 };
  context.font = theme.font(style.relative, style.weight);
  const marks = [...anchors].map(([label, i]) => {
    const [ax, ay] = [pen.x(points[2 * i]), pen.y(points[2 * i + 1])];
    const text = shortened(nameOf(label), LONGEST_NAME);
    const half = context.measureText(text).width / 2 + 3;
    return { label, text, ax, ay, px: ax, py: ay, half };
  });
  const wanted = marks.map(({ label, ax, ay, half }) => ({ label, x: ax, y: ay, half }));
  const places = placeNames(wanted, { height, box, cover: coverOf(points, shown, pen), taken, previous });
  previous.clear();
  for (const [label, { choice }] of places) previous.set(label, choice);
  const placed = marks.filter(({ label }) => places.has(label));
  for (const mark of placed) {
    const { x, y } = /** @type {import("./name_places.js").Place} */ (places.get(mark.label));
    [mark.px, mark.py] = [x, y];
    lead(pen, mark, height / 2);
  }
  for (const { label, text, px, py } of placed)
    drawText(pen, text, px, py, { ...style, color: isOn(label) ? "fg" : "fg3" });
  return placed;
}

/**
 * From a name to its class.
 * @param {PlotPen} pen
 * @param {{ax: number, ay: number, px: number, py: number, half: number}} mark @param {number} high half the height
 */
function lead(pen, { ax, ay, px, py, half }, high) {
  const [dx, dy] = [ax - px, ay - py];
  // Where the line leaves the name's box.
  const share = Math.min(half / Math.max(Math.abs(dx), 1e-9), high / Math.max(Math.abs(dy), 1e-9));
  if (share >= 1) return;
  const [x, y] = [px + share * dx, py + share * dy];
  if (Math.hypot(ax - x, ay - y) < high) return;
  pen.context.lineCap = "round";
  drawLine(pen, [x, y, ax, ay], { color: "bg", width: 3 });
  drawLine(pen, [x, y, ax, ay], { color: "fg" });
  pen.context.lineCap = "butt";
}

/**
 * What follows the pointer: cross hair, the mark of z, a ring round the nearest point.
 * @param {Pen & {box: Box}} pen
 * @param {{at: [number, number]|null, near: [number, number]|null, hair: boolean}} cursor CSS pixels
 */
export function drawCursor(pen, { at, near, hair }) {
  if (!at) return;
  const { left, top, right, bottom } = pen.box;
  const unit = pen.size / 13;
  if (hair) {
    const [x, y] = [Math.round(at[0]) + 0.5, Math.round(at[1]) + 0.5];
    drawLine(pen, [x, top, x, bottom], { color: "fg2", dash: [2, 3] });
    drawLine(pen, [left, y, right, y], { color: "fg2", dash: [2, 3] });
  }
  if (near) {
    drawLine(pen, [...at, ...near], { color: "fg2" });
    drawDot(pen, ...near, 6 * unit, { color: "bg", width: 4 * unit });
    drawDot(pen, ...near, 6 * unit, { color: "fg", width: 1.5 * unit });
  }
  drawDot(pen, ...at, 6 * unit, { color: "bg", width: 5.5 * unit });
  drawDot(pen, ...at, 6 * unit, { color: "accent", width: 2.5 * unit });
  drawDot(pen, ...at, 1.8 * unit, { fill: "accent" });
}

/** @param {Pen} pen @param {ArrayLike<number>} path flat CSS pixels */
export function drawLasso(pen, path) {
  if (path.length < 4) return;
  drawLine(pen, path, { fill: "accent", alpha: 0.1 });
  drawLine(pen, path, { color: "accent", width: 1.5, closed: true });
}
