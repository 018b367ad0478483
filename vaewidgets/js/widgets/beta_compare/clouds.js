/**
 * Scatters side by side on one scale, to be compared: points, the prior's circles, a title above each, one legend for
 * all. Names of classes would cover such small clouds.
 *
 * @typedef {import("../../host/theme.js").Theme} Theme
 * @typedef {{name: string, points: Float32Array, labels: Int32Array|null, faint: boolean,
 *   prior: {center: [number, number], radii: number[]}|null, note: string}} CloudState
 */

import { createLegend } from "../../draw/legend.js";
import { boxOf, clipped } from "../../draw/pen.js";
import { createPicture } from "../../draw/picture.js";
import { createPointLayer, drawAxes, drawPrior, onPlane } from "../../draw/scatter/paint.js";
import { h, setText, show } from "../../host/dom.js";
import { fit, padded, union } from "../../maths/camera.js";
import { coloredLabels } from "../../maths/classes.js";
import { formatCount } from "../../maths/format.js";
import { extent2d } from "../../maths/statistics.js";

const EDGE_EM = { left: 2.6, right: 0.6, top: 0.6, bottom: 1.8 };
const MOST_COLUMNS = 4;
/** The scale follows the widest cloud; outliers are let go where they would make all others small by this factor. */
const TAIL = 0.01;
const FAR = 2;

/** What is drawn of a cloud. @param {Float32Array} points */
function reach(points) {
  const [all, most] = [extent2d(points, 0), extent2d(points, TAIL)];
  if (!all || !most) return null;
  const span = (/** @type {import("../../maths/camera.js").Extent} */ { x0, x1, y0, y1 }) =>
    Math.max(x1 - x0, y1 - y0);
  return span(all) > FAR * span(most) ? most : all;
}

/** How many points lie beyond. @param {Float32Array} points @param {import("../../maths/camera.js").Extent} extent */
export function beyond(points, { x0, x1, y0, y1 }) {
  let count = 0;
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i], points[i + 1]];
    if (x < x0 || x > x1 || y < y0 || y > y1) count++;
  }
  return count;
}

/**
 * The extent that all clouds share, with the prior's outer circle in it.
 * @param {CloudState[]} clouds
 */
export function commonExtent(clouds) {
  /** @type {import("../../maths/camera.js").Extent | null} */
  let all = null;
  for (const { points, prior } of clouds) {
    const found = [reach(points)];
    const radius = Math.max(0, ...(prior?.radii ?? []));
    if (prior && radius) {
      const [x, y] = prior.center;
      found.push({ x0: x - radius, x1: x + radius, y0: y - radius, y1: y + radius });
    }
    for (const one of found) if (one) all = all ? union(all, one) : one;
  }
  return padded(all ?? { x0: -1, x1: 1, y0: -1, y1: 1 }, 0.06);
}

/**
 * @param {HTMLElement} el
 * @param {{theme: Theme}} opts
 */
export function createClouds(el, { theme }) {
  const holder = h("div", "vw-clouds");
  el.append(holder);
  const legend = createLegend(el, { theme });
  /** @type {ReturnType<typeof createCell>[]} */
  let cells = [];
  /** @type {{clouds: CloudState[], axes: [string, string], nameOf: (label: number) => string}} */
  let state = { clouds: [], axes: ["", ""], nameOf: String };
  let extent = commonExtent([]);

  /** @param {number} i */
  function createCell(i) {
    const title = h("figcaption", "vw-title");
    const note = h("p", "vw-note");
    const wrap = h("figure", "vw-cloud", {}, [title]);
    const layer = createPointLayer();
    const picture = createPicture(wrap, {
      theme,
      className: "vw-cloud-canvas",
      paint(flat) {
        const { size, width, height } = flat;
        const cloud = state.clouds[i];
        const { left, top, right, bottom } = EDGE_EM;
        const box = boxOf(left * size, top * size, width - right * size, height - bottom * size);
        const pen = onPlane(flat, fit(extent, box), box);
        drawAxes(pen, state.axes);
        clipped(pen, box, () => {
          layer.draw(pen, cloud);
          if (cloud.prior) drawPrior(pen, cloud.prior);
        });
      },
    });
    wrap.append(note);
    holder.append(wrap);
    return { wrap, title, note, picture };
  }

  /** @param {number} count */
  function rebuild(count) {
    if (cells.length === count) return;
    for (const { picture } of cells) picture.destroy();
    holder.replaceChildren();
    cells = Array.from({ length: count }, (_, i) => createCell(i));
    holder.style.setProperty("--vw-columns", String(Math.max(Math.min(count, MOST_COLUMNS), 1)));
  }

  return {
    /** @param {{clouds: CloudState[], axes: [string, string], nameOf: (label: number) => string}} next */
    update(next) {
      const first = coloredLabels(next.clouds.find((cloud) => cloud.labels)?.labels ?? null);
      const apart = new Set(first.named);
      const clouds = next.clouds.map((cloud) => ({
        ...cloud,
        labels: cloud.labels?.map((label) => (apart.has(label) ? label : -1)) ?? null,
      }));
      state = { ...next, clouds };
      extent = commonExtent(clouds);
      legend.update(first.labels && { ...first, nameOf: next.nameOf });
      rebuild(next.clouds.length);
      for (const [i, { name, note, points, faint }] of next.clouds.entries()) {
        setText(cells[i].title, name);
        const out = beyond(points, extent);
        const words = [
          note,
          out ? `${formatCount(out)} ${out === 1 ? "point lies" : "points lie"} outside` : "",
        ]
          .filter(Boolean)
          .join("; ");
        setText(cells[i].note, words);
        show(cells[i].note, words !== "");
        cells[i].wrap.classList.toggle("vw-faint", faint);
        cells[i].picture.describe(`${name}: ${points.length / 2} encoded images`);
        cells[i].picture.request();
      }
    },
    destroy() {
      for (const { picture } of cells) picture.destroy();
      legend.destroy();
      holder.remove();
    },
  };
}
