/**
 * A plane of decoded images, cell beside cell, that can be moved and come closer to. Knows no widget: it says which
 * cells it wants, gets their bytes, and tells where the pointer is.
 *
 * @typedef {import("./tiling.js").Window} Window
 * @typedef {import("./tiling.js").Cell} Cell
 * @typedef {{window: Window, across: number, line: boolean, shape: [number, number, number],
 *   axes: [string, string], quantile: [(q: number) => number, (q: number) => number],
 *   share: [(z: number) => number, (z: number) => number], mark: [number, number] | null}} ManifoldState
 *   quantile: from 0…1 to the axis's unit, share: back; mark: a point to mark, in 0…1
 */

import { toRgba } from "../../draw/images.js";
import { ticks } from "../../draw/scales.js";
import { drawCursor } from "../../draw/scatter/paint.js";
import { createCanvas, h, OWN_KEYS, setText, show } from "../../host/dom.js";
import { createPainter } from "../../host/painter.js";
import { clientOf, localOf } from "../../host/pointer.js";
import { formatTick } from "../../maths/format.js";
import { cellsIn, panWindow, standIns, zoomWindow } from "./tiling.js";

const HINT_MS = 2500;
const KEY_PAN = 0.125;
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme, label: string, onWindow: (window: Window) => void,
 *   onHover: (at: [number, number]) => void, onWant: (cells: Cell[]) => void}} opts
 *   onWant: the cells in sight, those needed first first; called when they change
 */
export function createManifold(el, { theme, label, onWindow, onHover, onWant }) {
  const surface = createCanvas("vw-manifold-canvas");
  const { canvas, context } = surface;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", "map of decoded images");
  canvas.setAttribute("aria-label", label);
  for (const [name, value] of Object.entries(OWN_KEYS)) canvas.setAttribute(name, value);
  const hint = h("div", "vw-scatter-hint", { hidden: true, "aria-hidden": "true" });
  const wrap = h("div", "vw-manifold", {}, [canvas, hint]);
  el.append(wrap);
  const abort = new AbortController();
  const { signal } = abort;
  /** @type {ManifoldState | null} */
  let state = null;
  /** Pictures by cell, of one lattice. @type {Map<string, HTMLCanvasElement>} */
  let pictures = new Map();
  let lattice = "";
  let wanted = "";
  /** What was seen before the lattice changed, and where. @type {{picture: HTMLCanvasElement, window: Window} | null} */
  let backdrop = null;
  let hair = false;
  let hintTimer = 0;
  /** @type {{x: number, y: number} | null} */
  let drag = null;

  /** The picture's box: cells keep the images' proportions. */
  function box() {
    const size = theme.fontSize();
    const left = Math.round(size * 2.6);
    const bottom = Math.round(size * 2.4);
    const [, height, width] = state?.shape ?? [1, 1, 1];
    const ratio = state?.line ? height / (width * state.across) : height / width;
    const w = Math.max(Math.min(surface.width - left - 2, (surface.height - bottom - 2) / ratio), 8);
    return { left, top: 1, width: w, height: Math.max(w * ratio, 8) };
  }

  /** @param {number} x @param {number} y pixels @returns {[number, number]} */
  function toPlane(x, y) {
    if (!state) return [0.5, 0.5];
    const { left, top, width, height } = box();
    const { center, span } = state.window;
    const u = center[0] + ((x - left) / width - 0.5) * span;
    return [u, state.line ? 0.5 : center[1] + (0.5 - (y - top) / height) * span];
  }

  /** @param {number} u @param {number} v @returns {[number, number]} pixels */
  function toPixels(u, v) {
    const { left, top, width, height } = box();
    const { center, span } = /** @type {ManifoldState} */ (state).window;
    const y = state?.line ? 0.5 : 0.5 - (v - center[1]) / span;
    return [left + (0.5 + (u - center[0]) / span) * width, top + y * height];
  }

  function keepBackdrop() {
    const { left, top, width, height } = box();
    if (!state || !pictures.size || width < 9 || !canvas.width) return;
    const ratio = canvas.width / Math.max(surface.width, 1);
    const picture = document.createElement("canvas");
    picture.width = Math.max(Math.round(width * ratio), 1);
    picture.height = Math.max(Math.round(height * ratio), 1);
    const target = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
    target.drawImage(canvas, -left * ratio, -top * ratio);
    backdrop = { picture, window: drawnWindow };
  }
  let drawnWindow = /** @type {Window} */ ({ center: [0.5, 0.5], span: 1 });

  function draw() {
    surface.resize();
    surface.clear();
    if (!state || !surface.width) return;
    const area = box();
    const { window: view, across, line } = state;
    drawnWindow = view;
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    context.imageSmoothingEnabled = false;
    if (backdrop) {
      const [x0, y1] = toPixels(backdrop.window.center[0] - backdrop.window.span / 2, 0);
      const k = backdrop.window.span / view.span;
      const y0 = line
        ? area.top
        : toPixels(0, backdrop.window.center[1] + backdrop.window.span / 2)[1] + 0 * y1;
      context.drawImage(backdrop.picture, x0, y0, area.width * k, line ? area.height : area.height * k);
    }
    const cell = view.span / across;
    let missing = 0;
    for (const { kx, ky, key } of cellsIn(view, across, line)) {
      let picture = pictures.get(key);
      if (!picture) {
        missing++;
        if (backdrop) continue;
        const other = standIns(kx, ky).find((name) => pictures.has(name));
        picture = other ? pictures.get(other) : undefined;
      }
      if (!picture) continue;
      const [x, y] = toPixels(kx * cell, (ky + 1) * cell);
      const [right, bottom] = toPixels((kx + 1) * cell, ky * cell);
      const top = line ? area.top : y;
      // Half a pixel over the edge: no seams between cells that do not end on whole pixels.
      context.drawImage(
        picture,
        x,
        top,
        right - x + 0.5,
        (line ? area.top + area.height : bottom) - top + 0.5,
      );
    }
    if (!missing) backdrop = null;
    if (state.mark) drawCursor(context, theme, area, { at: toPixels(...state.mark), near: null, hair });
    context.restore();
    drawAxes(area);
  }

  /** @param {{left: number, top: number, width: number, height: number}} area */
  function drawAxes(area) {
    const current = /** @type {ManifoldState} */ (state);
    const { center, span } = current.window;
    const size = theme.fontSize();
    context.font = theme.font(0.85);
    context.fillStyle = theme.color("fg2");
    context.strokeStyle = theme.color("fg3");
    context.textBaseline = "top";
    context.textAlign = "center";
    const between = (/** @type {0|1} */ axis) => {
      const lo = Math.max(center[axis] - span / 2, 0.004);
      const hi = Math.min(center[axis] + span / 2, 0.996);
      return ticks(current.quantile[axis](lo), current.quantile[axis](hi), 5);
    };
    const below = area.top + area.height;
    for (const z of between(0)) {
      const [x] = toPixels(current.share[0](z), 0.5);
      context.fillRect(x, below + 1, 1, 3);
      context.fillText(formatTick(z), x, below + 6);
    }
    const last = area.left + area.width;
    context.textAlign = "right";
    context.fillStyle = theme.color("fg");
    context.fillText(current.axes[0], last, below + 6 + size * 1.05);
    if (current.line) return;
    context.textBaseline = "middle";
    context.fillStyle = theme.color("fg2");
    for (const z of between(1)) {
      const [, y] = toPixels(0.5, current.share[1](z));
      context.fillRect(area.left - 4, y, 3, 1);
      context.fillText(formatTick(z), area.left - 7, y);
    }
    context.save();
    context.fillStyle = theme.color("fg");
    context.translate(size * 0.5, area.top);
    context.rotate(-Math.PI / 2);
    context.fillText(current.axes[1], 0, 0);
    context.restore();
  }

  const painter = createPainter(wrap, draw);

  /** Tell which cells are wanted, if others than before. @param {boolean} [anyway] */
  function want(anyway = false) {
    if (!state) return;
    const cells = cellsIn(state.window, state.across, state.line);
    const next = `${lattice} ${cells.map(({ key }) => key).join(" ")}`;
    if (!anyway && next === wanted) return;
    wanted = next;
    onWant(cells);
  }

  /** @param {Window} next */
  function go(next) {
    if (!state) return;
    onWindow(next);
  }

  /** @param {MouseEvent} event @returns {[number, number]} */
  const place = (event) => localOf(event, canvas);

  /** @param {[number, number]} at @returns {[number, number]} */
  const insideUnit = ([u, v]) => [
    Math.min(Math.max(u, 1e-4), 1 - 1e-4),
    Math.min(Math.max(v, 1e-4), 1 - 1e-4),
  ];

  canvas.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button > 1) return;
      const [x, y] = place(event);
      drag = { x, y };
      canvas.classList.add("vw-dragging");
      try {
        canvas.setPointerCapture(event.pointerId);
      } catch {
        // A pointer that is already gone cannot be captured; the drag then ends at the border.
      }
    },
    { signal },
  );
  canvas.addEventListener(
    "pointermove",
    (event) => {
      if (!state) return;
      const [x, y] = place(event);
      if (!drag) {
        hair = false;
        const area = box();
        const inside =
          x >= area.left && x <= area.left + area.width && y >= area.top && y <= area.top + area.height;
        if (inside) onHover(insideUnit(toPlane(x, y)));
        return;
      }
      const area = box();
      const { span } = state.window;
      const du = (-(x - drag.x) / area.width) * span;
      const dv = state.line ? 0 : ((y - drag.y) / area.height) * span;
      drag = { x, y };
      go(panWindow(state.window, du, dv));
    },
    { signal },
  );
  const drop = () => {
    drag = null;
    canvas.classList.remove("vw-dragging");
  };
  canvas.addEventListener("pointerup", drop, { signal });
  canvas.addEventListener("pointercancel", drop, { signal });
  canvas.addEventListener("dblclick", () => go({ center: [0.5, 0.5], span: 1 }), { signal });
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!state) return;
      // A wheel over an output scrolls the notebook; it zooms once the picture is clicked, or with Ctrl or ⌘.
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) {
        setText(hint, "Click the map, then scroll to zoom (or hold Ctrl)");
        show(hint, true);
        clearTimeout(hintTimer);
        hintTimer = window.setTimeout(() => show(hint, false), HINT_MS);
        return;
      }
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
      const factor = Math.exp(-Math.min(Math.max(pixels, -120), 120) * 0.0025);
      go(zoomWindow(state.window, ...toPlane(...place(event)), factor));
    },
    { signal, passive: false },
  );
  canvas.addEventListener(
    "keydown",
    (event) => {
      if (!state) return;
      const arrow = ARROWS[event.key];
      const { center, span } = state.window;
      if (arrow && event.shiftKey) {
        hair = true;
        const [u, v] = state.mark ?? center;
        const step = span / state.across / 4;
        onHover(insideUnit([u + arrow[0] * step, v + arrow[1] * step]));
      } else if (arrow) go(panWindow(state.window, arrow[0] * span * KEY_PAN, arrow[1] * span * KEY_PAN));
      else if (event.key === "+" || event.key === "=") go(zoomWindow(state.window, ...center, 1.25));
      else if (event.key === "-") go(zoomWindow(state.window, ...center, 0.8));
      else if (event.key === "0") go({ center: [0.5, 0.5], span: 1 });
      else return;
      // Else the notebook would move to another cell, or leave its edit mode.
      event.preventDefault();
      event.stopPropagation();
    },
    { signal },
  );
  const observer = new ResizeObserver(() => painter.request());
  observer.observe(wrap);
  const unfollow = theme.onChange(() => painter.request());

  return {
    /** @param {ManifoldState} next */
    update(next) {
      const nextLattice = `${next.across} ${next.window.span} ${next.shape} ${next.line}`;
      if (nextLattice !== lattice) {
        keepBackdrop();
        pictures = new Map();
        lattice = nextLattice;
      }
      state = next;
      const [, height, width] = next.shape;
      wrap.style.aspectRatio = next.line ? `${(next.across * width) / height} / 1.6` : `${width} / ${height}`;
      want();
      painter.request();
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
      const [, height, width] = state.shape;
      let picture = pictures.get(key);
      if (!picture) {
        if (pictures.size > 4 * state.across ** 2 + 256) pictures = new Map();
        picture = document.createElement("canvas");
        picture.width = width;
        picture.height = height;
        pictures.set(key, picture);
      }
      const target = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
      const pixels = target.createImageData(width, height);
      toRgba(bytes, state.shape, pixels.data);
      target.putImageData(pixels, 0, 0);
    },
    paint: () => painter.request(),
    /** 0…1 to clientX, clientY. @param {number} u @param {number} v */
    toClient(u, v) {
      return clientOf(canvas, ...toPixels(u, v));
    },
    destroy() {
      abort.abort();
      unfollow();
      observer.disconnect();
      painter.destroy();
      clearTimeout(hintTimer);
      wrap.remove();
    },
  };
}
