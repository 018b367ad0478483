/** IDX files, as MNIST's are (LeCun & Cortes, http://yann.lecun.com/exdb/mnist), gzipped or not. No DOM. */

const UNSIGNED_BYTE = 8;

/**
 * @param {Uint8Array} bytes
 * @param {string} name of the file, for messages
 * @returns {Promise<{sizes: number[], values: Uint8Array}>} values: row-major
 */
export async function readIdx(bytes, name) {
  const raw = bytes[0] === 0x1f && bytes[1] === 0x8b ? await gunzipped(bytes, name) : bytes;
  const axes = raw[3];
  if (raw.length < 8 || raw[0] || raw[1] || !axes || axes > 4) {
    throw new Error(`${name} is neither a picture, nor a CSV file, nor an IDX file.`);
  }
  if (raw[2] !== UNSIGNED_BYTE) {
    throw new Error(`${name} is an IDX file of type ${raw[2]}; expected 8, unsigned bytes.`);
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const start = 4 + 4 * axes;
  const sizes = raw.length < start ? [] : Array.from({ length: axes }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = sizes.reduce((product, size) => product * size, 1);
  if (raw.length - start !== expected) {
    throw new Error(
      `${name} is cut off or damaged: it says ${sizes.join(" × ") || axes} and holds ${Math.max(raw.length - start, 0)} bytes.`,
    );
  }
  return { sizes, values: raw.subarray(start) };
}

/** @param {Uint8Array} bytes @param {string} name */
async function gunzipped(bytes, name) {
  try {
    const plain = new Blob([/** @type {BlobPart} */ (bytes)])
      .stream()
      .pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(plain).arrayBuffer());
  } catch {
    throw new Error(`${name} looks like a gzip file and cannot be unpacked; it may be cut off.`);
  }
}
