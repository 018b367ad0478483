/**
 * What the language calls by long names, as variables that a bundle can rename: esbuild puts them in place of `Math.max`
 * and the like (`shorter` in build.mjs), which makes a large widget three kilobytes smaller.
 */
export const { max, min, round, floor, ceil, abs, exp, hypot } = Math;
export const { isFinite: finite, NEGATIVE_INFINITY: least } = Number;
export const { stringify } = JSON;
export const { from } = Array; // of typed arrays it is another
export const { Float32Array: Floats, Uint8Array: Bytes, getComputedStyle: styleOf } = globalThis;
