/**
 * The weight of the KL term by step, as objectives/schedules.py computes it. No DOM.
 *
 * @typedef {{kind: "constant", value: number}
 *   | {kind: "linear_warmup", start: number, end: number, steps: number}
 *   | {kind: "cyclical", start: number, end: number, period: number, rise: number}
 *   | {kind: "log_uniform", least: number, most: number}} ByStep
 *   as `Schedule.to_dict()`; counted in steps, from 0
 * @typedef {{kind: "target_kl", kl: number, integral: number, error: number}
 *   | {kind: "geco", recon: number, integral: number, error: number}} Controller  see objectives/controllers.py
 * @typedef {ByStep | Controller} Schedule
 */
/** As in objectives/controllers.py, where they are explained. */
const CONTROL = {
  target_kl: { rate: 0.05, most: 0.5, first: Math.log(0.1) },
  geco: { rate: 0.1, most: 0.5, first: 0 },
};
const LEAST = Math.log(1e-4);
const MOST = Math.log(1e4);
const inside = (/** @type {number} */ value, /** @type {number} */ least, /** @type {number} */ most) =>
  Math.min(Math.max(value, least), most);

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** @param {{least: number, most: number}} range @param {number} share of its logarithm */
function spread({ least, most }, share) {
  const [low, high] = [Math.log(least), Math.log(most)];
  return Math.exp(low + share * (high - low));
}

/** Beta that a test set is scored with after a step. @param {Schedule} schedule @param {number} step */
export const scoredAt = (schedule, step) =>
  schedule.kind === "log_uniform" ? spread(schedule, 0.5) : betaAt(schedule, step);

/** Beta at a step. @param {Schedule} schedule @param {number} step */
export function betaAt(schedule, step) {
  if (schedule.kind === "constant") return schedule.value;
  if (isController(schedule)) {
    const { integral, error, kind } = schedule;
    return Math.exp(inside(CONTROL[kind].first + integral + error, LEAST, MOST));
  }
  if (schedule.kind === "log_uniform") return spread(schedule, (0.5 + step * GOLDEN) % 1);
  const { start, end } = schedule;
  if (schedule.kind === "linear_warmup")
    return step >= schedule.steps ? end : start + (end - start) * (step / schedule.steps);
  const share = (step % schedule.period) / (schedule.period * schedule.rise);
  return start + (end - start) * Math.min(1, share);
}

/** @param {Schedule} schedule @returns {schedule is Controller} whether beta follows from the terms of the steps before */
export const isController = (schedule) => Object.hasOwn(CONTROL, schedule.kind);

/**
 * The schedule of the next step, when the step now made had these terms.
 * @param {Schedule} schedule @param {number} recon @param {number} kl @returns {Schedule}
 */
export function after(schedule, recon, kl) {
  if (!isController(schedule)) return schedule;
  const { rate, most, first } = CONTROL[schedule.kind];
  const off =
    schedule.kind === "target_kl"
      ? Math.log(Math.max(kl, 1e-9) / schedule.kl)
      : (10 * (schedule.recon - recon)) / Math.max(Math.abs(schedule.recon), 1);
  const error = inside(off, -most, most);
  return {
    ...schedule,
    error,
    integral: inside(schedule.integral + rate * error, LEAST - first, MOST - first),
  };
}

/** Beta that holds the KL, from its start. @param {number} kl nats an image @returns {Controller} */
export const targetKl = (kl) => ({ kind: "target_kl", kl, integral: 0, error: 0 });

/** @param {number | Schedule} beta @returns {Schedule} a number is the same weight at every step */
export function scheduleOf(beta) {
  return typeof beta === "number" ? { kind: "constant", value: beta } : beta;
}

/** In a few words, as Python's `Schedule.describe`. @param {Schedule} schedule */
export function describe(schedule) {
  const plain = (/** @type {number} */ value) => String(Number(value.toPrecision(6)));
  if (schedule.kind === "constant") return plain(schedule.value);
  if (schedule.kind === "target_kl") return `KL held at ${plain(schedule.kl)} nats`;
  if (schedule.kind === "geco") return `recon held at ${plain(schedule.recon)}`;
  if (schedule.kind === "log_uniform")
    return `${plain(schedule.least)} to ${plain(schedule.most)}, another at each step`;
  const line = `${plain(schedule.start)} to ${plain(schedule.end)}`;
  return schedule.kind === "linear_warmup"
    ? `${line} over ${schedule.steps} steps`
    : `${line}, again every ${schedule.period} steps`;
}
