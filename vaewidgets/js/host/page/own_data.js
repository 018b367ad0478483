/**
 * A reader's own files as a data set to train on: pictures, IDX files or a table of numbers. No DOM.
 *
 * Whatever they hold becomes uint8 images of the page's shape, since its networks are of that shape. What was changed
 * on the way (cropped, scaled, left out) is said in `notes`; what cannot be read is an error that names the file.
 *
 * @typedef {{name: string, path?: string, size: number, bytes(): Promise<Uint8Array>}} OwnFile
 *   path: with the folders, where a folder was dropped; they name the classes
 * @typedef {{width: number, height: number, data: Uint8ClampedArray | Uint8Array}} Pixels  RGBA, row by row
 * @typedef {import("../../training/own_set.js").OwnData} OwnData
 * @typedef {{shape: [number, number, number], decodeImage(bytes: Uint8Array): Promise<Pixels>}} Target
 *   decodeImage: rejects bytes that are no picture
 */
import { size } from "../../contract/bytes.js";
import { itemsOf, toRgba } from "../../draw/items.js";
import { MOST_KEPT_BYTES } from "../../training/own_set.js";
import { readIdx } from "./own_idx.js";
import { readTable } from "./own_table.js";

export const FEWEST = 8;
export const MOST = 20_000;
const MOST_BYTES = 256e6;
const MOST_CLASSES = 64;
const PICTURE = /\.(png|jpe?g|gif|webp|bmp|avif)$/i;
const TABLE = /\.(csv|tsv|txt)$/i;
const HIDDEN = /^(\.|thumbs\.db$|desktop\.ini$)/i;

/**
 * @param {OwnFile[]} files
 * @param {Target} target
 * @returns {Promise<OwnData>}
 */
export async function readOwnData(files, target) {
  const seen = files.filter(({ name }) => !HIDDEN.test(name));
  if (!seen.length)
    throw new Error("There is no file in what was dropped; expected pictures, IDX files or a CSV file.");
  const bytes = seen.reduce((sum, file) => sum + file.size, 0);
  if (bytes > MOST_BYTES) {
    throw new Error(
      `The files have ${Math.round(bytes / 1e6)} MB; this page takes ${MOST_BYTES / 1e6} MB at most. Drop fewer of them.`,
    );
  }
  const tables = seen.filter(({ name }) => TABLE.test(name));
  const pictures = seen.filter(({ name }) => PICTURE.test(name));
  if (tables.length && seen.length > 1) {
    throw new Error(`${tables[0].name} is a table among other files; expected one table alone, or pictures.`);
  }
  if (tables.length) return checked(await fromTable(tables[0], target));
  if (pictures.length) return checked(await fromPictures(seen, target));
  return checked(await fromIdx(seen, target));
}

/** @param {OwnData} data @returns {OwnData} */
function checked(data) {
  if (data.n < FEWEST) {
    throw new Error(
      `There ${data.n === 1 ? "is 1 image" : `are ${data.n} images`}; training needs ${FEWEST} at least.`,
    );
  }
  if (data.images.length > MOST_KEPT_BYTES)
    data.notes.push("They are too large to be kept when this page is closed.");
  if (data.images.every((value) => value === data.images[0])) {
    throw new Error("All pixels of all images are the same: there is nothing to learn from.");
  }
  return data;
}

/**
 * A picture as the page's images: the middle of it, scaled by averaging over areas; transparent is white.
 * @param {Pixels} pixels
 * @param {[number, number, number]} shape (C, H, W); C is 1 for grey, 3 for color
 * @returns {Uint8Array}
 */
export function fitted({ width, height, data }, [channels, h, w]) {
  const scale = Math.min(width / w, height / h);
  const left = (width - scale * w) / 2;
  const top = (height - scale * h) / 2;
  const xs = overlaps(left, scale, w, width);
  const ys = overlaps(top, scale, h, height);
  const out = new Uint8Array(channels * h * w);
  const sum = [0, 0, 0];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      sum.fill(0);
      let area = 0;
      for (const [row, tall] of ys[y]) {
        for (const [column, wide] of xs[x]) {
          const at = 4 * (row * width + column);
          const share = tall * wide;
          const alpha = data[at + 3] / 255;
          for (let k = 0; k < 3; k++) sum[k] += share * (255 + alpha * (data[at + k] - 255));
          area += share;
        }
      }
      const [red, green, blue] = sum.map((value) => value / area);
      // luma of ITU-R BT.601, as Pillow's "L"
      const values = channels === 1 ? [0.299 * red + 0.587 * green + 0.114 * blue] : [red, green, blue];
      for (let k = 0; k < channels; k++) out[(k * h + y) * w + x] = Math.round(values[k]);
    }
  }
  return out;
}

/** Which pixels lie under each of n new ones, and with what share. @param {number} start @param {number} scale @param {number} n @param {number} limit */
function overlaps(start, scale, n, limit) {
  return Array.from({ length: n }, (_, i) => {
    const from = start + i * scale;
    const to = from + scale;
    /** @type {[number, number][]} */
    const under = [];
    for (let k = Math.max(Math.floor(from), 0); k < Math.min(Math.ceil(to), limit); k++) {
      const share = Math.min(to, k + 1) - Math.max(from, k);
      if (share > 1e-9) under.push([k, share]);
    }
    return under;
  });
}

/** Images of any one shape as those of the page. @param {Uint8Array} bytes @param {number} n @param {[number, number, number]} from @param {[number, number, number]} shape */
function refitted(bytes, n, from, shape) {
  if (String(from) === String(shape)) return bytes;
  const [one, wanted] = [size(from), size(shape)];
  const [, height, width] = from;
  const items = itemsOf({ image_shape: from });
  const data = new Uint8ClampedArray(4 * height * width);
  const out = new Uint8Array(n * wanted);
  for (let i = 0; i < n; i++) {
    toRgba(bytes.subarray(i * one, (i + 1) * one), items, data, "light");
    out.set(fitted({ width, height, data }, shape), i * wanted);
  }
  return out;
}

/** @param {OwnFile[]} files @param {Target} target @returns {Promise<OwnData>} */
async function fromPictures(files, { shape, decodeImage }) {
  const taken = files.slice(0, MOST);
  const one = size(shape);
  const images = new Uint8Array(taken.length * one);
  let [done, resized] = [0, 0];
  const left = /** @type {string[]} */ ([]);
  const folders = /** @type {string[]} */ ([]);
  for (const file of taken) {
    const pixels = await decodeImage(await file.bytes()).catch(() => null);
    if (!pixels?.width || !pixels.height) {
      left.push(file.name);
      continue;
    }
    if (pixels.width !== shape[2] || pixels.height !== shape[1]) resized++;
    images.set(fitted(pixels, shape), done++ * one);
    folders.push((file.path ?? "").split("/").slice(0, -1).pop() ?? "");
  }
  const notes = [];
  if (!done)
    throw new Error(
      `None of the ${taken.length} files is a picture that this browser reads, such as PNG or JPEG.`,
    );
  if (files.length > MOST)
    notes.push(
      `The first ${MOST.toLocaleString("en")} of ${files.length.toLocaleString("en")} files were taken.`,
    );
  if (left.length) notes.push(`Not a picture, left out: ${named(left)}.`);
  if (resized)
    notes.push(`${resized} of ${done} were cropped to the middle and scaled to ${shape[2]} × ${shape[1]}.`);
  return { images: images.subarray(0, done * one), n: done, ...classesOf(folders), notes };
}

/** The first names of a list. @param {string[]} names */
const named = (names) =>
  names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");

/** Classes by name, where there are two at least. @param {string[]} names one an image; "" for none */
function classesOf(names) {
  const classNames = [...new Set(names)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  if (classNames.length < 2 || classNames.length > MOST_CLASSES || classNames.includes("")) {
    return { labels: null, classNames: null };
  }
  return { labels: Uint8Array.from(names, (name) => classNames.indexOf(name)), classNames };
}

/** @param {OwnFile} file @param {Target} target @returns {Promise<OwnData>} */
async function fromTable(file, { shape }) {
  const text = new TextDecoder().decode(await file.bytes());
  const { values, n, columns, names, notes } = readTable(text, {
    file: file.name,
    wanted: size(shape),
    most: MOST,
  });
  const side = Math.round(Math.sqrt(columns));
  /** @type {[number, number, number]} */
  const from = columns === size(shape) ? shape : [1, side, side];
  if (String(from) !== String(shape))
    notes.push(`Images of ${side} × ${side} were scaled to ${shape[2]} × ${shape[1]}.`);
  return { images: refitted(values, n, from, shape), n, ...classesOf(names), notes };
}

/** @param {OwnFile[]} files @param {Target} target @returns {Promise<OwnData>} */
async function fromIdx(files, { shape }) {
  const read = await Promise.all(
    files.map(async (file) => ({ file, ...(await readIdx(await file.bytes(), file.name)) })),
  );
  const pictures = read.filter(({ sizes }) => sizes.length > 1);
  const labels = read.filter(({ sizes }) => sizes.length === 1);
  if (pictures.length !== 1 || labels.length > 1) {
    throw new Error(
      `Of the IDX files ${pictures.length} hold images and ${labels.length} labels; expected one of images, and one of labels or none.`,
    );
  }
  const [count, height, width, channels = 1] = pictures[0].sizes;
  if (labels.length && labels[0].sizes[0] !== count) {
    throw new Error(
      `${labels[0].file.name} has ${labels[0].sizes[0]} labels; ${pictures[0].file.name} has ${count} images.`,
    );
  }
  if (pictures[0].sizes.length !== 3) {
    throw new Error(
      `${pictures[0].file.name} has ${pictures[0].sizes.length} axes (${[count, height, width, channels].join(" × ")}); expected images × rows × columns.`,
    );
  }
  const n = Math.min(count, MOST);
  const notes = [];
  if (n < count)
    notes.push(`The first ${MOST.toLocaleString("en")} of ${count.toLocaleString("en")} images were taken.`);
  if (height !== shape[1] || width !== shape[2])
    notes.push(`Images of ${width} × ${height} were scaled to ${shape[2]} × ${shape[1]}.`);
  const bytes = pictures[0].values.subarray(0, n * height * width);
  const names = labels.length ? Array.from(labels[0].values.subarray(0, n), String) : [];
  return { images: refitted(bytes, n, [1, height, width], shape), n, ...classesOf(names), notes };
}
