/** Pooling in 1-D and 2-D, adaptive or not, and its gradients. No DOM. */
import { count } from "../tensor.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("../builder.js").Builder} Builder
 * @typedef {import("../builder.js").Operation} Operation
 * @typedef {import("../builder.js").Single} Single
 * @typedef {import("../builder.js").Operations} Operations
 * @typedef {{from: number, to: number, step: number, size: number}} Window
 *   what one result sees along an axis; size: by how much a mean divides
 */

/** One number for both axes. @param {number | number[]} given */
const pair = (given) =>
  typeof given === "number" ? [given, given] : given.length === 1 ? [given[0], given[0]] : given;

/**
 * @param {number} n @param {number} kernel @param {number} stride @param {number} padding @param {number} dilation
 * @param {boolean} ceil @param {boolean} includePadding
 * @returns {Window[]}
 */
function windows(n, kernel, stride, padding, dilation, ceil, includePadding) {
  const reach = dilation * (kernel - 1) + 1;
  const free = n + 2 * padding - reach;
  let many = (ceil ? Math.ceil(free / stride) : Math.floor(free / stride)) + 1;
  if (ceil && (many - 1) * stride >= n + padding) many -= 1;
  return Array.from({ length: many }, (_, i) => {
    const start = i * stride - padding;
    const from = start < 0 ? start + Math.ceil(-start / dilation) * dilation : start;
    const to = Math.min(start + reach, n);
    const size = includePadding ? Math.min(start + kernel, n + padding) - start : to - from;
    return { from, to, step: dilation, size };
  });
}

/** @param {number} n @param {number} many @returns {Window[]} */
const adaptiveWindows = (n, many) =>
  Array.from({ length: many }, (_, i) => {
    const from = Math.floor((i * n) / many);
    const to = Math.ceil(((i + 1) * n) / many);
    return { from, to, step: 1, size: to - from };
  });

/** Of the last two axes. @param {number[]} shape @param {(axis: number, n: number) => Window[]} make */
const bothAxes = (shape, make) => [make(0, shape[shape.length - 2]), make(1, shape[shape.length - 1])];

/**
 * Calls `visit(plane, result, row window, column window)` for each result.
 * @param {number} planes @param {Window[][]} windows
 * @param {(plane: number, at: number, rows: Window, columns: Window) => void} visit
 */
function eachWindow(planes, [rows, columns], visit) {
  for (let plane = 0, at = 0; plane < planes; plane++) {
    for (const row of rows) for (const column of columns) visit(plane, at++, row, column);
  }
}

/** @param {Tensor} x @param {Window[][]} windows */
const pooledShape = (x, windows) => [...x.shape.slice(0, -2), windows[0].length, windows[1].length];

/** @param {Tensor} x */
const planeOf = (x) => x.shape[x.shape.length - 2] * x.shape[x.shape.length - 1];

/** The largest of each window and where in its plane it is; the last NaN wins. @param {Builder} c @param {Tensor} x @param {Window[][]} seen */
function maxima(c, x, seen) {
  const [plane, width] = [planeOf(x), x.shape[x.shape.length - 1]];
  const shape = pooledShape(x, seen);
  return c.compute([shape, shape], [x], (f, values, places, a) =>
    eachWindow(count(x) / plane, seen, (i, at, rows, columns) => {
      let found = rows.from * width + columns.from;
      let most = f[a + i * plane + found];
      for (let row = rows.from; row < rows.to; row += rows.step) {
        for (let column = columns.from; column < columns.to; column += columns.step) {
          const place = row * width + column;
          const value = f[a + i * plane + place];
          if (value > most || Number.isNaN(value)) {
            most = value;
            found = place;
          }
        }
      }
      f[values + at] = most;
      f[places + at] = found;
    }),
  );
}

/** @param {Builder} c @param {Tensor} x @param {Window[][]} seen @param {number | null} divisor */
function means(c, x, seen, divisor) {
  const [plane, width] = [planeOf(x), x.shape[x.shape.length - 1]];
  return c.compute(
    [pooledShape(x, seen)],
    [x],
    (f, o, a) =>
      eachWindow(count(x) / plane, seen, (i, at, rows, columns) => {
        let sum = 0;
        for (let row = rows.from; row < rows.to; row++) {
          const start = a + i * plane + row * width;
          for (let column = columns.from; column < columns.to; column++) sum += f[start + column];
        }
        f[o + at] = sum / (divisor ?? rows.size * columns.size);
      }),
    { windows: seen, divisor, width, plane },
  )[0];
}

/** @param {Builder} c @param {Tensor} gradient @param {Tensor} x only its shape counts @param {Window[][]} seen @param {number | null} divisor */
function meansBackward(c, gradient, x, seen, divisor) {
  const [plane, width] = [planeOf(x), x.shape[x.shape.length - 1]];
  return c.compute(
    [x.shape],
    [gradient],
    (f, o, g) => {
      f.fill(0, o, o + count(x));
      eachWindow(count(x) / plane, seen, (i, at, rows, columns) => {
        const share = f[g + at] / (divisor ?? rows.size * columns.size);
        for (let row = rows.from; row < rows.to; row++) {
          const start = o + i * plane + row * width;
          for (let column = columns.from; column < columns.to; column++) f[start + column] += share;
        }
      });
    },
    { windows: seen, divisor, width, plane, back: true },
  )[0];
}

/**
 * Windows of torch's settings; no stride means that of the kernel.
 * @param {Tensor} x @param {any} kernel @param {any} stride @param {any} padding @param {any} dilation @param {boolean} ceil @param {boolean} include
 */
export function settled(x, kernel, stride, padding, dilation, ceil, include) {
  const [size, pad, apart] = [pair(kernel), pair(padding), pair(dilation)];
  const step = stride?.length === 0 ? size : pair(stride ?? size);
  return bothAxes(x.shape, (axis, n) =>
    windows(n, size[axis], step[axis], pad[axis], apart[axis], ceil, include),
  );
}

/** Windows of so many results. @param {Tensor} x @param {number[]} size */
export const adaptive = (x, size) => bothAxes(x.shape, (axis, n) => adaptiveWindows(n, size[axis]));

/** @type {Single} */
const avgPool = (c, x, kernel, stride = [], padding = 0, ceil = false, include = true, divisor = null) =>
  means(c, x, settled(x, kernel, stride, padding, 1, ceil, include), divisor);

/** @type {Operations} */
export const pooling = {
  max_pool2d_with_indices: (c, x, kernel, stride = [], padding = 0, dilation = 1, ceil = false) =>
    maxima(c, x, settled(x, kernel, stride, padding, dilation, ceil, false)),
  avg_pool2d: avgPool,
  _adaptive_avg_pool2d: (c, x, size) => means(c, x, adaptive(x, size), null),
  adaptive_max_pool2d: (c, x, size) => maxima(c, x, adaptive(x, size)),
};

/** What came to each maximum goes to where it was. @type {Single} */
function maximaBackward(c, gradient, x, places) {
  const plane = planeOf(x);
  const pooled = planeOf(gradient);
  const n = count(gradient);
  return c.compute([x.shape], [gradient, places], (f, o, g, p) => {
    f.fill(0, o, o + count(x));
    for (let i = 0; i < n; i++) f[o + Math.floor(i / pooled) * plane + f[p + i]] += f[g + i];
  })[0];
}

/** @type {Operations} */
export const poolingBackward = {
  max_pool2d_with_indices_backward: (c, gradient, x, ...settings) =>
    maximaBackward(c, gradient, x, settings[settings.length - 1]),
  adaptive_max_pool2d_backward: maximaBackward,
  avg_pool2d_backward: (c, gradient, x, kernel, stride, padding, ceil, include, divisor = null) =>
    meansBackward(c, gradient, x, settled(x, kernel, stride, padding, 1, ceil, include), divisor),
  _adaptive_avg_pool2d_backward: (c, gradient, x) =>
    meansBackward(c, gradient, x, adaptive(x, gradient.shape.slice(-2)), null),
};
