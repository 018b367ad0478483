/**
 * The random streams of a run that the page trains: each step, epoch and evaluation has one of its own, so that a run
 * goes on from any step with the same numbers. No DOM.
 *
 * @typedef {{kind: string, offset: number, shape: number[]}} Draw a random tensor that a program asks for
 */
import { size } from "../contract/bytes.js";
import { streamSeed, uniforms } from "../contract/random.js";

/** What is drawn: the order of an epoch, the noise of a step, that of an evaluation's batch, a tensor's first values. */
export const ORDER = 0;
export const NOISE = 1;
export const EVALUATION = 2;
export const START = 3;

/** Uniform draws in (0, 1). @param {number} seed @param {number} kind @param {number} index @returns {() => number} */
export function stream(seed, kind, index) {
  return uniforms(streamSeed(streamSeed(seed, kind), index));
}

/**
 * Fill tensors one after the other from a stream. Uniform draws are cut to 24 bits, as torch's are: rounded to float32
 * they would reach 1. Normal ones come in pairs (Box & Muller 1958).
 * @param {Draw[]} draws
 * @param {Float32Array} memory
 * @param {() => number} next
 */
export function fillDraws(draws, memory, next) {
  for (const { kind, offset, shape } of draws) {
    const end = offset + size(shape);
    if (kind === "uniform") {
      for (let i = offset; i < end; i++) memory[i] = Math.floor(next() * 16777216) / 16777216;
      continue;
    }
    for (let i = offset; i < end; i += 2) {
      const radius = Math.sqrt(-2 * Math.log(next()));
      const angle = 2 * Math.PI * next();
      memory[i] = radius * Math.cos(angle);
      if (i + 1 < end) memory[i + 1] = radius * Math.sin(angle);
    }
  }
}

/** The numbers 0 … n − 1 in an order drawn from a stream (Fisher & Yates). @param {number} n @param {() => number} next */
export function permutation(n, next) {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}
