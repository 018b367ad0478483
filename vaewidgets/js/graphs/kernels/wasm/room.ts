// Where in the memory the kernels keep what is their own, in bytes. The sizes in floats of the blocks of a product:
// KC rows of B stay in the first cache for 8 columns, MC × KC of A in the second.

export const KC: i32 = 264;
export const MC: i32 = 96;
export const NC: i32 = 1024;

/** Of four vectors each: operands that are one number, and what is left of n after whole vectors. */
export const SLOT: usize = 64;
/** A tile of C at an edge, of up to 4 × 32 numbers. */
export const TILE: usize = 4 * SLOT;
/** Eight floats that stay 0. */
export const ZEROS: usize = TILE + 4 * 4 * 32;
/** A vector of up to MOST floats; a short operand repeated. */
export const VECTOR: usize = ZEROS + 32;
export const MOST: i32 = 4096;
export const PACKED_A: usize = VECTOR + 4 * MOST;
export const PACKED_B: usize = PACKED_A + 4 * MC * KC;
/** Lists of numbers that are not 0, each with its place, and where each ends. */
export const LISTS: usize = PACKED_B + 4 * KC * NC;
export const ENDS: usize = LISTS + 8 * (MC * KC + 2);
export const END: usize = ENDS + 4 * (MC + 4);

/** Rows of blocks of about the same size. */
export function depthOf(k: i32): i32 {
  return k > KC ? (k + (k - 1) / KC) / ((k + KC - 1) / KC) : k;
}

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
