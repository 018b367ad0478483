// All kernels.

export * from "./products";
export { fromBytes, repeat, select3 } from "./elementwise";
export * from "./passes"; // written by build.mjs
export * from "./sums";
export * from "./optimisers";
export * from "./patches";
