/**
 * Pointer, wheel and keys over a scatter, as calls: hover, lasso, zoom, pan, choose. Knows pixels only.
 *
 * @typedef {{
 *   hover(x: number, y: number): void,
 *   tap(x: number, y: number, add: boolean): void,
 *   leave(): void,
 *   lasso(path: number[]): void,
 *   lassoEnd(path: number[], add: boolean): void,
 *   choose(add: boolean): void,
 *   clear(): void,
 *   zoom(x: number, y: number, factor: number): void,
 *   pan(dx: number, dy: number): void,
 *   reset(): void,
 *   nudge(dx: number, dy: number): void,
 *   refused(): void,
 *   focus(on: boolean): void,
 * }} Actions
 */
import { localOf } from "../../host/pointer.js";

const DRAG_START_PX = 4;
const NUDGE_PX = 4;
const NUDGE_FAR_PX = 24;

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {HTMLElement} target the canvas
 * @param {HTMLElement} stage what holds the canvas and the buttons over it: a pointer or a wheel over a button is over
 *   the scatter too
 * @param {Actions} actions
 * @returns {() => void} removes every listener
 */
export function listenToScatter(target, stage, actions) {
  const abort = new AbortController();
  const { signal } = abort;
  /** @type {{mode: "maybe"|"lasso"|"pan", path: number[], id: number} | null} */
  let drag = null;

  /** @param {MouseEvent} event @returns {[number, number]} */
  const place = (event) => localOf(event, target);

  /** @param {PointerEvent} event */
  function onDown(event) {
    if (event.button > 1) return;
    const pan = event.button === 1 || event.altKey;
    drag = { mode: pan ? "pan" : "maybe", path: place(event), id: event.pointerId };
    if (pan) event.preventDefault();
    try {
      target.setPointerCapture(event.pointerId);
    } catch {
      // A pointer that is already gone cannot be captured; the drag then ends at the border.
    }
  }

  /** @param {PointerEvent} event */
  function onMove(event) {
    const [x, y] = place(event);
    if (drag?.mode === "pan") {
      actions.pan(x - drag.path[0], y - drag.path[1]);
      drag.path = [x, y];
      return;
    }
    if (drag?.mode === "maybe" && Math.hypot(x - drag.path[0], y - drag.path[1]) > DRAG_START_PX) {
      drag.mode = "lasso";
    }
    if (drag?.mode === "lasso") {
      drag.path.push(x, y);
      actions.lasso(drag.path);
      return;
    }
    actions.hover(x, y);
  }

  /** @param {PointerEvent} event */
  function onUp(event) {
    if (!drag) return;
    const { mode, path } = drag;
    drag = null;
    if (mode === "lasso") actions.lassoEnd(path, event.shiftKey);
    else if (mode === "maybe" && event.type === "pointerup")
      actions.tap(...place(event), event.shiftKey || event.ctrlKey || event.metaKey);
  }

  /** @param {WheelEvent} event */
  function onWheel(event) {
    // A wheel over an output scrolls the notebook; it zooms once the scatter is clicked, or with Ctrl or ⌘.
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== target) {
      actions.refused();
      return;
    }
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    actions.zoom(...place(event), Math.exp(-Math.min(Math.max(pixels, -120), 120) * 0.0025));
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const arrow = ARROWS[event.key];
    const step = event.shiftKey ? NUDGE_FAR_PX : NUDGE_PX;
    const middle = /** @type {[number, number]} */ ([target.clientWidth / 2, target.clientHeight / 2]);
    if (arrow) actions.nudge(arrow[0] * step, arrow[1] * step);
    else if (event.key === "Enter") actions.choose(event.shiftKey);
    else if (event.key === "Escape") {
      drag = null;
      actions.clear();
    } else if (event.key === "+" || event.key === "=") actions.zoom(...middle, 1.25);
    else if (event.key === "-") actions.zoom(...middle, 0.8);
    else if (event.key === "0") actions.reset();
    else return;
    // Else the notebook would move to another cell, or leave its edit mode.
    event.preventDefault();
    event.stopPropagation();
  }

  target.addEventListener("pointerdown", onDown, { signal });
  stage.addEventListener("pointermove", onMove, { signal });
  target.addEventListener("pointerup", onUp, { signal });
  target.addEventListener("pointercancel", onUp, { signal });
  stage.addEventListener("pointerleave", () => drag ?? actions.leave(), { signal });
  target.addEventListener("dblclick", () => actions.reset(), { signal });
  stage.addEventListener("wheel", onWheel, { signal, passive: false });
  target.addEventListener("keydown", onKey, { signal });
  target.addEventListener("focus", () => actions.focus(true), { signal });
  target.addEventListener("blur", () => actions.focus(false), { signal });
  return () => abort.abort();
}
