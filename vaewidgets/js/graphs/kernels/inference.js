/** A memory with the kernels of pages that only decode: products in WebAssembly, the rest plain. No DOM. */
import { createDecodingKernels } from "./decoding.js";
import { createArrayStorage, createWasmStorage } from "./storage.js";
import { createMemoryWith } from "./store.js";
import { load, productOf } from "./wasm_products.js";
import { PRODUCTS } from "./wasm_products_code.js";

/** No program that only decodes asks for an optimiser. @param {import("./index.js").Room} room @returns {any} */
const decoding = (room) => createDecodingKernels(room);

/** @type {import("./store.js").Opener} */
function open(plain, pages) {
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
}

/** @param {{plain?: boolean}} [options] plain: no WebAssembly, though there is some */
export const createInferenceMemory = (options) => createMemoryWith(open, options);
