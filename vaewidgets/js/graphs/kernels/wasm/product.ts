// C (m, n) = A (m, k) B (k, n) [+ C] [+ bias]: blocks of A and B are packed in panels of 4 rows and of 8 columns, k
// running slowest within a panel, and 4 × 8 sums stay in registers over a block of k (Goto & van de Geijn 2008).
// All addresses and strides in bytes.

import { KC, MC, NC, PACKED_A, PACKED_B, TILE, at, madd } from "./room";

/** Four floats for each of k: lanes `lane` bytes apart, those that are not there 0; `step` bytes from k to k. */
function pack(to: usize, step: usize, x: usize, lane: usize, along: usize, lanes: i32, k: i32): void {
  let i = 0;
  if (lanes == 4 && lane == 4) {
    for (; i < k; i++, x += along, to += step) v128.store(to, v128.load(x, 0, 4), 0, 4);
  } else if (lanes == 4) {
    const x1 = x + lane;
    const x2 = x1 + lane;
    const x3 = x2 + lane;
    let o: usize = 0;
    if (along == 4) {
      for (; i + 4 <= k; i += 4, o += 16) {
        const a = v128.load(x + o, 0, 4);
        const b = v128.load(x1 + o, 0, 4);
        const c = v128.load(x2 + o, 0, 4);
        const d = v128.load(x3 + o, 0, 4);
        const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
        const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
        const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
        const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
        v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), 0, 4);
        v128.store(to + step, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 0, 4);
        v128.store(to + 2 * step, v128.shuffle<f32>(abHigh, cdHigh, 0, 1, 4, 5), 0, 4);
        v128.store(to + 3 * step, v128.shuffle<f32>(abHigh, cdHigh, 2, 3, 6, 7), 0, 4);
        to += 4 * step;
      }
    }
    for (; i < k; i++, o += along, to += step) {
      f32.store(to, f32.load(x + o));
      f32.store(to, f32.load(x1 + o), 4);
      f32.store(to, f32.load(x2 + o), 8);
      f32.store(to, f32.load(x3 + o), 12);
    }
  } else {
    for (; i < k; i++, x += along, to += step) {
      v128.store(to, f32x4.splat(0), 0, 4);
      for (let j = 0; j < lanes; j++) f32.store(to + at(j), f32.load(x + <usize>j * lane));
    }
  }
}

/** Panels of `width` lanes one after the other; the last may be of 4. */
function packPanels(
  to: usize,
  width: i32,
  x: usize,
  lane: usize,
  along: usize,
  lanes: i32,
  k: i32,
): void {
  for (let j = 0; j < lanes; ) {
    const narrow = width == 4 || lanes - j <= 4;
    const step: usize = narrow ? 16 : 32;
    pack(to, step, x + <usize>j * lane, lane, along, min(lanes - j, 4), k);
    if (!narrow) pack(to + 16, step, x + <usize>(j + 4) * lane, lane, along, min(lanes - j - 4, 4), k);
    to += <usize>k * step;
    j += narrow ? 4 : 8;
  }
}

// @ts-ignore: decorator
@inline function put(c: usize, sums: v128, offset: usize, add: bool, bias: usize): void {
  if (add) sums = f32x4.add(sums, v128.load(c + offset, 0, 4));
  if (bias) sums = f32x4.add(sums, v128.load(bias + offset, 0, 4));
  v128.store(c + offset, sums, 0, 4);
}

function tile8(a: usize, b: usize, k: i32, c: usize, row: usize, add: bool, bias: usize): void {
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  const end = a + <usize>k * 16;
  for (; a < end; a += 16, b += 32) {
    const low = v128.load(b, 0, 4);
    const high = v128.load(b, 16, 4);
    const a0 = v128.load32_splat(a, 0);
    s00 = madd(a0, low, s00);
    s01 = madd(a0, high, s01);
    const a1 = v128.load32_splat(a, 4);
    s10 = madd(a1, low, s10);
    s11 = madd(a1, high, s11);
    const a2 = v128.load32_splat(a, 8);
    s20 = madd(a2, low, s20);
    s21 = madd(a2, high, s21);
    const a3 = v128.load32_splat(a, 12);
    s30 = madd(a3, low, s30);
    s31 = madd(a3, high, s31);
  }
  put(c, s00, 0, add, bias);
  put(c, s01, 16, add, bias);
  c += row;
  put(c, s10, 0, add, bias);
  put(c, s11, 16, add, bias);
  c += row;
  put(c, s20, 0, add, bias);
  put(c, s21, 16, add, bias);
  c += row;
  put(c, s30, 0, add, bias);
  put(c, s31, 16, add, bias);
}

function tile4(a: usize, b: usize, k: i32, c: usize, row: usize, add: bool, bias: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const end = a + <usize>k * 16;
  for (; a < end; a += 16, b += 16) {
    const low = v128.load(b, 0, 4);
    s0 = madd(v128.load32_splat(a, 0), low, s0);
    s1 = madd(v128.load32_splat(a, 4), low, s1);
    s2 = madd(v128.load32_splat(a, 8), low, s2);
    s3 = madd(v128.load32_splat(a, 12), low, s3);
  }
  put(c, s0, 0, add, bias);
  put(c + row, s1, 0, add, bias);
  put(c + 2 * row, s2, 0, add, bias);
  put(c + 3 * row, s3, 0, add, bias);
}

/** What there is of a tile at an edge. */
function edge(c: usize, row: usize, rows: i32, columns: i32, add: bool, bias: usize): void {
  for (let r = 0; r < rows; r++, c += row) {
    for (let j: usize = 0; j < <usize>columns; j++) {
      let value = f32.load(TILE + (<usize>r << 5) + (j << 2));
      if (add) value += f32.load(c + (j << 2));
      if (bias) value += f32.load(bias + (j << 2));
      f32.store(c + (j << 2), value);
    }
  }
}

function block(c: usize, row: usize, m: i32, n: i32, k: i32, add: bool, bias: usize): void {
  let b = PACKED_B;
  for (let j = 0; j < n; ) {
    const wide = n - j > 4;
    const columns = min(n - j, 8);
    const whole = columns == (wide ? 8 : 4);
    const to = c + at(j);
    const shift = bias ? bias + at(j) : 0;
    for (let i = 0; i < m; i += 4) {
      const a = PACKED_A + at(i * k);
      const inside = whole && m - i >= 4;
      const target = inside ? to + <usize>i * row : TILE;
      const stride: usize = inside ? row : 32;
      if (wide) tile8(a, b, k, target, stride, inside && add, inside ? shift : 0);
      else tile4(a, b, k, target, stride, inside && add, inside ? shift : 0);
      if (!inside) edge(to + <usize>i * row, row, min(m - i, 4), columns, add, shift);
    }
    b += at((wide ? 8 : 4) * k);
    j += 8;
  }
}

/** All in floats; a bias of −1 is none. */
export function product(
  a: u32, aRow: i32, aCol: i32, b: u32, bRow: i32, bCol: i32, c: u32, cRow: i32, m: i32, n: i32, k: i32,
  add: bool, bias: i32,
): void {
  for (let column = 0; column < n; column += NC) {
    const columns = min(n - column, NC);
    for (let deep = 0; deep < k; deep += KC) {
      const depth = min(k - deep, KC);
      const first = deep == 0;
      const shift = first && bias >= 0 ? at(bias + column) : 0;
      packPanels(PACKED_B, 8, at(b + deep * bRow + column * bCol), at(bCol), at(bRow), columns, depth);
      for (let line = 0; line < m; line += MC) {
        const lines = min(m - line, MC);
        packPanels(PACKED_A, 4, at(a + line * aRow + deep * aCol), at(aRow), at(aCol), lines, depth);
        block(at(c + line * cRow + column), at(cRow), lines, columns, depth, add || !first, shift);
      }
    }
  }
}
