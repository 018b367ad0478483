/** Bytes that become numbers, in place. No DOM. */

/** The value of each byte, rounded after each operation, as torch rounds. @param {number} low @param {number} span */
const table = (low, span) =>
  Float32Array.from({ length: 256 }, (_, i) => {
    const share = Math.fround(i / 255);
    return Math.fround(Math.fround(share * Math.fround(span)) + Math.fround(low));
  });

/**
 * @param {Float32Array} f32
 * @param {number} x of n numbers, whose last n bytes are read
 * @param {number} n
 * @param {number} low
 * @param {number} span
 */
export function fromBytes(f32, x, n, low, span) {
  const values = table(low, span);
  const bytes = new Uint8Array(f32.buffer, f32.byteOffset + 4 * x + 3 * n, n);
  for (let i = 0; i < n; i++) f32[x + i] = values[bytes[i]];
}
