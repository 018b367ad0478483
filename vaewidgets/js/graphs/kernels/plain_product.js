/** A matrix product in JS: both operands are packed in double precision, sums of 4 × 4 stay in registers. No DOM. */

/** Below so many rows packing B costs more than it saves. */
const FEW_ROWS = 3;

let packedA = new Float64Array(0);
let packedB = new Float64Array(0);
const sums = new Float64Array(16);

/**
 * Panels of 4 rows of a matrix with any strides, k running slowest within a panel; rows that are not there are 0.
 * @param {Float64Array} to
 * @param {Float32Array} f32
 * @param {number} x
 * @param {number} row
 * @param {number} col
 * @param {number} rows at most 4
 * @param {number} k
 * @param {number} at
 */
function pack(to, f32, x, row, col, rows, k, at) {
  for (let r = 0; r < 4; r++) {
    if (r < rows)
      for (let i = 0, from = x + r * row, p = at + r; i < k; i++, from += col, p += 4) to[p] = f32[from];
    else for (let i = 0, p = at + r; i < k; i++, p += 4) to[p] = 0;
  }
}

/** Fills `sums`. @param {Float64Array} a @param {number} ap @param {Float64Array} b @param {number} k */
function tile(a, ap, b, k) {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  for (let bp = 0; bp < 4 * k; ap += 4, bp += 4) {
    const a0 = a[ap];
    const a1 = a[ap + 1];
    const a2 = a[ap + 2];
    const a3 = a[ap + 3];
    const b0 = b[bp];
    const b1 = b[bp + 1];
    const b2 = b[bp + 2];
    const b3 = b[bp + 3];
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
    s20 += a2 * b0;
    s21 += a2 * b1;
    s22 += a2 * b2;
    s23 += a2 * b3;
    s30 += a3 * b0;
    s31 += a3 * b1;
    s32 += a3 * b2;
    s33 += a3 * b3;
  }
  sums.set([s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33]);
}

/** @param {Float32Array} f32 @param {import("./index.js").Product} product */
function fewRows(f32, { a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, accumulate = false, bias = -1 }) {
  for (let row = 0; row < m; row++) {
    for (let col = 0; col < n; col++) {
      let sum = (accumulate ? f32[c + row * cRow + col] : 0) + (bias < 0 ? 0 : f32[bias + col]);
      for (let i = 0, ap = a + row * aRow, bp = b + col * bCol; i < k; i++, ap += aCol, bp += bRow) {
        sum += f32[ap] * f32[bp];
      }
      f32[c + row * cRow + col] = sum;
    }
  }
}

/** @param {Float32Array} f32 @param {import("./index.js").Product} product */
export function multiply(f32, product) {
  const { a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, accumulate = false, bias = -1 } = product;
  if (m <= FEW_ROWS) return fewRows(f32, product);
  const panels = Math.ceil(m / 4);
  if (packedA.length < 4 * panels * k) packedA = new Float64Array(4 * panels * k);
  if (packedB.length < 4 * k) packedB = new Float64Array(4 * k);
  for (let panel = 0; panel < panels; panel++) {
    pack(packedA, f32, a + 4 * panel * aRow, aRow, aCol, Math.min(4, m - 4 * panel), k, 4 * panel * k);
  }
  for (let col = 0; col < n; col += 4) {
    const columns = Math.min(4, n - col);
    pack(packedB, f32, b + col * bCol, bCol, bRow, columns, k, 0);
    for (let row = 0; row < m; row += 4) {
      tile(packedA, row * k, packedB, k);
      for (let r = 0; r < Math.min(4, m - row); r++) {
        for (let j = 0, at = c + (row + r) * cRow + col; j < columns; j++, at++) {
          f32[at] = sums[4 * r + j] + (accumulate ? f32[at] : 0) + (bias < 0 ? 0 : f32[bias + col + j]);
        }
      }
    }
  }
}
