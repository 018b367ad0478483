/**
 * Codes on a plane, samples of a prior, those in holes crossed, and the Gaussians of a fitted prior. Knows no widget.
 *
 * @typedef {{points: Float32Array, labels: Int32Array | null, axes: [string, string], center: [number, number],
 *   draws: Float32Array, inHole: Uint8Array | null, marked: number | null,
 *   ellipses: {centers: Float32Array, spread: Float32Array} | null}} MapState
 *   points, draws, centers flat (n, 2); center: of N(0, I); spread: entries 11, 12, 22 of each covariance
 */
import { createLegend } from "../../draw/legend.js";
import { boxOf, clipped, drawDot, drawLine } from "../../draw/pen.js";
import { createPicture } from "../../draw/picture.js";
import * as paint from "../../draw/scatter/paint.js";
import { h } from "../../host/dom.js";
import { clientOf } from "../../host/pointer.js";
import { fit, steady, toScreen, union } from "../../maths/camera.js";
import { coloredLabels } from "../../maths/classes.js";
import { extent2d } from "../../maths/statistics.js";

const RADII = [1, 2];
/** Half of a cross, and the radius of a sample that is in none, CSS pixels at type of 13. */
const CROSS = 3;
const DOT = 1.3;

/** @param {HTMLElement} el @param {{theme: import("../../host/theme.js").Theme}} opts */
export function createPriorMap(el, { theme }) {
  const wrap = h("div", "vw-map vw-prior-map");
  el.append(wrap);
  const legend = createLegend(el, { theme });
  const layer = paint.createPointLayer();
  /** @type {MapState | null} */
  let state = null;
  /** @type {import("../../maths/camera.js").Extent | null} */
  let held = null;
  let camera = { cx: 0, cy: 0, scale: 60 };
  let box = boxOf(0, 0, 0, 0);
  let labels = /** @type {Int32Array | null} */ (null);
  const picture = createPicture(wrap, { theme, className: "vw-map-canvas", label: "", paint: draw });

  /** @param {import("../../draw/pen.js").PlotPen} pen @param {MapState} shown */
  function drawSamples(pen, { draws, inHole, marked }) {
    const unit = pen.size / 13;
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

  /** @param {import("../../draw/pen.js").Pen} flat */
  function draw(flat) {
    if (!state) return;
    const { size, width, height } = flat;
    const shown = state;
    box = boxOf(Math.round(size * 2.9), 4, width - 4, height - Math.round(size * 1.9));
    if (held) camera = fit(held, box);
    const pen = paint.onPlane(flat, camera, box);
    paint.drawAxes(pen, shown.axes);
    layer.draw(pen, { points: shown.points, labels });
    clipped(pen, box, () => {
      paint.drawPrior(pen, { center: shown.center, radii: RADII });
      if (shown.ellipses) {
        const { centers, spread } = shown.ellipses;
        const cloud = { points: centers, spread, labels: null };
        const all = Array.from({ length: centers.length / 2 }, (_, i) => i);
        paint.drawEllipses(pen, cloud, all, { alpha: 0.6, width: 4, color: theme.color("bg") });
        paint.drawEllipses(pen, cloud, all, { alpha: 1, width: 1.8, color: theme.color("accent") });
      }
      drawSamples(pen, shown);
    });
  }

  return {
    /** @param {MapState} next @param {(label: number) => string} nameOf @param {string} says for a screen reader */
    update(next, nameOf, says) {
      if (next.points !== state?.points || next.labels !== state?.labels) {
        const colored = coloredLabels(next.labels);
        labels = colored.labels;
        legend.update(labels && { ...colored, nameOf });
        const [cx, cy] = next.center;
        const reach = 2.6;
        const room = { x0: cx - reach, x1: cx + reach, y0: cy - reach, y1: cy + reach };
        const content = extent2d(next.points);
        held = steady(held, content ? union(content, room) : room);
      }
      state = next;
      picture.describe(says);
      picture.request();
    },
    /** Data units to clientX, clientY. @param {number} u @param {number} v */
    toClient(u, v) {
      return clientOf(wrap, ...toScreen(camera, box, u, v));
    },
    destroy() {
      legend.destroy();
      picture.destroy();
      wrap.remove();
    },
  };
}
