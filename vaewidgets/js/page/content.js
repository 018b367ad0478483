/**
 * What the page carries: modules and buffers in script elements (see publish/embed.py), states as JSON.
 *
 * @typedef {{module: number, state: Record<string, any>, buffers: [(string|number)[], number][]}} Saved
 */

/** @param {string} text base64 @returns {Uint8Array<ArrayBuffer>} */
export function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function unzip(bytes) {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("This browser cannot unpack the page's data: open the page in one of 2023 or newer.");
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Put a buffer where the state has null in its place.
 * @param {any} state
 * @param {(string|number)[]} path
 * @param {any} value
 */
export function put(state, path, value) {
  let at = state;
  for (const key of path.slice(0, -1)) at = at[key];
  at[path[path.length - 1]] = value;
}

/** @param {Document} document */
export function createContent(document) {
  const elements = document.querySelectorAll("script.vw-data");
  /** @type {Map<number, Promise<Uint8Array<ArrayBuffer>>>} */
  const unpacked = new Map();
  /** @type {Map<number, Promise<any>>} */
  const modules = new Map();

  /** The bytes of an element; many may ask, one unpacks. @param {number} index */
  function bytes(index) {
    let promise = unpacked.get(index);
    if (!promise) {
      const element = /** @type {HTMLElement} */ (elements[index]);
      const raw = fromBase64(element.textContent ?? "");
      promise = element.dataset.kind === "gzip" ? unzip(raw) : Promise.resolve(raw);
      unpacked.set(index, promise);
    }
    return promise;
  }

  return {
    /** @returns {{widgets: Saved[]}} */
    read: () => JSON.parse(document.getElementById("vw-page-content")?.textContent ?? '{"widgets":[]}'),
    /** The module of a widget: evaluated once a page. @param {number} index @returns {Promise<any>} */
    module(index) {
      let promise = modules.get(index);
      if (!promise) {
        promise = bytes(index).then((code) => {
          const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
          return import(url).finally(() => URL.revokeObjectURL(url));
        });
        modules.set(index, promise);
      }
      return promise;
    },
    /** The state with its buffers in it. @param {Saved} saved @returns {Promise<Record<string, any>>} */
    async state({ state, buffers }) {
      await Promise.all(
        buffers.map(async ([path, index]) => put(state, path, new DataView((await bytes(index)).buffer))),
      );
      return state;
    },
  };
}
