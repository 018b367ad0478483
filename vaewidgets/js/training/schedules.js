/**
 * The weight of the KL term by step, as objectives/schedules.py computes it. No DOM.
 *
 * @typedef {{kind: "constant", value: number}
 *   | {kind: "linear_warmup", start: number, end: number, steps: number}
 *   | {kind: "cyclical", start: number, end: number, period: number, rise: number}} Schedule
 *   as `Schedule.to_dict()`; counted in steps, from 0
 */

/** Beta at a step. @param {Schedule} schedule @param {number} step */
export function betaAt(schedule, step) {
  if (schedule.kind === "constant") return schedule.value;
  const { start, end } = schedule;
  if (schedule.kind === "linear_warmup")
    return step >= schedule.steps ? end : start + (end - start) * (step / schedule.steps);
  const share = (step % schedule.period) / (schedule.period * schedule.rise);
  return start + (end - start) * Math.min(1, share);
}

/** @param {number | Schedule} beta @returns {Schedule} a number is the same weight at every step */
export function scheduleOf(beta) {
  return typeof beta === "number" ? { kind: "constant", value: beta } : beta;
}

/** In a few words, as Python's `Schedule.describe`. @param {Schedule} schedule */
export function describe(schedule) {
  const plain = (/** @type {number} */ value) => String(Number(value.toPrecision(6)));
  if (schedule.kind === "constant") return plain(schedule.value);
  const line = `${plain(schedule.start)} to ${plain(schedule.end)}`;
  return schedule.kind === "linear_warmup"
    ? `${line} over ${schedule.steps} steps`
    : `${line}, again every ${schedule.period} steps`;
}
