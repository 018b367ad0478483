// All kernels.

export * from "./products";
export * from "./elementwise";
export * from "./sums";
export * from "./optimisers";
export * from "./patches";

import { END } from "./room";

/** How many floats at the start of the memory are the kernels' own. */
export function reserved(): u32 {
  return <u32>(END >> 2);
}
