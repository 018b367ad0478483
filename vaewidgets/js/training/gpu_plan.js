/**
 * Where the numbers of a run lie on a GPU, and what is to be done there for one step. No DOM.
 *
 * @typedef {import("./run.js").Run} Run
 * @typedef {ReturnType<typeof planGpuRun>} GpuPlan
 */
import { size, toFloat32 } from "../contract/bytes.js";
import { createGpuProgram } from "../graphs/gpu/program.js";
import { gather, update } from "../graphs/gpu/shaders.js";
import { toldOf } from "./optimiser.js";

/** Values that a byte can have: a table of them is looked up. */
export const BYTES = 256;
/** What the optimiser is told of a step: its size, a correction, what it leaves of a weight, what decays into its gradient. */
const TOLD = 4;

/** Places one after the other. */
function allotment() {
  let end = 0;
  return {
    /** @param {number} n */
    take(n) {
      end += n;
      return end - n;
    },
    get end() {
      return end;
    },
  };
}

/** @typedef {ReturnType<typeof allotment>} Allotment */

/** What a step changes comes first, so that it is read back in one piece. @param {Run} run @param {Allotment} room */
function placeState({ choice, model, optimiser }, room) {
  const put = (/** @type {import("./optimiser.js").Place[]} */ places) =>
    places.map(({ offset, size: n }) => ({ from: offset, to: room.take(n), n }));
  const trained = put(model.trained);
  const kept = optimiser.places.flatMap(put);
  const own = [...trained, ...put(model.buffers)];
  const at = new Map(own.map(({ from, to }) => [from, to]));
  return {
    /** From the page's memory to the GPU's, n numbers. */
    state: [...own, ...kept],
    end: room.end,
    trained,
    names: new Map(choice.tensors.map(({ name }, i) => [name, at.get(model.places[i].offset)])),
  };
}

/** The tensors of the step: the model's own, and those that nothing changes. @param {Run} run @param {Map<string, number | undefined>} names @param {Allotment} room */
function placeTensors({ choice }, names, room) {
  const values = toFloat32(choice.step.weights);
  let at = 0;
  /** @type {{offset: number, values: Float32Array}[]} */
  const constants = [];
  const offsets = choice.step.tensors.map(([name, shape]) => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const offset = room.take(size(shape));
    constants.push({ offset, values: values.subarray(at, at + size(shape)) });
    at += size(shape);
    return offset;
  });
  return { constants, tensors: { shapes: choice.step.tensors.map(([, shape]) => shape), offsets } };
}

/**
 * A step on the GPU for each size of a batch. What it is told lies in a row: the optimiser's numbers, the inputs but the
 * images, the draws, which images.
 * @param {Run} run
 * @throws {Error} naming what is left to WebAssembly
 */
export function planGpuRun(run) {
  const { choice, data, batchSize, stepsPerEpoch, optimiser } = run;
  const room = allotment();
  const { state, end, trained, names } = placeState(run, room);
  const total = trained.reduce((sum, { n }) => sum + n, 0);
  const gradients = room.take(total);
  const terms = room.take(choice.terms.length);
  const table = room.take(BYTES);
  const { constants, tensors } = placeTensors(run, names, room);
  const outputs = [...choice.terms.map((_, i) => terms + i), ...trained.map(({ to }) => gradients + to)];
  const { numbers, ...rates } = toldOf(optimiser.name);
  const kind = optimiser.name === "adamw" ? "adam" : /** @type {"adam"} */ (optimiser.name);
  const pixels = size(data.imageShape);
  const isBytes = data.train.images instanceof Uint8Array;

  /** @param {number} batch */
  function step(batch) {
    const told = room.end;
    const given = { batch, tensors, outputs, row: told + TOLD };
    // Where its row ends shows where its block begins.
    const index = createGpuProgram(choice.step, { ...given, block: 0 }).end;
    const block = index + batch;
    const program = createGpuProgram(choice.step, { ...given, block });
    room.take(block + program.length - told);
    const { x, inputs, draws, once } = program;
    const places = { n: total, p: 0, g: gradients, m: total, v: 2 * total, told };
    const dispatches = [
      gather(isBytes, { n: x.size, x: x.offset, pixels, index, table }),
      ...program.always,
      update(kind, { ...places, ...rates }),
    ];
    return {
      batch,
      told,
      index,
      length: block - told,
      inputs,
      draws,
      once,
      dispatches,
      constants: program.constants,
    };
  }
  const rest = data.train.n - (stepsPerEpoch - 1) * batchSize;
  const steps = [...new Set([batchSize, Math.min(batchSize, rest)])].map(step);
  return {
    ...{ state, stateEnd: end, terms, table, numbers, floats: room.end, steps },
    constants: [...constants, ...steps.flatMap((one) => one.constants)],
    /** Numbers of the longest row. */
    row: Math.max(...steps.map(({ length }) => length)),
  };
}
