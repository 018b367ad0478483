/**
 * Convolutions in 1-D and 2-D as products with what the kernel sees at each place, and their gradients. No DOM.
 *
 * A convolution has an image, and a grid of places where its kernel lies. `correlate` reads the image and gives the
 * grid; `spread` reads the grid and adds to the image: that is a transposed convolution, and the gradient of the other.
 * Where the grid is small, several images of a batch lie side by side in one product.
 */
import { createTensor, isContiguous, stridesOf, unsqueeze, viewOf } from "../tensor.js";
import { identity } from "./creation.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 * @typedef {{batch: number, groups: number, image: number[], grid: number[], kernel: number[], stride: number[],
 *   padding: number[], dilation: number[]}} Geometry
 *   image: channels, height, width; grid: the same of the other side; kernel: height, width
 */

/** What a processor keeps near, in numbers, and columns enough for a product. */
const BLOCK = 131072;
const COLUMNS = 512;

/** @param {Geometry} g */
function layout({ batch, groups, image, grid, kernel }) {
  const places = grid[1] * grid[2];
  const channels = image[0] / groups;
  const outs = grid[0] / groups;
  const seen = channels * kernel[0] * kernel[1];
  const together = Math.floor(Math.min(BLOCK / seen, COLUMNS) / Math.max(places, 1));
  const block = Math.min(Math.max(together, 1), Math.max(batch, 1));
  return { places, channels, outs, seen, block };
}

/** Whether the columns are the image itself. @param {Geometry} g */
const isPlain = ({ kernel, stride, padding }) =>
  [...kernel, ...stride].every((n) => n === 1) && padding.every((n) => n === 0);

/**
 * Calls `visit` for each block of images of each group.
 * @param {Geometry} g @param {number} block
 * @param {(group: number, first: number, images: number) => void} visit
 */
function eachBlock({ batch, groups }, block, visit) {
  for (let group = 0; group < groups; group++) {
    for (let first = 0; first < batch; first += block) visit(group, first, Math.min(block, batch - first));
  }
}

/** Patches of one image. @param {Geometry} g @param {number} channels */
const patchesOf = ({ image, grid, kernel, stride, padding, dilation }, channels) => ({
  channels,
  height: image[1],
  width: image[2],
  kernel,
  stride,
  padding,
  dilation,
  outHeight: grid[1],
  outWidth: grid[2],
});

/**
 * Rows of several images to or from one matrix in which the images lie side by side.
 * @param {Float32Array} f @param {number} matrix @param {number} images first number of the first image
 * @param {{rows: number, n: number, many: number, apart: number}} sizes n numbers a row; apart: from image to image
 * @param {boolean} back from the matrix to the images
 */
function besides(f, matrix, images, { rows, n, many, apart }, back) {
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < many; i++) {
      const inMatrix = matrix + (row * many + i) * n;
      const inImage = images + i * apart + row * n;
      if (back) for (let j = 0; j < n; j++) f[inImage + j] += f[inMatrix + j];
      else for (let j = 0; j < n; j++) f[inMatrix + j] = f[inImage + j];
    }
  }
}

/** Each channel of each image filled with its bias, or 0. @param {Float32Array} f @param {number} o @param {number} bias -1: none @param {number} batch @param {number} channels @param {number} n */
function fillBias(f, o, bias, batch, channels, n) {
  if (bias < 0) f.fill(0, o, o + batch * channels * n);
  else {
    for (let i = 0, at = o; i < batch; i++) {
      for (let channel = 0; channel < channels; channel++, at += n) f.fill(f[bias + channel], at, at + n);
    }
  }
}

/**
 * Image to grid, or grid to image, with weights (outs of the grid, channels / groups, kernel).
 * @param {boolean} toGrid a convolution; else a transposed one, and the gradient of the other
 * @returns {(c: Builder, x: Tensor, weight: Tensor, bias: Tensor | null, g: Geometry) => Tensor}
 */
const convolved = (toGrid) => (c, x, weight, bias, g) => {
  const { places, channels, outs, seen, block } = layout(g);
  const plain = toGrid && block === 1 && isPlain(g);
  const columns = createTensor([plain ? 0 : seen * block * places]);
  const beside = createTensor([block > 1 ? outs * block * places : 0]);
  const out = createTensor([g.batch, ...(toGrid ? g.grid : g.image)]);
  const patches = patchesOf(g, channels);
  const plane = g.image[1] * g.image[2];
  const [apart, gridApart] = [g.image[0] * plane, g.grid[0] * places];
  const { kernels, memory } = c;
  c.step(
    [out, columns, beside],
    [x, weight, ...(bias ? [bias] : [])],
    (o, cols, side, a, w, shift = -1) =>
      () => {
        fillBias(memory.f32, o, shift, g.batch, out.shape[1], toGrid ? places : plane);
        eachBlock(g, block, (group, first, many) => {
          const image = (toGrid ? a : o) + first * apart + group * channels * plane;
          const grid = (toGrid ? o : a) + first * gridApart + group * outs * places;
          const row = many * places;
          const sizes = { rows: outs, n: places, many, apart: gridApart };
          const own = { a: w + group * outs * seen, bRow: row, bCol: 1, cRow: row, n: row };
          const matrix = many > 1 ? side : grid;
          const move = (/** @type {"im2col" | "col2im"} */ name) => {
            for (let i = 0; i < many; i++) {
              kernels[name]({ ...patches, x: image + i * apart, columns: cols + i * places, row });
            }
          };
          if (toGrid) {
            if (!plain) move("im2col");
            const at = { aRow: seen, aCol: 1, b: plain ? image : cols, c: matrix, m: outs, k: seen };
            kernels.product({ ...own, ...at, accumulate: many === 1 });
            if (many > 1) besides(memory.f32, side, grid, sizes, true);
          } else {
            if (many > 1) besides(memory.f32, side, grid, sizes, false);
            kernels.product({ ...own, aRow: 1, aCol: seen, b: matrix, c: cols, m: seen, k: outs });
            move("col2im");
          }
        });
      },
  );
  return out;
};

const correlate = convolved(true);
const spread = convolved(false);

/**
 * The gradient of the weights, (outs, channels / groups, kernel), from an image and what came to the grid.
 * @param {Builder} c @param {Tensor} x @param {Tensor} y @param {Geometry} g
 */
function weightGradient(c, x, y, g) {
  const { places, channels, outs, seen, block } = layout(g);
  const columns = createTensor([seen * block * places]);
  const source = createTensor([block > 1 ? outs * block * places : 0]);
  const out = createTensor([g.grid[0], channels, ...g.kernel]);
  const patches = patchesOf(g, channels);
  const plane = g.image[1] * g.image[2];
  const [apart, gridApart] = [g.image[0] * plane, g.grid[0] * places];
  c.step([out, columns, source], [x, y], (o, cols, gathered, a, b) => () => {
    c.memory.f32.fill(0, o, o + g.grid[0] * seen);
    eachBlock(g, block, (group, first, many) => {
      const from = b + first * gridApart + group * outs * places;
      const row = many * places;
      if (many > 1)
        besides(c.memory.f32, gathered, from, { rows: outs, n: places, many, apart: gridApart }, false);
      for (let i = 0; i < many; i++) {
        const image = a + (first + i) * apart + group * channels * plane;
        c.kernels.im2col({ ...patches, x: image, columns: cols + i * places, row });
      }
      c.kernels.product({
        ...{ a: many > 1 ? gathered : from, aRow: row, aCol: 1, b: cols, bRow: 1, bCol: row },
        ...{ c: o + group * outs * seen, cRow: seen, m: outs, n: seen, k: row, accumulate: true },
      });
    });
  });
  return out;
}

/** A contiguous tensor with a height of 1 where it has none; a batch of 1 where it has none. @param {Builder} c @param {Tensor} x @param {number} spatial */
function image(c, x, spatial) {
  let out = c.contiguous(x);
  if (spatial === 1) out = unsqueeze(out, out.shape.length - 1);
  return out.shape.length === 3 ? unsqueeze(out, 0) : out;
}

/** One number for both axes, or for the width alone. @param {number[]} given @param {number} spatial @param {number} none what a height of 1 has */
const pair = (given, spatial, none) =>
  spatial === 1 ? [none, given[0]] : given.length === 1 ? [given[0], given[0]] : given;

/**
 * @param {Builder} c @param {Tensor} input @param {Tensor} weight
 * @param {[number[], number[], number[], boolean, number[], number]} settings as torch has them
 */
export function setUp(c, input, weight, [stride, padding, dilation, transposed, outputPadding, groups]) {
  const spatial = weight.shape.length - 2;
  if (spatial > 2) throw new Error("a convolution in more than two dimensions");
  const x = image(c, input, spatial);
  const w = image(c, weight, spatial);
  const own = {
    kernel: w.shape.slice(2),
    stride: pair(stride, spatial, 1),
    padding: pair(padding, spatial, 0),
    dilation: pair(dilation, spatial, 1),
  };
  const more = pair(outputPadding, spatial, 0);
  const [batch, ...from] = x.shape;
  const to = [0, 1].map((axis) => {
    const reach = own.dilation[axis] * (own.kernel[axis] - 1);
    const inside = from[axis + 1];
    return transposed
      ? (inside - 1) * own.stride[axis] - 2 * own.padding[axis] + reach + more[axis] + 1
      : Math.floor((inside + 2 * own.padding[axis] - reach - 1) / own.stride[axis]) + 1;
  });
  const other = [transposed ? w.shape[1] * groups : w.shape[0], ...to];
  const geometry = {
    batch,
    groups,
    ...own,
    image: transposed ? other : from,
    grid: transposed ? from : other,
  };
  /** Back to as many axes as torch gives. @param {Tensor} y @param {Tensor} like */
  const back = (y, like) => {
    let shape = [...y.shape];
    if (spatial === 1) shape = shape.toSpliced(shape.length - 2, 1);
    if (shape.length > like.shape.length) shape = shape.slice(1);
    return viewOf(y, shape, stridesOf(shape));
  };
  return { x, w, geometry, back, image: (/** @type {Tensor} */ each) => image(c, each, spatial) };
}

/** @type {Single} */
function convolution(c, input, weight, bias, ...settings) {
  const { x, w, geometry, back } = setUp(c, input, weight, /** @type {any} */ (settings));
  const shift = bias && (isContiguous(bias) ? bias : c.contiguous(bias));
  return back((settings[3] ? spread : correlate)(c, x, w, shift, geometry), input);
}

/**
 * @param {(c: Builder, x: Tensor, axes: number[]) => Tensor} sum
 * @returns {Operation}
 */
export const convolutionBackward =
  (sum) =>
  (c, gradient, input, weight, _biasSizes, ...settings) => {
    const [forInput, forWeight, forBias] = settings[6];
    const { x, w, geometry, back, image: own } = setUp(c, input, weight, /** @type {any} */ (settings));
    const g = own(gradient);
    const transposed = settings[3];
    const weights = () =>
      transposed ? weightGradient(c, g, x, geometry) : weightGradient(c, x, g, geometry);
    return [
      forInput ? back((transposed ? correlate : spread)(c, g, w, null, geometry), input) : null,
      forWeight ? viewOf(weights(), weight.shape, stridesOf(weight.shape)) : null,
      forBias ? sum(c, g, [0, 2, 3]) : null,
    ];
  };

/** Weights that pick each value under the kernel. @param {Builder} c @param {number} channels @param {number[]} kernel */
function picking(c, channels, kernel) {
  const n = channels * kernel[0] * kernel[1];
  return viewOf(identity(c, n, n), [n, channels, ...kernel], stridesOf([n, channels, ...kernel]));
}

/** What the kernel sees at each place, as columns: a convolution that picks. @type {Single} */
function im2col(c, x, kernel, dilation, padding, stride) {
  const weight = picking(c, x.shape[1], kernel);
  const y = convolution(c, x, weight, null, stride, padding, dilation, false, [0, 0], 1);
  const shape = [...y.shape.slice(0, 2), y.shape[2] * y.shape[3]];
  return viewOf(y, shape, stridesOf(shape));
}

/** Columns added to where they were seen. @type {Single} */
function col2im(c, x, extents, kernel, dilation, padding, stride) {
  const free = [0, 1].map((i) => extents[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1);
  const grid = free.map((n, i) => Math.floor(n / stride[i]) + 1);
  const shape = [...x.shape.slice(0, 2), ...grid];
  const weight = picking(c, x.shape[1] / kernel[0] / kernel[1], kernel);
  const y = viewOf(c.contiguous(x), shape, stridesOf(shape));
  const rest = free.map((n, i) => n % stride[i]);
  return convolution(c, y, weight, null, stride, padding, dilation, true, rest, 1);
}

/** @type {Operations} */
export const convolutions = { convolution, im2col, col2im };
