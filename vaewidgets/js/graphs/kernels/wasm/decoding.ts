// The module for pages that only decode: a product, which looks for no zeros, and a vector's.

import { multiply } from "./product";

export { reserved, vector } from "./products";

export function product(
  a: u32, aRow: i32, aCol: i32, b: u32, bRow: i32, bCol: i32, c: u32, cRow: i32, m: i32, n: i32, k: i32,
  add: bool, bias: i32,
): void {
  multiply(false, a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, add, bias);
}
