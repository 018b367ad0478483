/**
 * The page that views are drawn in: its name, which is one for all bundles, and what it allows. Some hosts give each
 * output a page of its own, in a frame.
 *
 * @typedef {{workers?: boolean, wasm?: boolean}} Allows
 */

const page = /** @type {any} */ (globalThis);
const NAME = Symbol.for("vaewidgets.page.1");
const ALLOWS = Symbol.for("vaewidgets.allows.1");

page[NAME] ??= Math.random().toString(36).slice(2, 10);
/** @type {string} */
export const pageName = page[NAME];

const EMPTY_MODULE = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);

function allowsWasm() {
  try {
    return Boolean(new WebAssembly.Module(EMPTY_MODULE));
  } catch {
    return false;
  }
}

/** A policy refuses a worker by an exception or later, by an error. @param {(allowed: boolean) => void} tell */
function tryWorker(tell) {
  try {
    const url = URL.createObjectURL(new Blob(["postMessage(0)"], { type: "text/javascript" }));
    const worker = new Worker(url);
    const end = (/** @type {boolean} */ allowed) => {
      worker.terminate();
      URL.revokeObjectURL(url);
      tell(allowed);
    };
    worker.onmessage = () => end(true);
    worker.onerror = () => end(false);
  } catch {
    tell(false);
  }
}

/** What the page allows, as far as it is known by now; tried once a page. @returns {Allows} */
export function pageAllows() {
  if (!page[ALLOWS]) {
    page[ALLOWS] = { wasm: allowsWasm() };
    tryWorker((workers) => Object.assign(page[ALLOWS], { workers }));
  }
  return page[ALLOWS];
}
