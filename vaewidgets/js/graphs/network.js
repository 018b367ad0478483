/**
 * A decoder or encoder of the page, ready to run: for one item, with weights that do not change. No DOM.
 *
 * @typedef {ReturnType<typeof openNetwork>} OpenNetwork
 */
import { size } from "../contract/bytes.js";
import { createInferenceMemory } from "./kernels/inference.js";
import { operations } from "./operations/index.js";
import { createProgram, createTensors } from "./program.js";

/** One for all networks of a page. @type {import("./kernels/store.js").Memory | null} */
let memory = null;

/**
 * @param {import("../contract/types.js").Graph} network
 * @throws {Error} naming an operation that is not known, or what does not fit
 */
export function openNetwork(network) {
  memory ??= createInferenceMemory();
  const tensors = createTensors(network, memory);
  try {
    const program = createProgram(network, { memory, tensors, operations, constantWeights: true });
    return {
      /** How many numbers each input has. */
      inputs: program.inputs.map(({ shape }) => size(shape)),
      /** What it makes of its inputs; the last ones may be left out where the network says so. @param {ArrayLike<number>[]} values */
      run: (...values) => program.call(...values),
      /** Its memory is free again: it runs no more. */
      close() {
        program.destroy();
        tensors.destroy();
      },
    };
  } catch (error) {
    tensors.destroy();
    throw error;
  }
}
