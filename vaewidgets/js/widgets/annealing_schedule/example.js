/**
 * An example whose terms answer to beta, for schedules that follow the terms, as
 * widgets/annealing_schedule/example.py computes it and says why. No DOM.
 *
 * @typedef {import("../../training/schedules.js").Schedule} Schedule
 * @typedef {{beta: Float64Array, recon: Float64Array, kl: Float64Array}} Answer  of each step
 */
import { after, betaAt } from "../../training/schedules.js";

const LEAST_RECON = 71;
const SPAN = 135;
const SCALE = 9.4;
const LAG_STEPS = 50;
const MOST_STEPS = 5000;

/** Terms, in nats, while a schedule follows them. @param {Schedule} schedule @param {number} steps @returns {Answer} */
export function answer(schedule, steps) {
  const n = Math.min(steps, MOST_STEPS) + 1;
  const out = { beta: new Float64Array(n), recon: new Float64Array(n), kl: new Float64Array(n) };
  let now = schedule;
  let kl = 0;
  for (let step = 0; step < n; step++) {
    const beta = betaAt(now, step);
    const recon = LEAST_RECON + SPAN * Math.exp(-kl / SCALE);
    out.beta[step] = beta;
    out.recon[step] = recon;
    out.kl[step] = kl;
    now = after(now, recon, kl);
    kl += (Math.max(0, SCALE * Math.log(SPAN / (SCALE * beta))) - kl) / LAG_STEPS;
  }
  return out;
}
