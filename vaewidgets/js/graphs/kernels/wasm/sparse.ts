// A product where one operand has many zeros (edges of images, what relu cut off): each of its rows becomes a list of its
// numbers, and a result is a sum over that list. Eight vectors of sums stay in registers.

import { isFinite } from "./sums";
import { ENDS, KC, LISTS, MC, NC, PACKED_B, TILE, at, depthOf, madd } from "./room";
import { pack } from "./product";

/** A panel's columns. */
const WIDE: i32 = 32;
/** How many numbers are looked at to see whether zeros are many. */
const LOOKS: i32 = 128;

/** Listing a number takes as long as so many multiplications. */
const LIST: i32 = 20;

/** How many multiplications of 1024 are left with lists of a matrix's rows, from a look at numbers all over it. */
export function share(x: usize, row: usize, col: usize, rows: i32, k: i32, width: i32): i32 {
  const panels = (width + WIDE - 1) / WIDE;
  let n = 0;
  let r = 0;
  let p = 0;
  for (let i = 0; i < LOOKS; i++) {
    n += i32(f32.load(x + <usize>r * row + <usize>p * col) != 0);
    r += 37;
    while (r >= rows) r -= rows;
    p += 23;
    while (p >= k) p -= k;
  }
  return (n * panels * WIDE * (1024 / LOOKS) + 1024 * LIST) / width;
}

/** Where a row's list begins: of (number, its place in a panel). */
// @ts-ignore: decorator
@inline function listAt(row: i32): usize {
  return LISTS + 8 * <usize>(row * KC);
}
// @ts-ignore: decorator
@inline function endAt(row: i32): usize {
  return load<usize>(ENDS + at(row));
}

/** One more number at the end of a list, unless it is 0: where the list ends then. */
// @ts-ignore: decorator
@inline function append(to: usize, value: f32, place: i32, all: i32): usize {
  f32.store(to, value);
  store<i32>(to, place * 4 * WIDE, 4);
  return to + ((i32(value != 0) | all) << 3);
}

/** Lists of `rows` rows: of all numbers, or of those that are not 0. */
function list(x: usize, row: usize, col: usize, rows: i32, k: i32, all: i32): void {
  let r = 0;
  for (; row == 4 && r + 4 <= rows; r += 4, x += 16) {
    let to0 = listAt(r);
    let to1 = listAt(r + 1);
    let to2 = listAt(r + 2);
    let to3 = listAt(r + 3);
    let from = x;
    for (let p = 0; p < k; p++, from += col) {
      const four = v128.load(from, 0, 4);
      if (!(all | i32(v128.any_true(f32x4.ne(four, f32x4.splat(0)))))) continue;
      to0 = append(to0, f32x4.extract_lane(four, 0), p, all);
      to1 = append(to1, f32x4.extract_lane(four, 1), p, all);
      to2 = append(to2, f32x4.extract_lane(four, 2), p, all);
      to3 = append(to3, f32x4.extract_lane(four, 3), p, all);
    }
    store<usize>(ENDS + at(r), to0);
    store<usize>(ENDS + at(r), to1, 4);
    store<usize>(ENDS + at(r), to2, 8);
    store<usize>(ENDS + at(r), to3, 12);
  }
  for (; r < rows; r++, x += row) {
    let to = listAt(r);
    let from = x;
    let p = 0;
    for (; col == 4 && p + 4 <= k; p += 4, from += 16) {
      const four = v128.load(from, 0, 4);
      if (!(all | i32(v128.any_true(f32x4.ne(four, f32x4.splat(0)))))) continue;
      to = append(to, f32x4.extract_lane(four, 0), p, all);
      to = append(to, f32x4.extract_lane(four, 1), p + 1, all);
      to = append(to, f32x4.extract_lane(four, 2), p + 2, all);
      to = append(to, f32x4.extract_lane(four, 3), p + 3, all);
    }
    for (; p < k; p++, from += col) to = append(to, f32.load(from), p, all);
    store<usize>(ENDS + at(r), to);
  }
}

/** A row's sums into the tile. */
function sums(from: usize, end: usize, b: usize, to: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  for (; from < end; from += 8) {
    const x = v128.load32_splat(from);
    const y = b + load<u32>(from, 4);
    s0 = madd(v128.load(y, 0, 4), x, s0);
    s1 = madd(v128.load(y, 16, 4), x, s1);
    s2 = madd(v128.load(y, 32, 4), x, s2);
    s3 = madd(v128.load(y, 48, 4), x, s3);
    s4 = madd(v128.load(y, 64, 4), x, s4);
    s5 = madd(v128.load(y, 80, 4), x, s5);
    s6 = madd(v128.load(y, 96, 4), x, s6);
    s7 = madd(v128.load(y, 112, 4), x, s7);
  }
  v128.store(to, s0, 0, 4);
  v128.store(to, s1, 16, 4);
  v128.store(to, s2, 32, 4);
  v128.store(to, s3, 48, 4);
  v128.store(to, s4, 64, 4);
  v128.store(to, s5, 80, 4);
  v128.store(to, s6, 96, 4);
  v128.store(to, s7, 112, 4);
}

/** Adds up to four rows of the tile to what stands at `from`, into rows of C or into its columns (neighbours then). */
function put(c: usize, row: usize, col: usize, from: usize, fromRow: usize, fromCol: usize, rows: i32, columns: i32): void {
  let j = 0;
  if (row == 4 && rows == 4) {
    for (; j + 4 <= columns; j += 4) {
      const place = TILE + at(j);
      const x0 = v128.load(place, 0, 4);
      const x1 = v128.load(place, 4 * WIDE, 4);
      const x2 = v128.load(place, 8 * WIDE, 4);
      const x3 = v128.load(place, 12 * WIDE, 4);
      const low = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
      const lower = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
      const high = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
      const higher = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
      addTo(c, from, v128.shuffle<f32>(low, lower, 0, 1, 4, 5));
      addTo(c + col, from + fromCol, v128.shuffle<f32>(low, lower, 2, 3, 6, 7));
      addTo(c + 2 * col, from + 2 * fromCol, v128.shuffle<f32>(high, higher, 0, 1, 4, 5));
      addTo(c + 3 * col, from + 3 * fromCol, v128.shuffle<f32>(high, higher, 2, 3, 6, 7));
      c += 4 * col;
      from += 4 * fromCol;
    }
  } else if (col == 4) {
    for (; j + 4 <= columns; j += 4, c += 16, from += 4 * fromCol) {
      for (let r: usize = 0; r < <usize>rows; r++) {
        addTo(c + r * row, from + r * fromRow, v128.load(TILE + at(j) + 4 * WIDE * r, 0, 4));
      }
    }
  }
  for (; j < columns; j++, c += col, from += fromCol) {
    for (let r: usize = 0; r < <usize>rows; r++) {
      f32.store(c + r * row, f32.load(from + r * fromRow) + f32.load(TILE + at(j) + 4 * WIDE * r));
    }
  }
}

// @ts-ignore: decorator
@inline function addTo(c: usize, from: usize, x: v128): void {
  v128.store(c, f32x4.add(v128.load(from, 0, 4), x), 0, 4);
}

/** C = S D [+ C] [+ bias], C's rows and columns `row` and `col` bytes apart, bias's likewise (0: none, and no bias). */
export function rows(
  s: usize, sRow: usize, sCol: usize, d: usize, dRow: usize, dCol: usize, c: usize, row: usize, col: usize,
  count: i32, width: i32, k: i32, add: bool, bias: usize, biasRow: usize, biasCol: usize,
): void {
  const block = depthOf(k);
  for (let column = 0; column < width; column += NC) {
    const columns = min(width - column, NC);
    for (let deep = 0; deep < k; deep += block) {
      const depth = min(k - deep, block);
      packWide(d + <usize>deep * dRow + <usize>column * dCol, dCol, dRow, columns, depth);
      const all = i32(!isFinite(<u32>(PACKED_B >> 2), (columns + WIDE - 1) / WIDE * WIDE * depth));
      const first = deep == 0 && !add;
      const fromRow = first ? biasRow : row;
      const fromCol = first ? biasCol : col;
      for (let line = 0; line < count; line += MC) {
        const lines = min(count - line, MC);
        list(s + <usize>line * sRow + <usize>deep * sCol, sRow, sCol, lines, depth, all);
        for (let j = 0; j < columns; j += WIDE) {
          const b = PACKED_B + at(j * depth);
          for (let i = 0; i < lines; i += 4) {
            const there = min(lines - i, 4);
            for (let r = 0; r < there; r++) sums(listAt(i + r), endAt(i + r), b, TILE + 4 * WIDE * <usize>r);
            const to = c + <usize>(line + i) * row + <usize>(column + j) * col;
            const from = first ? bias + <usize>(line + i) * biasRow + <usize>(column + j) * biasCol : to;
            put(to, row, col, from, fromRow, fromCol, there, min(columns - j, WIDE));
          }
        }
      }
    }
  }
}

/** Panels of 32 lanes; those that are not there are 0. */
function packWide(x: usize, lane: usize, along: usize, lanes: i32, k: i32): void {
  for (let j = 0; j < lanes; j += 4) {
    const panel = PACKED_B + at((j & -WIDE) * k);
    pack(panel + at(j & (WIDE - 1)), 4 * WIDE, x + <usize>j * lane, lane, along, min(lanes - j, 4), k);
  }
  for (let j = (lanes + 3) & -4; j & (WIDE - 1); j += 4) {
    const panel = PACKED_B + at((j & -WIDE) * k) + at(j & (WIDE - 1));
    for (let i = 0; i < k; i++) v128.store(panel + <usize>i * 4 * WIDE, f32x4.splat(0), 0, 4);
  }
}
