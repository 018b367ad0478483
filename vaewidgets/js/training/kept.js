/**
 * What a page keeps of a run, with its large arrays in one blob: handing a blob on costs the page nothing, and megabytes
 * of arrays are copied in a task during which it answers nobody. No DOM.
 *
 * @typedef {{at: number, step: number, rest: any, blob: Blob}} Bundle
 *   at: when, in milliseconds; rest: what was kept, with a `Part` in the place of each large array
 * @typedef {{kind: string, inBlob: [number, number]}} Part  the array's type, its first byte and the one after its last
 */

/** Smaller arrays are kept as they are. */
const LEAST_BYTES = 16_384;

/** A nested value with some of its parts replaced. @param {any} value @param {(value: any) => any} replace called with each object; undefined: as it is @returns {any} */
function replaced(value, replace) {
  if (typeof value !== "object" || value === null) return value;
  const other = replace(value);
  if (other !== undefined) return other;
  if (Array.isArray(value)) return value.map((one) => replaced(one, replace));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replaced(one, replace)]));
}

/** @param {any} kept as the page's kernel gives it @returns {Bundle} */
export function bundled(kept) {
  /** @type {BlobPart[]} */
  const parts = [];
  let end = 0;
  const rest = replaced(kept, (value) => {
    if (!ArrayBuffer.isView(value) || value.byteLength < LEAST_BYTES) return undefined;
    parts.push(/** @type {BlobPart} */ (value));
    end += value.byteLength;
    return { kind: value.constructor.name, inBlob: [end - value.byteLength, end] };
  });
  return { at: kept.at, step: kept.run.step, rest, blob: new Blob(parts) };
}

/** @param {Bundle} bundle @returns {Promise<any>} what was kept */
export async function unbundled({ rest, blob }) {
  const bytes = await blob.arrayBuffer();
  return replaced(rest, (value) => {
    if (!value.inBlob) return undefined;
    const { kind, inBlob } = /** @type {Part} */ (value);
    return new /** @type {any} */ (globalThis)[kind](bytes.slice(...inBlob));
  });
}
