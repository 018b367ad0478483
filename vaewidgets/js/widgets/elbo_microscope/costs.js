/** What each pixel costs, as an item that can be drawn, and images to choose from. No DOM. */
import { toBytes } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";

const MOST_EXAMPLES = 14;

/**
 * Of images and volumes the channels are summed up and drawn as a heat map; values of a vector, series or heat map are
 * drawn as those are.
 * @param {Float32Array} cost of each number of an item
 * @param {Pick<import("../../contract/types.js").RunInfo, "image_shape" | "items">} run
 */
export function costItem(cost, { image_shape, items }) {
  const [channels, height, width] = image_shape;
  const pixels = !items || items.draw === "slices";
  let values = cost;
  if (pixels) {
    const plane = height * width;
    values = new Float32Array(plane);
    for (let i = 0; i < channels * plane; i++) values[i % plane] += cost[i];
  }
  const most = values.reduce((a, b) => Math.max(a, b), 1e-12);
  const range = /** @type {[number, number]} */ ([values.reduce((a, b) => Math.min(a, b), 0), most]);
  const form = pixels
    ? {
        draw: /** @type {const} */ ("heatmap"),
        shape: [height, width],
        channels: /** @type {const} */ ("last"),
        names: null,
      }
    : items;
  const shape = /** @type {[number, number, number]} */ (pixels ? [1, height, width] : image_shape);
  return {
    bytes: toBytes(values, range),
    items: itemsOf({ image_shape: shape, items: { ...form, range } }),
    most,
  };
}

/** Numbers of images: of each class in turn where there are some. @param {Int32Array | null} labels @param {number} count */
export function examplesOf(labels, count) {
  const all = Array.from({ length: count }, (_, i) => i);
  if (!labels) return all.slice(0, MOST_EXAMPLES);
  /** @type {Map<number, number>} */
  const before = new Map();
  const rank = all.map((i) => {
    const n = before.get(labels[i]) ?? 0;
    before.set(labels[i], n + 1);
    return n;
  });
  return all.sort((a, b) => rank[a] - rank[b] || labels[a] - labels[b]).slice(0, MOST_EXAMPLES);
}
