// The module with relaxed SIMD holds the products alone: elsewhere memory is the limit, not arithmetic.

import { multiply } from "./product";
import { END } from "./room";

export { vector } from "./vector";

export function product(
  a: u32, aRow: i32, aCol: i32, b: u32, bRow: i32, bCol: i32, c: u32, cRow: i32, m: i32, n: i32, k: i32,
  add: bool, bias: i32,
): void {
  multiply(true, a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, add, bias);
}

/** How many floats at the start of the memory are the kernels' own. */
export function reserved(): u32 {
  return <u32>(END >> 2);
}
