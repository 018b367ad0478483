/**
 * The scatter's drawing, as functions of plain state: axes, the prior's circles, points, names, the cursor.
 *
 * @typedef {import("../../host/theme.js").Theme} Theme
 * @typedef {import("../../maths/camera.js").Camera} Camera
 * @typedef {import("../../maths/camera.js").Box} Box
 * @typedef {CanvasRenderingContext2D} Context
 */

import { toData, toScreen } from "../../maths/camera.js";
import { formatTick, shortened } from "../../maths/format.js";
import { ticks } from "../scales.js";
import { coverOf, placeNames } from "./name_places.js";
import { createDiscs, stamp } from "./stamp.js";

const LONGEST_NAME = 24;

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
  const context = /** @type {Context} */ (canvas.getContext("2d"));
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
    /**
     * @param {Context} target
     * @param {Theme} theme
     * @param {Camera} camera
     * @param {Box} box
     * @param {Cloud} cloud
     */
    draw(target, theme, camera, box, { points, labels, selected, shown, colors: own }) {
      const ratio = target.getTransform().a;
      const radius = (pointRadius(points.length / 2) * theme.fontSize() * ratio) / 13;
      if (radius !== size) {
        size = radius;
        discs = createDiscs(radius, 0.8);
        faint = createDiscs(radius, 0.1);
      }
      const width = Math.round(box.width * ratio);
      const height = Math.round(box.height * ratio);
      const drawn = blank(width, height);
      const scale = camera.scale * ratio;
      const x0 = width / 2 - camera.cx * scale;
      const y0 = height / 2 + camera.cy * scale;
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
      target.drawImage(canvas, box.left, box.top, box.width, box.height);
    },
  };
}

/**
 * @typedef {{label: number, px: number, py: number, half: number}} Mark  a name: its middle and half its width, CSS pixels
 * @typedef {{points: Float32Array, labels: Int32Array|null, selected: Set<number>|null, shown?: Uint8Array|null,
 *   colors?: Uint8Array|null}} Cloud  colors: r, g, b a point, in place of its class's
 */

/**
 * Posteriors as ellipses of one standard deviation.
 * @param {Context} context
 * @param {Theme} theme
 * @param {Camera} camera
 * @param {Box} box
 * @param {Cloud & {spread: Float32Array}} cloud spread: entries 11, 12, 22 of the covariance a point
 * @param {Iterable<number>} indices
 * @param {{alpha: number, width: number, color?: string}} pen
 */
export function drawEllipses(context, theme, camera, box, cloud, indices, { alpha, width, color }) {
  const { points, spread, labels, colors } = cloud;
  context.globalAlpha = alpha;
  context.lineWidth = (width * theme.fontSize()) / 13;
  for (const i of indices) {
    const [a, b, c] = spread.subarray(3 * i, 3 * i + 3);
    const half = (a + c) / 2;
    const off = Math.hypot((a - c) / 2, b);
    const [x, y] = toScreen(camera, box, points[2 * i], points[2 * i + 1]);
    if (!Number.isFinite(x + y + half)) continue;
    const own = colors ? `rgb(${colors.subarray(3 * i, 3 * i + 3).join(" ")})` : null;
    context.strokeStyle = color ?? own ?? theme.classColor(labels ? labels[i] : -1);
    context.beginPath();
    const long = Math.sqrt(half + off) * camera.scale;
    const short = Math.sqrt(Math.max(half - off, 0)) * camera.scale;
    context.ellipse(x, y, long, short, -Math.atan2(2 * b, a - c) / 2, 0, 2 * Math.PI);
    context.stroke();
  }
  context.globalAlpha = 1;
}

/**
 * Ticks at the left and below, faint lines through them.
 * @param {Context} context
 * @param {Theme} theme
 * @param {Camera} camera
 * @param {Box} box
 * @param {[string, string]} names
 */
export function drawAxes(context, theme, camera, box, names) {
  const [x0, y0] = toData(camera, box, box.left, box.top + box.height);
  const [x1, y1] = toData(camera, box, box.left + box.width, box.top);
  const bottom = box.top + box.height;
  const size = theme.fontSize();
  context.font = theme.font(0.85);
  context.lineWidth = 1;
  context.textBaseline = "top";
  context.textAlign = "center";
  const nameWidth = context.measureText(names[0]).width * 1.3 + size;
  // The same spacing on both axes, since they share a scale.
  for (const x of ticks(x0, x1, box.width / (size * 5.5))) {
    const px = Math.round(toScreen(camera, box, x, 0)[0]) + 0.5;
    line(context, theme.color("line"), px, box.top, px, bottom);
    context.fillStyle = theme.color("fg2");
    if (px < box.left + box.width - nameWidth) context.fillText(formatTick(x), px, bottom + size * 0.45);
  }
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const y of ticks(y0, y1, box.height / (size * 5.5))) {
    const py = Math.round(toScreen(camera, box, 0, y)[1]) + 0.5;
    line(context, theme.color("line"), box.left, py, box.left + box.width, py);
    context.fillStyle = theme.color("fg2");
    if (py > box.top + size * 0.6) context.fillText(formatTick(y), box.left - size * 0.5, py);
  }
  context.fillStyle = theme.color("fg");
  context.font = theme.font(1, "600");
  context.textBaseline = "top";
  context.textAlign = "right";
  context.fillText(names[0], box.left + box.width, bottom + size * 0.35);
  context.textAlign = "left";
  context.font = theme.font(1, "600");
  halo(context, theme, names[1], box.left + size * 0.4, box.top + size * 0.1, theme.color("fg"));
}

/** @param {Context} context @param {string} color @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
function line(context, color, x0, y0, x1, y1) {
  context.strokeStyle = color;
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/**
 * The prior N(0, I): dashed circles at one and two standard deviations.
 * @param {Context} context
 * @param {Theme} theme
 * @param {Camera} camera
 * @param {Box} box
 * @param {{center: [number, number], radii: number[]}} prior
 */
export function drawPrior(context, theme, camera, box, prior) {
  const [px, py] = toScreen(camera, box, prior.center[0], prior.center[1]);
  context.font = theme.font(0.85);
  context.textAlign = "center";
  context.textBaseline = "bottom";
  for (const radius of prior.radii) {
    context.beginPath();
    context.arc(px, py, radius * camera.scale, 0, 2 * Math.PI);
    // A thin veil below it: the dashes are to be seen among points, too.
    context.globalAlpha = 0.5;
    context.strokeStyle = theme.color("bg");
    context.lineWidth = 3;
    context.stroke();
    context.globalAlpha = 1;
    context.strokeStyle = theme.color("fg2");
    context.lineWidth = 1;
    context.setLineDash([4, 4]);
    context.stroke();
    context.setLineDash([]);
    halo(context, theme, `${formatTick(radius)}σ`, px, py - radius * camera.scale - 2, theme.color("fg2"));
  }
}

/**
 * Where "1σ" and "2σ" stand. @param {Theme} theme @param {Camera} camera @param {Box} box
 * @param {{center: [number, number], radii: number[]}} prior @returns {import("./name_places.js").Rect[]}
 */
export function priorLabels(theme, camera, box, { center, radii }) {
  const [x, y] = toScreen(camera, box, ...center);
  const size = theme.fontSize();
  return radii.map((radius) => ({
    x,
    y: y - radius * camera.scale - size * 0.6,
    half: size,
    high: size * 0.6,
  }));
}

/**
 * @param {Context} context
 * @param {Theme} theme
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {string} color
 */
function halo(context, theme, text, x, y, color) {
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = theme.color("bg");
  context.strokeText(text, x, y);
  context.lineWidth = 1;
  context.fillStyle = color;
  context.fillText(text, x, y);
}

/**
 * Class names near the places of their classes; see name_places.js. A line leads from a name to its class where they do
 * not touch.
 * @param {Context} context
 * @param {Theme} theme
 * @param {Camera} camera
 * @param {Box} box
 * @param {{points: Float32Array, shown?: Uint8Array|null}} cloud
 * @param {{anchors: Map<number, number>, nameOf: (label: number) => string, isOn?: (label: number) => boolean,
 *   taken: import("./name_places.js").Rect[], previous: Map<number, number>}} names  anchors: number of the point that
 *   stands for a class; isOn: whether the class is shown; taken: what no name may cover; previous: the choices of the
 *   picture before, which are replaced
 * @returns {Mark[]} where they stand
 */
export function drawClassNames(context, theme, camera, box, { points, shown = null }, names) {
  const { anchors, nameOf, isOn = () => true, taken, previous } = names;
  const size = theme.fontSize();
  const height = size * 1.3;
  context.font = theme.font(1.1, "700");
  context.textAlign = "center";
  context.textBaseline = "middle";
  const marks = [...anchors].map(([label, i]) => {
    const [ax, ay] = toScreen(camera, box, points[2 * i], points[2 * i + 1]);
    const text = shortened(nameOf(label), LONGEST_NAME);
    const half = context.measureText(text).width / 2 + 3;
    return { label, text, ax, ay, px: ax, py: ay, half, on: isOn(label) };
  });
  const wanted = marks.map(({ label, ax, ay, half }) => ({ label, x: ax, y: ay, half }));
  const cover = coverOf(points, shown, camera, box);
  const places = placeNames(wanted, { height, box, cover, taken, previous });
  previous.clear();
  for (const [label, { choice }] of places) previous.set(label, choice);
  const placed = marks.filter(({ label }) => places.has(label));
  for (const mark of placed) {
    const { x, y } = /** @type {import("./name_places.js").Place} */ (places.get(mark.label));
    [mark.px, mark.py] = [x, y];
    lead(context, theme, mark, height / 2);
  }
  for (const { text, px, py, on } of placed) {
    context.lineJoin = "round";
    context.strokeStyle = theme.color("bg");
    context.lineWidth = size * 0.36;
    context.globalAlpha = 0.9;
    context.strokeText(text, px, py);
    context.globalAlpha = 1;
    context.fillStyle = theme.color(on ? "fg" : "fg3");
    context.fillText(text, px, py);
  }
  return placed;
}

/**
 * From a name to its class. @param {Context} context @param {Theme} theme
 * @param {{ax: number, ay: number, px: number, py: number, half: number}} mark @param {number} high half the height
 */
function lead(context, theme, { ax, ay, px, py, half }, high) {
  const [dx, dy] = [ax - px, ay - py];
  // Where the line leaves the name's box.
  const share = Math.min(half / Math.max(Math.abs(dx), 1e-9), high / Math.max(Math.abs(dy), 1e-9));
  if (share >= 1) return;
  const [x, y] = [px + share * dx, py + share * dy];
  if (Math.hypot(ax - x, ay - y) < high) return;
  context.lineCap = "round";
  for (const [color, width] of /** @type {[import("../../host/theme.js").ColorName, number][]} */ ([
    ["bg", 3],
    ["fg", 1],
  ])) {
    context.lineWidth = width;
    line(context, theme.color(color), x, y, ax, ay);
  }
  context.lineCap = "butt";
}

/**
 * What follows the pointer: cross hair, the mark of z, a ring round the nearest point.
 * @param {Context} context
 * @param {Theme} theme
 * @param {Box} box
 * @param {{at: [number, number]|null, near: [number, number]|null, hair: boolean}} cursor CSS pixels
 */
export function drawCursor(context, theme, box, { at, near, hair }) {
  const unit = theme.fontSize() / 13;
  const right = box.left + box.width;
  const bottom = box.top + box.height;
  if (at && hair) {
    context.setLineDash([2, 3]);
    context.lineWidth = 1;
    const [x, y] = [Math.round(at[0]) + 0.5, Math.round(at[1]) + 0.5];
    line(context, theme.color("fg2"), x, box.top, x, bottom);
    line(context, theme.color("fg2"), box.left, y, right, y);
    context.setLineDash([]);
  }
  if (near && at) {
    context.lineWidth = 1;
    line(context, theme.color("fg2"), at[0], at[1], near[0], near[1]);
    ring(context, near, 6 * unit, theme.color("bg"), 4 * unit);
    ring(context, near, 6 * unit, theme.color("fg"), 1.5 * unit);
  }
  if (at) {
    ring(context, at, 6 * unit, theme.color("bg"), 5.5 * unit);
    ring(context, at, 6 * unit, theme.color("accent"), 2.5 * unit);
    context.fillStyle = theme.color("accent");
    context.beginPath();
    context.arc(at[0], at[1], 1.8 * unit, 0, 2 * Math.PI);
    context.fill();
  }
}

/** @param {Context} context @param {[number, number]} at @param {number} radius @param {string} color @param {number} width */
function ring(context, at, radius, color, width) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.beginPath();
  context.arc(at[0], at[1], radius, 0, 2 * Math.PI);
  context.stroke();
}

/**
 * @param {Context} context
 * @param {Theme} theme
 * @param {ArrayLike<number>} path flat CSS pixels
 */
export function drawLasso(context, theme, path) {
  if (path.length < 4) return;
  context.beginPath();
  for (let i = 0; i < path.length; i += 2) context.lineTo(path[i], path[i + 1]);
  context.closePath();
  context.globalAlpha = 0.1;
  context.fillStyle = theme.color("accent");
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = theme.color("accent");
  context.lineWidth = 1.5;
  context.stroke();
}
