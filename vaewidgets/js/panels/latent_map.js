/**
 * A small map of codes on a plane, with handles that can be dragged, by pointer or by keys, and a path between them.
 * Knows no widget: `update` takes plain arrays, callbacks give places on the plane.
 *
 * @typedef {import("../draw/handles.js").Handle} Handle
 * @typedef {import("../draw/scatter/name_places.js").Rect} Rect
 * @typedef {{points: Float32Array, labels: Int32Array|null, classNames: string[]|null, axes: [string, string],
 *   prior: {center: [number, number], radii: number[]}|null, path: [number, number][], handles: Handle[],
 *   selected?: Set<number>|null, colors?: Uint8Array|null, extent?: import("../maths/camera.js").Extent,
 *   under?: (pen: import("../draw/pen.js").PlotPen) => void,
 *   over?: (pen: import("../draw/pen.js").PlotPen, taken: Rect[]) => Rect[] | void,
 *   says?: string}} MapState
 *   points flat (n, 2); colors: r, g, b a point, in place of its class's; extent: what is in sight, by default the
 *   points and the prior; under, over: draw what lies below the points, and above them; over is told what stands there
 *   already, and may return what class names keep off;
 *   says: what a screen reader hears of the picture
 */

import { createHandles } from "../draw/handles.js";
import { createLegend } from "../draw/legend.js";
import { boxOf, clipped, drawLine } from "../draw/pen.js";
import { createPicture } from "../draw/picture.js";
import * as paint from "../draw/scatter/paint.js";
import { h } from "../host/dom.js";
import { capture } from "../host/input.js";
import { clientOf, localOf } from "../host/pointer.js";
import { fit, steady, toData, toScreen, union } from "../maths/camera.js";
import { coloredLabels } from "../maths/classes.js";
import { classAnchors, extent2d, pointsInside } from "../maths/statistics.js";

/** Of a handle, in em: names keep off it. */
const HANDLE_EM = 0.9;

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../host/theme.js").Theme, label: string,
 *   onDrag: (handle: number, at: [number, number]) => void,
 *   onKey?: (handle: number, dx: number, dy: number) => void,
 *   onLasso?: (indices: number[]) => void}} opts
 *   onKey: an arrow key on a handle, −1…1 each (right and up are positive); by default it moves a few pixels; onLasso:
 *   a line was drawn around these points, which can be done as long as `lasso(true)` was said last
 */
export function createLatentMap(el, { theme, label, onDrag, onKey, onLasso }) {
  const wrap = h("div", "vw-map");
  el.append(wrap);
  const legend = createLegend(el, { theme });
  const layer = paint.createPointLayer();
  /** @type {MapState | null} */
  let state = null;
  /** @type {import("../maths/camera.js").Extent | null} */
  let held = null;
  /** @type {import("../maths/camera.js").Camera} */
  let camera = { cx: 0, cy: 0, scale: 60 };
  /** Number of the point that stands for each class. @type {Map<number, number>} */
  let anchors = new Map();
  /** Where names were written last. @type {Map<number, number>} */
  const written = new Map();
  /** Classes that have a color of their own; −1 in place of others. @type {Int32Array | null} */
  let labels = null;
  let cloud = /** @type {Float32Array | null} */ (null);

  let box = boxOf(0, 0, 0, 0);
  /** What is drawn around points: pixels. @type {number[] | null} */
  let around = null;

  const picture = createPicture(wrap, { theme, className: "vw-map-canvas", label, paint: draw });

  /** @param {import("../draw/pen.js").Pen} flat */
  function draw(flat) {
    if (!state) return;
    const { size, width, height } = flat;
    const { handles: standing, axes, prior, path, selected, under, over } = state;
    box = boxOf(Math.round(size * 2.9), 4, width - 4, height - Math.round(size * 1.9));
    if (held) camera = fit(held, box);
    const pen = paint.onPlane(flat, camera, box);
    paint.drawAxes(pen, axes);
    if (under) clipped(pen, box, () => under(pen));
    layer.draw(pen, { points: state.points, labels, selected, colors: state.colors });
    const half = HANDLE_EM * size;
    const taken = standing.map(({ at }) => ({ x: pen.x(at[0]), y: pen.y(at[1]), half, high: half }));
    if (prior) taken.push(...paint.priorLabels(pen, prior));
    const names = { anchors, nameOf: nameOf(state), taken, previous: written };
    clipped(pen, box, () => {
      if (prior) paint.drawPrior(pen, prior);
      const way = path.flatMap(([u, v]) => [pen.x(u), pen.y(v)]);
      drawLine(pen, way, { color: "bg", width: 5 });
      drawLine(pen, way, { color: "accent", width: 2.5 });
      taken.push(...(over?.(pen, taken) ?? []));
      paint.drawClassNames(pen, /** @type {MapState} */ (state), names);
    });
    if (around) paint.drawLasso(pen, around);
    handles.place();
  }

  /** @param {PointerEvent} event */
  function onDown(event) {
    if (event.button !== 0 || event.target !== canvas) return;
    around = localOf(event, wrap);
    capture(canvas, event);
  }
  /** @param {PointerEvent} event */
  function onMove(event) {
    if (!around) return;
    around.push(...localOf(event, wrap));
    picture.request();
  }
  function onUp() {
    const path = around ?? [];
    around = null;
    picture.request();
    const outline = [];
    for (let i = 0; i < path.length; i += 2) outline.push(...toData(camera, box, path[i], path[i + 1]));
    if (state && outline.length >= 6) onLasso?.(pointsInside(state.points, outline));
  }
  const canvas = /** @type {HTMLCanvasElement} */ (wrap.querySelector("canvas"));

  /** @param {MapState} of */
  const nameOf =
    ({ classNames }) =>
    (/** @type {number} */ label) =>
      classNames?.[label] ?? String(label);

  const handles = createHandles(wrap, {
    toScreen: ([u, v]) => toScreen(camera, box, u, v),
    toData: (x, y) => toData(camera, box, x, y),
    area: () => box,
    onDrag,
    onKey,
  });

  return {
    wrap,
    /** @param {MapState} next */
    update(next) {
      state = next;
      if (next.points !== cloud) {
        const fresh = cloud?.length !== next.points.length;
        cloud = next.points;
        const colored = coloredLabels(next.labels);
        labels = colored.labels;
        anchors = labels ? classAnchors(next.points, labels, fresh ? null : anchors) : new Map();
        legend.update(labels && { ...colored, nameOf: nameOf(next) });
        const content = extent2d(next.points);
        const reach = next.prior ? Math.max(...next.prior.radii) * 1.1 : 0.5;
        const [cx, cy] = next.prior?.center ?? (content ? [content.x0, content.y0] : [0, 0]);
        const room = { x0: cx - reach, x1: cx + reach, y0: cy - reach, y1: cy + reach };
        held = next.extent ?? steady(held, content ? union(content, room) : room);
      }
      handles.update(next.handles);
      if (next.says) picture.describe(next.says);
      picture.request();
    },
    /** Whether a line can be drawn around points. @param {boolean} on */
    lasso(on) {
      const change = on ? "addEventListener" : "removeEventListener";
      canvas[change]("pointerdown", /** @type {EventListener} */ (onDown));
      canvas[change]("pointermove", /** @type {EventListener} */ (onMove));
      canvas[change]("pointerup", onUp);
      wrap.classList.toggle("is-lasso", on);
    },
    /** Data units to clientX, clientY. @param {number} u @param {number} v */
    toClient(u, v) {
      const [x, y] = toScreen(camera, box, u, v);
      return clientOf(wrap, x, y);
    },
    /** The place under a pointer; null outside the axes. @param {MouseEvent} event
     * @returns {[number, number] | null} */
    under(event) {
      const [x, y] = localOf(event, wrap);
      const inside = x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
      return inside ? toData(camera, box, x, y) : null;
    },
    destroy() {
      handles.destroy();
      legend.destroy();
      picture.destroy();
      wrap.remove();
    },
  };
}
