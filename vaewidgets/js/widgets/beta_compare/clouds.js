/**
 * Scatters side by side on one scale, to be compared: points, the prior's circles, a title above each, one legend for
 * all. Names of classes would cover such small clouds.
 *
 * @typedef {import("../../host/theme.js").Theme} Theme
 * @typedef {{name: string, points: Float32Array, labels: Int32Array|null, faint: boolean,
 *   prior: {center: [number, number], radii: number[]}|null, note: string}} CloudState
 */

import { createLegend } from "../../draw/legend.js";
import { createPointLayer, drawAxes, drawPrior } from "../../draw/scatter/paint.js";
import { createCanvas, h, setText, show } from "../../host/dom.js";
import { createPainter } from "../../host/painter.js";
import { fit, padded, union } from "../../maths/camera.js";
import { namedClasses } from "../../maths/classes.js";
import { extent2d } from "../../maths/statistics.js";

const EDGE_EM = { left: 2.6, right: 0.6, top: 0.6, bottom: 1.8 };
const MOST_COLUMNS = 4;
/** The scale follows the widest cloud, but not to where the others are dots. */
const TAIL = 0.01;

/**
 * The extent that all clouds share, with the prior's outer circle in it.
 * @param {CloudState[]} clouds
 */
export function commonExtent(clouds) {
  /** @type {import("../../maths/camera.js").Extent | null} */
  let all = null;
  for (const { points, prior } of clouds) {
    const found = [extent2d(points, TAIL)];
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
  /** @type {{wrap: HTMLElement, title: HTMLElement, note: HTMLElement, surface: import("../../host/dom.js").Surface, layer: ReturnType<typeof createPointLayer>}[]} */
  let cells = [];
  /** @type {{clouds: CloudState[], axes: [string, string], nameOf: (label: number) => string}} */
  let state = { clouds: [], axes: ["", ""], nameOf: String };

  /** @param {number} count */
  function rebuild(count) {
    if (cells.length === count) return;
    cells = Array.from({ length: count }, () => {
      const title = h("figcaption", "vw-title");
      const note = h("p", "vw-note");
      const surface = createCanvas("vw-cloud-canvas");
      surface.canvas.setAttribute("role", "img");
      const wrap = h("figure", "vw-cloud", {}, [title, surface.canvas, note]);
      return { wrap, title, note, surface, layer: createPointLayer() };
    });
    holder.replaceChildren(...cells.map(({ wrap }) => wrap));
    holder.style.setProperty("--vw-columns", String(Math.max(Math.min(count, MOST_COLUMNS), 1)));
  }

  const painter = createPainter(holder, () => {
    const extent = commonExtent(state.clouds);
    const size = theme.fontSize();
    for (const [i, cloud] of state.clouds.entries()) {
      const { surface, layer } = cells[i];
      surface.resize();
      surface.clear();
      if (!surface.width) continue;
      const left = EDGE_EM.left * size;
      const top = EDGE_EM.top * size;
      const box = {
        left,
        top,
        width: surface.width - left - EDGE_EM.right * size,
        height: surface.height - top - EDGE_EM.bottom * size,
      };
      if (box.width < 8 || box.height < 8) continue;
      const camera = fit(extent, box);
      drawAxes(surface.context, theme, camera, box, state.axes);
      surface.context.save();
      surface.context.beginPath();
      surface.context.rect(box.left, box.top, box.width, box.height);
      surface.context.clip();
      layer.draw(surface.context, theme, camera, box, { ...cloud, selected: null });
      if (cloud.prior) drawPrior(surface.context, theme, camera, box, cloud.prior);
      surface.context.restore();
    }
  });
  const observer = new ResizeObserver(() => painter.request());
  observer.observe(holder);
  const unfollow = theme.onChange(() => painter.request());

  return {
    /** @param {{clouds: CloudState[], axes: [string, string], nameOf: (label: number) => string}} next */
    update(next) {
      const labels = next.clouds.find((cloud) => cloud.labels)?.labels ?? null;
      const { named, others } = namedClasses(labels ?? []);
      const apart = new Set(named);
      const clouds = next.clouds.map((cloud) => ({
        ...cloud,
        labels:
          others && cloud.labels
            ? cloud.labels.map((label) => (apart.has(label) ? label : -1))
            : cloud.labels,
      }));
      state = { ...next, clouds };
      legend.update(labels && { named, others, nameOf: next.nameOf });
      rebuild(next.clouds.length);
      for (const [i, { name, note, points, faint }] of next.clouds.entries()) {
        setText(cells[i].title, name);
        setText(cells[i].note, note);
        show(cells[i].note, note !== "");
        cells[i].wrap.classList.toggle("vw-faint", faint);
        cells[i].surface.canvas.setAttribute("aria-label", `${name}: ${points.length / 2} encoded images`);
      }
      painter.request();
    },
    destroy() {
      observer.disconnect();
      unfollow();
      painter.destroy();
      legend.destroy();
      holder.remove();
    },
  };
}
