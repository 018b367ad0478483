/** A memory with all kernels, for pages that train. No DOM. */
import { openKernels } from "./index.js";
import { createMemoryWith } from "./store.js";

/** @typedef {import("./store.js").Memory} Memory */

/** @param {{plain?: boolean}} [options] plain: no WebAssembly, though there is some */
export const createMemory = (options) => createMemoryWith(openKernels, options);
