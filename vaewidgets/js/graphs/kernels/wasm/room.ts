// Where in the memory the kernels keep what is their own, in bytes. The sizes in floats of the blocks of a product:
// KC rows of B stay in the first cache for 8 columns, MC × KC of A in the second.

export const KC: i32 = 256;
export const MC: i32 = 96;
export const NC: i32 = 1024;

/** Of four vectors each: operands that are one number, and what is left of n after whole vectors. */
export const SLOT: usize = 64;
/** A tile of C at an edge. */
export const TILE: usize = 4 * SLOT;
/** Eight floats that stay 0. */
export const ZEROS: usize = TILE + 4 * 6 * 8;
/** A vector of up to MOST floats; a short operand repeated. */
export const VECTOR: usize = ZEROS + 32;
export const MOST: i32 = 4096;
export const PACKED_A: usize = VECTOR + 4 * MOST;
export const PACKED_B: usize = PACKED_A + 4 * MC * KC;
/** For each panel: how many of its k it has numbers for, and which. */
export const COUNTS: usize = PACKED_B + 4 * KC * NC;
export const LISTS: usize = COUNTS + 4 * (NC >> 3);
export const END: usize = LISTS + 2 * KC * (NC >> 3);

// @ts-ignore: decorator
@inline export function at(offset: u32): usize {
  return <usize>(offset << 2);
}

/** a · b + c: in one rounding where the module was compiled for relaxed SIMD. */
// @ts-ignore: decorator
@inline export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Fewer than four floats into a slot, and back. */
export function stage(slot: usize, x: usize, n: i32): usize {
  for (let i = 0; i < n; i++) f32.store(slot + at(i), f32.load(x + at(i)));
  return slot;
}
export function unstage(out: usize, slot: usize, n: i32): void {
  for (let i = 0; i < n; i++) f32.store(out + at(i), f32.load(slot + at(i)));
}
