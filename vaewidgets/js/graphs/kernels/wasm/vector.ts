// A vector by a matrix: out[j] = Σ x[p] M[p, j] [+ out] [+ bias[j]], M read once and not packed.

import { MOST, VECTOR, at, madd } from "./room";

/** The four sums of the lanes of a, b, c, d. */
// @ts-ignore: decorator
@inline function across(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

function put(out: usize, value: f32, add: bool, bias: usize): void {
  if (add) value += f32.load(out);
  if (bias) value += f32.load(bias);
  f32.store(out, value);
}

/** Neighbours along p: sums of products of vectors, four j at a time. */
function dots(out: usize, step: usize, matrix: usize, col: usize, n: i32, k: i32, add: bool, bias: usize): void {
  const whole = at(k & ~3);
  for (let j = 0; j < n; j += 4, matrix += 4 * col) {
    const count = min(n - j, 4);
    // At the end what is not there is read from where there is something, and not stored.
    const m1 = matrix + (count > 1 ? col : 0);
    const m2 = matrix + (count > 2 ? 2 * col : 0);
    const m3 = matrix + (count > 3 ? 3 * col : 0);
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    for (let p: usize = 0; p < whole; p += 16) {
      const x = v128.load(VECTOR + p, 0, 4);
      s0 = madd(x, v128.load(matrix + p, 0, 4), s0);
      s1 = madd(x, v128.load(m1 + p, 0, 4), s1);
      s2 = madd(x, v128.load(m2 + p, 0, 4), s2);
      s3 = madd(x, v128.load(m3 + p, 0, 4), s3);
    }
    let sums = across(s0, s1, s2, s3);
    for (let p = whole; p < at(k); p += 4) {
      let there = f32x4.splat(f32.load(matrix + p));
      there = f32x4.replace_lane(there, 1, f32.load(m1 + p));
      there = f32x4.replace_lane(there, 2, f32.load(m2 + p));
      there = f32x4.replace_lane(there, 3, f32.load(m3 + p));
      sums = madd(v128.load32_splat(VECTOR + p, 0), there, sums);
    }
    put(out, f32x4.extract_lane(sums, 0), add, bias);
    if (count > 1) put(out + step, f32x4.extract_lane(sums, 1), add, bias ? bias + 4 : 0);
    if (count > 2) put(out + 2 * step, f32x4.extract_lane(sums, 2), add, bias ? bias + 8 : 0);
    if (count > 3) put(out + 3 * step, f32x4.extract_lane(sums, 3), add, bias ? bias + 12 : 0);
    out += 4 * step;
    if (bias) bias += 16;
  }
}

/** Neighbours along j: rows of M times one number each, 16 j at a time. */
function rows(out: usize, step: usize, matrix: usize, row: usize, n: i32, k: i32, add: bool, bias: usize): i32 {
  let j = 0;
  for (; j + 16 <= n; j += 16, matrix += 64) {
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    for (let p: usize = 0, from = matrix; p < at(k); p += 4, from += row) {
      const x = v128.load32_splat(VECTOR + p, 0);
      s0 = madd(x, v128.load(from, 0, 4), s0);
      s1 = madd(x, v128.load(from, 16, 4), s1);
      s2 = madd(x, v128.load(from, 32, 4), s2);
      s3 = madd(x, v128.load(from, 48, 4), s3);
    }
    v128.store(VECTOR + at(MOST - 16), s0, 0, 4);
    v128.store(VECTOR + at(MOST - 16), s1, 16, 4);
    v128.store(VECTOR + at(MOST - 16), s2, 32, 4);
    v128.store(VECTOR + at(MOST - 16), s3, 48, 4);
    for (let i: usize = 0; i < 16; i++) {
      const value = f32.load(VECTOR + at(MOST - 16) + (i << 2));
      put(out + (<usize>j + i) * step, value, add, bias ? bias + at(j) + (i << 2) : 0);
    }
  }
  return j;
}

/** All in floats; `step` from one result to the next. A bias of −1 is none; it has no stride. */
export function vector(
  out: u32, step: i32, x: u32, xStep: i32, matrix: u32, row: i32, col: i32, n: i32, k: i32, add: bool, bias: i32,
): void {
  const most = MOST - 16;
  for (let deep = 0; deep < k; deep += most) {
    const depth = min(k - deep, most);
    for (let p = 0; p < depth; p++) f32.store(VECTOR + at(p), f32.load(at(x + (deep + p) * xStep)));
    const from = at(matrix + deep * row);
    const adds = add || deep > 0;
    const shift = deep == 0 && bias >= 0 ? at(bias) : 0;
    if (row == 1) {
      dots(at(out), at(step), from, at(col), n, depth, adds, shift);
      continue;
    }
    let j = col == 1 ? rows(at(out), at(step), from, at(row), n, depth, adds, shift) : 0;
    for (; j < n; j++) {
      let sum: f32 = 0;
      for (let p = 0; p < depth; p++) sum += f32.load(VECTOR + at(p)) * f32.load(from + at(p * row + j * col));
      put(at(out + j * step), sum, adds, shift ? shift + at(j) : 0);
    }
  }
}
