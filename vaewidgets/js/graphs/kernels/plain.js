/** All kernels in JS: those of decoding, gradients and optimisers. No DOM. */
import { createDecodingKernels } from "./decoding.js";
import { fromBytes } from "./from_bytes.js";
import { GRADIENTS } from "./gradients.js";
import { adagrad, adam, sgd } from "./optimisers.js";

/**
 * @param {import("./index.js").Room} memory
 * @returns {import("./index.js").Kernels}
 */
export function createPlainKernels(memory) {
  /** @type {import("./index.js").Kernels} */
  const kernels = {
    ...createDecodingKernels(memory, GRADIENTS),
    isFinite: (x, n) => Number.isFinite(kernels.sum(x, n)),
    fromBytes: (x, n, low, span) => fromBytes(memory.f32, x, n, low, span),
    adam: (update) => adam(memory.f32, update),
    sgd: (update) => sgd(kernels, memory, update),
    adagrad: (update) => adagrad(memory.f32, update),
  };
  return kernels;
}
