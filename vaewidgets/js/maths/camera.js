/**
 * A view of the plane with one scale for both axes, so that the prior's circles are circles. No DOM.
 *
 * @typedef {{cx: number, cy: number, scale: number}} Camera  center in data units, pixels a unit
 * @typedef {{left: number, top: number, width: number, height: number}} Box  plot area in CSS pixels
 * @typedef {{x0: number, x1: number, y0: number, y1: number}} Extent
 */

/**
 * The camera that shows all of an extent.
 * @param {Extent} extent
 * @param {Box} box
 * @returns {Camera}
 */
export function fit(extent, box) {
  const width = Math.max(extent.x1 - extent.x0, 1e-6);
  const height = Math.max(extent.y1 - extent.y0, 1e-6);
  return {
    cx: (extent.x0 + extent.x1) / 2,
    cy: (extent.y0 + extent.y1) / 2,
    scale: Math.min(box.width / width, box.height / height),
  };
}

/** @param {Extent} a @param {Extent} b @returns {Extent} */
export function union(a, b) {
  return {
    x0: Math.min(a.x0, b.x0),
    x1: Math.max(a.x1, b.x1),
    y0: Math.min(a.y0, b.y0),
    y1: Math.max(a.y1, b.y1),
  };
}

/** @param {Extent} e @param {number} share of each side @returns {Extent} */
export function padded(e, share) {
  const dx = (e.x1 - e.x0) * share;
  const dy = (e.y1 - e.y0) * share;
  return { x0: e.x0 - dx, x1: e.x1 + dx, y0: e.y0 - dy, y1: e.y1 + dy };
}

/**
 * Keep the held extent while the content stays inside it and fills it well: a view that follows every frame
 * would jitter. Otherwise take a fresh one with room to grow.
 * @param {Extent | null} held
 * @param {Extent} content
 * @returns {Extent}
 */
export function steady(held, content) {
  if (held) {
    const inside =
      content.x0 >= held.x0 && content.x1 <= held.x1 && content.y0 >= held.y0 && content.y1 <= held.y1;
    const fill = Math.max(
      (content.x1 - content.x0) / (held.x1 - held.x0),
      (content.y1 - content.y0) / (held.y1 - held.y0),
    );
    if (inside && fill > 0.62) return held;
  }
  return padded(content, 0.09);
}

/** @param {Camera} c @param {Box} box @param {number} x @param {number} y @returns {[number, number]} CSS pixels */
export function toScreen(c, box, x, y) {
  return [box.left + box.width / 2 + (x - c.cx) * c.scale, box.top + box.height / 2 - (y - c.cy) * c.scale];
}

/** @param {Camera} c @param {Box} box @param {number} px @param {number} py @returns {[number, number]} data */
export function toData(c, box, px, py) {
  return [c.cx + (px - box.left - box.width / 2) / c.scale, c.cy - (py - box.top - box.height / 2) / c.scale];
}

/**
 * Zoom so that the place under the pointer stays there.
 * @param {Camera} c
 * @param {Box} box
 * @param {number} px
 * @param {number} py
 * @param {number} factor above 1 comes closer
 * @returns {Camera}
 */
export function zoomAt(c, box, px, py, factor) {
  const [x, y] = toData(c, box, px, py);
  const scale = Math.min(Math.max(c.scale * factor, 1e-3), 1e6);
  const k = c.scale / scale;
  return { cx: x + (c.cx - x) * k, cy: y + (c.cy - y) * k, scale };
}

/** @param {Camera} a @param {Camera} b @param {number} t 0…1 @returns {Camera} */
export function between(a, b, t) {
  return {
    cx: a.cx + (b.cx - a.cx) * t,
    cy: a.cy + (b.cy - a.cy) * t,
    scale: a.scale * (b.scale / a.scale) ** t,
  };
}
