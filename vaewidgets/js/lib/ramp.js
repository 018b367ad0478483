/**
 * A continuous palette for values: cividis, read alike with and without color-vision deficiencies (Nuñez, Anderton &
 * Renslow 2018, arXiv:1712.01662), each theme taking the part of it that stands out from its background. And its scale.
 */
import { formatTick } from "./axes.js";
import { createCanvas, h, setText, show } from "./dom.js";

const CIVIDIS = [
  [0, 34, 78],
  [26, 56, 111],
  [67, 78, 108],
  [97, 101, 111],
  [125, 124, 120],
  [155, 148, 118],
  [188, 174, 108],
  [222, 201, 88],
  [254, 232, 56],
];
/** Which part of the palette is used. */
const PART = { light: [0, 0.9], dark: [0.22, 1] };

/** @typedef {"light"|"dark"} Scheme */

/** @param {number} t 0…1 @param {Scheme} scheme @returns {[number, number, number]} 0…255 */
export function rampColor(t, scheme) {
  const [lo, hi] = PART[scheme];
  const at = (lo + Math.min(Math.max(t, 0), 1) * (hi - lo)) * (CIVIDIS.length - 1);
  const i = Math.min(Math.floor(at), CIVIDIS.length - 2);
  const part = (/** @type {number} */ c) =>
    Math.round(CIVIDIS[i][c] + (CIVIDIS[i + 1][c] - CIVIDIS[i][c]) * (at - i));
  return [part(0), part(1), part(2)];
}

/**
 * Between which values the palette runs: the outermost hundredth at each end shares the end's color.
 * @param {Float32Array} values
 * @returns {[number, number] | null} null without a finite one
 */
export function rampRange(values) {
  const known = values.filter(Number.isFinite).sort();
  if (known.length === 0) return null;
  const at = (/** @type {number} */ q) => known[Math.round((known.length - 1) * q)];
  return [at(0.01), at(0.99)];
}

/**
 * A color a value; what is not a number gets `none`.
 * @param {Float32Array} values
 * @param {[number, number]} range
 * @param {Scheme} scheme
 * @param {ArrayLike<number>} none r, g, b
 * @returns {Uint8Array} r, g, b a value
 */
export function rampBytes(values, [lo, hi], scheme, none) {
  const out = new Uint8Array(3 * values.length);
  const span = hi > lo ? hi - lo : 1;
  for (let i = 0; i < values.length; i++) {
    const known = Number.isFinite(values[i]);
    const color = known ? rampColor(hi > lo ? (values[i] - lo) / span : 0.5, scheme) : none;
    for (let c = 0; c < 3; c++) out[3 * i + c] = color[c];
  }
  return out;
}

/** The palette as a bar between its ends. @param {HTMLElement} el */
export function createScale(el) {
  const bar = createCanvas("vw-scale-bar");
  const low = h("span", "vw-scale-end");
  const high = h("span", "vw-scale-end");
  const name = h("span", "vw-scale-name");
  const wrap = h("div", "vw-scale", { hidden: true }, [name, low, bar.canvas, high]);
  bar.canvas.setAttribute("aria-hidden", "true");
  el.append(wrap);
  return {
    /** @param {{name: string, unit: string, range: [number, number], scheme: Scheme} | null} state null: none */
    update(state) {
      show(wrap, state !== null);
      if (!state) return;
      setText(name, state.unit ? `${state.name}, ${state.unit}` : state.name);
      const [lo, hi] = state.range;
      const digits = (/** @type {number} */ v) => formatTick(Number(v.toPrecision(3)));
      setText(low, digits(lo));
      setText(high, digits(hi));
      bar.resize();
      bar.clear();
      for (let x = 0; x < bar.width; x++) {
        bar.context.fillStyle = `rgb(${rampColor(x / Math.max(bar.width - 1, 1), state.scheme).join(" ")})`;
        bar.context.fillRect(x, 0, 1.5, bar.height);
      }
    },
    destroy: () => wrap.remove(),
  };
}
