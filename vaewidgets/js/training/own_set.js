/**
 * Images of the reader's own as a data set beside the one that the page came with. No DOM.
 *
 * @typedef {import("./batches.js").DataSet} DataSet
 * @typedef {{images: Uint8Array, n: number, labels: Uint8Array | null, classNames: string[] | null, notes: string[]}} OwnData
 *   images: (n, C, H, W); labels: indices of classNames
 */
import { size } from "../contract/bytes.js";

export const OWN_NAME = "your images";
/** Of images, that a page keeps for the case that it is left. */
export const MOST_KEPT_BYTES = 8e6;
/** From so many on every sixth is kept for the test. */
const SPLIT_FROM = 24;
const SPLIT = 6;
/** Few images make few steps an epoch: an epoch limit for thousands of images would end before anything is learned. */
const FEWEST_STEPS = 1500;

/**
 * @param {DataSet} given @param {OwnData} own
 * @param {boolean} [told] whether the model is told the class of an image
 * @returns {DataSet}
 */
export function ownSet(given, { images, n, labels, classNames }, told = false) {
  const nClasses = classNames?.length ?? 0;
  if (told && nClasses !== given.nClasses) {
    throw new Error(
      `This model is told which of ${given.nClasses} classes an image shows; your images have ${nClasses || "none"}.`,
    );
  }
  const one = size(given.imageShape);
  const all = Array.from({ length: n }, (_, i) => i);
  const isTest = (/** @type {number} */ i) => n >= SPLIT_FROM && i % SPLIT === SPLIT - 1;
  const part = (/** @type {number[]} */ index) => {
    const bytes = new Uint8Array(index.length * one);
    index.forEach((from, to) => {
      bytes.set(images.subarray(from * one, (from + 1) * one), to * one);
    });
    return { images: bytes, n: index.length, labels: labels && Int32Array.from(index, (i) => labels[i]) };
  };
  const test = all.filter(isTest);
  return {
    ...given,
    name: OWN_NAME,
    nClasses,
    train: part(all.filter((i) => !isTest(i))),
    test: test.length ? part(test) : null,
    places: undefined,
  };
}

/** Epochs in which enough is learned of `n` images. @param {number} n @param {number} batchSize @param {number | null} wanted */
export function epochsFor(n, batchSize, wanted) {
  return wanted === null ? null : Math.max(wanted, Math.ceil(FEWEST_STEPS / Math.ceil(n / batchSize)));
}
