/** Keys and pointers that several views read alike. */

/** Directions of the arrow keys: right and up are positive. @type {Record<string, [number, number]>} */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Keep a key from the page: a notebook would move to another cell, or leave its edit mode. @param {Event} event */
export function takeKey(event) {
  event.preventDefault();
  event.stopPropagation();
}

/** Follow a pointer beyond an element's border. @param {HTMLElement} element @param {PointerEvent} event */
export function capture(element, event) {
  try {
    element.setPointerCapture(event.pointerId);
  } catch {
    // A pointer that is already gone cannot be captured; the drag then ends at the border.
  }
}
