/**
 * A picture on axes.
 *
 * @typedef {import("./pen.js").PlotPen} PlotPen
 * @typedef {import("./scales.js").Scale} Scale
 * @typedef {{x: [number, number], y: [number, number], log?: boolean}} Ranges  log: of x
 */

import { h } from "../host/dom.js";
import { boxOf } from "./pen.js";
import { createPicture } from "./picture.js";
import { linear, log } from "./scales.js";

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../host/theme.js").Theme, className: string, label: string,
 *   margins?: [number, number, number, number], paint: (pen: PlotPen, now: number) => boolean | void}} opts
 *   margins: top, right, bottom, left in units of the type size; paint: returns true to be called again
 */
export function createPlot(el, { theme, className, label, margins = [0.8, 0.6, 3, 3.2], paint }) {
  const wrap = h("div", `vw-plot2 ${className}`);
  el.append(wrap);
  /** @type {Ranges} */
  let ranges = { x: [0, 1], y: [0, 1] };
  let x = linear([0, 1], [0, 1]);
  let y = x;
  /** What stands over the picture and is placed when it is drawn. @type {(() => void)[]} */
  const placers = [];

  const picture = createPicture(wrap, {
    theme,
    className: "vw-plot2-canvas",
    label,
    paint(pen, now) {
      const [top, right, bottom, left] = margins.map((margin) => margin * pen.size);
      const [across, down] = [pen.width - right, pen.height - bottom].map(Math.round);
      const box = boxOf(Math.round(left), Math.round(top), across, down);
      x = (ranges.log ? log : linear)(ranges.x, [box.left, box.right]);
      y = linear(ranges.y, [box.bottom, box.top]);
      const again = paint({ ...pen, box, x, y }, now);
      for (const place of placers) place();
      return again;
    },
  });

  return {
    el: wrap,
    /** Draw again, on these axes. @param {Ranges} [next] */
    update(next = ranges) {
      ranges = next;
      picture.request();
    },
    describe: picture.describe,
    /** Data units to pixels. @param {[number, number]} at */
    toScreen: (at) => /** @type {[number, number]} */ ([x(at[0]), y(at[1])]),
    /** And back. @param {number} px @param {number} py @returns {[number, number]} */
    toData: (px, py) => [x.invert(px), y.invert(py)],
    /** Called after each drawing. @param {() => void} place */
    follow: (place) => placers.push(place),
    destroy() {
      picture.destroy();
      wrap.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createPlot>} Plot */
