/**
 * Fingers over a plane that can be moved: one scrolls the page, two zoom and move the plane, a tap reads it, and one that
 * rests draws around points. Knows pixels only.
 *
 * @typedef {import("./plane_input.js").Actions} Actions
 */
import { localOf } from "../host/pointer.js";

const TAP_PX = 10;
const REST_MS = 450;

/**
 * @param {HTMLElement} target the canvas; its style has to leave one finger to the page (touch-action: pan-x pan-y)
 * @param {Actions} actions
 * @param {(text: string) => void} say shows a word for a moment
 * @returns {() => void} clean-up; the listeners go with the element
 */
export function listenToTouch(target, actions, say) {
  /** One finger, from where it came; several, or one that scrolls the page or is what is left of two. @type {"one"|"lasso"|"two"|"none"} */
  let mode = "none";
  /** @type {number[]} */
  let path = [];
  /** @type {{at: [number, number], apart: number}} */
  let pair = { at: [0, 0], apart: 1 };
  let timer = 0;
  let hasSaid = false;

  /** @param {TouchList} touches */
  function pairOf([first, second]) {
    const [[x0, y0], [x1, y1]] = [localOf(first, target), localOf(second, target)];
    return {
      at: /** @type {[number, number]} */ ([(x0 + x1) / 2, (y0 + y1) / 2]),
      apart: Math.hypot(x1 - x0, y1 - y0) || 1,
    };
  }

  function rest() {
    if (!actions.lasso) return;
    mode = "lasso";
    say("Draw around points to select them");
  }

  /** @param {"one"|"lasso"|"two"|"none"} next */
  function become(next) {
    clearTimeout(timer);
    if (mode === "lasso" && next !== "lasso") actions.lassoEnd?.(path, false);
    mode = next;
  }

  /** @param {TouchEvent} event */
  function onStart(event) {
    const { targetTouches: fingers } = event;
    if (fingers.length === 1 && event.touches.length === 1) {
      become("one");
      path = [...localOf(fingers[0], target)];
      timer = window.setTimeout(rest, REST_MS);
    } else if (fingers.length === 2) {
      become("two");
      pair = pairOf(fingers);
      if (event.cancelable) event.preventDefault();
    } else become("none");
  }

  /** @param {TouchEvent} event */
  function onMove(event) {
    const { targetTouches: fingers } = event;
    if (mode === "lasso") {
      event.preventDefault();
      path.push(...localOf(fingers[0], target));
      actions.lasso?.(path);
    } else if (mode === "two" && fingers.length === 2) {
      // A page that began to scroll keeps the fingers.
      if (!event.cancelable) return become("none");
      event.preventDefault();
      const next = pairOf(fingers);
      actions.pan(next.at[0] - pair.at[0], next.at[1] - pair.at[1]);
      actions.zoom(next.apart / pair.apart, next.at);
      pair = next;
    } else if (mode === "one") {
      const [x, y] = localOf(fingers[0], target);
      if (Math.hypot(x - path[0], y - path[1]) < TAP_PX) return undefined;
      become("none");
      if (!hasSaid) say("Two fingers move and zoom the map");
      hasSaid = true;
    }
    return undefined;
  }

  /** @param {TouchEvent} event */
  function onEnd(event) {
    if (mode === "one" && event.type === "touchend") {
      const [x, y] = path;
      if (actions.tap) actions.tap(x, y, false);
      else actions.hover(x, y);
    }
    become("none");
  }

  target.addEventListener("touchstart", onStart, { passive: false });
  target.addEventListener("touchmove", onMove, { passive: false });
  target.addEventListener("touchend", onEnd);
  target.addEventListener("touchcancel", onEnd);
  // A finger that rests would open the browser's menu for the picture.
  target.addEventListener("contextmenu", (event) => mode === "lasso" && event.preventDefault());
  return () => clearTimeout(timer);
}
