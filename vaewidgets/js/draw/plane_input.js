/**
 * Pointer, wheel, keys and fingers over a plane that can be moved, as calls. Knows pixels only.
 *
 * @typedef {{
 *   hover(x: number, y: number): void,
 *   pan(dx: number, dy: number): void,
 *   zoom(factor: number, at: [number, number] | null): void,
 *   reset(): void,
 *   arrow(dx: number, dy: number, far: boolean): void,
 *   lasso?(path: number[]): void,
 *   lassoEnd?(path: number[], add: boolean): void,
 *   tap?(x: number, y: number, add: boolean): void,
 *   leave?(): void,
 *   choose?(add: boolean): void,
 *   clear?(): void,
 *   focus?(on: boolean): void,
 * }} Actions  zoom: at a pixel or, by key, in the middle; arrow: right and up are positive, far: with Shift; without
 *   `lasso` every drag moves the plane
 */
import { h, listen, setText, show } from "../host/dom.js";
import { ARROWS, capture, takeKey } from "../host/input.js";
import { localOf } from "../host/pointer.js";
import { clamp } from "./scales.js";
import { listenToTouch } from "./touch_input.js";

const DRAG_START_PX = 4;
const HINT_MS = 2500;

/** What fingers do is read from touch events: only those can be kept from the page. @param {PointerEvent} event */
const isFinger = (event) => event.pointerType === "touch";

/**
 * @param {HTMLElement} target the canvas
 * @param {HTMLElement} stage what holds the canvas and the buttons over it: a pointer or a wheel over a button is over
 *   the plane too
 * @param {Actions} actions
 * @returns {() => void} clean-up; the listeners go with the two elements
 */
export function listenToPlane(target, stage, actions) {
  const hint = h("div", "vw-scatter-hint", { hidden: true, "aria-hidden": "true" });
  stage.append(hint);
  let hintTimer = 0;
  /** @type {{mode: "maybe"|"lasso"|"pan", path: number[]} | null} */
  let drag = null;

  /** @param {MouseEvent} event @returns {[number, number]} */
  const place = (event) => localOf(event, target);

  /** @param {string} text */
  function say(text) {
    setText(hint, text);
    show(hint, true);
    clearTimeout(hintTimer);
    hintTimer = window.setTimeout(() => show(hint, false), HINT_MS);
  }

  /** @param {PointerEvent} event */
  function onDown(event) {
    if (event.button > 1 || isFinger(event)) return;
    const pan = event.button === 1 || event.altKey;
    if (pan) event.preventDefault();
    drag = { mode: pan || !actions.lasso ? "pan" : "maybe", path: place(event) };
    target.classList.toggle("vw-dragging", drag.mode === "pan");
    capture(target, event);
  }

  /** @param {PointerEvent} event */
  function onMove(event) {
    if (isFinger(event)) return undefined;
    const [x, y] = place(event);
    if (drag?.mode === "pan") {
      actions.pan(x - drag.path[0], y - drag.path[1]);
      drag.path = [x, y];
      return;
    }
    if (drag?.mode === "maybe" && Math.hypot(x - drag.path[0], y - drag.path[1]) > DRAG_START_PX) {
      drag.mode = "lasso";
    }
    if (drag?.mode !== "lasso") return actions.hover(x, y);
    drag.path.push(x, y);
    return actions.lasso?.(drag.path);
  }

  /** @param {PointerEvent} event */
  function onUp(event) {
    target.classList.remove("vw-dragging");
    if (!drag) return;
    const { mode, path } = drag;
    drag = null;
    if (mode === "lasso") actions.lassoEnd?.(path, event.shiftKey);
    else if (mode === "maybe" && event.type === "pointerup")
      actions.tap?.(...place(event), event.shiftKey || event.ctrlKey || event.metaKey);
  }

  /** @param {WheelEvent} event */
  function onWheel(event) {
    // A wheel over an output scrolls the notebook; it zooms once the plane is clicked, or with Ctrl or ⌘.
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== target) {
      say("Click the map, then scroll to zoom (or hold Ctrl)");
      return;
    }
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    actions.zoom(Math.exp(-clamp(pixels, -120, 120) * 0.0025), place(event));
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const arrow = ARROWS[event.key];
    if (arrow) actions.arrow(...arrow, event.shiftKey);
    else if (event.key === "Enter" && actions.choose) actions.choose(event.shiftKey);
    else if (event.key === "Escape" && actions.clear) {
      drag = null;
      actions.clear();
    } else if (event.key === "+" || event.key === "=") actions.zoom(1.25, null);
    else if (event.key === "-") actions.zoom(0.8, null);
    else if (event.key === "0") actions.reset();
    else return;
    takeKey(event);
  }

  listen(target, {
    pointerdown: onDown,
    pointerup: onUp,
    pointercancel: onUp,
    dblclick: () => actions.reset(),
    keydown: onKey,
    focus: () => actions.focus?.(true),
    blur: () => actions.focus?.(false),
  });
  listen(stage, { pointermove: onMove, pointerleave: () => drag ?? actions.leave?.() });
  stage.addEventListener("wheel", onWheel, { passive: false });
  const stopTouch = listenToTouch(target, actions, say);
  return () => {
    stopTouch();
    clearTimeout(hintTimer);
    hint.remove();
  };
}
