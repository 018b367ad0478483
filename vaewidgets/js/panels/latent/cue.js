/**
 * What to do first with the map, for those who have never touched one: a pointer that glides, and rings around what can be
 * dragged. It moves three times, goes with the first use, and is not shown again in this browser, nor to those who asked
 * for less motion.
 *
 * For tests: .vw-cue.
 */
import { h, icon, reducedMotion } from "../../host/dom.js";

const KEY = "vaewidgets.map.used";
const POINTER = "M3 1.5 13 8 8.6 9l2.6 4.6-1.8 1L6.9 10 3.6 13z";
const ENDS = /** @type {const} */ (["pointermove", "pointerdown", "keydown"]);

/** Whether a map was used in this browser; some hosts keep nothing. */
function isUsed() {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}

/** @param {HTMLElement} wrap of the map and of what stands over it */
export function createCue(wrap) {
  if (reducedMotion() || isUsed()) return { destroy() {} };
  const text = matchMedia("(pointer: coarse)").matches ? "touch the map" : "move over the map";
  const cue = h("div", "vw-cue", { "aria-hidden": "true" }, [icon(POINTER), text]);
  wrap.append(cue);
  wrap.classList.add("vw-is-new");
  const abort = new AbortController();

  function destroy() {
    abort.abort();
    cue.remove();
    wrap.classList.remove("vw-is-new");
  }

  function onUse() {
    destroy();
    try {
      localStorage.setItem(KEY, "1");
    } catch {
      // It is then shown once for each page.
    }
  }

  for (const type of ENDS) wrap.addEventListener(type, onUse, { signal: abort.signal, capture: true });
  return { destroy };
}
