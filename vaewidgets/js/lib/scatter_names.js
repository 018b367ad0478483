/**
 * Buttons over the class names of a scatter, which are drawn on its canvas: they take clicks, the keyboard and a
 * screen reader's attention.
 *
 * @typedef {{label: number, text: string, px: number, py: number, half: number, on: boolean}} Mark
 *   center and half width in CSS pixels; on: whether the class is shown
 */
import { h, OWN_KEYS } from "./dom.js";
import { travelOf } from "./pointer.js";

const DRAG_START_PX = 4;

/**
 * @param {HTMLElement} el
 * @param {(label: number, add: boolean) => void} onPress add: the Shift or Ctrl key was held
 * @param {(down: PointerEvent) => void} onDrag a drag began on a name, where the pointer went down: names stand in the
 *   middle of the points, and must not keep a lasso from them
 */
export function createNameButtons(el, onPress, onDrag) {
  const wrap = h("div", "vw-names", { role: "group", "aria-label": "classes shown", ...OWN_KEYS });
  el.append(wrap);
  /** @type {Map<number, HTMLButtonElement>} */
  const buttons = new Map();

  /** @param {MouseEvent} event */
  function onClick(event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    if (button) onPress(Number(button.dataset.label), event.shiftKey || event.ctrlKey || event.metaKey);
  }
  let down = /** @type {PointerEvent | null} */ (null);
  /** @param {PointerEvent} event */
  function onPointer(event) {
    if (event.type === "pointerdown") down = event;
    if (event.type !== "pointermove") return;
    if (!event.buttons) down = null;
    if (!down || travelOf(down, event) <= DRAG_START_PX) return;
    onDrag(down);
    down = null;
  }
  wrap.addEventListener("click", onClick);
  wrap.addEventListener("pointerdown", onPointer);
  wrap.addEventListener("pointermove", onPointer);

  return {
    /** @param {Mark[]} marks @param {number} height CSS pixels */
    update(marks, height) {
      const there = new Set(marks.map(({ label }) => label));
      for (const [label, button] of buttons) {
        if (there.has(label)) continue;
        button.remove();
        buttons.delete(label);
      }
      for (const { label, text, px, py, half, on } of marks) {
        let button = buttons.get(label);
        if (!button) {
          button = h("button", "vw-name", { type: "button", "data-label": label });
          buttons.set(label, button);
          wrap.append(button);
        }
        const title = `only class ${text}; with Shift, add it or take it away`;
        if (button.title !== title) {
          button.title = title;
          button.setAttribute("aria-label", `class ${text}`);
        }
        button.setAttribute("aria-pressed", String(on));
        button.style.width = `${Math.round(2 * half)}px`;
        button.style.height = `${Math.round(height)}px`;
        button.style.transform = `translate(${Math.round(px - half)}px, ${Math.round(py - height / 2)}px)`;
      }
    },
    destroy() {
      wrap.removeEventListener("click", onClick);
      wrap.removeEventListener("pointerdown", onPointer);
      wrap.removeEventListener("pointermove", onPointer);
      wrap.remove();
    },
  };
}

/**
 * The classes shown after a press: alone that one, or all again if it was alone; with `add` it is put in or taken out.
 * @param {number[] | null} classes null: all
 * @param {number} label
 * @param {boolean} add
 * @param {number[]} all
 * @returns {number[] | null}
 */
export function pressClass(classes, label, add, all) {
  const shown = classes ?? all;
  if (!add) return classes !== null && shown.length === 1 && shown[0] === label ? null : [label];
  const next = shown.includes(label) ? shown.filter((other) => other !== label) : [...shown, label];
  next.sort((a, b) => a - b);
  return next.length === 0 || next.length === all.length ? null : next;
}
