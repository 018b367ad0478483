/** Draws a metric under a map: magnification as its ground, and ellipses; and the paths over it. Knows no widget. */
import { drawDot, drawLine } from "../../draw/pen.js";
import { createShading } from "../../draw/shading.js";
import { indicatrix, magnification } from "../../maths/geometry.js";

/** @typedef {import("../../draw/pen.js").PlotPen} PlotPen */
/** @typedef {import("../../maths/camera.js").Extent} Extent */
const ACROSS = 9; // ellipses
const STRONGEST = 0.6;
const LINES = {
  lerp: { color: "fg", width: 1.6, dash: [6, 4] },
  slerp: { color: "fg", width: 1.8, dash: [1.5, 3.5] },
  geodesic: { color: "accent", width: 3, dash: [] },
};

/** @param {ArrayLike<number>} values @param {number} q 0…1 */
function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.round((sorted.length - 1) * q)] ?? 0;
}

export function createGround() {
  const shading = createShading();
  /** @type {Float64Array} */
  let metric = new Float64Array(0);
  let cells = 0;
  let extent = /** @type {Extent | null} */ (null);
  /** Of the natural logarithm of the magnification. @type {[number, number]} */
  let range = [0, 1];
  let values = new Float64Array(0);

  /** @param {PlotPen} pen */
  function drawEllipses(pen) {
    const { x0, x1, y0, y1 } = /** @type {Extent} */ (extent);
    const apart = (x1 - x0) / ACROSS;
    // None at the border: far from the codes there is little to say, and the names of the axes stand there.
    const inner = ACROSS - 2;
    const shapes = Array.from({ length: inner ** 2 }, (_, s) => {
      const [i, j] = [s % inner, Math.floor(s / inner)].map((k) => Math.floor(((k + 1.5) * cells) / ACROSS));
      const at = [x0 + ((i + 0.5) * (x1 - x0)) / cells, y0 + ((j + 0.5) * (y1 - y0)) / cells];
      return { at, ...indicatrix(metric, j * cells + i) };
    });
    const unit =
      (0.4 * apart) /
      quantile(
        shapes.map(({ long }) => long),
        0.6,
      );
    const most = 0.46 * apart;
    const scale = pen.x.unit;
    for (const { at, long, short, angle } of shapes) {
      const [a, b] = [long, short].map((axis) => Math.max(Math.min(axis * unit, most) * scale, 0.7));
      pen.context.beginPath();
      pen.context.ellipse(pen.x(at[0]), pen.y(at[1]), a, b, -angle, 0, 2 * Math.PI);
      pen.context.strokeStyle = pen.theme.color("fg");
      pen.context.globalAlpha = 0.7;
      pen.context.lineWidth = 1;
      pen.context.stroke();
      pen.context.globalAlpha = 1;
    }
  }

  return {
    /** @param {Float64Array} next flat (cells, cells, 3) @param {number} across cells @param {Extent | null} sight */
    update(next, across, sight) {
      if (!next.length || !sight) return;
      [metric, cells, extent] = [next, across, sight];
      values = Float64Array.from({ length: cells * cells }, (_, c) =>
        Math.log(Math.max(magnification(metric, c), 1e-30)),
      );
      range = [quantile(values, 0.02), quantile(values, 0.98)];
      const span = Math.max(range[1] - range[0], 1e-6);
      const shares = values.map((value) => STRONGEST * Math.min(Math.max((value - range[0]) / span, 0), 1));
      shading.update(shares, sight);
    },
    /** Least and greatest magnification that are told apart, or null. */
    get range() {
      return values.length ? range.map(Math.exp) : null;
    },
    /** @param {number} c */
    at: (c) => Math.exp(values[c]),
    draw: shading.draw,
    /** @param {PlotPen} pen */
    drawEllipses(pen) {
      if (extent && values.length) drawEllipses(pen);
    },
  };
}

/** @param {PlotPen} pen @param {Record<string, [number, number][]>} paths @param {[number, number] | null} mark */
export function drawPaths(pen, paths, mark) {
  for (const [name, style] of Object.entries(LINES)) {
    const way = (paths[name] ?? []).flatMap(([u, v]) => [pen.x(u), pen.y(v)]);
    drawLine(pen, way, { color: "bg", width: style.width + 2.5 });
    drawLine(pen, way, style);
  }
  if (mark) drawDot(pen, pen.x(mark[0]), pen.y(mark[1]), 5, { color: "accent", fill: "bg" });
}
