// The module with relaxed SIMD holds the products alone: elsewhere memory is the limit, not arithmetic.

export { product } from "./product";
export { vector } from "./vector";
