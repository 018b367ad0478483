/**
 * A picture on axes, with handles to drag.
 *
 * @typedef {import("./pen.js").PlotPen} PlotPen
 * @typedef {import("./scales.js").Scale} Scale
 * @typedef {{x: [number, number], y: [number, number], log?: boolean}} Ranges  log: of x
 * @typedef {{name: string, label: string, onMove: (x: number, y: number) => void,
 *   onKey: (dx: number, dy: number) => void, onRelease?: () => void}} HandleOptions
 *   onMove: data units, while it is dragged; onKey: arrow keys, −1, 0 or 1, ten with Shift; onRelease: it is let go
 */

import { h, show } from "../host/dom.js";
import { createHandle } from "./handles.js";
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
  /** @type {{handle: ReturnType<typeof createHandle>, at: [number, number]}[]} */
  const handles = [];

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
      for (const { handle, at } of handles) handle.place(x(at[0]), y(at[1]));
      return again;
    },
  });

  return {
    el: wrap,
    /** Whether a handle is held: axes that follow it would run away from the pointer. */
    get dragging() {
      return handles.some(({ handle }) => handle.held);
    },
    /** Draw again, on these axes. @param {Ranges} [next] */
    update(next = ranges) {
      ranges = next;
      picture.request();
    },
    describe: picture.describe,
    /** A place to drag. @param {HandleOptions} options */
    addHandle({ name, label: says, onMove, onKey, onRelease }) {
      const handle = createHandle(wrap, `vw-handle vw-handle-${name}`, {
        where: () => [x(entry.at[0]), y(entry.at[1])],
        onDrag: (px, py) => onMove(x.invert(px), y.invert(py)),
        onKey(dx, dy, far) {
          const times = far ? 10 : 1;
          onKey(dx * times, dy * times);
        },
        onRelease,
      });
      handle.el.setAttribute("aria-label", says);
      const entry = { handle, at: /** @type {[number, number]} */ ([0, 0]) };
      handles.push(entry);
      return {
        /**
         * @param {{at: [number, number], now: number, min: number, max: number, text: string, hidden?: boolean}} state
         */
        update({ at, hidden = false, ...value }) {
          entry.at = at;
          show(handle.el, !hidden);
          handle.describe(value);
          picture.request();
        },
      };
    },
    destroy() {
      for (const { handle } of handles) handle.destroy();
      picture.destroy();
      wrap.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createPlot>} Plot */
