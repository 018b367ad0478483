/** Scales. */

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
