/**
 * A square to draw on, by pointer or by keys. Knows no widget: it tells of strokes, and draws those it is given.
 *
 * @typedef {import("./raster.js").Stroke} Stroke
 */

import { h, setText, show } from "../host/dom.js";
import { ARROWS, capture, takeKey } from "../host/input.js";
import { localOf, sizeOf } from "../host/pointer.js";
import { drawDot, drawLine, fillBox } from "./pen.js";
import { createPicture } from "./picture.js";
import { smooth } from "./raster.js";
import { clamp } from "./scales.js";

const KEY_STEP = 0.03;
const round = (/** @type {number} */ x) => Math.round(x * 1000) / 1000;

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../host/theme.js").Theme, onStroke: (stroke: Stroke, done: boolean) => void, onUndo: () => void,
 *   onClear: () => void, say: (text: string) => void}} opts
 *   onStroke: as it grows; done: the pen was lifted
 */
export function createSketchPad(el, { theme, onStroke, onUndo, onClear, say }) {
  const hint = h("div", "vw-pad-hint", { "aria-hidden": "true", text: "draw here" });
  const wrap = h("div", "vw-pad");
  el.append(wrap);
  /** @type {Stroke[]} */
  let strokes = [];
  let tool = { width: 0.08, erase: false };
  let background = 0;
  /** @type {Stroke | null} */
  let stroke = null;
  /** The pen that keys move. @type {[number, number]} */
  let pen = [0.5, 0.5];
  let keys = false;

  const picture = createPicture(wrap, {
    theme,
    className: "vw-pad-canvas",
    label:
      "Draw here. Arrow keys move the pen, Space lowers or lifts it, Backspace undoes the last stroke, Delete clears.",
    role: "drawing area",
    paint(flat) {
      const side = Math.min(flat.width, flat.height);
      const [ground, ink] = background ? ["#fff", "#000"] : ["#000", "#fff"];
      fillBox(flat, ground, 0, 0, side, side);
      flat.context.lineCap = "round";
      for (const { points, width, erase } of stroke ? [...strokes, stroke] : strokes) {
        const line = smooth(points).map((at) => at * side);
        if (line.length === 2) line.push(line[0] + 0.01, line[1]);
        drawLine(flat, line, { color: erase ? ground : ink, width: width * side });
      }
      const radius = Math.max((tool.width * side) / 2, 3);
      if (keys) drawDot(flat, pen[0] * side, pen[1] * side, radius, { color: "accent" });
      show(hint, strokes.length === 0 && !stroke);
    },
  });
  const { canvas } = picture;
  wrap.append(hint);

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
    picture.request();
  }

  /** @param {[number, number]} at */
  function extend([x, y]) {
    if (!stroke) return;
    const { points } = stroke;
    const n = points.length;
    if (Math.hypot(x - points[n - 2], y - points[n - 1]) < 0.008) return;
    points.push(x, y);
    onStroke(stroke, false);
    picture.request();
  }

  function end() {
    if (!stroke) return;
    const done = stroke;
    stroke = null;
    onStroke(done, true);
    picture.request();
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    keys = false;
    capture(canvas, event);
    begin(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke || keys) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) extend(place(one));
    extend(place(event));
  });
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (arrow) {
      keys = true;
      const moved = (/** @type {number} */ at, /** @type {number} */ by) =>
        round(clamp(at + by * KEY_STEP, 0, 1));
      pen = [moved(pen[0], arrow[0]), moved(pen[1], -arrow[1])];
      extend(pen);
    } else if (event.key === " ") {
      keys = true;
      if (stroke) end();
      else begin(pen);
      say(stroke ? "pen down" : "pen up");
    } else if (event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey))) onUndo();
    else if (event.key === "Delete") onClear();
    else return;
    takeKey(event);
    picture.request();
  });
  canvas.addEventListener("blur", () => {
    end();
    keys = false;
    picture.request();
  });
  return {
    canvas,
    /** @param {{strokes: Stroke[], width: number, erase: boolean, background: number}} state */
    update(state) {
      strokes = state.strokes;
      background = state.background;
      tool = { width: state.width, erase: state.erase };
      setText(hint, "draw here");
      picture.request();
    },
    destroy() {
      picture.destroy();
      wrap.remove();
    },
  };
}
