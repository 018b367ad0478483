// All kernels.

export * from "./products";
export * from "./elementwise";
export * from "./sums";
export * from "./optimisers";
export * from "./patches";
