/**
 * A network with a backward pass in it, ready to run for several items at once. No DOM.
 *
 * @typedef {ReturnType<typeof openGradients>} OpenGradients
 */
import { GRADIENTS } from "../../graphs/kernels/gradients.js";
import { createInferenceMemory } from "../../graphs/kernels/inference.js";
import { backward } from "../../graphs/operations/backward.js";
import { operations } from "../../graphs/operations/index.js";
import { createProgram, createTensors } from "../../graphs/program.js";

const all = { ...operations, ...backward };

/**
 * @param {import("../../contract/types.js").Graph} network
 * @param {number} items of a call
 * @throws {Error} naming an operation that is not known, or what does not fit
 */
export function openGradients(network, items) {
  const memory = createInferenceMemory({ gradients: GRADIENTS });
  const tensors = createTensors(network, memory);
  // Some functions were recorded for one item at a time.
  const batch = typeof network.inputs[0][0] === "number" ? 1 : items;
  const program = createProgram(network, { memory, tensors, operations: all, batch, constantWeights: true });
  return {
    /** How many outputs it has. */
    outputs: network.outputs.length,
    /** The items' inputs end to end; the outputs likewise. @param {ArrayLike<number>[]} values */
    run(...values) {
      if (batch === items) return program.call(...values);
      const cut = (/** @type {ArrayLike<number>} */ all, /** @type {number} */ i) =>
        Array.prototype.slice.call(all, (i * all.length) / items, ((i + 1) * all.length) / items);
      const parts = Array.from({ length: items }, (_, i) =>
        program.call(...values.map((all) => cut(all, i))),
      );
      return parts[0].map((_, k) => Float32Array.from(parts.flatMap((part) => Array.from(part[k]))));
    },
    close() {
      program.destroy();
      tensors.destroy();
    },
  };
}
