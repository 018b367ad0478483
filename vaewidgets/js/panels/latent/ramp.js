/** How values color points: what a scale has to say of them, their colors, and the scale itself. */

import { rampColor } from "../../draw/ramp.js";
import { createCanvas, h, setText, show } from "../../host/dom.js";
import { formatCount, formatTick } from "../../maths/format.js";

/** @typedef {import("../../draw/ramp.js").Scheme} Scheme */

/** Of points without a value: a hue that the palette does not have. */
const MISSING = { light: [194, 62, 122], dark: [240, 130, 180] };
/** So few different values are named one by one. */
const MOST_DISTINCT = 6;

/**
 * What a scale has to say of some values.
 * @param {Float32Array} values
 * @returns {{range: [number, number], distinct: number[] | null, missing: number} | null} null without a finite value;
 *   range: between which the palette runs, the outermost hundredth at each end sharing the end's color; distinct: all
 *   values there are, where they are few; missing: how many are no number
 */
export function readValues(values) {
  const known = values.filter(Number.isFinite).sort();
  if (known.length === 0) return null;
  const missing = values.length - known.length;
  const distinct = [...new Set(known)];
  if (distinct.length <= MOST_DISTINCT)
    return { range: [distinct[0], distinct[distinct.length - 1]], distinct, missing };
  const at = (/** @type {number} */ q) => known[Math.round((known.length - 1) * q)];
  return { range: [at(0.01), at(0.99)], distinct: null, missing };
}

/**
 * A color a value; what is not a number gets one of its own.
 * @param {Float32Array} values
 * @param {[number, number]} range
 * @param {Scheme} scheme
 * @returns {Uint8Array} r, g, b a value
 */
export function rampBytes(values, range, scheme) {
  const out = new Uint8Array(3 * values.length);
  for (let i = 0; i < values.length; i++) out.set(colorIn(values[i], range, scheme), 3 * i);
  return out;
}

/** @param {number} value @param {[number, number]} range @param {Scheme} scheme */
function colorIn(value, [lo, hi], scheme) {
  if (!Number.isFinite(value)) return MISSING[scheme];
  return rampColor(hi > lo ? (value - lo) / (hi - lo) : 0.5, scheme);
}

/**
 * The palette as a bar between its ends, or an entry a value where they are few; an entry for points without a value.
 * @param {HTMLElement} el
 */
export function createScale(el) {
  const bar = createCanvas("vw-scale-bar");
  const low = h("span", "vw-scale-end");
  const high = h("span", "vw-scale-end");
  const ramp = h("span", "vw-scale-ramp", {}, [low, bar.canvas, high]);
  const name = h("span", "vw-scale-name");
  const entries = h("span", "vw-scale-entries");
  const wrap = h("div", "vw-scale", { hidden: true }, [name, ramp, entries]);
  bar.canvas.setAttribute("aria-hidden", "true");
  el.append(wrap);
  const digits = (/** @type {number} */ v) => formatTick(Number(v.toPrecision(3)));

  /** @param {number[]} color @param {string} text */
  function entry(color, text) {
    const swatch = h("span", "vw-swatch", { "aria-hidden": "true" });
    swatch.style.setProperty("--vw-swatch", `rgb(${color.join(" ")})`);
    return h("span", "vw-scale-entry", {}, [swatch, text]);
  }

  return {
    /**
     * @param {{name: string, unit: string, range: [number, number], distinct: number[] | null, missing: number,
     *   scheme: Scheme} | null} state null: none
     */
    update(state) {
      show(wrap, state !== null);
      if (!state) return;
      const { range, distinct, missing, scheme } = state;
      setText(name, state.unit ? `${state.name}, ${state.unit}` : state.name);
      show(ramp, distinct === null);
      const named = (distinct ?? []).map((value) => entry(colorIn(value, range, scheme), digits(value)));
      if (missing) named.push(entry(MISSING[scheme], `no value (${formatCount(missing)})`));
      entries.replaceChildren(...named);
      if (distinct) return;
      setText(low, digits(range[0]));
      setText(high, digits(range[1]));
      bar.resize();
      bar.clear();
      for (let x = 0; x < bar.width; x++) {
        bar.context.fillStyle = `rgb(${rampColor(x / Math.max(bar.width - 1, 1), scheme).join(" ")})`;
        bar.context.fillRect(x, 0, 1.5, bar.height);
      }
    },
    destroy: () => wrap.remove(),
  };
}
