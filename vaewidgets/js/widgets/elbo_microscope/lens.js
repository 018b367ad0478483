/**
 * What scores an image in the page: the recorded network, opened for one draw or many, and the search for the balance,
 * a few milliseconds of each frame.
 *
 * @typedef {import("./balance.js").Found} Found
 * @typedef {import("./balance.js").Question} Question
 * @typedef {import("./gradients.js").OpenGradients} Network
 */

import { evaluate, walk } from "./balance.js";
import { openGradients } from "./gradients.js";

const BUDGET_MS = 8;

/** @param {() => void} onBalance the balance was found */
export function createLens(onBalance) {
  let score = /** @type {import("../../contract/types.js").Decoder | null} */ (null);
  let fault = /** @type {string | null} */ (null);
  /** By how many draws they take at once. @type {Map<number, Network>} */
  const networks = new Map();
  let key = "";
  let steps = /** @type {Generator<Found, Found> | null} */ (null);
  let start = /** @type {Found | null} */ (null);
  let balance = /** @type {Found | null} */ (null);
  let frame = 0;

  function close() {
    for (const one of networks.values()) one.close();
    networks.clear();
  }

  /** @param {number} n draws @returns {Network | null} */
  function networkFor(n) {
    const known = networks.get(n);
    if (known) return known;
    if (!score?.network || fault) return null;
    try {
      const opened = openGradients(score.network, n);
      networks.set(n, opened);
      return opened;
    } catch (error) {
      fault = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  /** @param {ArrayLike<number>} mu @param {Question} question @returns {Found | null} null: the page cannot */
  function look(mu, question) {
    const network = networkFor(question.eps.length / mu.length);
    return network && evaluate(network, mu, question);
  }

  /** The way from a mean to the balance. @param {ArrayLike<number>} mu @param {Question} question @param {number} trainedBeta */
  function wayFrom(mu, question, trainedBeta) {
    const first = look(mu, question);
    if (!first) return null;
    const at = (/** @type {Float32Array} */ next) => /** @type {Found} */ (look(next, question));
    return { first, steps: walk(at, first, { ...question, trainedBeta }) };
  }

  function work() {
    frame = 0;
    const begin = performance.now();
    while (steps) {
      const { value, done } = steps.next();
      if (done) {
        balance = value;
        steps = null;
        onBalance();
      } else if (performance.now() - begin > BUDGET_MS) {
        frame = requestAnimationFrame(work);
        return;
      }
    }
  }

  return {
    look,
    wayFrom,
    /** @param {import("../../contract/types.js").Decoder | null} next @returns {boolean} whether it is another one */
    setScore(next) {
      if (next === score) return false;
      close();
      score = next;
      fault = null;
      key = "";
      return true;
    },
    /** Sizes of the one-hot vector that the decoder is told, 0 for none. */
    get classes() {
      return Number(score?.network?.inputs[2]?.[1] ?? 0);
    },
    /** Whether anything can be scored, and whether with a gradient. */
    get can() {
      return {
        score: Boolean(score?.network) && !fault,
        gradient: (score?.network?.outputs.length ?? 0) > 2,
      };
    },
    get reason() {
      return fault ?? score?.reason ?? null;
    },
    /** Find the balance of this question, if it is another one. @param {string} name @param {ArrayLike<number>} mu @param {Question} question @param {number} trainedBeta */
    seek(name, mu, question, trainedBeta) {
      if (name === key) return;
      key = name;
      const way = wayFrom(mu, question, trainedBeta);
      start = way?.first ?? null;
      steps = way?.steps ?? null;
      balance = null;
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(work);
    },
    /** What the search began with: the encoder's mean. */
    get start() {
      return start;
    },
    get balance() {
      return balance;
    },
    destroy() {
      cancelAnimationFrame(frame);
      close();
    },
  };
}
