/**
 * A continuous palette for values: cividis, read alike with and without color-vision deficiencies (Nuñez, Anderton &
 * Renslow 2018, arXiv:1712.01662), each theme taking the part of it that stands out from its background. No DOM.
 */

const CIVIDIS = [
  [0, 34, 78],
  [26, 56, 111],
  [67, 78, 108],
  [97, 101, 111],
  [125, 124, 120],
  [155, 148, 118],
  [188, 174, 108],
  [222, 201, 88],
  [254, 232, 56],
];
/** Which part of the palette is used. */
const PART = { light: [0, 0.9], dark: [0.22, 1] };

/** @typedef {"light"|"dark"} Scheme */

/** @param {number} t 0…1 @param {Scheme} scheme @returns {[number, number, number]} 0…255 */
export function rampColor(t, scheme) {
  const [lo, hi] = PART[scheme];
  const at = (lo + Math.min(Math.max(t, 0), 1) * (hi - lo)) * (CIVIDIS.length - 1);
  const i = Math.min(Math.floor(at), CIVIDIS.length - 2);
  const part = (/** @type {number} */ c) =>
    Math.round(CIVIDIS[i][c] + (CIVIDIS[i + 1][c] - CIVIDIS[i][c]) * (at - i));
  return [part(0), part(1), part(2)];
}

/** @type {Partial<Record<Scheme, Uint8Array>>} */
const tables = {};

/** The palette of a byte: r, g, b and an opaque alpha of 0…255. @param {Scheme} scheme */
export function rampTable(scheme) {
  tables[scheme] ??= Uint8Array.from(
    { length: 1024 },
    (_, i) => [...rampColor((i >> 2) / 255, scheme), 255][i % 4],
  );
  return tables[scheme];
}
