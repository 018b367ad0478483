// C (m, n) = A (m, k) B (k, n) [+ C] [+ bias]: blocks of A and B are packed in panels of 6 rows and of 8 columns (4 at the
// end), k running slowest within a panel; 6 × 8 sums stay in registers over a block of k (Goto & van de Geijn 2008).
// All addresses and strides in bytes.

import { KC, MC, NC, PACKED_A, PACKED_B, TILE, ZEROS, at, depthOf, madd } from "./room";
import { rows, share } from "./sparse";

/** Smaller products are done before it is known whether zeros are many. */
const LEAST: f32 = 4e6;
/** Of 1024 multiplications: lists take longer for each. */
const MOST_SHARE: i32 = 740;

/** Four floats for each of k: lanes `lane` bytes apart, those that are not there 0; `step` bytes from k to k. */
export function pack(to: usize, step: usize, x: usize, lane: usize, along: usize, lanes: i32, k: i32): void {
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

/** Two lanes of the six of a panel. */
function packTwo(to: usize, x: usize, lane: usize, along: usize, k: i32): void {
  if (lane == 4) {
    for (let i = 0; i < k; i++, x += along, to += 24) f64.store(to, f64.load(x));
    return;
  }
  const x1 = x + lane;
  let o: usize = 0;
  for (let i = 0; i < k; i++, o += along, to += 24) {
    f32.store(to, f32.load(x + o));
    f32.store(to, f32.load(x1 + o), 4);
  }
}

/** How many of the rows that are left the next panel of A holds: 6, or 4 where that leaves fewer places empty. */
// @ts-ignore: decorator
@inline function rowsOf(left: i32): i32 {
  return left > 4 && left != 7 && left != 8 ? 6 : 4;
}

function packA(x: usize, lane: usize, along: usize, lanes: i32, k: i32): void {
  let to = PACKED_A;
  for (let j = 0; j < lanes; ) {
    const rows = rowsOf(lanes - j);
    const from = x + <usize>j * lane;
    if (rows == 4) pack(to, 16, from, lane, along, min(lanes - j, 4), k);
    else {
      pack(to, 24, from, lane, along, 4, k);
      if (lanes - j >= 6) packTwo(to + 16, from + 4 * lane, lane, along, k);
      else fillTwo(to + 16, from + 4 * lane, along, k);
    }
    to += at(rows * k);
    j += rows;
  }
}

/** The last two lanes of a panel that has but five. */
function fillTwo(to: usize, x: usize, along: usize, k: i32): void {
  for (let i = 0; i < k; i++, x += along, to += 24) {
    f32.store(to, f32.load(x));
    f32.store(to, 0, 4);
  }
}

function packB(x: usize, lane: usize, along: usize, lanes: i32, k: i32): void {
  let to = PACKED_B;
  for (let j = 0; j < lanes; ) {
    const narrow = lanes - j <= 4;
    const step: usize = narrow ? 16 : 32;
    pack(to, step, x + <usize>j * lane, lane, along, min(lanes - j, 4), k);
    if (!narrow) pack(to + 16, step, x + <usize>(j + 4) * lane, lane, along, min(lanes - j - 4, 4), k);
    to += <usize>k * step;
    j += narrow ? 4 : 8;
  }
}

// A tile: C = A B + what stands at `from`, which may be C itself, the bias or zeros (with rows that are 0 bytes apart).

function tile6x8(a: usize, b: usize, k: i32, c: usize, row: usize, from: usize, fromRow: usize): void {
  let s00 = v128.load(from, 0, 4);
  let s01 = v128.load(from, 16, 4);
  from += fromRow;
  let s10 = v128.load(from, 0, 4);
  let s11 = v128.load(from, 16, 4);
  from += fromRow;
  let s20 = v128.load(from, 0, 4);
  let s21 = v128.load(from, 16, 4);
  from += fromRow;
  let s30 = v128.load(from, 0, 4);
  let s31 = v128.load(from, 16, 4);
  from += fromRow;
  let s40 = v128.load(from, 0, 4);
  let s41 = v128.load(from, 16, 4);
  from += fromRow;
  let s50 = v128.load(from, 0, 4);
  let s51 = v128.load(from, 16, 4);
  const end = a + <usize>k * 24;
  for (; a < end; a += 24, b += 32) {
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
    const a4 = v128.load32_splat(a, 16);
    s40 = madd(a4, low, s40);
    s41 = madd(a4, high, s41);
    const a5 = v128.load32_splat(a, 20);
    s50 = madd(a5, low, s50);
    s51 = madd(a5, high, s51);
  }
  v128.store(c, s00, 0, 4);
  v128.store(c, s01, 16, 4);
  c += row;
  v128.store(c, s10, 0, 4);
  v128.store(c, s11, 16, 4);
  c += row;
  v128.store(c, s20, 0, 4);
  v128.store(c, s21, 16, 4);
  c += row;
  v128.store(c, s30, 0, 4);
  v128.store(c, s31, 16, 4);
  c += row;
  v128.store(c, s40, 0, 4);
  v128.store(c, s41, 16, 4);
  c += row;
  v128.store(c, s50, 0, 4);
  v128.store(c, s51, 16, 4);
}

function tile4x8(a: usize, b: usize, k: i32, c: usize, row: usize, from: usize, fromRow: usize): void {
  let s00 = v128.load(from, 0, 4);
  let s01 = v128.load(from, 16, 4);
  from += fromRow;
  let s10 = v128.load(from, 0, 4);
  let s11 = v128.load(from, 16, 4);
  from += fromRow;
  let s20 = v128.load(from, 0, 4);
  let s21 = v128.load(from, 16, 4);
  from += fromRow;
  let s30 = v128.load(from, 0, 4);
  let s31 = v128.load(from, 16, 4);
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
  v128.store(c, s00, 0, 4);
  v128.store(c, s01, 16, 4);
  c += row;
  v128.store(c, s10, 0, 4);
  v128.store(c, s11, 16, 4);
  c += row;
  v128.store(c, s20, 0, 4);
  v128.store(c, s21, 16, 4);
  c += row;
  v128.store(c, s30, 0, 4);
  v128.store(c, s31, 16, 4);
}

function tile6x4(a: usize, b: usize, k: i32, c: usize, row: usize, from: usize, fromRow: usize): void {
  let s0 = v128.load(from, 0, 4);
  from += fromRow;
  let s1 = v128.load(from, 0, 4);
  from += fromRow;
  let s2 = v128.load(from, 0, 4);
  from += fromRow;
  let s3 = v128.load(from, 0, 4);
  from += fromRow;
  let s4 = v128.load(from, 0, 4);
  from += fromRow;
  let s5 = v128.load(from, 0, 4);
  const end = a + <usize>k * 24;
  for (; a < end; a += 24, b += 16) {
    const low = v128.load(b, 0, 4);
    s0 = madd(v128.load32_splat(a, 0), low, s0);
    s1 = madd(v128.load32_splat(a, 4), low, s1);
    s2 = madd(v128.load32_splat(a, 8), low, s2);
    s3 = madd(v128.load32_splat(a, 12), low, s3);
    s4 = madd(v128.load32_splat(a, 16), low, s4);
    s5 = madd(v128.load32_splat(a, 20), low, s5);
  }
  v128.store(c, s0, 0, 4);
  c += row;
  v128.store(c, s1, 0, 4);
  c += row;
  v128.store(c, s2, 0, 4);
  c += row;
  v128.store(c, s3, 0, 4);
  c += row;
  v128.store(c, s4, 0, 4);
  c += row;
  v128.store(c, s5, 0, 4);
}

function tile4x4(a: usize, b: usize, k: i32, c: usize, row: usize, from: usize, fromRow: usize): void {
  let s0 = v128.load(from, 0, 4);
  from += fromRow;
  let s1 = v128.load(from, 0, 4);
  from += fromRow;
  let s2 = v128.load(from, 0, 4);
  from += fromRow;
  let s3 = v128.load(from, 0, 4);
  const end = a + <usize>k * 16;
  for (; a < end; a += 16, b += 16) {
    const low = v128.load(b, 0, 4);
    s0 = madd(v128.load32_splat(a, 0), low, s0);
    s1 = madd(v128.load32_splat(a, 4), low, s1);
    s2 = madd(v128.load32_splat(a, 8), low, s2);
    s3 = madd(v128.load32_splat(a, 12), low, s3);
  }
  v128.store(c, s0, 0, 4);
  c += row;
  v128.store(c, s1, 0, 4);
  c += row;
  v128.store(c, s2, 0, 4);
  c += row;
  v128.store(c, s3, 0, 4);
}

/** Numbers of a part of a tile from one place to another. */
function copyPart(to: usize, toRow: usize, from: usize, fromRow: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++, to += toRow, from += fromRow) {
    for (let j: usize = 0; j < at(columns); j += 4) f32.store(to + j, f32.load(from + j));
  }
}

/** The product of what is packed; `from` moves along with the columns if it is not the zeros. */
function tiles(c: usize, row: usize, m: i32, n: i32, k: i32, from: usize, fromRow: usize): void {
  let b = PACKED_B;
  for (let j = 0; j < n; j += 8) {
    const wide = n - j > 4;
    const columns = min(n - j, 8);
    const whole = columns == (wide ? 8 : 4);
    const shift = from == ZEROS ? 0 : at(j);
    let a = PACKED_A;
    for (let i = 0; i < m; ) {
      const rows = rowsOf(m - i);
      const there = min(rows, m - i);
      const inside = whole && there == rows;
      const target = c + <usize>i * row + at(j);
      const source = from + <usize>i * fromRow + shift;
      if (!inside) copyPart(TILE, 32, source, fromRow, there, columns);
      const to = inside ? target : TILE;
      const toRow: usize = inside ? row : 32;
      const start = inside ? source : TILE;
      const startRow: usize = inside ? fromRow : 32;
      if (rows == 6) {
        if (wide) tile6x8(a, b, k, to, toRow, start, startRow);
        else tile6x4(a, b, k, to, toRow, start, startRow);
      } else if (wide) tile4x8(a, b, k, to, toRow, start, startRow);
      else tile4x4(a, b, k, to, toRow, start, startRow);
      if (!inside) copyPart(target, row, TILE, 32, there, columns);
      a += at(rows * k);
      i += rows;
    }
    b += at((wide ? 8 : 4) * k);
  }
}

/** All in floats; a bias of −1 is none. With one, C is not read. `skips`: whether zeros are looked for. */
// @ts-ignore: decorator
@inline export function multiply(
  skips: bool, a: u32, aRow: i32, aCol: i32, b: u32, bRow: i32, bCol: i32, c: u32, cRow: i32, m: i32, n: i32, k: i32,
  add: bool, bias: i32,
): void {
  if (skips && <f32>m * <f32>n * <f32>k > LEAST) {
    const start = bias >= 0 ? at(bias) : ZEROS;
    const step: usize = bias >= 0 ? 4 : 0;
    const ofA = share(at(a), at(aRow), at(aCol), m, k, n);
    const ofB = share(at(b), at(bCol), at(bRow), n, k, m);
    if (ofA <= ofB && ofA < MOST_SHARE) {
      rows(at(a), at(aRow), at(aCol), at(b), at(bRow), at(bCol), at(c), at(cRow), 4, m, n, k, add, start, 0, step);
      return;
    }
    if (ofB < MOST_SHARE) {
      rows(at(b), at(bCol), at(bRow), at(a), at(aCol), at(aRow), at(c), 4, at(cRow), n, m, k, add, start, step, 0);
      return;
    }
  }
  const block = depthOf(k);
  for (let column = 0; column < n; column += NC) {
    const columns = min(n - column, NC);
    for (let deep = 0; deep < k; deep += block) {
      const depth = min(k - deep, block);
      packB(at(b + deep * bRow + column * bCol), at(bCol), at(bRow), columns, depth);
      for (let line = 0; line < m; line += MC) {
        const lines = min(m - line, MC);
        packA(at(a + line * aRow + deep * aCol), at(aRow), at(aCol), lines, depth);
        const to = at(c + line * cRow + column);
        const first = deep == 0 && !add;
        const from = !first ? to : bias >= 0 ? at(bias + column) : ZEROS;
        tiles(to, at(cRow), lines, columns, depth, from, first ? 0 : at(cRow));
      }
    }
  }
}
