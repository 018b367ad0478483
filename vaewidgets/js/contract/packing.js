/**
 * Arrays as Python packs them (contract/packing.py), for frames that the page makes itself. No DOM.
 *
 * @typedef {import("./types.js").Packed} Packed
 */
import { size } from "./bytes.js";

const Q16_STEPS = 65534;
const Q16_NAN = 65535;

/** @param {ArrayBufferView} view */
const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Halves go to the even neighbor, as in numpy. @param {number} x */
function roundEven(x) {
  const low = Math.floor(x);
  const rest = x - low;
  return rest === 0.5 ? low + (low % 2) : Math.round(x);
}

/** @param {ArrayLike<number>} values @param {number[]} [shape] @returns {Packed} */
export function packFloats(values, shape = [values.length]) {
  return { dtype: "f32", shape, data: bytesOf(Float32Array.from(values)) };
}

/** @param {ArrayLike<number>} values @param {number[]} [shape] @returns {Packed} */
export function packBytes(values, shape = [values.length]) {
  return { dtype: "u8", shape, data: bytesOf(Uint8Array.from(values)) };
}

/** Whole numbers in the fewest bits that hold them all. @param {ArrayLike<number>} values @returns {Packed} */
export function packIntegers(values) {
  let low = 0;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  const shape = [values.length];
  if (low >= 0 && high <= 0xff) return packBytes(values, shape);
  if (low >= 0 && high <= 0xffff) return { dtype: "u16", shape, data: bytesOf(Uint16Array.from(values)) };
  return { dtype: "i32", shape, data: bytesOf(Int32Array.from(values)) };
}

/**
 * Floats in 16 bits each, column by column of the last axis between its least and greatest finite value.
 * @param {ArrayLike<number>} values
 * @param {number[]} shape
 * @returns {Packed}
 */
export function packQuantised(values, shape) {
  const columns = shape[shape.length - 1];
  const n = size(shape);
  const lo = new Array(columns).fill(Number.POSITIVE_INFINITY);
  const hi = new Array(columns).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < n; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    const column = i % columns;
    if (value < lo[column]) lo[column] = value;
    if (value > hi[column]) hi[column] = value;
  }
  for (let column = 0; column < columns; column++) {
    if (lo[column] > hi[column]) lo[column] = hi[column] = 0;
  }
  const codes = new Uint16Array(n);
  for (let i = 0; i < n; i++) {
    const column = i % columns;
    const span = hi[column] - lo[column] || 1;
    codes[i] = Number.isFinite(values[i])
      ? roundEven(((values[i] - lo[column]) / span) * Q16_STEPS)
      : Q16_NAN;
  }
  return { dtype: "q16", shape, lo, hi, data: bytesOf(codes) };
}
