/**
 * What can be touched on the bars: a knob at each threshold's end, as a slider, and a button over each bar.
 *
 * @typedef {{scale: import("../../draw/scales.js").Scale, upright: boolean, ends: [number, number],
 *   bars: {dim: number, x: number, y: number, width: number, height: number}[]}} Geometry
 *   upright: thresholds are upright lines; ends: from where to where they run; all in CSS pixels
 * @typedef {{kl: number, var: number}} Thresholds
 */

import { createHandle } from "../../draw/handles.js";
import { clamp, inside } from "../../draw/scales.js";
import { h, OWN_KEYS, setAttributes } from "../../host/dom.js";
import { rove } from "../../host/rove.js";
import { dimName, formatSetting } from "../../maths/format.js";

/** A step of the arrow keys: ten of them are a decade. */
const STEP = 10 ** 0.1;

/**
 * @param {HTMLElement} el
 * @param {{onThreshold?: (name: "kl"|"var", value: number) => void, onUnit?: (dim: number) => void}} opts
 */
export function createBarsInput(el, { onThreshold, onUnit }) {
  const layer = h("div", "vw-bars-input", OWN_KEYS);
  el.append(layer);
  const stops = rove(layer, ".vw-unit-button");
  /** @type {Geometry | null} */
  let geometry = null;
  /** @type {Thresholds} */
  let values = { kl: 0, var: 0 };
  /** @type {HTMLButtonElement[]} */
  let buttons = [];

  const knobs = (onThreshold ? /** @type {const} */ (["kl", "var"]) : []).map((name) => {
    /** Where it stands: on the scale, and at its end of the line. @returns {[number, number]} */
    const where = () => {
      const { scale, upright, ends } = /** @type {Geometry} */ (geometry);
      const at = Math.round(inside(scale, values[name]));
      const end = ends[name === "kl" ? 0 : 1];
      return upright ? [at, end] : [end, at];
    };
    /** @param {number} value */
    const set = (value) => {
      if (!geometry) return;
      const rounded = Number(clamp(value, ...geometry.scale.domain).toPrecision(2));
      values = { ...values, [name]: rounded }; // the next key may come before the next drawing
      onThreshold?.(name, rounded);
    };
    const knob = createHandle(layer, `vw-knob vw-knob-${name}`, {
      where,
      onDrag: (x, y) => geometry && set(geometry.scale.invert(geometry.upright ? x : y)),
      onKey: (dx, dy) =>
        geometry && set(Math.max(values[name], geometry.scale.domain[0]) * STEP ** (dx + dy)),
      onEnd: (end) => set(end < 0 ? 0 : Number.POSITIVE_INFINITY),
    });
    const label = name === "kl" ? "threshold of the KL, nats" : "threshold of Var(μ)";
    return { name, knob, where, label };
  });

  layer.addEventListener("click", (event) => {
    const { unit } = /** @type {HTMLElement} */ (event.target).dataset;
    if (unit) onUnit?.(Number(unit));
  });

  /** @param {Geometry["bars"]} bars @param {number[]} off */
  function placeButtons(bars, off) {
    if (buttons.length !== bars.length) {
      for (const button of buttons) button.remove();
      buttons = bars.map(() => h("button", "vw-unit-button", { type: "button" }));
      layer.prepend(...buttons);
    }
    bars.forEach(({ dim, x, y, width, height }, i) => {
      const isOff = off.includes(dim);
      setAttributes(buttons[i], {
        "data-unit": dim,
        "aria-label": `unit ${dimName(dim)}`,
        "aria-pressed": !isOff,
        title: `switch ${dimName(dim)} ${isOff ? "on again" : "off"}`,
        style: `transform: translate(${x.toFixed(1)}px, ${y.toFixed(1)}px); width: ${width.toFixed(1)}px; height: ${height.toFixed(1)}px`,
      });
    });
  }

  return {
    /** Where the thresholds stand. @param {{klThreshold: number, varThreshold: number}} state */
    setThresholds({ klThreshold, varThreshold }) {
      values = { kl: klThreshold, var: varThreshold };
    },
    /** @param {Geometry} next @param {{off?: number[]}} state */
    update(next, { off = [] }) {
      geometry = next;
      const [min, max] = next.scale.domain;
      for (const { name, knob, where, label } of knobs) {
        knob.place(...where());
        const text = `${formatSetting(values[name])}${name === "kl" ? " nats" : ""}`;
        knob.describe({ now: values[name], min, max, text });
        setAttributes(knob.el, {
          "aria-label": label,
          "aria-orientation": next.upright ? "horizontal" : "vertical",
        });
      }
      if (onUnit) placeButtons(next.bars, off);
    },
    destroy() {
      for (const { knob } of knobs) knob.destroy();
      stops.destroy();
      layer.remove();
    },
  };
}
