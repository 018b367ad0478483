/**
 * The decoded image beside the pointer, for layouts in which the large one is out of sight while one points at the map.
 * It stands inside the element that it is given, in that element's own pixels, and never on what is pointed at.
 *
 * For tests: .vw-hover-card.
 *
 * @typedef {import("../../draw/items.js").Items} Items
 */

import { createBitmap } from "../../draw/images.js";
import { h, show } from "../../host/dom.js";

/** Between what is pointed at and the card: a finger hides more than an arrow. */
const GAP_PX = 16;
const FINGER_PX = 44;

/**
 * Left and top of the card: above what is pointed at where there is room, else beside it or below.
 * @param {{x: number, y: number}} at
 * @param {{width: number, height: number}} card
 * @param {{width: number, height: number}} room
 * @param {boolean} finger
 * @returns {[number, number]}
 */
export function cardPlace({ x, y }, card, room, finger) {
  const gap = finger ? FINGER_PX : GAP_PX;
  const within = (/** @type {number} */ value, /** @type {number} */ most) =>
    Math.min(Math.max(value, 0), Math.max(most, 0));
  const beside = x + gap + card.width <= room.width ? x + gap : x - gap - card.width;
  if (y - gap - card.height >= 0) {
    const left = finger ? x - card.width / 2 : beside;
    return [within(left, room.width - card.width), y - gap - card.height];
  }
  if (beside >= 0) return [beside, within(y - card.height / 2, room.height - card.height)];
  return [within(x - card.width / 2, room.width - card.width), y + gap];
}

/**
 * @param {HTMLElement} wrap
 * @param {import("../../host/theme.js").Theme} theme
 * @param {() => boolean} isWanted whether the large image is out of sight
 */
export function createHoverCard(wrap, theme, isWanted) {
  const bitmap = createBitmap("vw-hover-image", theme);
  bitmap.canvas.setAttribute("aria-hidden", "true"); // the large image says what it shows
  const card = h("div", "vw-hover-card", { hidden: true, "aria-hidden": "true" }, [bitmap.canvas]);
  wrap.append(card);
  const abort = new AbortController();
  const options = { capture: true, signal: abort.signal };
  let finger = false;
  /** A finger that was lifted points on until it touches something else. */
  let held = false;
  let image = false;

  const onPointer = (/** @type {PointerEvent} */ event) => {
    finger = event.pointerType === "touch";
    held = finger && event.type === "pointerup";
  };
  for (const type of /** @type {const} */ (["pointerdown", "pointermove", "pointerup"]))
    wrap.addEventListener(type, onPointer, options);
  const onElsewhere = (/** @type {PointerEvent} */ event) => {
    if (!held || wrap.contains(/** @type {Node} */ (event.composedPath()[0]))) return;
    held = false;
    show(card, false);
  };
  window.addEventListener("pointerdown", onElsewhere, options);

  return {
    /** @param {ArrayLike<number> | null} bytes @param {Items} items */
    draw(bytes, items) {
      image = bytes !== null;
      if (bytes) bitmap.draw(bytes, items);
    },
    /** @param {number[]} at inside `wrap` @param {boolean} pointing by pointer or keys */
    place([x, y], pointing) {
      const on = image && (pointing || held) && isWanted();
      show(card, on);
      if (!on) return;
      const size = { width: card.offsetWidth, height: card.offsetHeight };
      const room = { width: wrap.clientWidth, height: wrap.clientHeight };
      const [left, top] = cardPlace({ x, y }, size, room, finger);
      card.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    },
    destroy() {
      abort.abort();
      card.remove();
    },
  };
}
