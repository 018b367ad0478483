/**
 * Packed arrays from Python to typed arrays. No DOM.
 *
 * @typedef {import("./types.js").Packed} Packed
 * @typedef {import("./types.js").Bytes} Bytes
 */

/** Bytes an element takes, by dtype. */
const WIDTH = { u8: 1, u16: 2, i32: 4, f32: 4, f16: 2, q16: 2 };
const Q16_STEPS = 65534;
const Q16_NAN = 65535;

/** @type {Float32Array | null} */
let halfTable = null;

/**
 * The bytes themselves, whatever holds them: a DataView into a larger message keeps its offset.
 * @param {Bytes} data
 * @returns {Uint8Array}
 */
export function asBytes(data) {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new Error(`packed array: data is ${typeof data}; expected a DataView, ArrayBuffer or typed array`);
}

/**
 * @param {number[]} shape
 * @returns {number} the number of elements
 */
export function size(shape) {
  let n = 1;
  for (const extent of shape) n *= extent;
  return n;
}

/**
 * Bytes of one packed array, checked against its shape and moved where a wider view may start there.
 * @param {Packed} packed
 * @returns {Uint8Array}
 */
function checked(packed) {
  const width = WIDTH[packed.dtype];
  if (!width) throw new Error(`packed array: unknown dtype "${packed.dtype}"`);
  const bytes = asBytes(packed.data);
  const expected = size(packed.shape) * width;
  if (bytes.byteLength !== expected) {
    throw new Error(
      `packed array: ${bytes.byteLength} bytes; expected ${expected} for ${packed.dtype} [${packed.shape}]`,
    );
  }
  // A Float32Array must start at a multiple of 4: copy where the message put it elsewhere.
  return bytes.byteOffset % width === 0 ? bytes : bytes.slice();
}

/**
 * The stored integers or floats, without a change of value (f16 and q16 give their 16-bit patterns).
 * @param {Packed} packed
 * @returns {Uint8Array | Uint16Array | Int32Array | Float32Array}
 */
export function unpack(packed) {
  const bytes = checked(packed);
  const n = size(packed.shape);
  switch (packed.dtype) {
    case "u8":
      return bytes;
    case "i32":
      return new Int32Array(bytes.buffer, bytes.byteOffset, n);
    case "f32":
      return new Float32Array(bytes.buffer, bytes.byteOffset, n);
    default:
      return new Uint16Array(bytes.buffer, bytes.byteOffset, n);
  }
}

/**
 * The values as float32: half floats widened, q16 put back on its [lo, hi].
 * @param {Packed} packed
 * @returns {Float32Array} not to be written to: it may share the message's memory
 */
export function toFloat32(packed) {
  const raw = unpack(packed);
  if (packed.dtype === "f32") return /** @type {Float32Array} */ (raw);
  if (packed.dtype === "f16") return halfToFloat(/** @type {Uint16Array} */ (raw));
  if (packed.dtype === "q16") return dequantise(/** @type {Uint16Array} */ (raw), packed);
  return Float32Array.from(raw);
}

/**
 * @param {Packed} packed
 * @returns {Int32Array}
 */
export function toInt32(packed) {
  const raw = unpack(packed);
  return raw instanceof Int32Array ? raw : Int32Array.from(raw);
}

/**
 * @param {Uint16Array} raw
 * @param {Packed} packed
 * @returns {Float32Array}
 */
function dequantise(raw, packed) {
  const columns = packed.shape[packed.shape.length - 1] ?? 1;
  const { lo, hi } = packed;
  if (!lo || !hi || lo.length !== columns || hi.length !== columns) {
    throw new Error(`packed array: q16 needs lo and hi of ${columns} numbers each`);
  }
  const out = new Float32Array(raw.length);
  for (let column = 0; column < columns; column++) {
    const start = lo[column];
    const unit = (hi[column] - start) / Q16_STEPS;
    for (let i = column; i < raw.length; i += columns) {
      out[i] = raw[i] === Q16_NAN ? Number.NaN : start + raw[i] * unit;
    }
  }
  return out;
}

/**
 * IEEE half floats to float32 by table: half a million weights take about a millisecond.
 * @param {Uint16Array} raw
 * @returns {Float32Array}
 */
export function halfToFloat(raw) {
  halfTable ??= makeHalfTable();
  const out = new Float32Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = halfTable[raw[i]];
  return out;
}

/** @returns {Float32Array} the value of each of the 65,536 bit patterns */
function makeHalfTable() {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) table[bits] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}
