/**
 * Answers as numbers for their codes, and what a class has answered. No DOM. widgets/prediction/coded.py numbers alike.
 *
 * @typedef {import("./predict.js").Exercise & {mark: string}} Coded
 * @typedef {{text: string, count: number, isTrue: boolean}} Row
 */

import { clamp } from "../../draw/scales.js";
import { codeOf, plainCode, readCode } from "./answer_codes.js";
import { formatAmount, nameOf, nearestCenter } from "./predict.js";

/** Of a range that is not of whole numbers. */
const PARTS = 1000;
/** A place is told from −10 to 10, to a hundredth. */
const [REACH, HUNDREDTHS] = [10, 100];
const SIDE = 2 * REACH * HUNDREDTHS + 1;
/** More rows than that are read by nobody. */
const MOST_ROWS = 12;

/** @param {number} n @returns {number} */
const factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1));

/** How many answers there can be. @param {Coded} exercise @returns {number} */
export function sizeOf(exercise) {
  switch (exercise.kind) {
    case "choices":
      return exercise.choices.length;
    case "order":
      return factorial(exercise.order.length);
    case "between":
      return exercise.whole ? exercise.between[1] - exercise.between[0] + 1 : PARTS + 1;
    default:
      return SIDE * SIDE;
  }
}

/** @param {Coded} exercise @param {any} answer @returns {number} */
export function numberOf(exercise, answer) {
  switch (exercise.kind) {
    case "choices":
      return exercise.choices.indexOf(answer);
    case "order": {
      const left = [...exercise.order];
      return answer.reduce((/** @type {number} */ all, /** @type {string} */ item) => {
        const at = left.indexOf(item);
        const number = all * left.length + at;
        left.splice(at, 1);
        return number;
      }, 0);
    }
    case "between": {
      const [low, high] = exercise.between;
      return exercise.whole ? answer - low : Math.floor(((answer - low) / (high - low)) * PARTS + 0.5);
    }
    default: {
      const [u, v] = answer.map((/** @type {number} */ x) =>
        Math.floor(clamp(x, -REACH, REACH) * HUNDREDTHS + 0.5),
      );
      return (u + REACH * HUNDREDTHS) * SIDE + v + REACH * HUNDREDTHS;
    }
  }
}

/** @param {Coded} exercise @param {number} number @returns {any} the answer */
export function answerOf(exercise, number) {
  switch (exercise.kind) {
    case "choices":
      return exercise.choices[number];
    case "order": {
      const digits = [];
      for (let n = 1, rest = number; n <= exercise.order.length; n++) {
        digits.unshift(rest % n);
        rest = Math.floor(rest / n);
      }
      const left = [...exercise.order];
      return digits.map((at) => left.splice(at, 1)[0]);
    }
    case "between": {
      const [low, high] = exercise.between;
      return exercise.whole ? low + number : low + ((high - low) * number) / PARTS;
    }
    default:
      return [Math.floor(number / SIDE), number % SIDE].map((n) => n / HUNDREDTHS - REACH);
  }
}

/** @param {Coded} exercise @param {any} answer */
export const codeFor = (exercise, answer) =>
  codeOf(exercise.mark, numberOf(exercise, answer), sizeOf(exercise));

/**
 * What stands in pasted text or in a table's file: codes, among anything else.
 * @param {Coded} exercise @param {string} text
 * @returns {{answers: any[], codes: string[], others: string[], bad: string[]}} others: codes of another question;
 *   bad: of this one, mistyped
 */
export function readCodes(exercise, text) {
  const size = sizeOf(exercise);
  /** @type {{answers: any[], codes: string[], others: string[], bad: string[]}} */
  const found = { answers: [], codes: [], others: [], bad: [] };
  for (const token of text.split(/[\s,;"']+/)) {
    if (!/^[0-9a-z]{2}-[0-9a-z]{2,14}$/i.test(token)) continue;
    const number = readCode(exercise.mark, token, size);
    if (number !== null) {
      found.answers.push(answerOf(exercise, number));
      found.codes.push(codeOf(exercise.mark, number, size));
    } else {
      const isOwn = plainCode(token).slice(0, 2) === exercise.mark;
      found[isOwn ? "bad" : "others"].push(token);
    }
  }
  return found;
}

/** The ends of the rows of a histogram, and what each says. @param {import("./predict.js").Between} exercise */
function binsOf({ between: [low, high], whole }) {
  const values = high - low + 1;
  const width = whole ? Math.max(1, Math.ceil(values / MOST_ROWS)) : (high - low) / 10;
  const count = whole ? Math.ceil(values / width) : 10;
  return Array.from({ length: count }, (_, i) => {
    const from = low + i * width;
    const to = whole ? Math.min(from + width - 1, high) : from + width;
    return {
      from,
      to,
      text: from === to ? formatAmount(from) : `${formatAmount(from)} to ${formatAmount(to)}`,
    };
  });
}

/**
 * How many have answered what.
 * @param {Coded} exercise @param {any[]} answers
 * @param {boolean} revealed whether the true one is marked
 * @returns {Row[]}
 */
export function tally(exercise, answers, revealed) {
  const truth = revealed ? exercise.truth : null;
  const count = (/** @type {(answer: any) => boolean} */ is) => answers.filter(is).length;
  switch (exercise.kind) {
    case "choices":
      return exercise.choices.map((text) => ({
        text,
        count: count((one) => one === text),
        isTrue: text === truth,
      }));
    case "order": // a row for each place of the true order; before, of the most frequent answer at each place
      return exercise.order.map((_, i) => {
        const wanted = truth?.[i] ?? mostFrequent(answers.map((one) => one[i]));
        return {
          text: `${i + 1}. ${wanted}`,
          count: count((one) => one[i] === wanted),
          isTrue: truth !== null,
        };
      });
    case "between": {
      const bins = binsOf(exercise);
      const binAt = (/** @type {number} */ value) => bins.findLastIndex(({ from }) => value >= from - 1e-9);
      return bins.map(({ text }, i) => ({
        text,
        count: count((one) => binAt(one) === i),
        isTrue: truth !== null && binAt(truth) === i,
      }));
    }
    default: {
      const { map, label, class_names: names } = exercise;
      const nearest = answers.map((one) => nearestCenter(map?.centers ?? [], one));
      return (map?.centers ?? []).map(([of]) => ({
        text: `nearest to ${nameOf(of, names)}`,
        count: nearest.filter((one) => one === of).length,
        isTrue: truth !== null && of === label,
      }));
    }
  }
}

/** @param {string[]} items @returns {string} "…" of none */
function mostFrequent(items) {
  const counts = new Map();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "…";
}
