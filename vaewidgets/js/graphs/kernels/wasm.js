/** The kernels in WebAssembly SIMD; what it has not is plain. No DOM. */
import { corrections, sgd } from "./optimisers.js";
import { createPlainKernels } from "./plain.js";
import { KERNELS, RELAXED_PRODUCTS } from "./wasm_code.js";
import { load, productOf } from "./wasm_products.js";

/** Shorter operands that repeat are written out until they are about so long. */
const REPEATED = 256;

/** @typedef {import("./wasm_products.js").Exports} Exports */
/** @typedef {{memory: WebAssembly.Memory, exports: Exports, relaxed: boolean}} Wasm */

/**
 * @param {number} pages of 64 KB
 * @returns {Wasm | null} null where the browser has no SIMD or the page forbids WebAssembly
 */
export function instantiate(pages) {
  try {
    const memory = new WebAssembly.Memory({ initial: pages });
    const exports = load(KERNELS, memory);
    try {
      return { memory, exports: { ...exports, ...load(RELAXED_PRODUCTS, memory) }, relaxed: true };
    } catch {
      return { memory, exports, relaxed: false };
    }
  } catch {
    return null;
  }
}

/** @param {Exports} exports @param {string} prefix @returns {Map<string, (...numbers: number[]) => number>} */
const withPrefix = (exports, prefix) =>
  new Map(
    Object.entries(exports)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, call]) => [name.slice(prefix.length), call]),
  );

/**
 * @param {Exports} exports
 * @param {import("./index.js").Kernels["binary"]} plain
 * @returns {import("./index.js").Kernels["binary"]}
 */
function binaryOf(exports, plain) {
  const functions = withPrefix(exports, "binary_");
  return (name, out, a, aN, b, bN, n, c = 0, d = 0, e = 0) => {
    const call = functions.get(name);
    const aRepeats = aN !== n && aN !== 1;
    const bRepeats = bN !== n && bN !== 1;
    const period = aRepeats ? aN : bN;
    if (!call || (aRepeats && bRepeats)) plain(name, out, a, aN, b, bN, n, c, d, e);
    else if (!aRepeats && !bRepeats) call(out, a, aN, b, bN, n, c, d, e);
    else {
      const times = Math.ceil(REPEATED / period);
      const long = times * period;
      const from = times > 1 ? exports.repeat(aRepeats ? a : b, period, times) : aRepeats ? a : b;
      for (let i = 0; i < n; i += long) {
        const count = Math.min(long, n - i);
        const left = aRepeats ? from : aN === 1 ? a : a + i;
        const right = bRepeats ? from : bN === 1 ? b : b + i;
        call(out + i, left, aN === 1 ? 1 : count, right, bN === 1 ? 1 : count, count, c, d, e);
      }
    }
  };
}

/** @param {Exports} exports @param {"im2col" | "col2im"} name */
const patchesOf = (exports, name) => (/** @type {import("./index.js").Patches} */ patches) => {
  const { x, columns, channels, height, width, kernel, stride, padding, dilation } = patches;
  const { outHeight, outWidth, row = outHeight * outWidth } = patches;
  const sizes = [...kernel, ...stride, ...padding, ...dilation];
  exports[name](x, columns, row, channels, height, width, ...sizes, outHeight, outWidth);
};

/** @param {Exports} exports @returns {Pick<import("./index.js").Kernels, "adam" | "adagrad">} */
const optimisersOf = (exports) => ({
  adam({ p, g, m, v, n, lr, beta1, beta2, eps, weightDecay = 0, decoupled = false, step }) {
    const [size, root] = corrections(lr, beta1, beta2, step);
    const kept = decoupled ? 1 - lr * weightDecay : 1;
    const decay = decoupled ? 0 : weightDecay;
    exports.adam(p, g, m, v, n, size, 1 - beta1, beta2, 1 - beta2, root, eps, kept, decay);
  },
  adagrad({ p, g, sum, n, lr, lrDecay = 0, eps, weightDecay = 0, step }) {
    exports.adagrad(p, g, sum, n, lr / (1 + (step - 1) * lrDecay), eps, weightDecay);
  },
});

/**
 * @param {import("./index.js").Room} memory
 * @param {Wasm} wasm
 * @returns {import("./index.js").Kernels}
 */
export function createWasmKernels(memory, { exports, relaxed }) {
  const plain = createPlainKernels(memory);
  const unaries = withPrefix(exports, "unary_");
  /** @type {import("./index.js").Kernels} */
  const kernels = {
    ...plain,
    name: relaxed ? "wasm relaxed" : "wasm",
    product: productOf(exports, plain),
    unary(name, out, x, n, a = 0, b = 0, c = 0) {
      const call = unaries.get(name);
      if (call) call(out, x, n, a, b, c);
      else plain.unary(name, out, x, n, a, b, c);
    },
    binary: binaryOf(exports, plain.binary),
    select(out, condition, a, b, n, conditionN = n, aN = n, bN = n) {
      if ([conditionN, aN, bN].every((count) => count === 1 || count === n)) {
        exports.select3(out, condition, conditionN, a, aN, b, bN, n);
      } else plain.select(out, condition, a, b, n, conditionN, aN, bN);
    },
    axpy: (out, a, b, alpha, n) => void exports.binary_axpy(out, a, n, b, n, n, alpha, 0, 0),
    sum: (x, n) => exports.sum(x, n),
    fromBytes: (x, n, low, span) => void exports.fromBytes(x, n, low, span),
    isFinite: (x, n) => exports.isFinite(x, n) === 1,
    sumRows: (out, x, rows, cols) => void exports.sumRows(out, x, rows, cols),
    sumCols: (out, x, rows, cols) => void exports.sumCols(out, x, rows, cols),
    im2col: patchesOf(exports, "im2col"),
    col2im: patchesOf(exports, "col2im"),
    ...optimisersOf(exports),
    sgd: (update) => sgd(kernels, memory, update),
  };
  return kernels;
}
