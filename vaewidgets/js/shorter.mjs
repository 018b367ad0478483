/**
 * What the language calls by long names, as variables that a bundle can rename: esbuild puts them in place of `Math.max`
 * and the like (`shorter` in build.mjs), which makes a large widget four kilobytes smaller. No other name begins with $: one
 * that did would be taken for these.
 */
export const {
  max: $max,
  min: $min,
  round: $round,
  floor: $floor,
  ceil: $ceil,
  abs: $abs,
  exp: $exp,
  hypot: $hypot,
  log10: $log10,
} = Math;
export const { isFinite: $isFinite, NEGATIVE_INFINITY: $least } = Number;
export const { stringify: $stringify } = JSON;
export const { from: $from } = Array; // of typed arrays it is another
export const { entries: $entries } = Object;
export const {
  Float32Array: $floats,
  Uint8Array: $bytes,
  Int32Array: $wholes,
  ResizeObserver: $sizes,
  getComputedStyle: $style,
  document: $document,
} = globalThis;
const { performance: clock } = globalThis;
export const $now = () => clock.now();
