/**
 * What is drawn on a canvas, in CSS pixels: lines, shapes, dots and words, each with its style in one place. A color is a
 * name of the theme's (`ColorName`) or any other of CSS.
 *
 * @typedef {import("../host/theme.js").Theme} Theme
 * @typedef {import("../host/theme.js").ColorName} ColorName
 * @typedef {import("./scales.js").Scale} Scale
 * @typedef {{context: CanvasRenderingContext2D, theme: Theme, size: number, width: number, height: number,
 *   ratio: number}} Pen  size: of type; width, height: of the canvas; ratio: its pixels for each CSS pixel
 * @typedef {{left: number, top: number, right: number, bottom: number, width: number, height: number}} Box
 * @typedef {Pen & {box: Box, x: Scale, y: Scale}} PlotPen  box: the plot's area; x, y: data units to CSS pixels
 */

/** @param {number} left @param {number} top @param {number} right @param {number} bottom @returns {Box} of 8 pixels at least */
export function boxOf(left, top, right, bottom) {
  const [width, height] = [Math.max(right - left, 8), Math.max(bottom - top, 8)];
  return { left, top, right: left + width, bottom: top + height, width, height };
}

/** @param {Pick<Pen, "theme">} pen @param {string} color */
export const inkOf = ({ theme }, color) =>
  /^\w+$/.test(color) ? theme.color(/** @type {ColorName} */ (color)) : color;

/**
 * A line through places, or a shape. Places that are no numbers are left out.
 * @param {Pen} pen
 * @param {ArrayLike<number>} places x0, y0, x1, y1, …
 * @param {{color?: string, width?: number, dash?: number[], alpha?: number, closed?: boolean, fill?: string}} style
 *   fill: what is inside, closed; without a color there is no line; alpha: of both
 */
export function drawLine(pen, places, { closed = false, ...style }) {
  const { context } = pen;
  context.beginPath();
  for (let i = 0; i < places.length; i += 2) context.lineTo(places[i], places[i + 1]);
  if (closed || style.fill) context.closePath();
  finish(pen, style);
}

/**
 * A disc, a ring, or both.
 * @param {Pen} pen @param {number} x @param {number} y @param {number} radius
 * @param {{color?: string, width?: number, dash?: number[], alpha?: number, fill?: string}} style as of `drawLine`
 */
export function drawDot(pen, x, y, radius, style) {
  pen.context.beginPath();
  pen.context.arc(x, y, radius, 0, 2 * Math.PI);
  finish(pen, { width: 2, ...style });
}

/**
 * @param {Pen} pen
 * @param {{color?: string, width?: number, dash?: number[], alpha?: number, fill?: string}} style
 */
function finish(pen, { color, width = 1, dash = [], alpha = 1, fill }) {
  const { context } = pen;
  context.globalAlpha = alpha;
  if (fill) {
    context.fillStyle = inkOf(pen, fill);
    context.fill();
  }
  if (color) {
    context.strokeStyle = inkOf(pen, color);
    context.lineWidth = width;
    context.lineJoin = "round";
    context.setLineDash(dash);
    context.stroke();
    context.setLineDash([]);
  }
  context.globalAlpha = 1;
}

/**
 * @param {Pen} pen @param {string} color
 * @param {number} x @param {number} y @param {number} width @param {number} height
 */
export function fillBox(pen, color, x, y, width, height) {
  pen.context.fillStyle = inkOf(pen, color);
  pen.context.fillRect(x, y, width, height);
}

/**
 * @param {Pen} pen
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {{color?: string, align?: CanvasTextAlign, baseline?: CanvasTextBaseline, relative?: number,
 *   weight?: string, halo?: number, alpha?: number}} [style]
 *   relative: to the size of type; halo: width of a border in the background's color
 */
export function drawText(pen, text, x, y, style = {}) {
  const { context, theme } = pen;
  context.font = theme.font(style.relative, style.weight);
  context.textAlign = style.align ?? "center";
  context.textBaseline = style.baseline ?? "middle";
  context.globalAlpha = style.alpha ?? 1;
  if (style.halo) {
    context.strokeStyle = theme.color("bg");
    context.lineWidth = style.halo;
    context.lineJoin = "round";
    context.strokeText(text, x, y);
  }
  context.fillStyle = inkOf(pen, style.color ?? "fg2");
  context.fillText(text, x, y);
  context.globalAlpha = 1;
}

/** Leave out what lies outside of a box. @param {Pen} pen @param {Pick<Box, "left"|"top"|"width"|"height">} box @param {() => void} draw */
export function clipped({ context }, { left, top, width, height }, draw) {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  draw();
  context.restore();
}

/**
 * A function of x as a line, or as the area between it and zero.
 * @param {PlotPen} pen
 * @param {(x: number) => number} f
 * @param {{color?: string, width?: number, dash?: number[], alpha?: number, fill?: string}} style as of `drawLine`
 */
export function drawCurve(pen, f, style) {
  const [lo, hi] = pen.x.domain;
  // Two points a pixel: a narrow peak must not lose its top.
  const n = Math.max(Math.ceil(2 * (pen.x(hi) - pen.x(lo))), 2);
  const places = style.fill ? [pen.x(lo), pen.y(0)] : [];
  for (let i = 0; i <= n; i++) {
    const value = lo + ((hi - lo) * i) / n;
    places.push(pen.x(value), pen.y(f(value)));
  }
  if (style.fill) places.push(pen.x(hi), pen.y(0));
  drawLine(pen, places, style);
}
