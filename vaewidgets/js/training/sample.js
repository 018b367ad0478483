/**
 * The images that a page's pictures are made of: test images first, then training images, as data/sample.py chooses
 * them. No DOM.
 *
 * @typedef {import("./frames.js").Sample} Sample
 * @typedef {import("./batches.js").DataSet} DataSet
 * @typedef {Sample & {parts: {part: "test" | "train", index: Int32Array}[], labels: Int32Array | null}} Chosen
 *   parts: where its images come from, in their order; labels: of all of them, -1 for none
 */
import { size } from "../contract/bytes.js";
import { packBytes } from "../contract/packing.js";
import { toBytes } from "../draw/images.js";

const THUMBNAIL_BYTES = 1_600_000;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** @param {number} a @param {number} b @returns {number} */
const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/**
 * The first `count` of a fixed order of 0 … n - 1 in which every stretch is spread over all of them.
 * @param {number} n @param {number} count
 */
export function spreadIndex(n, count) {
  let step = Math.max(1, Math.round(n * GOLDEN));
  while (gcd(step, n) > 1) step++;
  return Int32Array.from({ length: count }, (_, i) => (i * step) % n);
}

/** @param {DataSet} data @param {number} points at most @returns {Chosen} */
export function chooseSample(data, points) {
  const { train, test, imageShape: shape } = data;
  const each = size(shape);
  const nTest = test ? Math.min(points, test.n) : 0;
  const nTrain = Math.min(points - nTest, train.n);
  /** @type {Chosen["parts"]} */
  const parts = [];
  const images = new Uint8Array((nTest + nTrain) * each);
  const labels = new Int32Array(nTest + nTrain).fill(-1);
  let known = true;
  let at = 0;
  for (const [part, count] of /** @type {["test" | "train", number][]} */ ([
    ["test", nTest],
    ["train", nTrain],
  ])) {
    const split = data[part];
    if (!split || count === 0) continue;
    const index = spreadIndex(split.n, count);
    parts.push({ part, index });
    known &&= split.labels !== null;
    for (const i of index) {
      const one = split.images.subarray(i * each, (i + 1) * each);
      images.set(one instanceof Uint8Array ? one : toBytes(one, data.valueRange), at * each);
      if (split.labels) labels[at] = split.labels[i];
      at++;
    }
  }
  const found = known ? labels : null;
  return { images, shape, classes: found, labels: found, nTest, nTrain, parts };
}

/** The first so many of a sample. @param {Chosen} sample @param {number} n @returns {Sample} */
export function firstOf({ images, shape, classes, nTest, nTrain }, n) {
  const test = Math.min(n, nTest);
  return {
    images: images.subarray(0, n * size(shape)),
    shape,
    classes: classes?.subarray(0, n) ?? null,
    nTest: test,
    nTrain: Math.min(n - test, nTrain),
  };
}

/** The images of a sample that fit as thumbnails. @param {Sample} sample @returns {import("../contract/types.js").Packed} */
export function originalsState({ images, shape }) {
  const each = size(shape);
  const fit = Math.min(images.length / each, Math.max(1, Math.floor(THUMBNAIL_BYTES / each)));
  return packBytes(images.subarray(0, fit * each), [fit, ...shape]);
}
