/**
 * Points on a picture that can be dragged, by pointer or by arrow keys: real buttons over its canvas. Knows no widget.
 *
 * @typedef {{at: [number, number], text: string, label: string, value?: string, title?: string}} Handle
 *   at: in the picture's units; text: the letter on it; label: what a screen reader calls it; value: where it is, in
 *   words
 * @typedef {{left: number, top: number, width: number, height: number}} Area  CSS pixels
 */
import { h, OWN_KEYS, setText, show } from "../host/dom.js";
import { localOf } from "../host/pointer.js";

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP_PX = 6;

/** @param {number} value @param {number} lo @param {number} size */
const inside = (value, lo, size) => Math.min(Math.max(value, lo), lo + size);

/**
 * @param {HTMLElement} wrap what the canvas fills
 * @param {{
 *   toScreen: (at: [number, number]) => number[], toData: (x: number, y: number) => [number, number],
 *   area: () => Area,
 *   onDrag: (handle: number, at: [number, number]) => void,
 *   onKey?: (handle: number, dx: number, dy: number) => void,
 *   onReset?: (handle: number) => void,
 * }} opts  toScreen, toData: the picture's units to pixels inside `wrap` and back; area: where handles may stand;
 *   onKey: an arrow key on a handle, −1…1 each (right and up are positive); by default it moves a few pixels;
 *   onReset: a double click on a handle, or the Delete key
 */
export function createHandles(wrap, { toScreen, toData, area, onDrag, onKey, onReset = () => {} }) {
  const abort = new AbortController();
  const { signal } = abort;
  /** @type {Handle[]} */
  let handles = [];
  /** @type {HTMLButtonElement[]} */
  const buttons = [];

  /** @param {number} i */
  function createButton(i) {
    const button = h("button", "vw-map-handle", { type: "button", ...OWN_KEYS });
    /** Where inside the handle it was taken. */
    let grip = /** @type {[number, number] | null} */ (null);
    button.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button > 0) return;
        const [px, py] = localOf(event, wrap);
        const [x, y] = toScreen(handles[i].at);
        grip = [px - x, py - y];
        try {
          button.setPointerCapture(event.pointerId);
        } catch {
          // A pointer that is already gone cannot be captured; the drag then ends at the border.
        }
      },
      { signal },
    );
    button.addEventListener(
      "pointermove",
      (event) => {
        if (!grip) return;
        // Else what is below would take the drag for a pointer that reads it.
        event.stopPropagation();
        const [px, py] = localOf(event, wrap);
        onDrag(i, toData(px - grip[0], py - grip[1]));
      },
      { signal },
    );
    const drop = () => {
      grip = null;
    };
    button.addEventListener("pointerup", drop, { signal });
    button.addEventListener("pointercancel", drop, { signal });
    button.addEventListener(
      "keydown",
      (event) => {
        const arrow = ARROWS[event.key];
        if (event.key === "Delete" || event.key === "Backspace") onReset(i);
        else if (!arrow) return;
        event.preventDefault();
        event.stopPropagation();
        if (!arrow) return;
        if (onKey) return onKey(i, arrow[0], -arrow[1]);
        const [x, y] = toScreen(handles[i].at);
        const step = event.shiftKey ? 4 * STEP_PX : STEP_PX;
        return onDrag(i, toData(x + arrow[0] * step, y + arrow[1] * step));
      },
      { signal },
    );
    button.addEventListener("dblclick", () => onReset(i), { signal });
    wrap.append(button);
    return button;
  }

  function place() {
    const { left, top, width, height } = area();
    handles.forEach(({ at }, i) => {
      const [x, y] = toScreen(at);
      const where = `${inside(x, left, width).toFixed(1)}px, ${inside(y, top, height).toFixed(1)}px`;
      const transform = `translate(${where}) translate(-50%, -50%)`;
      if (buttons[i].style.transform !== transform) buttons[i].style.transform = transform;
    });
  }

  return {
    /** @param {Handle[]} next @param {boolean} [visible] */
    update(next, visible = true) {
      handles = next;
      while (buttons.length > next.length) buttons.pop()?.remove();
      while (buttons.length < next.length) buttons.push(createButton(buttons.length));
      next.forEach(({ text, label, value, title = "" }, i) => {
        setText(buttons[i], text);
        if (buttons[i].title !== title) buttons[i].title = title;
        show(buttons[i], visible);
        const whole = value ? `${label}: ${value}` : label;
        if (buttons[i].getAttribute("aria-label") !== whole) buttons[i].setAttribute("aria-label", whole);
      });
      place();
    },
    /** Put them where they belong, after the picture moved. */
    place,
    destroy() {
      abort.abort();
      for (const button of buttons) button.remove();
    },
  };
}
