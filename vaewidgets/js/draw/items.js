/**
 * Items as pictures. Images, planes of volumes and heat maps are pixels; bars and lines are drawn at the resolution of the
 * screen, all on the one axis of their data.
 *
 * @typedef {import("../contract/types.js").RunInfo} RunInfo
 * @typedef {import("./pen.js").Pen} Pen
 * @typedef {import("./scales.js").Scale} Scale
 * @typedef {{draw: "images" | import("../contract/types.js").Draw, vector: boolean, length: number, shape: ImageShape,
 *   wide: number, high: number, count: number, lines: number, step: [number, number], range: [number, number],
 *   names: string[] | null}} Items
 *   vector: no pixels; length: values of an item; shape: of its pixels; wide, high: proportions of a tile; count: places
 *   of a line, bars, or rows of a heat map; lines: values of each; step: from place to place, and from line to line
 * @typedef {[number, number, number]} ImageShape  channels, height, width
 */
import { size } from "../contract/bytes.js";
import { formatNumber, formatTick } from "../maths/format.js";
import { drawAxis } from "./axes.js";
import { boxOf, drawLine, drawText, fillBox, inkOf } from "./pen.js";
import { rampTable } from "./ramp.js";
import { clamp, inside, linear, ticks } from "./scales.js";

/** How the items of a run are drawn: images, where it does not say. @param {Pick<RunInfo, "image_shape" | "items">} run @returns {Items} */
export function itemsOf({ image_shape, items }) {
  const [channels, height, width] = image_shape;
  const { draw = "images", shape = image_shape, range = [0, 1], names = null } = items ?? {};
  const vector = draw === "bars" || draw === "line";
  const [rows, lines = 1] = draw === "heatmap" ? [height, width] : shape;
  const columns = draw === "slices" ? columnsOf(channels) : 1;
  const wide = width * columns;
  const high = draw === "slices" ? height * Math.ceil(channels / columns) : height;
  // A heat map may be stretched, an image may not.
  const [across, down] = vector
    ? [4, 3]
    : draw === "heatmap"
      ? [clamp(wide / high, 0.5, 2), 1]
      : [wide, high];
  const first = draw === "line" && items?.channels === "first" && shape.length > 1;
  return {
    draw,
    vector,
    length: size(image_shape),
    shape: [channels, high, wide],
    wide: across,
    high: down,
    count: first ? lines : rows,
    lines: first ? rows : lines,
    step: first ? [1, lines] : [lines, 1],
    range,
    names,
  };
}

/** Planes in a row, beside and under each other. @param {number} channels */
const columnsOf = (channels) => Math.ceil(Math.sqrt(channels));

/** @param {ArrayLike<number>} bytes @param {Items} items @param {number} i @param {number} line */
function valueAt(bytes, { step, range: [lo, hi] }, i, line) {
  return lo + ((hi - lo) * bytes[i * step[0] + line * step[1]]) / 255;
}

/**
 * A line of an item as places x0, y0, x1, y1, …; of many more values than columns, the least and the greatest a column.
 * @param {ArrayLike<number>} bytes @param {Items} items @param {number} line @param {Scale} x @param {Scale} y
 * @param {number} columns
 */
export function traceOf(bytes, items, line, x, y, columns) {
  const { count } = items;
  const each = Math.max(count / columns / 2, 1);
  /** @type {number[]} */
  const places = [];
  for (let start = 0; start < count; start += each) {
    const [first, stop] = [Math.floor(start), Math.min(Math.floor(start + each), count)];
    let [low, high] = [first, first];
    for (let i = first; i < stop; i++) {
      const value = valueAt(bytes, items, i, line);
      if (value < valueAt(bytes, items, low, line)) low = i;
      if (value > valueAt(bytes, items, high, line)) high = i;
    }
    for (const i of new Set([Math.min(low, high), Math.max(low, high)]))
      places.push(x(i), y(valueAt(bytes, items, i, line)));
  }
  return places;
}

/**
 * Bars from 0, or from the end of the axis that is nearest to it: left, top, width, height of each, on whole pixels.
 * @param {ArrayLike<number>} bytes @param {Items} items @param {Scale} x @param {Scale} y @param {number} ratio
 */
export function barsOf(bytes, items, x, y, ratio) {
  const snap = (/** @type {number} */ px) => Math.round(px * ratio) / ratio;
  const base = snap(inside(y, 0));
  return Array.from({ length: items.count }, (_, i) => {
    const [left, right, end] = [x(i - 0.5), x(i + 0.5), y(valueAt(bytes, items, i, 0))].map(snap);
    // Room between bars that have some.
    const gap = right - left > 2 / ratio ? 1 / ratio : 0;
    return [left, Math.min(base, end), Math.max(right - left - gap, 1 / ratio), Math.abs(end - base)];
  });
}

/**
 * Draw bars or lines over the whole of a pen's canvas.
 * @param {Pen} flat @param {ArrayLike<number>} bytes @param {Items} items @param {boolean} axes whether with axes and names
 * @returns {Scale} of the places
 */
export function drawItem(flat, bytes, items, axes) {
  const { context, theme, width, height, size, ratio } = flat;
  const { draw, count, lines, range, names } = items;
  const bars = draw === "bars";
  const values = axes ? ticks(...range, height / (size * 3)) : [];
  const letters = Math.max(...values.map((value) => formatTick(value).length), 0);
  const pad = axes ? size : 2;
  const below = axes && !(bars && names) ? size * 1.6 : pad;
  const box = boxOf(axes ? size * (1 + letters / 2) : 0, pad, width - (axes ? pad : 0), height - below);
  const ends = bars ? [-0.5, count - 0.5] : [0, Math.max(count - 1, 1)];
  const x = linear(/** @type {[number, number]} */ (ends), [box.left, box.right]);
  const y = linear(range, [box.bottom, box.top]);
  const pen = { ...flat, box, x, y };
  if (axes) {
    drawAxis(pen, "y", values, { gap: size / 2 });
    const whole = ticks(0, count - 1, box.width / (size * 4)).filter(Number.isInteger);
    if (below > pad) drawAxis(pen, "x", whole, { gap: 5, tick: 3 });
  } else fillBox(pen, "line", 0, 0, width - 1 / ratio, height - 1 / ratio);
  const zero = (Math.round(inside(y, 0) * ratio) + 0.5) / ratio;
  drawLine(pen, [box.left, zero, box.right, zero], { color: "fg3", width: 1 / ratio, alpha: 0.6 });
  if (bars) {
    context.beginPath();
    for (const [left, top, wide, high] of barsOf(bytes, items, x, y, ratio))
      context.rect(left, top, wide, high);
    context.fillStyle = inkOf(pen, "accent");
    context.fill();
    return x;
  }
  for (let line = 0; line < lines; line++) {
    const color = lines > 1 ? theme.classColor(line) : "accent";
    drawLine(pen, traceOf(bytes, items, line, x, y, box.width * ratio), { color, width: axes ? 1.5 : 1 });
  }
  if (axes && lines > 1)
    names?.slice(0, 8).forEach((name, i) => {
      const style = /** @type {const} */ ({ align: "right", relative: 0.85 });
      drawText(pen, name, box.right, box.top + size * i, { ...style, color: theme.classColor(i) });
    });
  return x;
}

/**
 * The pixels of an item in the RGBA that a canvas wants.
 * @param {ArrayLike<number>} bytes @param {Items} items @param {Uint8ClampedArray} rgba @param {"light"|"dark"} scheme
 */
export function toRgba(bytes, { draw, shape: [channels, height, width], length }, rgba, scheme) {
  const plane = height * width;
  if (draw === "heatmap") {
    const table = rampTable(scheme);
    for (let i = 0; i < plane; i++) rgba.set(table.subarray(4 * bytes[i], 4 * bytes[i] + 4), 4 * i);
  } else if (draw === "slices") {
    const [columns, one] = [columnsOf(channels), length / channels];
    const across = width / columns;
    for (let i = 0; i < length; i++) {
      const [c, own] = [Math.floor(i / one), i % one];
      const row = Math.floor(c / columns) * (one / across) + Math.floor(own / across);
      const at = 4 * (row * width + (c % columns) * across + (own % across));
      rgba.fill(bytes[i], at, at + 3);
      rgba[at + 3] = 255;
    }
  } else {
    const second = channels >= 3 ? plane : 0;
    for (let i = 0; i < plane; i++) {
      rgba[4 * i] = bytes[i];
      rgba[4 * i + 1] = bytes[i + second];
      rgba[4 * i + 2] = bytes[i + 2 * second];
      rgba[4 * i + 3] = 255;
    }
  }
}

/**
 * What is at a place of an item: "alcohol: 13.2". @param {ArrayLike<number>} bytes @param {Items} items
 * @param {number} i bar, place of a line or row @param {number} [column] of a heat map
 */
export function textAt(bytes, items, i, column = -1) {
  const { count, lines, names } = items;
  const place = clamp(i, 0, count - 1);
  const say = (/** @type {number} */ line) => formatNumber(valueAt(bytes, items, place, line), 3);
  const nameOf = (/** @type {number} */ n) => names?.[n] ?? n;
  if (column >= 0) return `${place}, ${nameOf(column)}: ${say(clamp(column, 0, lines - 1))}`;
  if (lines === 1) return `${nameOf(place)}: ${say(0)}`;
  const all = Array.from({ length: Math.min(lines, 8) }, (_, line) => `${nameOf(line)} ${say(line)}`);
  return `${place}: ${all.join(", ")}`;
}
