/** Maximum pooling on the GPU, adaptive or not, and its gradient. No DOM. */
import { adaptive, settled } from "../operations/pooling.js";
import { count, createTensor } from "../tensor.js";
import { bits } from "./functions.js";
import { forEach, groupsOf, param } from "./shaders.js";
import { listsOf, sent, turned } from "./taps.js";

/**
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("./builder.js").GpuBuilder} GpuBuilder
 * @typedef {import("../operations/pooling.js").Window} Window
 */

/** The last NaN wins, as in WebAssembly. */
const MOST = forEach(`
  let plane = i / ${param(3)} * ${param(4)};
  let k = ${param(5)} + i % ${param(3)};
  let end = u32(m[k + 1u]);
  var j = u32(m[k]);
  var place = m[${param(6)} + j];
  var most = m[${param(2)} + plane + u32(place)];
  for (j++; j < end; j++) {
    let v = m[${param(2)} + plane + u32(m[${param(6)} + j])];
    if (v > most || ${bits("v")} > 0x7f800000u) { most = v; place = m[${param(6)} + j]; }
  }
  m[${param(1)} + i] = most;
  m[${param(7)} + i] = place;`);

/** An element looks into the windows that it is in for those whose largest it was. */
const MOST_BACK = forEach(`
  let plane = i / ${param(3)} * ${param(4)};
  let place = i % ${param(3)};
  let end = u32(m[${param(5)} + place + 1u]);
  var s = 0.0;
  for (var j = u32(m[${param(5)} + place]); j < end; j++) {
    let window = plane + u32(m[${param(6)} + j]);
    if (u32(m[${param(7)} + window]) == place) { s += m[${param(2)} + window]; }
  }
  m[${param(1)} + i] = s;`);

/** @param {Tensor} x @param {number} axis */
const lengthOf = (x, axis) => x.shape[x.shape.length + axis];

/** Elements of a plane of x by the window that they are in. @param {Tensor} x @param {Window[][]} windows */
const members = (x, windows) => listsOf(windows, lengthOf(x, -1), 1);

/** The largest of each window and where in its plane it is. @param {GpuBuilder} c @param {Tensor} given @param {Window[][]} windows */
function maxima(c, given, windows) {
  const x = c.contiguous(given);
  const { start, at } = members(x, windows);
  const shape = [...x.shape.slice(0, -2), windows[0].length, windows[1].length];
  const found = [createTensor(shape), createTensor(shape)];
  const n = count(found[0]);
  const told = [windows[0].length * windows[1].length, lengthOf(x, -2) * lengthOf(x, -1)];
  c.dispatch(found, [x, ...sent(c, [start, at])], (values, places, a, starts, ats) => ({
    code: MOST,
    params: [n, values, a, ...told, starts, ats, places],
    groups: [groupsOf(n), 1, 1],
  }));
  return found;
}

/**
 * What came to each maximum goes to where it was.
 * @param {GpuBuilder} c @param {Tensor} gradient @param {Tensor} x only its shape counts @param {Tensor} places
 * @param {Window[][]} windows
 */
function maximaBackward(c, gradient, x, places, windows) {
  const plane = lengthOf(x, -2) * lengthOf(x, -1);
  const { start, at } = turned(members(x, windows), plane);
  const out = createTensor(x.shape);
  const n = count(out);
  const reads = [c.contiguous(gradient), c.contiguous(places), ...sent(c, [start, at])];
  c.dispatch([out], reads, (o, g, p, starts, ats) => ({
    code: MOST_BACK,
    params: [n, o, g, plane, windows[0].length * windows[1].length, starts, ats, p],
    groups: [groupsOf(n), 1, 1],
  }));
  return out;
}

/** @type {Record<string, (c: any, ...args: any[]) => Tensor | Tensor[]>} */
export const gpuMaxima = {
  max_pool2d_with_indices: (c, x, kernel, stride = [], padding = 0, dilation = 1, ceil = false) =>
    maxima(c, x, settled(x, kernel, stride, padding, dilation, ceil, false)),
  adaptive_max_pool2d: (c, x, size) => maxima(c, x, adaptive(x, size)),
  max_pool2d_with_indices_backward: (c, gradient, x, kernel, stride, padding, dilation, ceil, places) =>
    maximaBackward(c, gradient, x, places, settled(x, kernel, stride, padding, dilation, ceil, false)),
  adaptive_max_pool2d_backward: (c, gradient, x, places) =>
    maximaBackward(c, gradient, x, places, adaptive(x, gradient.shape.slice(-2))),
};
