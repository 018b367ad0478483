/** Products in WebAssembly SIMD: all that a page needs that only decodes. No DOM. */

/**
 * @typedef {Record<string, (...numbers: number[]) => number>} Exports
 */

/** @type {Map<string, WebAssembly.Module>} compiled once */
const modules = new Map();

/** @param {string} code @param {WebAssembly.Memory} memory @returns {Exports} */
export function load(code, memory) {
  let module = modules.get(code);
  if (!module) {
    module = new WebAssembly.Module(Uint8Array.from(atob(code), (letter) => letter.charCodeAt(0)));
    modules.set(code, module);
  }
  return /** @type {any} */ (new WebAssembly.Instance(module, { env: { memory } }).exports);
}

/**
 * @param {Exports} exports
 * @param {import("./index.js").Kernels} plain
 * @returns {import("./index.js").Kernels["product"]}
 */
export const productOf = (exports, plain) => (product) => {
  const { a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, accumulate = false, bias = -1 } = product;
  if (k === 0) plain.product(product);
  else if (m === 1) exports.vector(c, 1, a, aCol, b, bRow, bCol, n, k, Number(accumulate), bias);
  else if (n === 1 && bias < 0)
    exports.vector(c, cRow, b, bRow, a, aCol, aRow, m, k, Number(accumulate), bias);
  else {
    const isSum = accumulate && bias >= 0;
    exports.product(a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, Number(accumulate), isSum ? -1 : bias);
    for (let row = 0; isSum && row < m; row++) {
      plain.binary("add", c + row * cRow, c + row * cRow, n, bias, n, n);
    }
  }
};
