import assert from "node:assert/strict";
import { test } from "node:test";
import { asBytes, halfToFloat, toFloat32, toInt32, unpack } from "../contract/bytes.js";

/** @typedef {import("../contract/types.js").Packed} Packed */

/** The bytes of an array at an odd place inside a longer message. @param {ArrayBufferView} view */
function unaligned(view) {
  const bytes = asBytes(view);
  const message = new Uint8Array(bytes.length + 8).fill(255);
  message.set(bytes, 3);
  return new DataView(message.buffer, 3, bytes.length);
}

test("float32 inside a message, at a byte that a Float32Array may not start at", () => {
  const values = Float32Array.of(1.5, -2.25, 1e10, 0);
  /** @type {Packed} */
  const packed = { dtype: "f32", shape: [2, 2], data: unaligned(values) };
  assert.deepEqual(toFloat32(packed), values);
});

test("an aligned float32 array is not copied", () => {
  const values = Float32Array.of(1, 2, 3);
  assert.equal(toFloat32({ dtype: "f32", shape: [3], data: values }).buffer, values.buffer);
});

test("integers keep their values and the view's offset", () => {
  const ints = Int32Array.of(-1, 0, 70000);
  assert.deepEqual(toInt32({ dtype: "i32", shape: [3], data: unaligned(ints) }), ints);
  const bytes = Uint8Array.of(9, 0, 255, 7);
  assert.deepEqual([...unpack({ dtype: "u8", shape: [2], data: bytes.subarray(1, 3) })], [0, 255]);
  assert.deepEqual([...unpack({ dtype: "u8", shape: [4], data: bytes.buffer })], [9, 0, 255, 7]);
});

test("half floats: normal, subnormal, zero of either sign, infinite, not a number", () => {
  const bits = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x8000, 0x7bff, 0x7c00, 0xfc00, 0x7e00);
  const expected = [1, -2, 0.333251953125, 2 ** -24, -0, 65504, Infinity, -Infinity, NaN];
  assert.deepEqual([...halfToFloat(bits)], expected);
});

test("q16 covers [lo, hi] a column, 65535 is not a number", () => {
  const raw = Uint16Array.of(0, 65534, 65534, 0, 32767, 65535);
  const values = toFloat32({ dtype: "q16", shape: [3, 2], data: unaligned(raw), lo: [-1, 10], hi: [3, 20] });
  assert.deepEqual([...values], [-1, 20, 3, 10, 1, NaN]);
});

test("q16 of a constant column is that constant", () => {
  const values = toFloat32({ dtype: "q16", shape: [2, 1], data: Uint16Array.of(0, 65534), lo: [4], hi: [4] });
  assert.deepEqual([...values], [4, 4]);
});

test("what does not fit is refused in words", () => {
  const data = new Uint8Array(6);
  assert.throws(() => unpack({ dtype: "f32", shape: [2], data }), /6 bytes; expected 8 for f32 \[2\]/);
  assert.throws(() => toFloat32({ dtype: "q16", shape: [3], data, lo: [0] }), /q16 needs lo and hi of 3/);
  assert.throws(() => unpack({ dtype: /** @type {any} */ ("f64"), shape: [1], data }), /unknown dtype "f64"/);
  assert.throws(
    () => unpack({ dtype: "u8", shape: [1], data: /** @type {any} */ ("text") }),
    /data is string/,
  );
});
