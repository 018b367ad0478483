/**
 * What an exercise asks, when an answer is right, and what is said of it. No DOM. widgets/exercise.py judges alike.
 *
 * @typedef {import("../../contract/types.js").Packed} Packed
 * @typedef {[number, number, number]} Center  a class and the place of its center
 * @typedef {{step: number, points: Packed, labels: Packed,
 *   prior: {center: [number, number], radii: number[]}|null, centers: Center[]}} PlaceMap
 * @typedef {{question: string, truth: any, because: string}} Asked  truth: null as long as it is not known
 * @typedef {Asked & {kind: "choices", choices: string[]}} Choices
 * @typedef {Asked & {kind: "order", order: string[], order_by: string}} Order
 * @typedef {Asked & {kind: "between", between: [number, number], whole: boolean, unit: string,
 *   tolerance: number}} Between
 * @typedef {Asked & {kind: "place", label: number, name: string, run_name: string, class_names: string[]|null,
 *   map: PlaceMap|null}} Place  map: null before the run has ended
 * @typedef {Choices | Order | Between | Place} Exercise
 */
import { formatCount, formatTick } from "../../maths/format.js";

const SLACK = 1e-9;

/**
 * @param {Exercise} exercise
 * @param {any} answer
 * @returns {boolean | null} null without an answer or a truth
 */
export function isRight(exercise, answer) {
  const { truth } = exercise;
  if (answer === null || truth === null) return null;
  switch (exercise.kind) {
    case "choices":
      return answer === truth;
    case "order":
      return placesHit(answer, truth) === truth.length;
    case "between": {
      const [low, high] = exercise.between;
      return Math.abs(answer - truth) <= exercise.tolerance + SLACK * (high - low);
    }
    default:
      return nearestCenter(exercise.map?.centers ?? [], answer) === exercise.label;
  }
}

/** How many items are in the right place. @param {string[]} answer @param {string[]} truth */
export const placesHit = (answer, truth) => truth.filter((item, i) => answer[i] === item).length;

/** @param {Center[]} centers @param {[number, number]} place @returns {number} the class; −1 without any */
export function nearestCenter(centers, [u, v]) {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const [label, x, y] of centers) {
    const far = Math.hypot(x - u, y - v);
    if (far < least) {
      least = far;
      best = label;
    }
  }
  return best;
}

/** @param {number} value @param {string} [unit] */
export function formatAmount(value, unit = "") {
  const text = Number.isInteger(value)
    ? formatCount(value)
    : Math.abs(value) >= 1e4
      ? formatCount(value)
      : formatTick(Number(value.toPrecision(4)));
  return unit ? `${text} ${unit}` : text;
}

/** The slider's step: whole numbers, or a power of ten that makes 100 to 1,000 of them. @param {Between} exercise */
export function stepOf({ between: [low, high], whole }) {
  return whole ? 1 : 10 ** Math.floor(Math.log10((high - low) / 100) + 1e-9);
}

/** @param {number} label @param {string[] | null} names */
export const nameOf = (label, names) => names?.[label] ?? String(label);

/**
 * Right or not, and the truth beside the answer.
 * @param {Exercise} exercise
 * @param {any} answer
 */
export function outcome(exercise, answer) {
  const right = isRight(exercise, answer);
  if (right === null) return "";
  const { truth } = exercise;
  switch (exercise.kind) {
    case "choices":
      return right ? `Right: ${truth}` : `Not quite: ${truth}`;
    case "order":
      return right
        ? "Right: that is the order"
        : `Not quite: ${placesHit(answer, truth)} of ${truth.length} are in the right place`;
    case "between": {
      const { unit, tolerance } = exercise;
      const near = tolerance > 0 ? `, within ${formatAmount(tolerance, unit)}` : "";
      const said = formatAmount(answer);
      if (right)
        return `Right: ${formatAmount(truth, unit)}${answer === truth ? "" : `; your answer was ${said}${near}`}`;
      return `Not quite: ${formatAmount(truth, unit)}; your answer was ${said}`;
    }
    default: {
      const { name, class_names, map } = exercise;
      if (right) return `Right: your point is closest to class ${name}`;
      const nearest = nearestCenter(map?.centers ?? [], answer);
      return `Not quite: your point is closest to class ${nameOf(nearest, class_names)}, not ${name}`;
    }
  }
}

/** What is to be done next, and why it cannot be revealed yet. @param {Exercise} exercise @param {any} answer */
export function hint(exercise, answer) {
  const later = exercise.kind === "place" ? "when the run has ended" : "after training";
  if (answer === null) {
    if (exercise.truth === null) return `Enter your prediction; the answer is known ${later}.`;
    const how = exercise.kind === "place" ? ": click there, or drag the question mark" : "";
    return `Enter your prediction${how}, then reveal.`;
  }
  return exercise.truth === null ? `Your answer is saved. The true answer is known ${later}.` : "";
}
