/** The codes at one beta on a plane that stays where it is: what moves is beta's doing. */

import { createLegend } from "../../draw/legend.js";
import { boxOf, clipped } from "../../draw/pen.js";
import { createPicture } from "../../draw/picture.js";
import { createPointLayer, drawAxes, drawPrior, onPlane } from "../../draw/scatter/paint.js";
import { h } from "../../host/dom.js";
import { fit, padded, union } from "../../maths/camera.js";
import { coloredLabels } from "../../maths/classes.js";
import { extent2d } from "../../maths/statistics.js";

const EDGE_EM = { left: 2.6, right: 0.6, top: 0.6, bottom: 1.8 };
/** Outliers are let go. */
const TAIL = 0.01;

/**
 * @typedef {{points: Float32Array, all: Float32Array, labels: Int32Array | null, axes: [string, string],
 *   prior: {center: [number, number], radii: number[]}, nameOf: (label: number) => string}} MapState
 *   all: the points at all betas, which are to fit
 * @param {HTMLElement} el @param {{theme: import("../../host/theme.js").Theme}} opts
 */
export function createMap(el, { theme }) {
  const wrap = h("div", "vw-axis-map");
  el.append(wrap);
  const legend = createLegend(el, { theme });
  const layer = createPointLayer();
  /** @type {MapState | null} */
  let state = null;
  let extent = { x0: -1, x1: 1, y0: -1, y1: 1 };
  const picture = createPicture(wrap, {
    theme,
    className: "vw-axis-canvas",
    label: "codes",
    paint(flat) {
      if (!state) return;
      const { size, width, height } = flat;
      const { left, top, right, bottom } = EDGE_EM;
      const box = boxOf(left * size, top * size, width - right * size, height - bottom * size);
      const pen = onPlane(flat, fit(extent, box), box);
      const { points, labels, prior, axes } = state;
      drawAxes(pen, axes);
      clipped(pen, box, () => {
        layer.draw(pen, { points, labels });
        drawPrior(pen, prior);
      });
    },
  });

  return {
    /** @param {MapState} next @param {string} text what a screen reader hears */
    update(next, text) {
      const colored = coloredLabels(next.labels);
      const apart = new Set(colored.named);
      if (state?.all !== next.all) {
        const [x, y] = next.prior.center;
        const radius = Math.max(...next.prior.radii);
        const prior = { x0: x - radius, x1: x + radius, y0: y - radius, y1: y + radius };
        extent = padded(union(extent2d(next.all, TAIL) ?? prior, prior), 0.06);
      }
      state = { ...next, labels: next.labels?.map((label) => (apart.has(label) ? label : -1)) ?? null };
      legend.update(next.labels && { ...colored, nameOf: next.nameOf });
      picture.describe(text);
      picture.request();
    },
    destroy() {
      picture.destroy();
      legend.destroy();
      wrap.remove();
    },
  };
}
