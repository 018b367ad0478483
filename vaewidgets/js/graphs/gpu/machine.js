/**
 * A GPU with one buffer of numbers, on which dispatches run in order. No DOM.
 *
 * @typedef {import("./shaders.js").Dispatch} Dispatch
 * @typedef {{pipeline: any, at: number, groups: number[]}} Ready
 * @typedef {{group: any, all: Ready[]}} Prepared  what `prepare` made of some dispatches
 * @typedef {ReturnType<typeof createMachine>} Machine
 */
import { MOST_PARAMS } from "./shaders.js";

const SLOT = 4 * MOST_PARAMS; // bytes; offsets of a uniform must be multiples of 256
// GPUBufferUsage, GPUShaderStage and GPUMapMode by number: they are not there where WebGPU is not.
const USAGE = { read: 1, source: 4, target: 8, uniform: 64, storage: 128 };
const COMPUTE = 4;
const READ = 1;

/**
 * A GPU for large buffers, or null.
 * @param {any} gpu navigator.gpu
 */
export async function openDevice(gpu) {
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return null;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
}

/**
 * @param {any} device
 * @param {{floats: number, images: Uint32Array}} sizes floats: of the buffer; images: what passes look up
 */
export function createMachine(device, { floats, images }) {
  /** @type {any[]} */
  const buffers = [];
  const make = (/** @type {number} */ bytes, /** @type {number} */ usage) => {
    const buffer = device.createBuffer({ size: Math.max(4 * Math.ceil(bytes / 4), 16), usage });
    buffers.push(buffer);
    return buffer;
  };
  const { queue } = device;
  const heap = make(4 * floats, USAGE.storage | USAGE.source | USAGE.target);
  const data = make(images.byteLength, USAGE.storage | USAGE.target);
  queue.writeBuffer(data, 0, images);
  const entries = [
    { type: "storage" },
    { type: "uniform", hasDynamicOffset: true },
    { type: "read-only-storage" },
  ];
  const layout = device.createBindGroupLayout({
    entries: entries.map((buffer, binding) => ({ binding, visibility: COMPUTE, buffer })),
  });
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  /** @type {Map<string, Promise<any>>} */
  const pipelines = new Map();

  /** @param {string} code */
  function pipelineOf(code) {
    const found =
      pipelines.get(code) ??
      device.createComputePipelineAsync({
        layout: pipelineLayout,
        compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
      });
    pipelines.set(code, found);
    return found;
  }

  return {
    device,
    heap,
    make,

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
      const group = device.createBindGroup({
        layout,
        entries: bound.map((resource, binding) => ({ binding, resource })),
      });
      const compiled = await Promise.all(dispatches.map(({ code }) => pipelineOf(code)));
      const all = dispatches.map(({ groups }, i) => ({ pipeline: compiled[i], at: i * SLOT, groups }));
      return { group, all };
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
    /** For what is uploaded and copied to the heap. @param {number} numbers */
    upload: (numbers) => make(4 * numbers, USAGE.source | USAGE.target),
    /** For what is read back. @param {number} numbers */
    download: (numbers) => make(4 * numbers, USAGE.read | USAGE.target),
    /** The first numbers of a buffer that can be mapped. @param {any} buffer @param {number} n */
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
