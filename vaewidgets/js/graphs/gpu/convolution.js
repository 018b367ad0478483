/** Convolutions on the GPU: the whole batch as one product with what the kernel sees, and their gradients. No DOM. */
import { setUp } from "../operations/convolution.js";
import { add } from "../operations/elementwise.js";
import { mm } from "../operations/products.js";
import { sum } from "../operations/reductions.js";
import { cat } from "../operations/views.js";
import { count, createTensor, permute, slice, stridesOf, transpose, viewOf } from "../tensor.js";
import { groupsOf, seenCode, spreadCode } from "./shaders.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("./builder.js").GpuBuilder} GpuBuilder
 * @typedef {import("../operations/convolution.js").Geometry} Geometry
 */

/** @param {Tensor} x contiguous @param {number[]} shape */
const as = (x, shape) => viewOf(x, shape, stridesOf(shape));

/** What the shaders are told after n, the columns and the image. @param {Geometry} g @param {number} apart from image to image */
const told = ({ batch, image, grid, kernel, stride, padding, dilation }, apart) => [
  ...[batch, apart, image[1], image[2], ...kernel, grid[1], grid[2], ...stride, ...padding, ...dilation],
];

/** Of one group @param {Geometry} g */
const extents = (g) => {
  const channels = g.image[0] / g.groups;
  const seen = channels * g.kernel[0] * g.kernel[1];
  return {
    channels,
    seen,
    outs: g.grid[0] / g.groups,
    places: g.grid[1] * g.grid[2],
    plane: g.image[1] * g.image[2],
  };
};

/** What a group's kernels see: (seen, batch · places). @param {GpuBuilder} c @param {Tensor} x @param {Geometry} g @param {number} group */
function seenBy(c, x, g, group) {
  const { channels, seen, places, plane } = extents(g);
  const columns = createTensor([seen, g.batch * places]);
  const [n, apart] = [count(columns), g.image[0] * plane];
  c.dispatch([columns], [x], (o, a) => ({
    code: seenCode,
    params: [n, o, a + group * channels * plane, ...told(g, apart)],
    groups: [groupsOf(n), 1, 1],
  }));
  return columns;
}

/** A group's images from their columns. @param {GpuBuilder} c @param {Tensor} columns @param {Geometry} g */
function spreadOver(c, columns, g) {
  const { channels, plane } = extents(g);
  const out = createTensor([g.batch, channels, g.image[1], g.image[2]]);
  const n = count(out);
  c.dispatch([out], [columns], (o, a) => ({
    code: spreadCode,
    params: [n, a, o, ...told(g, channels * plane)],
    groups: [groupsOf(n), 1, 1],
  }));
  return out;
}

/** Of a grid (batch, outs, …) a group's rows: (outs, batch · places). @param {GpuBuilder} c @param {Tensor} y @param {Geometry} g @param {number} group */
function rowsOf(c, y, g, group) {
  const { outs, places } = extents(g);
  const flat = as(y, [g.batch, g.grid[0], places]);
  const own = c.contiguous(permute(slice(flat, 1, group * outs, (group + 1) * outs), [1, 0, 2]));
  return as(own, [outs, g.batch * places]);
}

/** A group's weights: (outs, seen). @param {Tensor} w @param {Geometry} g @param {number} group */
function weightsOf(w, g, group) {
  const { outs, seen } = extents(g);
  return slice(as(w, [g.grid[0], seen]), 0, group * outs, (group + 1) * outs);
}

/** @template T @param {Geometry} g @param {(group: number) => T} each */
const perGroup = (g, each) => Array.from({ length: g.groups }, (_, group) => each(group));

/** @param {any} c @param {Tensor[]} parts @param {number} axis */
const joined = (c, parts, axis) => (parts.length === 1 ? parts[0] : cat(c, parts, axis));

/** Image to grid. @param {any} c @param {Tensor} x @param {Tensor} w @param {Geometry} g */
function correlate(c, x, w, g) {
  const { outs, places } = extents(g);
  const parts = perGroup(g, (group) => {
    const rows = mm(c, weightsOf(w, g, group), seenBy(c, x, g, group));
    return permute(as(rows, [outs, g.batch, places]), [1, 0, 2]);
  });
  return as(c.contiguous(joined(c, parts, 1)), [g.batch, ...g.grid]);
}

/** Grid to image. @param {any} c @param {Tensor} y @param {Tensor} w @param {Geometry} g */
function spread(c, y, w, g) {
  const parts = perGroup(g, (group) =>
    spreadOver(c, mm(c, transpose(weightsOf(w, g, group), 0, 1), rowsOf(c, y, g, group)), g),
  );
  return joined(c, parts, 1);
}

/** @param {any} c @param {Tensor} x image @param {Tensor} y what came to the grid @param {Geometry} g */
function weightGradient(c, x, y, g) {
  const { channels } = extents(g);
  const parts = perGroup(g, (group) =>
    mm(c, rowsOf(c, y, g, group), transpose(seenBy(c, x, g, group), 0, 1)),
  );
  return as(joined(c, parts, 0), [g.grid[0], channels, ...g.kernel]);
}

/** As many numbers in x's shape. @param {any} c @param {Tensor} bias @param {Tensor} y */
const shifted = (c, bias, y) => add(c, y, viewOf(bias, [bias.shape[0], 1, 1], [bias.strides[0], 0, 0]));

/** @type {import("../builder.js").Operations} */
export const gpuConvolutions = {
  convolution(c, input, weight, bias, ...settings) {
    const { x, w, geometry, back } = setUp(c, input, weight, /** @type {any} */ (settings));
    const y = (settings[3] ? spread : correlate)(c, x, w, geometry);
    return back(bias ? shifted(c, bias, y) : y, input);
  },
  convolution_backward(c, gradient, input, weight, _biasSizes, ...settings) {
    const [forInput, forWeight, forBias] = settings[6];
    const { x, w, geometry, back, image } = setUp(c, input, weight, /** @type {any} */ (settings));
    const g = image(gradient);
    const transposed = settings[3];
    const weights = () =>
      transposed ? weightGradient(c, g, x, geometry) : weightGradient(c, x, g, geometry);
    return [
      forInput ? back((transposed ? correlate : spread)(c, g, w, geometry), input) : null,
      forWeight ? as(weights(), weight.shape) : null,
      forBias ? sum(c, g, [0, 2, 3]) : null,
    ];
  },
};
