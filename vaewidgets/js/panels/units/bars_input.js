/**
 * What can be touched on the bars: a knob at each threshold's end, as a slider, and a button over each bar.
 *
 * @typedef {{vertical: boolean, from: number, to: number, low: number, high: number,
 *   bars: {dim: number, x: number, y: number, width: number, height: number}[]}} Geometry
 *   vertical: thresholds are upright lines; they run from `from` to `to`; the axis lies between the places `low` (its
 *   least value) and `high`; all in CSS pixels
 */

import { h, OWN_KEYS } from "../../host/dom.js";
import { localOf } from "../../host/pointer.js";
import { formatSetting, subscript } from "../../maths/format.js";

/** A step of the arrow keys: ten of them are a decade. */
const STEP = 10 ** 0.1;

/**
 * @param {HTMLElement} el
 * @param {{floor: number, onThreshold?: (name: "kl"|"var", value: number) => void,
 *   onUnit?: (dim: number) => void}} opts
 */
export function createBarsInput(el, { floor, onThreshold, onUnit }) {
  const layer = h("div", "vw-bars-input", OWN_KEYS);
  el.append(layer);
  const abort = new AbortController();
  const { signal } = abort;
  /** @type {Geometry | null} */
  let geometry = null;
  let top = 1;
  /** @type {Record<"kl"|"var", number>} */
  let values = { kl: 0, var: 0 };
  /** @type {HTMLButtonElement[]} */
  let buttons = [];

  const place = (/** @type {number} */ value) => {
    const { low, high } = /** @type {Geometry} */ (geometry);
    const share = Math.log(Math.max(value, floor) / floor) / Math.log(top / floor);
    return low + Math.min(Math.max(share, 0), 1) * (high - low);
  };
  const valueAt = (/** @type {number} */ at) => {
    const { low, high } = /** @type {Geometry} */ (geometry);
    return round(floor * (top / floor) ** Math.min(Math.max((at - low) / (high - low), 0), 1));
  };
  const round = (/** @type {number} */ value) => Number(Math.min(Math.max(value, floor), top).toPrecision(2));

  const knobs = (onThreshold ? /** @type {const} */ (["kl", "var"]) : []).map((name) => {
    const knob = h("div", `vw-knob vw-knob-${name}`, {
      role: "slider",
      tabindex: 0,
      "aria-label": name === "kl" ? "threshold of the KL, nats" : "threshold of Var(μ)",
      "aria-valuemin": floor,
    });
    layer.append(knob);
    /** @param {number} value */
    const set = (value) => {
      values = { ...values, [name]: value }; // the next key may come before the next drawing
      onThreshold?.(name, value);
    };
    knob.addEventListener(
      "pointerdown",
      (event) => {
        knob.setPointerCapture(event.pointerId);
        event.preventDefault();
        knob.focus({ preventScroll: true });
      },
      { signal },
    );
    knob.addEventListener(
      "pointermove",
      (event) => {
        if (!geometry || !knob.hasPointerCapture(event.pointerId)) return;
        const [x, y] = localOf(event, layer);
        set(valueAt(geometry.vertical ? x : y));
      },
      { signal },
    );
    knob.addEventListener(
      "keydown",
      (event) => {
        const up = event.key === "ArrowUp" || event.key === "ArrowRight";
        if (up || event.key === "ArrowDown" || event.key === "ArrowLeft") {
          set(round(Math.max(values[name], floor) * (up ? STEP : 1 / STEP)));
        } else if (event.key === "Home") set(floor);
        else if (event.key === "End") set(top);
        else return;
        event.preventDefault();
        event.stopPropagation();
      },
      { signal },
    );
    return { name, knob };
  });

  layer.addEventListener(
    "click",
    (event) => {
      const button = /** @type {HTMLElement} */ (event.target).closest("button");
      if (button) onUnit?.(Number(button.dataset.unit));
    },
    { signal },
  );

  return {
    /** @param {number} kl @param {number} varMu where the thresholds stand */
    setThresholds(kl, varMu) {
      values = { kl, var: varMu };
    },
    /**
     * @param {Geometry} next
     * @param {{top: number, off: number[]}} state
     */
    update(next, state) {
      geometry = next;
      top = state.top;
      for (const { name, knob } of knobs) {
        const at = Math.round(place(values[name]));
        const end = name === "kl" ? next.from : next.to;
        knob.style.transform = next.vertical
          ? `translate(${at}px, ${end}px)`
          : `translate(${end}px, ${at}px)`;
        knob.setAttribute("aria-orientation", next.vertical ? "horizontal" : "vertical");
        knob.setAttribute("aria-valuenow", String(values[name]));
        knob.setAttribute("aria-valuemax", String(top));
        knob.setAttribute("aria-valuetext", `${formatSetting(values[name])}${name === "kl" ? " nats" : ""}`);
      }
      if (!onUnit) return;
      if (buttons.length !== next.bars.length) {
        for (const button of buttons) button.remove();
        buttons = next.bars.map(() => h("button", "vw-unit-button", { type: "button" }));
        layer.prepend(...buttons);
      }
      next.bars.forEach(({ dim, x, y, width, height }, i) => {
        const button = buttons[i];
        const off = state.off.includes(dim);
        if (button.dataset.unit !== String(dim)) {
          button.dataset.unit = String(dim);
          button.setAttribute("aria-label", `unit ${subscript(`z${dim + 1}`)}`);
        }
        const title = `switch ${subscript(`z${dim + 1}`)} ${off ? "on again" : "off"}`;
        if (button.title !== title) button.title = title;
        button.setAttribute("aria-pressed", String(!off));
        button.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
        button.style.width = `${width.toFixed(1)}px`;
        button.style.height = `${height.toFixed(1)}px`;
      });
    },
    destroy() {
      abort.abort();
      layer.remove();
    },
  };
}
