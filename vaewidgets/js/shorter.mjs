/**
 * What the language calls by long names, as variables that a bundle can rename: esbuild puts them in place of `Math.max`
 * and the like (`shorter` in build.mjs), which makes a large widget four kilobytes smaller. No other name begins with $: one
 * that did would be taken for these.
 */
export const {
  Array: $Array,
  Float32Array: $Float32Array,
  Int32Array: $Int32Array,
  JSON: $JSON,
  Map: $Map,
  Math: $Math,
  Number: $Number,
  Object: $Object,
  ResizeObserver: $ResizeObserver,
  Set: $Set,
  String: $String,
  Uint8Array: $Uint8Array,
  document: $document,
  getComputedStyle: $getComputedStyle,
  performance: $performance,
} = globalThis;
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
} = $Math;
export const { isFinite: $isFinite, NEGATIVE_INFINITY: $NEGATIVE_INFINITY } = $Number;
export const { stringify: $stringify } = $JSON;
export const { from: $from } = $Array; // of typed arrays it is another
export const { entries: $entries } = $Object;
export const $now = () => $performance.now();
