// Sums. Of neighbours: in double precision. Over rows: blocks of 32 rows are summed before they are added to the rest.

import { at } from "./room";

const ROWS: i32 = 32;

// @ts-ignore: decorator
@inline function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
}

function sumAt(x: usize, n: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let s2 = f64x2.splat(0);
  let s3 = f64x2.splat(0);
  const end = x + at(n);
  for (; x + 32 <= end; x += 32) {
    const v = v128.load(x, 0, 4);
    const w = v128.load(x, 16, 4);
    s0 = f64x2.add(s0, f64x2.promote_low_f32x4(v));
    s1 = f64x2.add(s1, high(v));
    s2 = f64x2.add(s2, f64x2.promote_low_f32x4(w));
    s3 = f64x2.add(s3, high(w));
  }
  const sums = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (; x < end; x += 4) sum += <f64>f32.load(x);
  return sum;
}

export function sum(x: u32, n: i32): f64 {
  return sumAt(at(x), n);
}

/** Whether all are finite: x − x is 0 then, else no number. */
export function isFinite(x: u32, n: i32): bool {
  let odd = f32x4.splat(0);
  let even = odd;
  let from = at(x);
  const end = from + at(n);
  for (; from + 32 <= end; from += 32) {
    const v = v128.load(from, 0, 4);
    const w = v128.load(from, 16, 4);
    even = v128.or(even, f32x4.sub(v, v));
    odd = v128.or(odd, f32x4.sub(w, w));
  }
  let rest: f32 = 0;
  for (; from < end; from += 4) rest += f32.load(from) * 0;
  return rest == 0 && !v128.any_true(v128.or(even, odd));
}

export function sumCols(out: u32, x: u32, rows: i32, cols: i32): void {
  for (let row = 0; row < rows; row++) f32.store(at(out + row), <f32>sumAt(at(x + row * cols), cols));
}

export function sumRows(out: u32, x: u32, rows: i32, cols: i32): void {
  const step = at(cols);
  let col = 0;
  for (; col + 4 <= cols; col += 4) {
    let total = f32x4.splat(0);
    let from = at(x + col);
    for (let row = 0; row < rows; ) {
      let part = f32x4.splat(0);
      for (const stop = min(row + ROWS, rows); row < stop; row++, from += step) {
        part = f32x4.add(part, v128.load(from, 0, 4));
      }
      total = f32x4.add(total, part);
    }
    v128.store(at(out + col), total, 0, 4);
  }
  for (; col < cols; col++) {
    let total: f64 = 0;
    let from = at(x + col);
    for (let row = 0; row < rows; row++, from += step) total += <f64>f32.load(from);
    f32.store(at(out + col), <f32>total);
  }
}
