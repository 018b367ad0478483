/**
 * Weights of the KL over training, as objectives/schedules.py computes them. No DOM.
 *
 * @typedef {Exclude<import("../../training/schedules.js").ByStep, {kind: "log_uniform"}>} Schedule
 * @typedef {{kind: "constant"|"linear"|"cyclical", start: number, end: number, steps: number, cycles: number,
 *   ratio: number}} Settings
 *   steps: of the whole training; ratio: the share of it, or of a cycle, in which beta rises
 */
import { betaAt } from "../../training/schedules.js";

/** Halves go up, in Python too. @param {number} value */
const atLeastOne = (value) => Math.max(1, Math.floor(value + 0.5));

/** @param {Settings} settings @returns {Schedule} */
export function scheduleOf({ kind, start, end, steps, cycles, ratio }) {
  if (kind === "constant") return { kind, value: end };
  if (kind === "linear") return { kind: "linear_warmup", start, end, steps: atLeastOne(ratio * steps) };
  return { kind: "cyclical", start, end, period: atLeastOne(steps / cycles), rise: ratio };
}

/** A number as Python's ".12g" writes it. @param {number} value */
const plain = (value) => String(Number(value.toPrecision(12)));

/** The line of Python that makes it. @param {Schedule} schedule */
export function codeOf(schedule) {
  if (schedule.kind === "constant") return `vw.Constant(${plain(schedule.value)})`;
  const ends = `start=${plain(schedule.start)}, end=${plain(schedule.end)}`;
  if (schedule.kind === "linear_warmup") return `vw.LinearWarmup(${ends}, steps=${schedule.steps})`;
  return `vw.Cyclical(${ends}, period=${schedule.period}, rise=${plain(schedule.rise)})`;
}

/**
 * Corners of the line from step 0 to the last: a jump is two corners at one step.
 * @param {Schedule} schedule
 * @param {number} last
 * @returns {[number, number][]}
 */
export function cornersOf(schedule, last) {
  if (schedule.kind === "constant")
    return [
      [0, schedule.value],
      [last, schedule.value],
    ];
  const { start, end } = schedule;
  if (schedule.kind === "linear_warmup") {
    if (schedule.steps >= last)
      return [
        [0, start],
        [last, betaAt(schedule, last)],
      ];
    return [
      [0, start],
      [schedule.steps, end],
      [last, end],
    ];
  }
  const { period, rise } = schedule;
  /** @type {[number, number][]} */
  const out = [];
  for (let from = 0; from < last; from += period) {
    out.push([from, start], [from + rise * period, end], [from + period, end]);
  }
  return out.map(([step, beta]) => [
    Math.min(step, last),
    step > last ? start + (end - start) * Math.min(1, (last % period || period) / (period * rise)) : beta,
  ]);
}
