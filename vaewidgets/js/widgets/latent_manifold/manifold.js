/**
 * A plane of decoded images, cell beside cell, that can be moved and come closer to. Knows no widget: it says which
 * cells it wants, gets their bytes, and tells where the pointer is.
 *
 * @typedef {import("../../draw/pen.js").PlotPen} PlotPen
 * @typedef {import("./tiling.js").Window} Window
 * @typedef {import("./tiling.js").Cell} Cell
 * @typedef {{window: Window, across: number, line: boolean, items: import("../../draw/items.js").Items,
 *   axes: [string, string], quantile: [(q: number) => number, (q: number) => number],
 *   share: [(z: number) => number, (z: number) => number], mark: [number, number] | null}} ManifoldState
 *   quantile: from 0…1 to the axis's unit, share: back; mark: a point to mark, in 0…1
 */

import { drawAxis } from "../../draw/axes.js";
import { createTile } from "../../draw/images.js";
import { boxOf, clipped, drawText } from "../../draw/pen.js";
import { createPicture } from "../../draw/picture.js";
import { listenToPlane } from "../../draw/plane_input.js";
import { clamp, linear, ticks } from "../../draw/scales.js";
import { drawCursor } from "../../draw/scatter/paint.js";
import { h } from "../../host/dom.js";
import { clientOf } from "../../host/pointer.js";
import { cellsIn, panWindow, standIns, zoomWindow } from "./tiling.js";

const KEY_PAN = 0.125;
const WHOLE = /** @type {Window} */ ({ center: [0.5, 0.5], span: 1 });

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme, label: string, onWindow: (window: Window) => void,
 *   onHover: (at: [number, number]) => void, onWant: (cells: Cell[]) => void}} opts
 *   onWant: the cells in sight, those needed first first; called when they change
 */
export function createManifold(el, { theme, label, onWindow, onHover, onWant }) {
  const wrap = h("div", "vw-manifold");
  el.append(wrap);
  /** @type {ManifoldState | null} */
  let state = null;
  /** Pictures by cell, of one lattice. @type {Map<string, ReturnType<typeof createTile>>} */
  let pictures = new Map();
  let lattice = "";
  let wanted = "";
  /** What was seen before the lattice changed, and where. @type {{picture: HTMLCanvasElement, window: Window} | null} */
  let backdrop = null;
  let hair = false;
  let drawnWindow = WHOLE;
  let box = boxOf(0, 0, 0, 0);
  let ratio = 1;

  const picture = createPicture(wrap, {
    theme,
    className: "vw-manifold-canvas",
    label,
    role: "map of decoded images",
    paint: draw,
  });
  const { canvas } = picture;

  /** Cells keep the images' proportions. @param {import("../../draw/pen.js").Pen} pen */
  function frame({ size, width, height }) {
    const left = Math.round(size * 2.6);
    const below = Math.round(size * 2.4);
    const { high, wide } = state?.items ?? { high: 1, wide: 1 };
    const tall = state?.line ? high / (wide * state.across) : high / wide;
    const across = Math.max(Math.min(width - left - 2, (height - below - 2) / tall), 8);
    return boxOf(left, 1, left + across, 1 + across * tall);
  }

  /** Shares of the axes to pixels. */
  function scales() {
    const { center, span } = state?.window ?? WHOLE;
    const half = span / 2;
    const up = state?.line ? linear([0, 1], [box.bottom, box.top]) : null;
    return {
      x: linear([center[0] - half, center[0] + half], [box.left, box.right]),
      y: up ?? linear([center[1] - half, center[1] + half], [box.bottom, box.top]),
    };
  }

  function keepBackdrop() {
    const { left, top, width, height } = box;
    if (!state || !pictures.size || width < 9 || !canvas.width) return;
    const kept = document.createElement("canvas");
    kept.width = Math.max(Math.round(width * ratio), 1);
    kept.height = Math.max(Math.round(height * ratio), 1);
    kept.getContext("2d")?.drawImage(canvas, -left * ratio, -top * ratio);
    backdrop = { picture: kept, window: drawnWindow };
  }

  /** @param {import("../../draw/pen.js").Pen} flat */
  function draw(flat) {
    if (!state) return;
    box = frame(flat);
    ratio = flat.ratio;
    drawnWindow = state.window;
    const pen = { ...flat, box, ...scales() };
    clipped(pen, box, () => {
      pen.context.imageSmoothingEnabled = false;
      drawCells(pen);
      const mark = state?.mark;
      if (mark)
        drawCursor(pen, { at: [pen.x(mark[0]), pen.y(state?.line ? 0.5 : mark[1])], near: null, hair });
    });
    drawAxes(pen);
  }

  /** @param {PlotPen} pen */
  function drawCells({ context, x, y }) {
    const { window: view, across, line } = /** @type {ManifoldState} */ (state);
    if (backdrop) {
      const { center, span } = backdrop.window;
      const k = span / view.span;
      const top = line ? box.top : y(center[1] + span / 2);
      context.drawImage(
        backdrop.picture,
        x(center[0] - span / 2),
        top,
        box.width * k,
        line ? box.height : box.height * k,
      );
    }
    const cell = view.span / across;
    let missing = 0;
    for (const { kx, ky, key } of cellsIn(view, across, line)) {
      let found = pictures.get(key);
      if (!found) {
        missing++;
        if (backdrop) continue;
        found = standIns(kx, ky)
          .map((name) => pictures.get(name))
          .find(Boolean);
      }
      if (!found) continue;
      const [left, right] = [x(kx * cell), x((kx + 1) * cell)];
      const [top, bottom] = line ? [box.top, box.bottom] : [y((ky + 1) * cell), y(ky * cell)];
      // Half a pixel over the edge: no seams between cells that do not end on whole pixels.
      const [wide, high] = [right - left + 0.5, bottom - top + 0.5];
      found.fit(wide, high, ratio);
      context.drawImage(found.canvas, left, top, wide, high);
    }
    if (!missing) backdrop = null;
  }

  /** @param {PlotPen} pen */
  function drawAxes(pen) {
    const { context, size } = pen;
    const { axes, line, quantile, share, window: view } = /** @type {ManifoldState} */ (state);
    const sides = line ? /** @type {const} */ (["x"]) : /** @type {const} */ (["x", "y"]);
    for (const [i, side] of sides.entries()) {
      const [lo, hi] = [-1, 1].map((end) => clamp(view.center[i] + (end * view.span) / 2, 0.004, 0.996));
      // Values of z, each where its share lies.
      const place = (/** @type {number} */ z) => pen[side](share[i](z));
      const values = ticks(quantile[i](lo), quantile[i](hi), 5);
      drawAxis({ ...pen, [side]: place }, side, values, { gap: side === "x" ? 6 : 7, tick: 4 });
    }
    const style = /** @type {const} */ ({ color: "fg", align: "right", relative: 0.85 });
    drawText(pen, axes[0], box.right, box.bottom + 6 + size * 1.05, { ...style, baseline: "top" });
    if (line) return;
    context.save();
    context.translate(size * 0.5, box.top);
    context.rotate(-Math.PI / 2);
    drawText(pen, axes[1], 0, 0, style);
    context.restore();
  }

  /** Tell which cells are wanted, if others than before. @param {boolean} [anyway] */
  function want(anyway = false) {
    if (!state) return;
    const cells = cellsIn(state.window, state.across, state.line);
    const next = `${lattice} ${cells.map(({ key }) => key).join(" ")}`;
    if (!anyway && next === wanted) return;
    wanted = next;
    onWant(cells);
  }

  /** @param {number} u @param {number} v */
  function hover(u, v) {
    const at = /** @type {[number, number]} */ ([clamp(u, 1e-4, 1 - 1e-4), clamp(v, 1e-4, 1 - 1e-4)]);
    onHover(at);
    if (state) state.mark = at;
  }

  // At once, not when it is drawn: where the page is busy, the next move or key goes on from here.
  /** @param {ManifoldState} now @param {Window} to */
  function go(now, to) {
    now.window = to;
    onWindow(to);
  }

  const stopListening = listenToPlane(canvas, wrap, {
    hover(px, py) {
      hair = false;
      const { x, y } = scales();
      const inside = px >= box.left && px <= box.right && py >= box.top && py <= box.bottom;
      if (inside && state) hover(x.invert(px), state.line ? 0.5 : y.invert(py));
    },
    pan(dx, dy) {
      if (!state) return;
      const { x, y } = scales();
      go(state, panWindow(state.window, -dx / x.unit, state.line ? 0 : -dy / y.unit));
    },
    zoom(factor, at) {
      if (!state) return;
      const { x, y } = scales();
      const { center } = state.window;
      const [u, v] = at ? [x.invert(at[0]), state.line ? 0.5 : y.invert(at[1])] : center;
      go(state, zoomWindow(state.window, u, v, factor));
    },
    reset: () => onWindow(WHOLE),
    arrow(dx, dy, far) {
      if (!state) return;
      const { center, span } = state.window;
      if (!far) return go(state, panWindow(state.window, dx * span * KEY_PAN, dy * span * KEY_PAN));
      hair = true;
      const [u, v] = state.mark ?? center;
      const step = span / state.across / 4;
      return hover(u + dx * step, v + dy * step);
    },
  });

  return {
    /** @param {ManifoldState} next */
    update(next) {
      const nextLattice = `${next.across} ${next.window.span} ${JSON.stringify(next.items)} ${next.line}`;
      if (nextLattice !== lattice) {
        keepBackdrop();
        pictures = new Map();
        lattice = nextLattice;
      }
      state = next;
      const { high, wide } = next.items;
      wrap.style.aspectRatio = next.line ? `${(next.across * wide) / high} / 1.6` : `${wide} / ${high}`;
      want();
      picture.request();
    },
    /** All cells once more: other weights, another plane. @param {boolean} keep show the old ones meanwhile */
    refresh(keep) {
      if (!keep) {
        pictures = new Map();
        backdrop = null;
      }
      want(true);
    },
    /** @param {string} key @param {Uint8Array} bytes */
    setCell(key, bytes) {
      if (!state) return;
      let found = pictures.get(key);
      if (!found) {
        if (pictures.size > 4 * state.across ** 2 + 256) pictures = new Map();
        found = createTile("", theme);
        pictures.set(key, found);
      }
      found.set(bytes, state.items);
    },
    paint: () => picture.request(),
    /** 0…1 to clientX, clientY. @param {number} u @param {number} v */
    toClient(u, v) {
      const { x, y } = scales();
      return clientOf(canvas, x(u), state?.line ? y(0.5) : y(v));
    },
    destroy() {
      stopListening();
      picture.destroy();
      wrap.remove();
    },
  };
}
