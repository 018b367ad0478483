/**
 * Layers of images: convolutions as one matrix product each, pooling, resampling, moves. No DOM.
 *
 * A convolution has an image, padded, and a grid of places where its kernel lies. `positions` says where in the
 * padded image each place starts, `taps` how far from there each value under the kernel is: what the kernel sees is
 * `image[position + tap]`. A convolution reads so and writes the grid; a transposed one reads the grid and adds so.
 *
 * @typedef {import("../contract/types.js").Op} Op
 * @typedef {{length: number, bind: (y: Float32Array) => () => void}} Layer
 *   length of what it gives; `bind` allots its buffers and returns the call that fills y
 * @typedef {{width: number, plane: number, positions: Int32Array, taps: Int32Array}} Geometry
 *   width and plane: of the padded image, in numbers
 */
import { COLUMNS, kernel, packRows, ROWS } from "./gemm.js";

/** Numbers of B at once: what a processor keeps near. */
const BLOCK = 131072;

/**
 * @param {Op} op height and width of the image, grid_height and grid_width, kernel, stride, padding, dilation
 * @param {number} channels of the image
 * @returns {Geometry} positions are filled up to whole panels
 */
function geometry(op, channels) {
  const { height, width, grid_height, grid_width, kernel: size, stride, padding, dilation } = op;
  const reach = (/** @type {number} */ axis, /** @type {number} */ places) =>
    (places - 1) * stride[axis] + (size[axis] - 1) * dilation[axis] + 1;
  const padded = Math.max(reach(1, grid_width), padding[1] + width);
  const plane = padded * Math.max(reach(0, grid_height), padding[0] + height);
  const positions = new Int32Array(Math.ceil((grid_height * grid_width) / COLUMNS) * COLUMNS);
  for (let i = 0; i < grid_height * grid_width; i++) {
    positions[i] = Math.floor(i / grid_width) * stride[0] * padded + (i % grid_width) * stride[1];
  }
  const area = size[0] * size[1];
  const taps = Int32Array.from({ length: channels * area }, (_, i) => {
    const row = Math.floor((i % area) / size[1]);
    return Math.floor(i / area) * plane + row * dilation[0] * padded + (i % size[1]) * dilation[1];
  });
  return { width: padded, plane, positions, taps };
}

/**
 * Calls `visit(at, padded)` with the start of each row in the image and in the padded one.
 * @param {Op} op
 * @param {Geometry} geometry
 * @param {number} channels
 * @param {(at: number, padded: number) => void} visit
 */
function eachRow({ height, width, padding }, { width: padded, plane }, channels, visit) {
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < height; row++) {
      visit((c * height + row) * width, c * plane + (row + padding[0]) * padded + padding[1]);
    }
  }
}

/**
 * Panels of B: `source[position + tap]`, taps running slowest within a panel.
 * @param {Float32Array} b
 * @param {Float32Array} source
 * @param {Int32Array} taps
 * @param {Int32Array} positions
 * @param {number} start whole panels
 * @param {number} stop
 */
function gather(b, source, taps, positions, start, stop) {
  let at = 0;
  for (let n = start; n < stop; n += COLUMNS) {
    const p0 = positions[n];
    const p1 = positions[n + 1];
    const p2 = positions[n + 2];
    const p3 = positions[n + 3];
    const p4 = positions[n + 4];
    const p5 = positions[n + 5];
    const p6 = positions[n + 6];
    const p7 = positions[n + 7];
    for (let k = 0; k < taps.length; k++, at += COLUMNS) {
      const tap = taps[k];
      b[at] = source[p0 + tap];
      b[at + 1] = source[p1 + tap];
      b[at + 2] = source[p2 + tap];
      b[at + 3] = source[p3 + tap];
      b[at + 4] = source[p4 + tap];
      b[at + 5] = source[p5 + tap];
      b[at + 6] = source[p6 + tap];
      b[at + 7] = source[p7 + tap];
    }
  }
}

/**
 * Columns start to stop of C added to the places that they stand for.
 * @param {Float32Array} padded
 * @param {Int32Array} taps one a row of C
 * @param {Int32Array} positions
 * @param {Float32Array} c
 * @param {number} stride numbers in a row of C
 * @param {number} start
 * @param {number} stop
 */
function scatter(padded, taps, positions, c, stride, start, stop) {
  for (let row = 0; row < taps.length; row++) {
    const tap = taps[row];
    let from = row * stride;
    for (let i = start; i < stop; i++) padded[tap + positions[i]] += c[from++];
  }
}

/**
 * y = x + bias for n numbers.
 * @param {Float32Array} y
 * @param {number} to
 * @param {Float32Array} x
 * @param {number} from
 * @param {number} n
 * @param {number} bias
 */
function copyShifted(y, to, x, from, n, bias) {
  for (let i = 0; i < n; i++) y[to + i] = x[from + i] + bias;
}

/**
 * The product of packed A with gathered columns, a block of columns after the other.
 * @param {Float32Array} a
 * @param {number} m rows of A
 * @param {Float32Array} source
 * @param {Int32Array} taps
 * @param {Int32Array} positions
 * @param {number} n how many of the positions count
 * @param {(c: Float32Array, stride: number, start: number, stop: number) => void} take gets the rows of columns
 *   start to stop
 */
function product(a, m, source, taps, positions, n, take) {
  const { load, multiply } = kernel();
  const block = Math.min(Math.max(Math.floor(BLOCK / taps.length / COLUMNS), 1) * COLUMNS, positions.length);
  const rows = Math.ceil(m / ROWS);
  const { b, c } = load(a, block * taps.length, block * rows * ROWS);
  for (let start = 0; start < n; start += block) {
    const stop = Math.min(start + block, positions.length);
    gather(b, source, taps, positions, start, stop);
    multiply(rows, (stop - start) / COLUMNS, taps.length);
    take(c, stop - start, start, Math.min(stop, n));
  }
}

/** @param {Op} op @param {Float32Array} x @param {Float32Array} weights @returns {Layer} */
export function conv2d(op, x, weights) {
  const { in_channels, out_channels: m, w, b } = op;
  const n = op.grid_height * op.grid_width;
  const bind = (/** @type {Float32Array} */ y) => {
    const places = geometry(op, in_channels);
    const { taps, positions } = places;
    const a = packRows(weights.subarray(w, w + m * taps.length), m, taps.length);
    const padded = new Float32Array(in_channels * places.plane);
    return () => {
      eachRow(op, places, in_channels, (at, to) => padded.set(x.subarray(at, at + op.width), to));
      product(a, m, padded, taps, positions, n, (c, stride, start, stop) => {
        for (let row = 0; row < m; row++) {
          const bias = b === null ? 0 : weights[b + row];
          copyShifted(y, row * n + start, c, row * stride, stop - start, bias);
        }
      });
    };
  };
  return { length: m * n, bind };
}

/** @param {Op} op @param {Float32Array} x @param {Float32Array} weights @returns {Layer} */
export function convTranspose2d(op, x, weights) {
  const { in_channels, out_channels, w, b, height, width } = op;
  const n = op.grid_height * op.grid_width;
  const bind = (/** @type {Float32Array} */ y) => {
    const places = geometry(op, out_channels);
    const { taps: rows, positions } = places;
    const m = rows.length;
    const a = packRows(weights.subarray(w, w + m * in_channels), m, in_channels);
    const padded = new Float32Array(out_channels * places.plane);
    const planes = Int32Array.from({ length: in_channels }, (_, k) => k * n);
    const columns = positions.map((_, i) => (i < n ? i : 0));
    return () => {
      padded.fill(0);
      product(a, m, x, planes, columns, n, (c, stride, start, stop) =>
        scatter(padded, rows, positions, c, stride, start, stop),
      );
      eachRow(op, places, out_channels, (at, from) => {
        const bias = b === null ? 0 : weights[b + Math.floor(at / (height * width))];
        copyShifted(y, at, padded, from, width, bias);
      });
    };
  };
  return { length: out_channels * height * width, bind };
}

/** @param {Op} op @param {Float32Array} x @returns {Layer} */
export function maxPool2d(op, x) {
  const n = op.grid_height * op.grid_width;
  const bind = (/** @type {Float32Array} */ y) => {
    const places = geometry(op, 1);
    const { plane, taps, positions } = places;
    const padded = new Float32Array(op.channels * plane).fill(Number.NEGATIVE_INFINITY);
    return () => {
      eachRow(op, places, op.channels, (at, to) => padded.set(x.subarray(at, at + op.width), to));
      for (let i = 0; i < y.length; i++) {
        const from = Math.floor(i / n) * plane + positions[i % n];
        let most = padded[from];
        for (const tap of taps) most = Math.max(most, padded[from + tap]);
        y[i] = most;
      }
    };
  };
  return { length: op.channels * n, bind };
}

/**
 * Interpolation, average pooling, padding: each row (column) of the result is a sum of a few rows (columns), given
 * as [index, weight, index, weight, …].
 * @param {Op} op
 * @param {Float32Array} x
 * @returns {Layer}
 */
export function resample({ channels, height, width, rows, cols }, x) {
  const bind = (/** @type {Float32Array} */ y) => () => {
    let at = 0;
    for (let start = 0; start < channels * height * width; start += height * width) {
      for (const row of rows) {
        for (const col of cols) {
          let sum = 0;
          for (let i = 0; i < row.length; i += 2) {
            const from = start + row[i] * width;
            let part = 0;
            for (let j = 0; j < col.length; j += 2) part += col[j + 1] * x[from + col[j]];
            sum += row[i + 1] * part;
          }
          y[at++] = sum;
        }
      }
    }
  };
  return { length: channels * rows.length * cols.length, bind };
}

/**
 * Any order of axes, flips, repeats, parts: y[i, j, …] = x[start + i·strides[0] + j·strides[1] + …].
 * @param {Op} op
 * @param {Float32Array} x
 * @returns {Layer}
 */
export function strided({ start, shape, strides }, x) {
  const last = shape.length - 1;
  const bind = (/** @type {Float32Array} */ y) => {
    let to = 0;
    const walk = (/** @type {number} */ axis, /** @type {number} */ from) => {
      for (let i = 0; i < shape[axis]; i++, from += strides[axis]) {
        if (axis === last) y[to++] = x[from];
        else walk(axis + 1, from);
      }
    };
    return () => {
      to = 0;
      walk(0, start);
    };
  };
  return { length: shape.reduce((/** @type {number} */ n, /** @type {number} */ m) => n * m, 1), bind };
}

/**
 * Inputs one after the other along an axis; `outer` is how many times, the axes before it.
 * @param {Op} op
 * @param {Float32Array[]} inputs
 * @returns {Layer}
 */
export function concat({ outer }, inputs) {
  const bind = (/** @type {Float32Array} */ y) => () => {
    let at = 0;
    for (let i = 0; i < outer; i++) {
      for (const x of inputs) {
        const n = x.length / outer;
        y.set(x.subarray(i * n, (i + 1) * n), at);
        at += n;
      }
    }
  };
  return { length: inputs.reduce((n, x) => n + x.length, 0), bind };
}
