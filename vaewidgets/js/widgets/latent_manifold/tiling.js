/**
 * A plane of quantiles cut into square cells: which are seen, in which order they are decoded, how the view moves.
 * Both coordinates run from 0 to 1: the share of a Gaussian that lies below. No DOM.
 *
 * @typedef {{center: [number, number], span: number}} Window  the part seen, `span` wide and high
 * @typedef {{kx: number, ky: number, key: string, u: number, v: number}} Cell  u, v: its middle
 */

export const LEAST_SPAN = 0.002;

/** Keep the window inside the unit square. @param {Window} view @returns {Window} */
export function clampWindow({ center, span }) {
  const s = Math.min(Math.max(Number.isFinite(span) ? span : 1, LEAST_SPAN), 1);
  const inside = (/** @type {number} */ c) =>
    Math.min(Math.max(Number.isFinite(c) ? c : 0.5, s / 2), 1 - s / 2);
  return { center: [inside(center[0]), inside(center[1])], span: s };
}

/**
 * Zoom so that the place (u, v) stays where it is.
 * @param {Window} view @param {number} u @param {number} v @param {number} factor above 1 comes closer
 */
export function zoomWindow(view, u, v, factor) {
  const span = Math.min(Math.max(view.span / factor, LEAST_SPAN), 1);
  const k = span / view.span;
  return clampWindow({
    center: [u + (view.center[0] - u) * k, v + (view.center[1] - v) * k],
    span,
  });
}

/** @param {Window} view @param {number} du @param {number} dv */
export function panWindow({ center, span }, du, dv) {
  return clampWindow({ center: [center[0] + du, center[1] + dv], span });
}

/** How coarse a cell is: decoded first are those on a grid of 8, then of 4, 2, 1. @param {number} kx @param {number} ky */
export function coarseness(kx, ky) {
  for (const stride of [8, 4, 2]) if (kx % stride === 0 && ky % stride === 0) return stride;
  return 1;
}

/**
 * The cells seen, coarse ones first, those of one stride from the middle out. Cells stand on a lattice that does not
 * move with the window, so that a pan decodes only what comes into sight.
 * @param {Window} view
 * @param {number} across how many cells the window is wide
 * @param {boolean} line whether there is one dimension only: a single row
 * @returns {Cell[]}
 */
export function cellsIn(view, across, line) {
  const cell = view.span / across;
  const count = Math.round(1 / cell);
  const range = (/** @type {number} */ c) => {
    const first = Math.max(Math.floor((c - view.span / 2) / cell + 1e-6), 0);
    const last = Math.min(Math.ceil((c + view.span / 2) / cell - 1e-6), Math.max(count, 1)) - 1;
    return [first, last];
  };
  const [x0, x1] = range(view.center[0]);
  const [y0, y1] = line ? [0, 0] : range(view.center[1]);
  /** @type {(Cell & {rank: number, far: number})[]} */
  const cells = [];
  for (let ky = y0; ky <= y1; ky++) {
    for (let kx = x0; kx <= x1; kx++) {
      const u = Math.min((kx + 0.5) * cell, 1 - cell / 4);
      const v = line ? 0.5 : Math.min((ky + 0.5) * cell, 1 - cell / 4);
      const far = (u - view.center[0]) ** 2 + (v - view.center[1]) ** 2;
      cells.push({ kx, ky, key: `${kx},${ky}`, u, v, rank: coarseness(kx, line ? 0 : ky), far });
    }
  }
  return cells.sort((a, b) => b.rank - a.rank || a.far - b.far);
}

/**
 * Where to look for a picture while a cell has none: the coarser cells that stand for it.
 * @param {number} kx @param {number} ky @returns {string[]}
 */
export function standIns(kx, ky) {
  return [2, 4, 8].map((s) => `${kx - (kx % s)},${ky - (ky % s)}`);
}
