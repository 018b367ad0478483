/**
 * What the page carries: modules and buffers in script elements (see publish/embed.py), states as JSON. Pages of one
 * site share files: each is a program that puts texts by name into the page's table.
 *
 * @typedef {number | string | [number, number, number]} Ref  of a script element, or in the table; or a part of what an
 *   element holds: its number, the first byte, and how many
 * @typedef {{state: Record<string, any>, buffers: [(string|number)[], Ref][]}} Parted  a state, and its buffers
 * @typedef {Parted & {module: Ref}} Saved  a widget
 * @typedef {Omit<Parted, "state"> & {state: Ref, program: Ref, panel: Ref, run: string}} Training  what the page can
 *   train, by which program, and the panel for images of the reader's own
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
    throw new Error(
      "This browser cannot decompress the page's data. Open the page in a browser from 2023 or later.",
    );
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Bytes of numbers that were put apart, all first ones before all second ones. @param {Uint8Array<ArrayBuffer>} bytes @param {number} n of each number */
export function fromPlanes(bytes, n) {
  if (n === 1) return bytes;
  const out = new Uint8Array(bytes.length);
  const each = bytes.length / n;
  for (let i = 0; i < each; i++) for (let k = 0; k < n; k++) out[i * n + k] = bytes[k * each + i];
  return out;
}

/**
 * Evaluate a module at the address of a blob.
 * @param {string} url
 * @returns {Promise<any>}
 */
export async function importBlob(url) {
  try {
    return await import(url);
  } catch (error) {
    // What a browser says of a blob that may not be run is that it could not be fetched.
    if (!(error instanceof TypeError)) throw error;
    throw new Error(
      "The server, or the page around this one, forbids programs from blobs: its Content-Security-Policy needs " +
        "blob: in script-src. Download the page and open it from the disk.",
    );
  }
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

/** Bytes of an element. @param {[string, string]} element kind and text @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function unpacked([kind, text]) {
  const raw = fromBase64(text);
  const planes = kind.startsWith("gzip") && (Number(kind.slice(4)) || 1);
  return planes ? fromPlanes(await unzip(raw), planes) : raw;
}

/** What a document carries. @param {Document} document */
export function createContent(document) {
  const elements = document.querySelectorAll("script.vw-data");
  /** @type {Record<string, [string, string]>} kind and text, as an element has them */
  const table = /** @type {any} */ (globalThis).vaewidgetsData ?? {};

  /** @param {Ref} ref @returns {[string, string]} kind and text */
  function found(ref) {
    if (typeof ref === "string") {
      if (!table[ref]) throw new Error(`A file of this page is missing: ${ref} was not found.`);
      return table[ref];
    }
    const { dataset, textContent } = /** @type {HTMLElement} */ (elements[/** @type {number} */ (ref)]);
    return [dataset.kind ?? "", textContent ?? ""];
  }

  return contentOf(
    () => JSON.parse(document.getElementById("vw-page-content")?.textContent ?? '{"widgets":[]}'),
    async (ref) => unpacked(found(ref)),
  );
}

/**
 * @param {() => {widgets: Saved[], trainings?: Training[]}} read
 * @param {(ref: Ref) => Promise<Uint8Array<ArrayBuffer>>} load what stands under a reference
 */
export function contentOf(read, load) {
  /** @type {Map<Ref, Promise<Uint8Array<ArrayBuffer>>>} */
  const loaded = new Map();
  /** @type {Map<Ref, Promise<any>>} */
  const modules = new Map();

  /** What stands under `ref`; many may ask, one loads. @param {Ref} ref @returns {Promise<Uint8Array<ArrayBuffer>>} */
  async function bytes(ref) {
    if (Array.isArray(ref)) return (await bytes(ref[0])).slice(ref[1], ref[1] + ref[2]);
    const promise = loaded.get(ref) ?? load(ref);
    loaded.set(ref, promise);
    return promise;
  }

  return {
    read,
    /** The module of a widget: evaluated once a page. @param {Ref} ref @returns {Promise<any>} */
    module(ref) {
      let promise = modules.get(ref);
      if (!promise) {
        promise = bytes(ref).then((code) => {
          const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
          return importBlob(url).finally(() => URL.revokeObjectURL(url));
        });
        modules.set(ref, promise);
      }
      return promise;
    },
    bytes,
    /** JSON that stands as bytes. @param {Ref} ref @returns {Promise<any>} */
    json: async (ref) => JSON.parse(new TextDecoder().decode(await bytes(ref))),
    /** The state with its buffers in it. @param {Parted} saved @returns {Promise<Record<string, any>>} */
    async state({ state, buffers }) {
      await Promise.all(
        buffers.map(async ([path, ref]) => put(state, path, new DataView((await bytes(ref)).buffer))),
      );
      return state;
    },
  };
}

/** @typedef {ReturnType<typeof contentOf>} Content */
