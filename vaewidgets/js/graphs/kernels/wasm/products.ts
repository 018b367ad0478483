// The module for pages that only decode, and the one with relaxed SIMD, hold the products alone: elsewhere memory is
// the limit, not arithmetic.

export { product } from "./product";
export { vector } from "./vector";

import { END } from "./room";

/** How many floats at the start of the memory are the kernels' own. */
export function reserved(): u32 {
  return <u32>(END >> 2);
}
