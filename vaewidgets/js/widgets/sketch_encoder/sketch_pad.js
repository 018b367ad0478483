/**
 * A square to draw on, by pointer or by keys. Knows no widget: it tells of strokes, and draws those it is given.
 *
 * @typedef {import("./raster.js").Stroke} Stroke
 */

import { createCanvas, h, OWN_KEYS, setText, show } from "../../host/dom.js";
import { createPainter } from "../../host/painter.js";
import { localOf, sizeOf } from "../../host/pointer.js";
import { smooth } from "./raster.js";

const KEY_STEP = 0.03;
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const round = (/** @type {number} */ x) => Math.round(x * 1000) / 1000;

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme, onStroke: (stroke: Stroke, done: boolean) => void, onUndo: () => void,
 *   onClear: () => void, say: (text: string) => void}} opts
 *   onStroke: as it grows; done: the pen was lifted
 */
export function createSketchPad(el, { theme, onStroke, onUndo, onClear, say }) {
  const surface = createCanvas("vw-pad-canvas");
  const { canvas, context } = surface;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", "drawing area");
  canvas.setAttribute(
    "aria-label",
    "Draw here. Arrow keys move the pen, Space lowers or lifts it, Backspace undoes the last stroke, Delete clears.",
  );
  for (const [name, value] of Object.entries(OWN_KEYS)) canvas.setAttribute(name, value);
  const hint = h("div", "vw-pad-hint", { "aria-hidden": "true", text: "draw here" });
  const wrap = h("div", "vw-pad", {}, [canvas, hint]);
  el.append(wrap);
  const abort = new AbortController();
  const { signal } = abort;
  /** @type {Stroke[]} */
  let strokes = [];
  let tool = { width: 0.08, erase: false };
  let background = 0;
  /** @type {Stroke | null} */
  let stroke = null;
  /** The pen that keys move. @type {[number, number]} */
  let pen = [0.5, 0.5];
  let keys = false;

  function draw() {
    surface.resize();
    surface.clear();
    const side = Math.min(surface.width, surface.height);
    if (!side) return;
    const [ground, ink] = background ? ["#fff", "#000"] : ["#000", "#fff"];
    context.fillStyle = ground;
    context.fillRect(0, 0, side, side);
    context.lineCap = "round";
    context.lineJoin = "round";
    for (const { points, width, erase } of stroke ? [...strokes, stroke] : strokes) {
      const line = smooth(points);
      context.strokeStyle = erase ? ground : ink;
      context.lineWidth = width * side;
      context.beginPath();
      context.moveTo(line[0] * side, line[1] * side);
      for (let i = 2; i < line.length; i += 2) context.lineTo(line[i] * side, line[i + 1] * side);
      if (line.length === 2) context.lineTo(line[0] * side + 0.01, line[1] * side);
      context.stroke();
    }
    if (keys) {
      context.strokeStyle = theme.color("accent");
      context.lineWidth = 2;
      context.beginPath();
      context.arc(pen[0] * side, pen[1] * side, Math.max((tool.width * side) / 2, 3), 0, 2 * Math.PI);
      context.stroke();
    }
    show(hint, strokes.length === 0 && !stroke);
  }
  const painter = createPainter(wrap, draw);

  /** @param {PointerEvent} event @returns {[number, number]} */
  function place(event) {
    const [x, y] = localOf(event, canvas);
    const [width, height] = sizeOf(canvas);
    return [round(x / width), round(y / height)];
  }

  /** @param {[number, number]} at */
  function begin(at) {
    stroke = { ...tool, points: [...at] };
    onStroke(stroke, false);
    painter.request();
  }

  /** @param {[number, number]} at */
  function extend([x, y]) {
    if (!stroke) return;
    const { points } = stroke;
    const n = points.length;
    if (Math.hypot(x - points[n - 2], y - points[n - 1]) < 0.008) return;
    points.push(x, y);
    onStroke(stroke, false);
    painter.request();
  }

  function end() {
    if (!stroke) return;
    const done = stroke;
    stroke = null;
    onStroke(done, true);
    painter.request();
  }

  canvas.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button > 0) return;
      keys = false;
      try {
        canvas.setPointerCapture(event.pointerId);
      } catch {
        // A pointer that is already gone cannot be captured; the stroke then ends at the border.
      }
      begin(place(event));
    },
    { signal },
  );
  canvas.addEventListener(
    "pointermove",
    (event) => {
      if (!stroke || keys) return;
      for (const one of event.getCoalescedEvents?.() ?? [event]) extend(place(one));
      extend(place(event));
    },
    { signal },
  );
  canvas.addEventListener("pointerup", end, { signal });
  canvas.addEventListener("pointercancel", end, { signal });
  canvas.addEventListener(
    "keydown",
    (event) => {
      const arrow = ARROWS[event.key];
      if (arrow) {
        keys = true;
        const inside = (/** @type {number} */ x) => round(Math.min(Math.max(x, 0), 1));
        pen = [inside(pen[0] + arrow[0] * KEY_STEP), inside(pen[1] + arrow[1] * KEY_STEP)];
        extend(pen);
      } else if (event.key === " ") {
        keys = true;
        if (stroke) end();
        else begin(pen);
        say(stroke ? "pen down" : "pen up");
      } else if (event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey)))
        onUndo();
      else if (event.key === "Delete") onClear();
      else return;
      event.preventDefault();
      event.stopPropagation();
      painter.request();
    },
    { signal },
  );
  canvas.addEventListener(
    "blur",
    () => {
      end();
      keys = false;
      painter.request();
    },
    { signal },
  );
  const observer = new ResizeObserver(() => painter.request());
  observer.observe(wrap);
  const unfollow = theme.onChange(() => painter.request());
  return {
    canvas,
    /** @param {{strokes: Stroke[], width: number, erase: boolean, background: number}} state */
    update(state) {
      strokes = state.strokes;
      background = state.background;
      tool = { width: state.width, erase: state.erase };
      setText(hint, "draw here");
      painter.request();
    },
    destroy() {
      abort.abort();
      unfollow();
      observer.disconnect();
      painter.destroy();
      wrap.remove();
    },
  };
}
