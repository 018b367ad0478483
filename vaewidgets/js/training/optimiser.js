/**
 * Torch's optimisers with its defaults, one kernel call a tensor. No DOM.
 *
 * @typedef {{offset: number, size: number}} Place of a tensor in memory, in floats
 * @typedef {{count: number, moments: Float32Array[]}} Moments what an optimiser remembers, to be kept
 */
import { corrections } from "../graphs/kernels/optimisers.js";

/**
 * By name: what it keeps beside each weight, as run files name it, and its step.
 * @type {Record<string, {keeps: string[], decay: number, step(kernels: any, call: any): void}>}
 */
const KINDS = {
  adam: { keeps: ["exp_avg", "exp_avg_sq"], decay: 0, step: (kernels, call) => kernels.adam(call) },
  adamw: { keeps: ["exp_avg", "exp_avg_sq"], decay: 0.01, step: (kernels, call) => kernels.adam(call) },
  adagrad: { keeps: ["sum"], decay: 0, step: (kernels, call) => kernels.adagrad(call) },
  sgd: { keeps: [], decay: 0, step: (kernels, call) => kernels.sgd(call) },
};

const ADAM = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
const ADAGRAD = { eps: 1e-10 };

/**
 * What a step on the GPU is told: rates that stay; of each step its size, the second moment's correction, what is left
 * of a weight, and what decays into its gradient.
 * @param {string} name
 * @returns {{beta1: number, beta2: number, eps: number, numbers: (lr: number, step: number) => number[]}}
 */
export function toldOf(name) {
  const rates = { ...ADAM, ...(name === "adagrad" ? ADAGRAD : {}) };
  if (!name.startsWith("adam")) return { ...rates, numbers: (lr) => [lr, 1, 1, 0] };
  const { decay } = KINDS[name];
  const sizes = (/** @type {number} */ lr, /** @type {number} */ step) =>
    corrections(lr, rates.beta1, rates.beta2, step);
  return { ...rates, numbers: (lr, step) => [...sizes(lr, step), 1 - lr * decay, 0] };
}

/** @param {string} name @returns {string[]} */
export const keptBy = (name) => KINDS[name].keeps;

/**
 * @param {string} name "adam", "adamw", "adagrad" or "sgd"
 * @param {Place[]} weights
 * @param {any} memory
 */
export function createOptimiser(name, weights, memory) {
  const kind = KINDS[name];
  if (!kind)
    throw new Error(`optimiser "${name}" is unknown; expected one of ${Object.keys(KINDS).join(", ")}`);
  const even = (/** @type {number} */ n) => Math.ceil(n / 4) * 4;
  const total = weights.reduce((sum, { size }) => sum + even(size), 0);
  /** @type {number[]} where each kept array begins */
  const kept = kind.keeps.map(() => memory.alloc(total));
  let end = 0;
  const starts = weights.map(({ size }) => {
    end += even(size);
    return end - even(size);
  });
  const calls = weights.map(({ offset, size }, i) => {
    const [m, v] = kept.map((start) => start + starts[i]);
    const own = { p: offset, g: 0, n: size, lr: 0, step: 0, weightDecay: kind.decay };
    const adam = { m, v, ...ADAM, decoupled: name === "adamw" };
    return name === "adagrad" ? { ...own, sum: m, ...ADAGRAD } : { ...own, ...adam };
  });
  let count = 0;
  const reset = () => {
    count = 0;
    for (const start of kept) memory.f32.fill(0, start, start + total);
  };
  reset();

  return {
    /** Change the weights by their gradients. @param {{offset: number}[]} gradients @param {number} lr */
    step(gradients, lr) {
      count++;
      calls.forEach((call, i) => {
        call.g = gradients[i].offset;
        call.lr = lr;
        call.step = count;
        kind.step(memory.kernels, call);
      });
    },
    reset,
    name,
    /** Where each array that it keeps lies, a place a weight. @type {Place[][]} */
    places: kept.map((start) => weights.map(({ size }, i) => ({ offset: start + starts[i], size }))),
    /** Count steps that were made elsewhere. @param {number} steps */
    skip(steps) {
      count += steps;
    },
    /** What it remembers, an array a weight by the names of run files. */
    tensors() {
      return weights.map(({ size }, i) =>
        Object.fromEntries(
          kind.keeps.map((key, k) => [
            key,
            memory.f32.slice(kept[k] + starts[i], kept[k] + starts[i] + size),
          ]),
        ),
      );
    },
    /** @param {Record<string, Float32Array>[]} tensors as `tensors` gave them @param {number} steps */
    load(tensors, steps) {
      reset();
      count = steps;
      tensors.forEach((own, i) => {
        kind.keeps.forEach((key, k) => {
          memory.f32.set(own[key], kept[k] + starts[i]);
        });
      });
    },
    get count() {
      return count;
    },
    dispose() {
      for (const start of kept) memory.free(start);
    },
  };
}
