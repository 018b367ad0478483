/**
 * A step as the GPU runs it: what it is given lies in one row, then come the passes of the graph. No DOM.
 *
 * @typedef {import("../../contract/types.js").Graph} Graph
 * @typedef {import("../tensor.js").Tensor} Tensor
 * @typedef {import("./shaders.js").Dispatch} Dispatch
 * @typedef {ReturnType<typeof createGpuProgram>} GpuProgram
 */
import { size } from "../../contract/bytes.js";
import { backward } from "../operations/backward.js";
import { operations } from "../operations/index.js";
import { plan } from "../plan.js";
import { trace } from "../program.js";
import { count, createTensor } from "../tensor.js";
import { createGpuBuilder } from "./builder.js";
import { gpuConvolutions } from "./convolution.js";
import { fuse } from "./fusion.js";
import { gpuMaxima } from "./maxima.js";

const known = { ...operations, ...backward, ...gpuConvolutions, ...gpuMaxima };

/** A tensor at a place that is given. @param {Tensor} x @param {number} at */
const put = (x, at) => {
  x.storage.at = at;
  return at + count(x);
};

/**
 * @param {Graph} network
 * @param {object} options
 * @param {number} options.batch
 * @param {{shapes: number[][], offsets: number[]}} options.tensors where each lies
 * @param {number} options.row where what a step is given begins: its inputs but the images, then its draws
 * @param {number[]} options.outputs where each output is wanted
 * @param {number} options.block from where on there is room for the rest
 * @throws {Error} naming an operation that is left to WebAssembly
 */
export function createGpuProgram(network, { batch, tensors, row, outputs, block }) {
  const c = createGpuBuilder();
  const traced = trace(network, /** @type {any} */ (c), { tensors, operations: known, batch });
  const [x, ...inputs] = traced.inputs;
  let end = row;
  for (const each of [...inputs, ...traced.draws.map(({ tensor }) => tensor)]) end = put(each, end);
  traced.outputs.forEach((output, i) => {
    const isWhole = output.storage.at < 0 && output.offset === 0 && output.storage.size === count(output);
    const isOwn = isWhole && !c.constants.some(({ tensor }) => tensor.storage === output.storage);
    if (isOwn && output !== x) put(output, outputs[i]);
    else {
      const place = createTensor(output.shape);
      put(place, outputs[i]);
      c.copy(place, output);
    }
  });
  const constants = c.constants.map(({ tensor }) => tensor);
  const kept = [x, ...constants];
  const steps = fuse(
    c.steps,
    kept.map(({ storage }) => storage),
  );
  const planned = plan(
    /** @type {any} */ ({ memory: { alloc: () => block }, steps, numbers: new Map() }),
    kept,
  );
  return {
    /** Where the images of a batch lie. */
    x: { offset: x.storage.at, size: count(x) },
    inputs: inputs.map(({ storage, shape }) => ({ offset: storage.at, size: size(shape) })),
    draws: traced.draws.map(({ kind, tensor: { storage, shape } }) => ({ kind, offset: storage.at, shape })),
    /** Where the row ends. */
    end,
    constants: c.constants.map(({ tensor, values }) => ({ offset: tensor.storage.at, values })),
    once: /** @type {Dispatch[]} */ (/** @type {any} */ (planned.once.flat())),
    always: /** @type {Dispatch[]} */ (/** @type {any} */ (planned.always.flat())),
    /** Numbers that the block takes. */
    length: planned.length,
  };
}
