/** Numbers and names as text. No DOM. */

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

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

/** "z₁". @param {number} i counted from 0 */
export const dimName = (i) => subscript(`z${i + 1}`);

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

/** The unit of a loss on an axis: "nats per image". @param {string} unit */
export const perImage = (unit) => {
  if (unit === "as logged") return unit;
  return unit === "BCE on grey pixels"
    ? "binary cross-entropy (grey pixels), per image"
    : `${unit} per image`;
};
