/**
 * Runs what Python recorded from torch: operations of ATen over tensors in one memory, planned once. No DOM.
 *
 * @typedef {import("../contract/types.js").Graph} Graph
 * @typedef {import("./kernels/memory.js").Memory} Memory
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {import("./builder.js").Builder} Builder
 * @typedef {import("./builder.js").Step} Step
 * @typedef {import("./builder.js").Operations} Operations
 * @typedef {{offset: number, shape: number[]}} Place  where a contiguous tensor lies in memory
 * @typedef {ReturnType<typeof createTensors>} Tensors
 * @typedef {ReturnType<typeof createProgram>} Program
 */
import { size, toFloat32 } from "../contract/bytes.js";
import { createBuilder } from "./builder.js";
import { plan } from "./plan.js";
import { count, createStorage, createTensor, isContiguous, stridesOf } from "./tensor.js";

/**
 * The weights of a network, once in memory for all programs that use them.
 * @param {Pick<Graph, "tensors" | "weights">} network
 * @param {Memory} memory
 * @param {Map<string, number>} [shared] where tensors of these names lie already: they are written to, but stay when the
 *   others are destroyed
 * @throws {Error} where the weights are not as many as the tensors say
 */
export function createTensors({ tensors, weights }, memory, shared = new Map()) {
  const shapes = tensors.map(([, shape]) => shape);
  const offsets = tensors.map(([name], i) => shared.get(name) ?? memory.alloc(size(shapes[i])));
  const total = shapes.reduce((n, shape) => n + size(shape), 0);
  const names = new Map(tensors.map(([name], i) => [name, i]));
  let version = 0;

  const own = {
    offsets,
    shapes,
    /** Another number for each set of weights. */
    get version() {
      return version;
    },
    /** All of them, flat, one after the other. @param {Float32Array} values */
    set(values) {
      if (values.length !== total) {
        throw new Error(`graph: got ${values.length} weights, expected ${total}`);
      }
      let from = 0;
      offsets.forEach((offset, i) => {
        memory.f32.set(values.subarray(from, from + size(shapes[i])), offset);
        from += size(shapes[i]);
      });
      version += 1;
    },
    get() {
      const values = new Float32Array(total);
      let to = 0;
      offsets.forEach((offset, i) => {
        values.set(memory.f32.subarray(offset, offset + size(shapes[i])), to);
        to += size(shapes[i]);
      });
      return values;
    },
    /** A view until memory grows. @param {string} name */
    byName(name) {
      const i = names.get(name);
      if (i === undefined) throw new Error(`graph: no tensor "${name}"`);
      return memory.f32.subarray(offsets[i], offsets[i] + size(shapes[i]));
    },
    /** Their memory is free again; no program may use them any more. */
    destroy() {
      offsets.splice(0).forEach((offset, i) => {
        if (!shared.has(tensors[i][0])) memory.free(offset);
      });
    },
  };
  try {
    own.set(toFloat32(weights));
  } catch (error) {
    own.destroy();
    throw error;
  }
  return own;
}

/**
 * A whole number or a number that depends on the batch size, an infinity, a tensor, a list of them.
 * @param {any} given
 * @param {number} batch
 * @param {(id: number) => Tensor} tensor
 * @returns {any}
 */
function argument(given, batch, tensor) {
  if (given === null || typeof given !== "object") return given;
  if (Array.isArray(given)) return given.map((each) => argument(each, batch, tensor));
  if ("t" in given) return tensor(given.t);
  if ("b" in given) return given.b[0] * batch + given.b[1];
  if ("per" in given) return given.per / batch;
  return Number(given.n.replace("inf", "Infinity"));
}

/**
 * Apply one operation. A name that ends in "_" writes what the one without it gives into its first argument.
 * @param {Builder} c @param {Operations} operations @param {string} name @param {any[]} args
 * @returns {(Tensor | null)[]}
 */
function apply(c, operations, name, args) {
  const inPlace = name.endsWith("_") && !(name in operations);
  const known = inPlace ? name.slice(0, -1) : name;
  if (!Object.hasOwn(operations, known)) throw new Error("unknown operation");
  const result = operations[known](c, ...args);
  const outs = Array.isArray(result) ? result : [result];
  return inPlace ? [c.copy(args[0], /** @type {Tensor} */ (outs[0]))] : outs;
}

/**
 * Apply the operations of a graph: what they leave as steps is in the builder then.
 * @param {Graph} network
 * @param {Builder} c
 * @param {{tensors: Pick<Tensors, "shapes" | "offsets">, operations: Operations, batch?: number,
 *   constantWeights?: boolean}} options
 * @returns {{inputs: Tensor[], draws: {kind: string, tensor: Tensor}[], outputs: Tensor[]}}
 * @throws {Error} naming an operation that is not known, or whose arguments do not fit
 */
export function trace(network, c, { tensors, operations, batch = 1, constantWeights = false }) {
  /** @type {(Tensor | null)[]} */
  const known = [];
  const find = (/** @type {number} */ id) => {
    const tensor = known[id];
    if (!tensor) throw new Error(`tensor ${id} is read before it is written`);
    return tensor;
  };
  const shapeOf = (/** @type {unknown} */ dims) => argument(dims, batch, find);

  const pinned = (/** @type {unknown} */ dims) => {
    const tensor = createTensor(shapeOf(dims));
    tensor.storage.constant = false;
    tensor.storage.pinned = true;
    known.push(tensor);
    return tensor;
  };
  const inputs = network.inputs.map(pinned);
  tensors.shapes.forEach((shape, i) => {
    const storage = createStorage(size(shape));
    storage.at = tensors.offsets[i];
    storage.constant = constantWeights;
    known.push({ storage, offset: 0, shape, strides: stridesOf(shape) });
  });
  const draws = network.draws.map(([kind, dims]) => ({ kind, tensor: pinned(dims) }));
  network.ops.forEach(([name, args, ids], i) => {
    try {
      const outs = apply(
        c,
        operations,
        name,
        args.map((arg) => argument(arg, batch, find)),
      );
      ids.forEach((id, j) => {
        if (id !== null) known[id] = outs[j];
      });
    } catch (cause) {
      throw new Error(`graph: "${name}" (operation ${i}): ${/** @type {Error} */ (cause).message}`, {
        cause,
      });
    }
  });
  const outputs = network.outputs.map((id) => {
    const found = find(id);
    const whole = isContiguous(found) ? found : c.contiguous(found);
    whole.storage.pinned = true;
    return whole;
  });
  return { inputs, draws, outputs };
}

/**
 * @param {Graph} network
 * @param {{memory: Memory, tensors: Tensors, operations: Operations, batch?: number, constantWeights?: boolean}} options
 *   constantWeights: only `tensors.set` changes them, so what depends on them alone runs once for each set
 * @throws {Error} naming an operation that is not known, or whose arguments do not fit
 */
export function createProgram(network, { memory, tensors, ...options }) {
  const c = createBuilder(memory);
  const { inputs, draws, outputs } = trace(network, c, { tensors, ...options });

  const { block, length, once, always } = plan(c, [
    ...inputs,
    ...draws.map(({ tensor }) => tensor),
    ...outputs,
  ]);
  const place = (/** @type {Tensor} */ { storage, offset, shape }) => ({
    offset: storage.at + offset,
    shape,
  });
  let version = -1;
  const program = {
    inputs: inputs.map(place),
    draws: draws.map(({ kind, tensor }) => ({ kind, ...place(tensor) })),
    outputs: outputs.map(place),
    /** On what lies in memory. */
    run() {
      if (version !== tensors.version) {
        for (const step of once) step();
        version = tensors.version;
      }
      for (const step of always) step();
    },
    /** Copies inputs in (those left out are 0), runs, copies outputs out. @param {ArrayLike<number>[]} values */
    call(...values) {
      if (values.length > inputs.length || values.length < inputs.length - (network.optional ?? 0)) {
        throw new Error(`graph: got ${values.length} inputs, expected ${inputs.length}`);
      }
      const { f32 } = memory;
      program.inputs.forEach(({ offset, shape }, i) => {
        const value = values[i];
        if (value && value.length !== size(shape)) {
          throw new Error(`graph: input ${i} has ${value.length} values, expected ${size(shape)}`);
        }
        if (value) f32.set(value, offset);
        else f32.fill(0, offset, offset + size(shape));
      });
      program.run();
      return outputs.map((output, i) => {
        const { offset } = program.outputs[i];
        return memory.f32.slice(offset, offset + count(output));
      });
    },
    /** Numbers that it holds in memory besides the tensors. */
    size: length,
    /** Its memory is free again. */
    destroy() {
      memory.free(block);
    },
  };
  return program;
}
