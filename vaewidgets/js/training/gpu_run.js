/**
 * The steps of a run on a GPU: weights and what the optimiser keeps stay there from one burst of steps to the next; at
 * its end they are read back with the terms, so that the page's memory has them as if it had made the steps. No DOM.
 *
 * @typedef {import("./run.js").Run} Run
 * @typedef {import("./run.js").Batch} Batch
 * @typedef {import("./gpu_plan.js").GpuPlan} GpuPlan
 */
import { createMachine, openDevice } from "../graphs/gpu/machine.js";
import { fromBytes } from "../graphs/kernels/from_bytes.js";
import { tell } from "./batches.js";
import { fillDraws } from "./draws.js";
import { MOST_STEPS } from "./engine.js";
import { BYTES, planGpuRun } from "./gpu_plan.js";

/**
 * @param {any} gpu navigator.gpu
 * @param {Run} run
 * @param {any} memory of the page
 * @returns {Promise<import("./engine.js").GpuRun | null>} null where the browser gives no device
 * @throws {Error} naming what is left to WebAssembly
 */
export async function openGpuRun(gpu, run, memory) {
  const plan = planGpuRun(run);
  const device = await openDevice(gpu);
  return device && createGpuRun(device, run, memory, plan);
}

/** Images as the GPU reads them: four bytes a number, or floats. @param {import("./batches.js").Images} split */
function packed({ images }) {
  const bytes = new Uint8Array(4 * Math.ceil(images.byteLength / 4));
  bytes.set(new Uint8Array(images.buffer, images.byteOffset, images.byteLength));
  return new Uint32Array(bytes.buffer);
}

/** The number that each byte of an image stands for. @param {[number, number] | number[]} range */
function valuesOfBytes([low, high]) {
  const table = new Float32Array(BYTES);
  new Uint8Array(table.buffer, 3 * BYTES).set(Uint8Array.from({ length: BYTES }, (_, i) => i));
  fromBytes(table, 0, BYTES, low, high - low);
  return table;
}

/** @param {Float32Array} values */
function areFinite(values) {
  let all = 0;
  for (let i = 0; i < values.length; i++) all += values[i] * 0;
  return all === 0;
}

/**
 * What a GPU says of what it is told within.
 * @template T @param {any} device @param {() => Promise<T>} work @returns {Promise<T>}
 */
async function checked(device, work) {
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  const working = work();
  const faults = [device.popErrorScope(), device.popErrorScope()];
  const done = await working;
  const fault = (await Promise.all(faults)).find(Boolean);
  if (fault) throw new Error(`WebGPU: ${fault.message}`);
  return done;
}

/**
 * Rows of what steps are told.
 * @param {Run} run @param {GpuPlan} plan @param {Batch[]} batches
 */
function rowsOf({ choice, data, optimiser }, { steps, numbers, row }, batches) {
  const rows = new Float32Array(batches.length * row);
  batches.forEach((batch, i) => {
    const { told, inputs, draws, index } = stepOf(steps, batch);
    const place = (/** @type {number} */ offset) => i * row + offset - told;
    rows.set(numbers(batch.lr, optimiser.count + i + 1), i * row);
    const [beta, step, n, classes] = inputs;
    rows[place(beta.offset)] = batch.beta;
    rows[place(step.offset)] = batch.step;
    rows[place(n.offset)] = data.train.n;
    if (choice.takes_labels) tell(data.train, data.nClasses, batch, rows, place(classes.offset));
    const own = draws.map((draw) => ({ ...draw, offset: place(draw.offset) }));
    fillDraws(own, rows, batch.next);
    for (let k = 0; k < batch.n; k++) rows[place(index) + k] = batch.index[batch.first + k];
  });
  return rows;
}

/** @param {import("../graphs/gpu/machine.js").Machine} machine @param {GpuPlan["steps"][number]} step */
async function prepared(machine, { batch, once, dispatches }) {
  const [first, always] = await Promise.all([machine.prepare(once), machine.prepare(dispatches)]);
  return { batch, once: first, always };
}

/** @template {{batch: number}} T @param {T[]} steps @param {Batch} batch @returns {T} */
const stepOf = (steps, { n }) => /** @type {T} */ (steps.find(({ batch }) => batch === n));

/**
 * @param {any} device @param {Run} run @param {any} memory @param {GpuPlan} plan
 * @returns {Promise<import("./engine.js").GpuRun>}
 */
async function createGpuRun(device, run, memory, plan) {
  const { state, stateEnd, row, terms } = plan;
  const each = run.choice.terms.length;
  const { queue } = device;
  const { machine, upload, download, ready } = await checked(device, async () => {
    const made = createMachine(device, { floats: plan.floats, images: packed(run.data.train) });
    made.write(plan.table, valuesOfBytes(run.data.valueRange));
    for (const { offset, values } of plan.constants) made.write(offset, values);
    return {
      machine: made,
      upload: made.upload(MOST_STEPS * row),
      download: made.download(stateEnd + MOST_STEPS * each),
      ready: await Promise.all(plan.steps.map((step) => prepared(made, step))),
    };
  });
  const encoder = device.createCommandEncoder();
  for (const { once } of ready) machine.run(encoder, once);
  queue.submit([encoder.finish()]);

  /** @param {Batch[]} batches */
  function submit(batches) {
    queue.writeBuffer(upload, 0, rowsOf(run, plan, batches));
    const commands = device.createCommandEncoder();
    batches.forEach((batch, i) => {
      const { told, length } = stepOf(plan.steps, batch);
      commands.copyBufferToBuffer(upload, 4 * i * row, machine.heap, 4 * told, 4 * length);
      machine.run(commands, stepOf(ready, batch).always);
      commands.copyBufferToBuffer(machine.heap, 4 * terms, download, 4 * (stateEnd + i * each), 4 * each);
    });
    commands.copyBufferToBuffer(machine.heap, 0, download, 0, 4 * stateEnd);
    queue.submit([commands.finish()]);
    return machine.mapped(download, stateEnd + batches.length * each);
  }

  return {
    load() {
      const values = new Float32Array(stateEnd);
      for (const { from, to, n } of state) values.set(memory.f32.subarray(from, from + n), to);
      machine.write(0, values);
      return queue.onSubmittedWorkDone();
    },
    async burst(batches) {
      const values = await checked(device, () => submit(batches));
      const found = batches.map((_, i) => [
        ...values.subarray(stateEnd + i * each, stateEnd + (i + 1) * each),
      ]);
      return {
        terms: areFinite(values) ? found : null,
        land() {
          for (const { from, to, n } of state) memory.f32.set(values.subarray(to, to + n), from);
        },
      };
    },
    lost: device.lost,
    destroy: () => machine.destroy(),
  };
}
