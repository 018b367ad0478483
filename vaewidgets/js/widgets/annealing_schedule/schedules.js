/**
 * Weights of the KL over training, as objectives/schedules.py and controllers.py compute them. No DOM.
 *
 * @typedef {Exclude<import("../../training/schedules.js").ByStep, {kind: "log_uniform"}>} ByStep
 * @typedef {import("../../training/schedules.js").Controller} Controller
 * @typedef {import("./example.js").Answer} Answer
 * @typedef {"constant"|"linear"|"cyclical"|"target_kl"|"geco"} Kind
 * @typedef {{kind: Kind, start: number, end: number, steps: number, cycles: number, ratio: number,
 *   target_kl: number, target_recon: number}} Settings
 *   steps: of the whole training; ratio: the share of it, or of a cycle, in which beta rises
 * @typedef {{at: (step: number) => number, corners: [number, number][], answer: Answer|null}} Line
 *   beta by step; corners of its line; what an example does that the schedule follows, if it follows any
 * @typedef {{name: "kl"|"recon", key: "target_kl"|"target_recon", label: string, target: number}} HeldTerm
 *   key: of the view
 */
import { betaAt, isController, targetKl } from "../../training/schedules.js";
import { answer } from "./example.js";

const MOST_CORNERS = 600;

/** Halves go up, in Python too. @param {number} value */
const atLeastOne = (value) => Math.max(1, Math.floor(value + 0.5));

/** @param {Settings} settings @returns {ByStep | Controller} */
export function scheduleOf({ kind, start, end, steps, cycles, ratio, ...target }) {
  if (kind === "constant") return { kind, value: end };
  if (kind === "target_kl") return targetKl(target.target_kl);
  if (kind === "geco") return { kind, recon: target.target_recon, integral: 0, error: 0 };
  if (kind === "linear") return { kind: "linear_warmup", start, end, steps: atLeastOne(ratio * steps) };
  return { kind: "cyclical", start, end, period: atLeastOne(steps / cycles), rise: ratio };
}

/** Whether beta rises from its start to its end. @param {Settings} settings */
export const rises = ({ kind }) => kind === "linear" || kind === "cyclical";

/** The term that a schedule holds; null: none. @param {Settings} settings @returns {HeldTerm|null} */
export function heldTerm({ kind, target_kl, target_recon }) {
  if (kind === "target_kl") return { name: "kl", key: kind, label: "KL", target: target_kl };
  if (kind !== "geco") return null;
  return { name: "recon", key: "target_recon", label: "recon", target: target_recon };
}

/** Of an example, which stays as it is at its end. @param {Float64Array} values @param {number} step */
export const valueAt = (values, step) => values[Math.min(Math.round(step), values.length - 1)];

/** A number as Python's ".12g" writes it. @param {number} value */
const plain = (value) => String(Number(value.toPrecision(12)));

/** The line of Python that makes it. @param {ByStep | Controller} schedule */
export function codeOf(schedule) {
  if (schedule.kind === "constant") return `vw.Constant(${plain(schedule.value)})`;
  if (schedule.kind === "target_kl") return `vw.TargetKL(${plain(schedule.kl)})`;
  if (schedule.kind === "geco") return `vw.GECO(recon=${plain(schedule.recon)})`;
  const ends = `start=${plain(schedule.start)}, end=${plain(schedule.end)}`;
  if (schedule.kind === "linear_warmup") return `vw.LinearWarmup(${ends}, steps=${schedule.steps})`;
  return `vw.Cyclical(${ends}, period=${schedule.period}, rise=${plain(schedule.rise)})`;
}

/** Beta over so many steps. @param {Settings} settings @returns {Line} */
export function lineOf(settings) {
  const schedule = scheduleOf(settings);
  const { steps } = settings;
  if (!isController(schedule)) {
    const at = (/** @type {number} */ step) => betaAt(schedule, step);
    return { at, corners: cornersOf(/** @type {ByStep} */ (schedule), steps), answer: null };
  }
  const found = answer(schedule, steps);
  return {
    at: (step) => valueAt(found.beta, step),
    corners: pathOf(found.beta, steps),
    answer: found,
  };
}

/** Corners of what an example did, which stays as it is at its end. @param {Float64Array} values @param {number} last step */
export function pathOf(values, last) {
  const end = values.length - 1;
  const stride = Math.max(1, Math.ceil(end / MOST_CORNERS));
  /** @type {[number, number][]} */
  const out = [];
  for (let step = 0; step < end; step += stride) out.push([step, values[step]]);
  out.push([end, values[end]]);
  if (last > end) out.push([last, values[end]]);
  return out;
}

/**
 * Corners of the line from step 0 to the last: a jump is two corners at one step.
 * @param {ByStep} schedule
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
