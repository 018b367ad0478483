/** Ticks and number formats. No DOM. */

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/**
 * Round steps (1, 2 or 5 times a power of ten) inside [lo, hi].
 * @param {number} lo
 * @param {number} hi
 * @param {number} count about how many
 * @returns {number[]}
 */
export function ticks(lo, hi, count) {
  if (!(hi > lo) || !(count > 0)) return [];
  const raw = (hi - lo) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const ratio = raw / power;
  const step = power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
  /** @type {number[]} */
  const out = [];
  for (let i = Math.ceil(lo / step - 1e-9); i * step <= hi + step * 1e-9; i++) out.push(i * step || 0);
  return out;
}

/**
 * Round values for a logarithmic axis: 1 to 9, 1-2-5 or whole decades, as the range asks for.
 * @param {number} lo positive
 * @param {number} hi
 * @param {number} count at most about how many
 * @returns {number[]}
 */
export function logTicks(lo, hi, count) {
  if (!(hi > lo) || !(lo > 0)) return [];
  const first = Math.floor(Math.log10(lo));
  const last = Math.ceil(Math.log10(hi));
  for (const digits of [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1]]) {
    const out = [];
    for (let power = first; power <= last; power++) {
      for (const digit of digits) out.push(Number(`${digit}e${power}`));
    }
    const inside = out.filter((value) => value >= lo && value <= hi);
    if (inside.length <= count || digits.length === 1)
      return inside.length > 1 ? inside : ticks(lo, hi, count);
  }
  return [];
}

/**
 * A number with about so many significant digits, a true minus sign and thousands in groups.
 * @param {number} value
 * @param {number} [digits]
 * @returns {string}
 */
export function formatNumber(value, digits = 4) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) return withMinus(formatExponent(value, Math.min(digits, 3)));
  const before = Math.floor(Math.log10(size)) + 1;
  const decimals = Math.min(Math.max(digits - before, 0), 6);
  return withMinus(group(value.toFixed(decimals)));
}

/**
 * Fixed decimals, so that a number that changes does not move its neighbours.
 * @param {number} value
 * @param {number} decimals
 */
export function formatFixed(value, decimals) {
  return Number.isFinite(value) ? withMinus(group(value.toFixed(decimals))) : formatNumber(value);
}

/**
 * Losses: one decimal from 10 up, two below, three under 1.
 * @param {number} value
 */
export function formatLoss(value) {
  const size = Math.abs(value);
  return formatFixed(value, size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/**
 * Short labels for ticks: 1200 → "1.2k", 0.0001 → "1e−4".
 * @param {number} value
 */
export function formatTick(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return withMinus(`${trim((value / 1e6).toPrecision(3))}M`);
  if (size >= 1e4) return withMinus(`${trim((value / 1e3).toPrecision(3))}k`);
  if (size > 0 && size < 1e-3) return withMinus(formatExponent(value, 1));
  return withMinus(group(trim(value.toFixed(6))));
}

/** A value that someone set: three significant digits, none of them idle. @param {number} value */
export function formatSetting(value) {
  const text = formatNumber(value, 3);
  return text.includes("e") ? text : trim(text);
}

/** Whole numbers in groups of three. @param {number} value */
export function formatCount(value) {
  return withMinus(group(Math.round(value).toString()));
}

/** @param {number} value @param {number} digits */
function formatExponent(value, digits) {
  const [mantissa, exponent] = value.toExponential(Math.max(digits - 1, 0)).split("e");
  return `${trim(mantissa)}e${Number(exponent)}`;
}

/** @param {string} text drop zeros after the point */
function trim(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** @param {string} text */
function group(text) {
  const [whole, fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** @param {string} text */
function withMinus(text) {
  return text.replaceAll("-", "−");
}

/** "z12" → "z₁₂". @param {string} name */
export function subscript(name) {
  return name.replace(/\d/g, (digit) => SUBSCRIPTS[Number(digit)]);
}

/**
 * @param {ArrayLike<number>} z
 * @param {number} [shown] at most so many components
 */
export function formatVector(z, shown = 4) {
  const parts = Array.from({ length: Math.min(z.length, shown) }, (_, i) => formatFixed(z[i], 2));
  if (z.length > shown) parts.push("…");
  return `(${parts.join(", ")})`;
}

/**
 * A slider's 0…1000 onto values: 0 stays exactly 0 where `zero` is set, the rest is logarithmic.
 * @param {{min: number, max: number, zero: boolean}} scale
 */
export function logSlider({ min, max, zero }) {
  const decades = Math.log10(max / min);
  return {
    /** @param {number} position @returns {number} rounded to two significant digits */
    value(position) {
      if (zero && position <= 0) return 0;
      return Number((min * 10 ** ((decades * position) / 1000)).toPrecision(2));
    },
    /** @param {number} value */
    position(value) {
      if (value <= 0) return 0;
      const at = (1000 * Math.log10(value / min)) / decades;
      return Math.min(Math.max(Math.round(at), zero ? 1 : 0), 1000);
    },
  };
}

/**
 * A slider's 0…1000 onto equal steps from `min` to `max`.
 * @param {{min: number, max: number, step: number}} scale
 */
export function linearSlider({ min, max, step }) {
  return {
    /** @param {number} position @returns {number} */
    value(position) {
      const raw = min + ((max - min) * position) / 1000;
      return Number((min + Math.round((raw - min) / step) * step).toPrecision(10));
    },
    /** @param {number} value */
    position: (value) => Math.round(Math.min(Math.max((value - min) / (max - min), 0), 1) * 1000),
  };
}

/**
 * A name cut to what a label has room for: in its middle, since names of runs and classes often differ in their ends.
 * @param {string} name
 * @param {number} [most] characters
 */
export function shortened(name, most = 18) {
  const letters = [...name];
  if (letters.length <= most) return name;
  const tail = Math.floor((most - 1) / 2);
  return `${letters.slice(0, most - 1 - tail).join("")}…${letters.slice(-tail).join("")}`;
}
