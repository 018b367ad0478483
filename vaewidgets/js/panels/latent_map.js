/**
 * A small map of codes on a plane, with handles that can be dragged, by pointer or by keys, and a path between them.
 * Knows no widget: `update` takes plain arrays, callbacks give places on the plane.
 *
 * @typedef {import("../draw/handles.js").Handle} Handle
 * @typedef {{points: Float32Array, labels: Int32Array|null, classNames: string[]|null, axes: [string, string],
 *   prior: {center: [number, number], radii: number[]}|null, path: [number, number][], handles: Handle[],
 *   selected?: Set<number>|null, extent?: import("../maths/camera.js").Extent}} MapState
 *   points flat (n, 2); extent: what is in sight, by default the points and the prior
 */

import { createHandles } from "../draw/handles.js";
import { createLegend } from "../draw/legend.js";
import * as paint from "../draw/scatter/paint.js";
import { createCanvas, h } from "../host/dom.js";
import { createPainter } from "../host/painter.js";
import { clientOf, localOf } from "../host/pointer.js";
import { fit, steady, toData, toScreen, union } from "../maths/camera.js";
import { namedClasses } from "../maths/classes.js";
import { classAnchors, extent2d } from "../maths/statistics.js";

/** Of a handle, in em: names keep off it. */
const HANDLE_EM = 0.9;

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../host/theme.js").Theme, label: string,
 *   onDrag: (handle: number, at: [number, number]) => void,
 *   onKey?: (handle: number, dx: number, dy: number) => void}} opts
 *   onKey: an arrow key on a handle, −1…1 each (right and up are positive); by default it moves a few pixels
 */
export function createLatentMap(el, { theme, label, onDrag, onKey }) {
  const surface = createCanvas("vw-map-canvas");
  surface.canvas.setAttribute("role", "img");
  surface.canvas.setAttribute("aria-label", label);
  const wrap = h("div", "vw-map", {}, [surface.canvas]);
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

  function box() {
    const size = theme.fontSize();
    const left = Math.round(size * 2.9);
    return {
      left,
      top: 4,
      width: Math.max(surface.width - left - 4, 8),
      height: Math.max(surface.height - 4 - Math.round(size * 1.9), 8),
    };
  }

  function draw() {
    surface.resize();
    surface.clear();
    if (!state || !surface.width) return;
    const { context } = surface;
    const area = box();
    if (held) camera = fit(held, area);
    paint.drawAxes(context, theme, camera, area, state.axes);
    layer.draw(context, theme, camera, area, {
      points: state.points,
      labels,
      selected: state.selected ?? null,
    });
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    if (state.prior) paint.drawPrior(context, theme, camera, area, state.prior);
    if (state.path.length > 1) {
      for (const [color, width] of /** @type {[import("../host/theme.js").ColorName, number][]} */ ([
        ["bg", 5],
        ["accent", 2.5],
      ])) {
        context.strokeStyle = theme.color(color);
        context.lineWidth = width;
        context.lineJoin = "round";
        context.beginPath();
        state.path.forEach(([u, v], i) => {
          const [x, y] = toScreen(camera, area, u, v);
          if (i) context.lineTo(x, y);
          else context.moveTo(x, y);
        });
        context.stroke();
      }
    }
    const half = HANDLE_EM * theme.fontSize();
    const standing = state.handles.map(({ at }) => {
      const [x, y] = toScreen(camera, area, ...at);
      return { x, y, half, high: half };
    });
    const prior = state.prior ? paint.priorLabels(theme, camera, area, state.prior) : [];
    paint.drawClassNames(context, theme, camera, area, state, {
      anchors,
      nameOf: nameOf(state),
      taken: [...standing, ...prior],
      previous: written,
    });
    context.restore();
    handles.place();
  }

  /** @param {MapState} of */
  const nameOf =
    ({ classNames }) =>
    (/** @type {number} */ label) =>
      classNames?.[label] ?? String(label);

  const painter = createPainter(wrap, draw);

  const handles = createHandles(wrap, {
    toScreen: ([u, v]) => toScreen(camera, box(), u, v),
    toData: (x, y) => toData(camera, box(), x, y),
    area: box,
    onDrag,
    onKey,
  });

  const observer = new ResizeObserver(() => painter.request());
  observer.observe(wrap);
  const unfollow = theme.onChange(() => painter.request());

  return {
    wrap,
    /** @param {MapState} next */
    update(next) {
      state = next;
      if (next.points !== cloud) {
        const fresh = cloud?.length !== next.points.length;
        cloud = next.points;
        const { named, others } = namedClasses(next.labels ?? []);
        const apart = new Set(named);
        labels = next.labels && (others ? next.labels.map((c) => (apart.has(c) ? c : -1)) : next.labels);
        anchors = labels ? classAnchors(next.points, labels, fresh ? null : anchors) : new Map();
        legend.update(labels && { named, others, nameOf: nameOf(next) });
        const content = extent2d(next.points);
        const reach = next.prior ? Math.max(...next.prior.radii) * 1.1 : 0.5;
        const [cx, cy] = next.prior?.center ?? (content ? [content.x0, content.y0] : [0, 0]);
        const room = { x0: cx - reach, x1: cx + reach, y0: cy - reach, y1: cy + reach };
        held = next.extent ?? steady(held, content ? union(content, room) : room);
      }
      handles.update(next.handles);
      painter.request();
    },
    /** Data units to clientX, clientY. @param {number} u @param {number} v */
    toClient(u, v) {
      const [x, y] = toScreen(camera, box(), u, v);
      return clientOf(surface.canvas, x, y);
    },
    /** The place under a pointer; null outside the axes. @param {MouseEvent} event
     * @returns {[number, number] | null} */
    under(event) {
      const area = box();
      const [x, y] = localOf(event, surface.canvas);
      const [px, py] = [x - area.left, y - area.top];
      if (px < 0 || py < 0 || px > area.width || py > area.height) return null;
      return toData(camera, area, x, y);
    },
    destroy() {
      handles.destroy();
      legend.destroy();
      unfollow();
      observer.disconnect();
      painter.destroy();
      wrap.remove();
    },
  };
}
