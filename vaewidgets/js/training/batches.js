/**
 * Images of a page that trains: kept as they came, put on their value range batch by batch. No DOM.
 *
 * @typedef {import("../contract/types.js").TrainingSplit} TrainingSplit
 * @typedef {{images: Uint8Array | Float32Array, labels: Int32Array | null, n: number}} Images
 *   images (n, C, H, W): bytes are to be put on the value range, floats lie in it; labels: index of each one's class
 * @typedef {{name: string, imageShape: number[], valueRange: [number, number], nClasses: number, train: Images,
 *   test: Images | null, places: Int32Array | null | undefined}} DataSet
 *   places: where the images of the page's sample stand in that of the saved run; null: at the same places;
 *   undefined: nowhere, they are others
 */
import { asBytes, size, toFloat32, toInt32, unpack } from "../contract/bytes.js";
import { fromBytes } from "../graphs/kernels/from_bytes.js";
import { enlarge } from "./enlarged.js";

/** @param {import("../contract/types.js").TrainingData} data @returns {DataSet} */
export function dataSet(data) {
  return {
    name: data.name,
    imageShape: data.image_shape,
    valueRange: data.value_range,
    nClasses: data.n_classes,
    train: images(data.train),
    test: data.test && images(data.test),
    places: data.places && toInt32(data.places),
  };
}

/** Height and width. @param {import("../contract/types.js").Packed} packed @returns {[number, number]} */
const extent = ({ shape }) => [shape[2], shape[3]];

/** @param {TrainingSplit} split @returns {Images} */
function images({ images: packed, rest, labels }) {
  const kept = packed.dtype === "u8" ? unpack(packed) : toFloat32(packed);
  const whole = rest
    ? enlarge(/** @type {Uint8Array} */ (kept), extent(packed), extent(rest), asBytes(rest.data))
    : kept;
  return {
    images: /** @type {Uint8Array | Float32Array} */ (whole),
    labels: labels && toInt32(labels),
    n: packed.shape[0],
  };
}

/** Error where a data set cannot be trained on. @param {DataSet} data @param {number[]} shape @param {boolean} labelled */
export function checkData({ imageShape, train, test, valueRange }, shape, labelled) {
  if (String(imageShape) !== String(shape))
    throw new Error(`the images have shape (${imageShape}); this model takes (${shape}). Resize them first.`);
  if (train.n < 2)
    throw new Error(
      `there ${train.n === 1 ? "is one image" : "are no images"} to train on; expected 2 at least.`,
    );
  if (labelled && !train.labels) throw new Error("this model is told classes, and the images have none.");
  for (const part of test ? [train, test] : [train]) {
    const wanted = part.n * size(shape);
    if (part.images.length !== wanted)
      throw new Error(`there are ${part.images.length} numbers; expected ${wanted} for ${part.n} images.`);
    const [low, high] = valueRange;
    if (part.images instanceof Float32Array && part.images.some((x) => !(x >= low && x <= high)))
      throw new Error(`a value lies outside ${low} to ${high}, or is no number.`);
  }
}

/**
 * Copy images to a place in memory, on their value range as `to_float` of data/batches.py puts them.
 * @param {DataSet} data
 * @param {Images} split
 * @param {ArrayLike<number>} index
 * @param {number} first the first of `index`
 * @param {number} n how many
 * @param {Float32Array} memory
 * @param {number} offset
 * @param {(x: number, n: number, low: number, span: number) => void} [expand] the kernel of that memory
 */
export function gather(
  { imageShape, valueRange },
  { images },
  index,
  first,
  n,
  memory,
  offset,
  expand = (...numbers) => fromBytes(memory, ...numbers),
) {
  const pixels = size(imageShape);
  const [low, high] = valueRange;
  const isBytes = images instanceof Uint8Array;
  // Bytes wait at the end of the place: numbers are written from its beginning, and never reach what is unread.
  const to = isBytes
    ? new Uint8Array(memory.buffer, memory.byteOffset + 4 * offset + 3 * n * pixels, n * pixels)
    : memory.subarray(offset, offset + n * pixels);
  for (let row = 0; row < n; row++) {
    const from = index[first + row] * pixels;
    to.set(images.subarray(from, from + pixels), row * pixels);
  }
  if (isBytes) expand(offset, n * pixels, low, high - low);
}

/**
 * Classes as one-hot rows.
 * @param {Images} split
 * @param {number} nClasses
 * @param {{index: ArrayLike<number>, first: number, n: number}} batch
 * @param {Float32Array} memory
 * @param {number} offset
 */
export function tell({ labels }, nClasses, { index, first, n }, memory, offset) {
  memory.fill(0, offset, offset + n * nClasses);
  for (let i = 0; labels && i < n; i++) {
    const label = labels[index[first + i]];
    if (label >= 0) memory[offset + i * nClasses + label] = 1;
  }
}
