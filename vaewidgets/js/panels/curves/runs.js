/**
 * How the curves of several runs are told apart where a quantity keeps its hue: by dash, weight and lightness, and by
 * a name at the line's end. And what smoothing makes of a curve. No DOM.
 *
 * @typedef {import("./chart.js").Curve} Curve
 * @typedef {{dash: number[], width: number, alpha: number, line: boolean, dots: boolean}} Stroke
 */
import { shortened } from "../../maths/format.js";

/** With more runs in one picture only one quantity is shown at a time. */
export const MOST_RUNS_TOGETHER = 4;
const DASHES = [[], [7, 3], [2.5, 2.5], [9, 3, 2, 3]];
const LIGHTEST = 0.42;
const GHOST_ALPHA = 0.35;
const RAW_ALPHA = 0.3;

/** @param {Curve} curve @returns {Stroke} */
export function strokeOf({ split, run = 0, runs = 1, raw = false, ghost = false, front = null }) {
  const test = split === "test";
  const several = runs > 1;
  const share = several ? run / (runs - 1) : 0;
  let alpha = several ? 1 - share * (1 - LIGHTEST) : 1;
  if (raw) alpha *= RAW_ALPHA;
  if (ghost) alpha *= GHOST_ALPHA;
  if (front !== null) alpha = front === run ? 1 : alpha * 0.35;
  return {
    dash: several ? DASHES[run % DASHES.length] : test ? [4, 3] : [],
    width: test || raw ? 1.25 : front === run ? 2.5 : 1.75,
    alpha,
    // Beside other runs' dashes, a dashed line for the test set would say nothing: its points do.
    line: !(test && several),
    dots: test,
  };
}

/** What stands at the line's end before its value. @param {Curve} curve */
export function lineName({ name, label = "" }) {
  const quantity = name === "beta" ? "β" : name;
  return label ? `${shortened(label, 22)}:` : quantity;
}

/**
 * The exponential mean over time of a curve, with a memory of so many steps; weights are what remains after the
 * distance between two points, so that a thinned curve is smoothed as the whole one is. It starts unbiased.
 * @param {ArrayLike<number>} step rising
 * @param {ArrayLike<number>} values
 * @param {number} memory steps after which a value counts 1/e; 0 for none
 * @returns {Float32Array}
 */
export function smooth(step, values, memory) {
  const out = Float32Array.from(values);
  if (!(memory > 0)) return out;
  let sum = 0;
  let weight = 0;
  // The first value counts for as long as there is to the second: a mean, not a start to be forgotten.
  let before = step.length > 1 ? 2 * step[0] - step[1] : step[0] - 1;
  for (let i = 0; i < out.length; i++) {
    const keep = Math.exp((before - step[i]) / memory);
    if (Number.isFinite(values[i])) {
      sum = keep * sum + (1 - keep) * values[i];
      weight = keep * weight + (1 - keep);
      before = step[i];
    }
    out[i] = weight > 0 ? sum / weight : values[i];
  }
  return out;
}
