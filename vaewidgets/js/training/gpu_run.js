/**
 * The steps of a run on a GPU: weights and what the optimiser keeps stay there from one burst of steps to the next; at
 * its end they are read back with the terms, so that the page's memory has them as if it had made the steps. No DOM.
 *
 * @typedef {import("./run.js").Run} Run
 * @typedef {import("./run.js").Batch} Batch
 * @typedef {{terms: number[][] | null, land: () => void}} Burst
 *   terms: of each step, null where a number was not finite; land: put weights and the like into the page's memory
 * @typedef {Awaited<ReturnType<typeof createGpuRun>>} GpuRun
 */
import { size, toFloat32 } from "../contract/bytes.js";
import { createMachine } from "../graphs/gpu/machine.js";
import { createGpuProgram } from "../graphs/gpu/program.js";
import { gather, update } from "../graphs/gpu/shaders.js";
import { fromBytes } from "../graphs/kernels/from_bytes.js";
import { tell } from "./batches.js";
import { fillDraws } from "./draws.js";
import { toldOf } from "./optimiser.js";

/** Steps of one burst at most. */
export const MOST_STEPS = 64;
const BYTES = 256;
/** What the optimiser is told of a step: its size, a correction, what it leaves of a weight, what decays into its gradient. */
const ROW = 4;

/** Places one after the other. @param {number} from */
function allotment(from) {
  let end = from;
  return {
    take(/** @type {number} */ n) {
      end += n;
      return end - n;
    },
    get end() {
      return end;
    },
  };
}

/** Where everything lies: what changes with a step first, so that it is read back in one piece. @param {Run} run @param {number} most images of a batch */
function layOut({ choice, model, optimiser, data }, most) {
  const room = allotment(0);
  const put = (/** @type {import("./optimiser.js").Place[]} */ places) =>
    places.map(({ offset, size: n }) => ({ from: offset, to: room.take(n), n }));
  const weights = put(model.trained);
  const state = [...weights, ...optimiser.places.flatMap(put), ...put(model.buffers)];
  const stateEnd = room.end;
  const trained = model.trained.reduce((sum, place) => sum + place.size, 0);
  const gradients = room.take(trained);
  const terms = room.take(choice.terms.length);
  const table = room.take(BYTES);
  const own = new Map();
  [...model.trained, ...model.buffers].forEach((place) => {
    own.set(place.offset, state.find(({ from }) => from === place.offset)?.to);
  });
  const names = new Map(choice.tensors.map(({ name }, i) => [name, own.get(model.places[i].offset)]));
  const values = toFloat32(choice.step.weights);
  let at = 0;
  /** Tensors of the graph that no step changes. @type {{offset: number, values: Float32Array}[]} */
  const constants = [];
  const offsets = choice.step.tensors.map(([name, shape]) => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const offset = room.take(size(shape));
    constants.push({ offset, values: values.subarray(at, at + size(shape)) });
    at += size(shape);
    return offset;
  });
  const starts = weights.map(({ to }) => gradients + to);
  return { room, state, stateEnd, trained, gradients, terms, table, constants, offsets, starts, most, data };
}

/** Images as the GPU reads them: four bytes a number, or floats. @param {import("./batches.js").Images} split */
function packed({ images }) {
  const bytes = new Uint8Array(4 * Math.ceil(images.byteLength / 4));
  bytes.set(new Uint8Array(images.buffer, images.byteOffset, images.byteLength));
  return new Uint32Array(bytes.buffer);
}

/** @param {Float32Array} values */
function areFinite(values) {
  let all = 0;
  for (let i = 0; i < values.length; i++) all += values[i] * 0;
  return all === 0;
}

/**
 * @param {any} device
 * @param {Run} run
 * @param {any} memory of the page
 * @throws {Error} naming what is left to WebAssembly
 */
export async function createGpuRun(device, run, memory) {
  const { choice, data, batchSize, stepsPerEpoch, optimiser } = run;
  const rest = data.train.n - (stepsPerEpoch - 1) * batchSize;
  const sizes = [...new Set([batchSize, Math.min(batchSize, rest)])];
  const at = layOut(run, batchSize);
  const tensors = { shapes: choice.step.tensors.map(([, shape]) => shape), offsets: at.offsets };
  const outputs = [...choice.terms.map((_, i) => at.terms + i), ...at.starts];
  const pixels = size(data.imageShape);
  const isBytes = data.train.images instanceof Uint8Array;
  const { numbers, ...rates } = toldOf(optimiser.name);

  const programs = sizes.map((batch) => {
    const told = at.room.end;
    const row = told + ROW;
    const given = { batch, tensors, outputs, row };
    // Two passes: how long the row is shows where its block begins.
    const index = createGpuProgram(choice.step, { ...given, block: 0 }).end;
    const block = index + batch;
    const program = createGpuProgram(choice.step, { ...given, block });
    at.room.take(block + program.length - told);
    const { x } = program;
    const images = { n: x.size, x: x.offset, pixels, index, table: at.table };
    const kind = optimiser.name === "adamw" ? "adam" : /** @type {"adam"} */ (optimiser.name);
    const [m, v] = [at.trained, 2 * at.trained];
    const dispatches = [
      gather(isBytes, images),
      ...program.always,
      update(kind, { n: at.trained, p: 0, g: at.gradients, m, v, told, ...rates }),
    ];
    return { program, batch, told, index, length: block - told, dispatches };
  });

  const machine = createMachine(device, { floats: at.room.end, images: packed(data.train) });
  const longest = Math.max(...programs.map(({ length }) => length));
  const upload = machine.upload(MOST_STEPS * longest);
  const read = MOST_STEPS * choice.terms.length;
  const download = machine.download(at.stateEnd + read);
  const table = new Float32Array(BYTES);
  new Uint8Array(table.buffer, 3 * BYTES).forEach((_, i, bytes) => {
    bytes[i] = i;
  });
  fromBytes(table, 0, BYTES, data.valueRange[0], data.valueRange[1] - data.valueRange[0]);

  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  const ready = await Promise.all(
    programs.map(async ({ program, dispatches }) => ({
      once: await machine.prepare(program.once),
      step: await machine.prepare(dispatches),
    })),
  );
  machine.write(at.table, table);
  for (const { offset, values } of [
    ...at.constants,
    ...programs.flatMap(({ program }) => program.constants),
  ]) {
    machine.write(offset, values);
  }
  const first = device.createCommandEncoder();
  for (const { once } of ready) machine.run(first, once);
  device.queue.submit([first.finish()]);
  await check();

  /** What went wrong since the scopes were opened. */
  async function check() {
    const faults = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
    const fault = faults.find(Boolean);
    if (fault) throw new Error(`WebGPU: ${fault.message}`);
  }

  /** What a step is told. @param {Float32Array} rows @param {number} start @param {Batch} batch @param {number} count of the optimiser */
  function fill(rows, start, batch, count) {
    const { program, told, index } = programs[sizes.indexOf(batch.n)];
    const place = (/** @type {number} */ offset) => start + offset - told;
    rows.set(numbers(batch.lr, count), start);
    const [beta, step, n, classes] = program.inputs;
    [batch.beta, batch.step, data.train.n].forEach((value, i) => {
      rows[place([beta, step, n][i].offset)] = value;
    });
    if (choice.takes_labels) tell(data.train, data.nClasses, batch, rows, place(classes.offset));
    const draws = program.draws.map((draw) => ({ ...draw, offset: place(draw.offset) }));
    fillDraws(draws, rows, batch.next);
    for (let i = 0; i < batch.n; i++) rows[place(index) + i] = batch.index[batch.first + i];
  }

  return {
    /** The page's memory as it is now goes to the GPU. */
    load() {
      const values = new Float32Array(at.stateEnd);
      for (const { from, to, n } of at.state) values.set(memory.f32.subarray(from, from + n), to);
      machine.write(0, values);
      return device.queue.onSubmittedWorkDone();
    },

    /**
     * Make steps.
     * @param {Batch[]} batches at most `MOST_STEPS`
     * @returns {Promise<Burst>}
     */
    async burst(batches) {
      const rows = new Float32Array(batches.length * longest);
      batches.forEach((batch, i) => {
        fill(rows, i * longest, batch, optimiser.count + i + 1);
      });
      device.pushErrorScope("out-of-memory");
      device.pushErrorScope("validation");
      device.queue.writeBuffer(upload, 0, rows);
      const encoder = device.createCommandEncoder();
      const each = choice.terms.length;
      batches.forEach(({ n }, i) => {
        const own = sizes.indexOf(n);
        const { told, length } = programs[own];
        encoder.copyBufferToBuffer(upload, 4 * i * longest, machine.heap, 4 * told, 4 * length);
        machine.run(encoder, ready[own].step);
        encoder.copyBufferToBuffer(
          machine.heap,
          4 * at.terms,
          download,
          4 * (at.stateEnd + i * each),
          4 * each,
        );
      });
      encoder.copyBufferToBuffer(machine.heap, 0, download, 0, 4 * at.stateEnd);
      device.queue.submit([encoder.finish()]);
      const values = await machine.mapped(download, at.stateEnd + batches.length * each);
      await check();
      const terms = batches.map((_, i) => {
        const from = at.stateEnd + i * each;
        return [...values.subarray(from, from + each)];
      });
      const land = () => {
        for (const { from, to, n } of at.state) memory.f32.set(values.subarray(to, to + n), from);
      };
      return { terms: areFinite(values) ? terms : null, land };
    },

    destroy: () => machine.destroy(),
  };
}
