/** A memory with the kernels of pages that only decode: products in WebAssembly, the rest plain. No DOM. */
import { createDecodingKernels } from "./decoding.js";
import { createArrayStorage, createWasmStorage } from "./storage.js";
import { createMemoryWith } from "./store.js";
import { load, productOf } from "./wasm_products.js";
import { PRODUCTS } from "./wasm_products_code.js";

/**
 * @param {typeof import("./gradients.js").GRADIENTS} gradients
 * @returns {import("./store.js").Opener}
 */
const opener = (gradients) => (plain, pages) => {
  /** No program that only decodes asks for an optimiser. @param {import("./index.js").Room} room @returns {any} */
  const decoding = (room) => createDecodingKernels(room, gradients);
  try {
    if (plain) throw new Error("not wanted");
    const memory = new WebAssembly.Memory({ initial: pages });
    const exports = load(PRODUCTS, memory);
    return {
      storage: createWasmStorage(memory),
      reserved: exports.reserved(),
      bind(room) {
        const kernels = decoding(room);
        return { ...kernels, name: "wasm", product: productOf(exports, kernels) };
      },
    };
  } catch {
    return { storage: createArrayStorage(), reserved: 0, bind: decoding };
  }
};

/**
 * @param {{plain?: boolean, gradients?: typeof import("./gradients.js").GRADIENTS}} [options]
 *   plain: no WebAssembly, though there is some; gradients: of networks with a backward pass
 */
export const createInferenceMemory = ({ gradients = {}, ...options } = {}) =>
  createMemoryWith(opener(gradients), options);
