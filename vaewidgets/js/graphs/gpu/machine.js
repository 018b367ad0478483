/**
 * A GPU with one buffer of numbers, on which dispatches run in order. No DOM.
 *
 * @typedef {import("./shaders.js").Dispatch} Dispatch
 * @typedef {{group: any, all: {pipeline: any, at: number, groups: number[]}[]}} Prepared  dispatches, compiled
 * @typedef {ReturnType<typeof createMachine>} Machine
 */
import { MOST_PARAMS } from "./shaders.js";

/** Bytes; places in a uniform buffer are multiples of 256. */
const SLOT = 4 * MOST_PARAMS;
// Flags by number: GPUBufferUsage and the like are not there where WebGPU is not.
const USAGE = { read: 1, source: 4, target: 8, uniform: 64, storage: 128 };
const COMPUTE = 4;
const READ = 1;

/** One device for all runs of a page. @type {Promise<any> | null} */
let opened = null;
/** Programs are compiled once for a device. @type {WeakMap<object, Map<string, Promise<any>>>} */
const compiled = new WeakMap();

/** @param {any} gpu */
async function request(gpu) {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return null;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
  device.lost.then(() => {
    opened = null;
  });
  return device;
}

/**
 * A device with the largest buffers that it can have, or null where there is none.
 * @param {any} gpu navigator.gpu
 * @returns {Promise<any>}
 */
export function openDevice(gpu) {
  opened ??= request(gpu);
  return opened;
}

/** The programs of a device; all are given their buffers in the same way. @param {any} device */
function pipelines(device) {
  const kinds = [
    { type: "storage" },
    { type: "uniform", hasDynamicOffset: true },
    { type: "read-only-storage" },
  ];
  const entries = kinds.map((buffer, binding) => ({ binding, visibility: COMPUTE, buffer }));
  const layout = device.createBindGroupLayout({ entries });
  const known = compiled.get(device) ?? new Map();
  compiled.set(device, known);
  return {
    layout,
    /** @param {string} code @returns {Promise<any>} */
    pipelineOf(code) {
      if (!known.has(code)) {
        const compute = { module: device.createShaderModule({ code }), entryPoint: "main" };
        const own = device.createPipelineLayout({ bindGroupLayouts: [layout] });
        known.set(code, device.createComputePipelineAsync({ layout: own, compute }));
      }
      return known.get(code);
    },
  };
}

/**
 * @param {any} device
 * @param {{floats: number, images: Uint32Array}} sizes floats: of the buffer; images: what passes look up
 */
export function createMachine(device, { floats, images }) {
  const { queue } = device;
  const { layout, pipelineOf } = pipelines(device);
  /** @type {any[]} */
  const buffers = [];
  const make = (/** @type {number} */ bytes, /** @type {number} */ usage) => {
    const buffer = device.createBuffer({ size: Math.max(bytes, 16), usage });
    buffers.push(buffer);
    return buffer;
  };
  const heap = make(4 * floats, USAGE.storage | USAGE.source | USAGE.target);
  const data = make(images.byteLength, USAGE.storage | USAGE.target);
  queue.writeBuffer(data, 0, images);

  return {
    heap,

    /** Compile. @param {Dispatch[]} dispatches @returns {Promise<Prepared>} */
    async prepare(dispatches) {
      const told = new Uint32Array(Math.max(dispatches.length, 1) * MOST_PARAMS);
      dispatches.forEach(({ params, floats: more = [] }, i) => {
        told.set(params, i * MOST_PARAMS);
        new Float32Array(told.buffer).set(more, i * MOST_PARAMS + params.length);
      });
      const uniform = make(told.byteLength, USAGE.uniform | USAGE.target);
      queue.writeBuffer(uniform, 0, told);
      const bound = [{ buffer: heap }, { buffer: uniform, size: SLOT }, { buffer: data }];
      const entries = bound.map((resource, binding) => ({ binding, resource }));
      const group = device.createBindGroup({ layout, entries });
      const ready = await Promise.all(dispatches.map(({ code }) => pipelineOf(code)));
      return {
        group,
        all: dispatches.map(({ groups }, i) => ({ pipeline: ready[i], at: i * SLOT, groups })),
      };
    },

    /** @param {any} encoder of commands @param {Prepared} prepared */
    run(encoder, { group, all }) {
      const pass = encoder.beginComputePass();
      for (const { pipeline, at, groups } of all) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group, [at]);
        pass.dispatchWorkgroups(...groups);
      }
      pass.end();
    },

    /** @param {number} at @param {Float32Array} values */
    write: (at, values) => queue.writeBuffer(heap, 4 * at, values),
    /** For what is copied to the heap. @param {number} numbers */
    upload: (numbers) => make(4 * numbers, USAGE.source | USAGE.target),
    /** For what is read back. @param {number} numbers */
    download: (numbers) => make(4 * numbers, USAGE.read | USAGE.target),
    /** The first numbers of what is read back. @param {any} buffer @param {number} n */
    async mapped(buffer, n) {
      await buffer.mapAsync(READ, 0, 4 * n);
      const out = new Float32Array(buffer.getMappedRange(0, 4 * n)).slice();
      buffer.unmap();
      return out;
    },
    destroy() {
      for (const buffer of buffers) buffer.destroy();
    },
  };
}
