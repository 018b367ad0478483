/**
 * A quantity against the size of the bottleneck: a point a run, a line through the means, bars for the standard
 * error where there are several runs of a size; the elbow dashed. Sizes stand on a logarithmic axis.
 *
 * @typedef {{index: number, dim: number, value: number}} SizePoint
 * @typedef {{points: SizePoint[], title: string, color: import("../../host/theme.js").ColorName, elbow: number|null,
 *   picked: number|null, zero: boolean}} SizeState
 */
import { drawScaleX, drawScaleY } from "../../draw/axes.js";
import { drawDot, drawLine, drawText } from "../../draw/pen.js";
import { createPlot } from "../../draw/plot.js";
import { clientOf, localOf } from "../../host/pointer.js";
import { extent } from "../../maths/statistics.js";

const REACH_PX = 24;
/** Around the sizes, as a factor. */
const ROOM = 2 ** 0.3;

/**
 * Mean and standard error of the values of each size, rising.
 * @param {SizePoint[]} points
 * @returns {{dim: number, mean: number, error: number, n: number}[]}
 */
export function meansOf(points) {
  const sizes = [...new Set(points.map(({ dim }) => dim))].sort((a, b) => a - b);
  return sizes.map((dim) => {
    const values = points.filter((point) => point.dim === dim).map(({ value }) => value);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const error = values.length > 1 ? Math.sqrt(spread / (values.length - 1) / values.length) : 0;
    return { dim, mean, error, n: values.length };
  });
}

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme, onPick: (index: number) => void}} opts
 */
export function createSizePlot(el, { theme, onPick }) {
  /** @type {SizeState} */
  let state = { points: [], title: "", color: "fg", elbow: null, picked: null, zero: false };
  /** Where the points were drawn. @type {{index: number, x: number, y: number}[]} */
  let places = [];
  const plot = createPlot(el, {
    theme,
    className: "vw-size-plot",
    label: "",
    margins: [2.2, 1, 3, 3.6],
    paint(pen) {
      const { box, size, x, y } = pen;
      const means = meansOf(state.points);
      const { color } = state;
      drawScaleX(pen, { label: "latent dimensions", at: means.map(({ dim }) => dim), format: String });
      drawScaleY(pen, { label: state.title });
      if (state.elbow !== null) {
        const at = x(state.elbow);
        drawLine(pen, [at, box.top, at, box.bottom], { color: "fg2", dash: [4, 3] });
        const style = /** @type {const} */ ({ align: "left", relative: 0.85, halo: 4 });
        drawText(pen, `elbow ${state.elbow}`, at + 4, box.top + size * 0.5, style);
      }
      const line = means.flatMap(({ dim, mean }) => [x(dim), y(mean)]);
      drawLine(pen, line, { color, width: 1.75 });
      for (const { dim, mean, error } of means)
        if (error > 0)
          drawLine(pen, [x(dim), y(mean - error), x(dim), y(mean + error)], { color, width: 1.5 });
      places = state.points.map(({ index, dim, value }) => ({ index, x: x(dim), y: y(value) }));
      for (const { index, x, y } of places) {
        const picked = index === state.picked;
        drawDot(pen, x, y, picked ? 6 : 3.5, { fill: color, color: picked ? "fg" : undefined });
      }
    },
  });
  /** @param {MouseEvent} event */
  const onClick = (event) => {
    const [x, y] = localOf(event, plot.el);
    const near = places
      .map((place) => ({ ...place, away: Math.hypot(place.x - x, place.y - y) }))
      .sort((a, b) => a.away - b.away)[0];
    if (near && near.away <= REACH_PX) onPick(near.index);
  };
  plot.el.addEventListener("click", onClick);
  return {
    /** @param {SizeState} next */
    update(next) {
      state = next;
      const dims = extent(next.points.map(({ dim }) => dim)) ?? [1, 2];
      const values = extent(next.points.map(({ value }) => value)) ?? [0, 1];
      const pad = Math.max((values[1] - values[0]) * 0.12, Math.abs(values[1]) * 0.01, 1e-3);
      plot.describe(
        `${next.title}: ${meansOf(next.points)
          .map(({ dim, mean }) => `${dim}: ${mean.toPrecision(4)}`)
          .join(", ")}`,
      );
      plot.update({
        x: [dims[0] / ROOM, dims[1] * ROOM],
        y: [next.zero ? 0 : values[0] - pad, values[1] + pad],
        log: true,
      });
    },
    /** Where a run's point is, in the window's pixels; for tests. @param {number} index */
    toClient(index) {
      const place = places.find((one) => one.index === index);
      return place ? clientOf(plot.el, place.x, place.y) : null;
    },
    destroy() {
      plot.destroy();
    },
  };
}
