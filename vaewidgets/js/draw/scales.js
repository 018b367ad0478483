/**
 * Scales: values to pixels and back, and the round values that an axis names. Of sliders, too. No DOM.
 *
 * @typedef {((value: number) => number) & {domain: [number, number], range: [number, number], unit: number,
 *   invert(at: number): number}} Scale  unit: pixels for each unit of the domain, or of its logarithm
 */

/** @param {number} value @param {number} lo @param {number} hi */
export const clamp = (value, lo, hi) => Math.min(Math.max(value, lo), hi);

const same = (/** @type {number} */ value) => value;

/**
 * @param {[number, number]} domain
 * @param {[number, number]} range
 * @param {(value: number) => number} to
 * @param {(value: number) => number} from
 * @returns {Scale}
 */
function scaleOf(domain, range, to, from) {
  const [first, last] = domain;
  const [start, end] = range;
  const unit = (end - start) / (to(last) - to(first));
  const place = (/** @type {number} */ value) => start + (to(value) - to(first)) * unit;
  return Object.assign(place, {
    domain,
    range,
    unit,
    invert: (/** @type {number} */ at) => from(to(first) + (at - start) / unit),
  });
}

/** Where a value stands, inside the range. @param {Scale} scale @param {number} value */
export const inside = (scale, value) => scale(clamp(value, ...scale.domain));

/** @param {[number, number]} domain @param {[number, number]} range */
export const linear = (domain, range) => scaleOf(domain, range, same, same);

/** @param {[number, number]} domain above 0 @param {[number, number]} range */
export const log = (domain, range) => scaleOf(domain, range, Math.log, Math.exp);

/**
 * So many stretches beside each other: the middle of each, by its number.
 * @param {number} count
 * @param {[number, number]} range
 * @param {number} [widest]
 */
export function band(count, [start, end], widest = Number.POSITIVE_INFINITY) {
  const step = Math.min((end - start) / Math.max(count, 1), widest);
  return Object.assign((/** @type {number} */ i) => start + (i + 0.5) * step, { step });
}

/** The least of a row of round numbers that is not below a value: axes that stand still while one drags. @param {number} value @param {number[]} [steps] */
export function roundUp(value, steps = [1, 2, 5]) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  for (const step of [...steps, 10 * steps[0]]) if (step * power >= value * (1 - 1e-9)) return step * power;
  return 10 * steps[0] * power;
}

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
 * @param {{min: number, max: number, zero?: boolean, whole?: boolean}} opts whole: whole numbers only
 */
export function logSlider({ min, max, zero = false, whole = false }) {
  const scale = log([min, max], [0, 1000]);
  return {
    /** @param {number} position @returns {number} rounded to two significant digits */
    value(position) {
      if (zero && position <= 0) return 0;
      const value = Number(scale.invert(position).toPrecision(2));
      return whole ? Math.round(value) : value;
    },
    /** @param {number} value */
    position: (value) => (value <= 0 ? 0 : clamp(Math.round(scale(value)), zero ? 1 : 0, 1000)),
  };
}

/**
 * A slider's 0…1000 onto equal steps from `min` to `max`.
 * @param {{min: number, max: number, step: number}} opts
 */
export function linearSlider({ min, max, step }) {
  const scale = linear([min, max], [0, 1000]);
  return {
    /** @param {number} position @returns {number} */
    value: (position) =>
      Number((min + Math.round((scale.invert(position) - min) / step) * step).toPrecision(10)),
    /** @param {number} value */
    position: (value) => Math.round(inside(scale, value)),
  };
}
