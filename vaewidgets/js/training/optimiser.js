/**
 * Torch's optimisers with its defaults, one kernel call a tensor. No DOM.
 *
 * @typedef {{offset: number, size: number}} Place of a tensor in memory, in floats
 * @typedef {{count: number, moments: Float32Array[]}} Moments what an optimiser remembers, to be kept
 */

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
    const adam = { m, v, beta1: 0.9, beta2: 0.999, eps: 1e-8, decoupled: name === "adamw" };
    return name === "adagrad" ? { ...own, sum: m, eps: 1e-10 } : { ...own, ...adam };
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
