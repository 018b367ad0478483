// What zeros save. Images have edges of one value, so that a panel of a block may hold zeros alone for many a k: those k are
// left out where the other operand is finite (0 · ∞ is no number).

import { isFinite } from "./sums";
import { COUNTS, KC, LISTS, PACKED_A, PACKED_B, at } from "./room";

/** Whose panels have lists of the k to be gone through. */
export const enum Lists {
  none, ofA, ofB,
}

/** Writes 8 k for each k that a panel has numbers for: a panel's place of k is a multiple of that. Gives how many. */
function listOf(to: usize, panel: usize, step: usize, k: i32): i32 {
  let n: i32 = 0;
  for (let i = 0; i < k; i++, panel += step) {
    store<u16>(to + (<usize>n << 1), <u16>(i << 3));
    n += i32(v128.any_true(v128.or(v128.load(panel, 0, 4), v128.load(panel + step - 16, 0, 4))));
  }
  return n;
}

/** Lists of all panels of a block; false where the first panel has few zeros. */
function listAll(panel: usize, width: i32, lanes: i32, k: i32): bool {
  const step = at(width);
  for (let i = 0; i * width < lanes; i++, panel += step * <usize>k) {
    const n = listOf(listAt(i), panel, step, k);
    store<i32>(COUNTS + at(i), n);
    if (i == 0 && n * 8 > k * 7) return false;
  }
  return true;
}

export function listAt(panel: i32): usize {
  return LISTS + 2 * <usize>(KC * panel);
}

export function countOf(panel: i32): i32 {
  return load<i32>(COUNTS + at(panel));
}

/** Once a block of B is packed. */
export function listB(columns: i32, k: i32): bool {
  return listAll(PACKED_B, 8, columns, k);
}

/** Once a block of A is packed too: B's lists are used where it has some. */
export function choose(ofB: bool, lines: i32, columns: i32, k: i32): Lists {
  if (ofB) return isFinite(<u32>(PACKED_A >> 2), lines * k) ? Lists.ofB : Lists.none;
  return listAll(PACKED_A, 6, lines, k) && isFinite(<u32>(PACKED_B >> 2), columns * k) ? Lists.ofA : Lists.none;
}
