/**
 * One model in memory, and the programs that train, score, encode, decode and begin it. No DOM.
 *
 * @typedef {import("../contract/types.js").TrainingChoice} Choice
 * @typedef {import("../contract/types.js").Graph} Graph
 * @typedef {"step" | "evaluation" | "encoder" | "decoder" | "score" | "start"} Kind
 * @typedef {{offset: number, shape: number[]}} Place
 * @typedef {{inputs: Place[], draws: import("./draws.js").Draw[], outputs: Place[], run(): void,
 *   destroy(): void}} Program
 */
import { size, toFloat32 } from "../contract/bytes.js";
import { backward } from "../graphs/operations/backward.js";
import { operations } from "../graphs/operations/index.js";
import { createProgram, createTensors } from "../graphs/program.js";
import { fillDraws, START, stream } from "./draws.js";

/** Programs of other batch sizes are made anew. */
const MOST_PROGRAMS = 16;
const all = { ...operations, ...backward };

/**
 * @param {Choice} choice
 * @param {any} memory
 */
export function createModel(choice, memory) {
  const sizes = choice.tensors.map(({ shape }) => size(shape));
  const total = sizes.reduce((sum, n) => sum + n, 0);
  const own = new Map(choice.tensors.map(({ name }, i) => [name, i]));
  /** @type {Map<string, Program>} */
  const programs = new Map();
  /** @type {Map<Kind, {network: Graph, tensors: any}>} */
  const graphs = new Map();
  /** Where each tensor of the model lies. @type {import("./optimiser.js").Place[]} */
  const places = sizes.map((n) => ({ offset: memory.alloc(n), size: n }));
  const shared = new Map(choice.tensors.map(({ name }, i) => [name, places[i].offset]));
  const buffers = places.filter((_, i) => !choice.tensors[i].trained);
  const kept = buffers.map((place) => new Float32Array(place.size));

  /**
   * A graph with values for all of its tensors, as they are now: in the payload it has those of constants alone.
   * @param {Graph} network
   */
  function whole(network) {
    const constants = toFloat32(network.weights);
    let at = 0;
    const parts = network.tensors.map(([name, shape]) => {
      const i = own.get(name);
      if (i !== undefined) return memory.f32.slice(places[i].offset, places[i].offset + sizes[i]);
      at += size(shape);
      return constants.subarray(at - size(shape), at);
    });
    const data = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((offset, part) => {
      data.set(part, offset);
      return offset + part.length;
    }, 0);
    return { ...network, weights: /** @type {any} */ ({ dtype: "f32", shape: [data.length], data }) };
  }

  /** @param {Kind} kind */
  function graph(kind) {
    let found = graphs.get(kind);
    if (!found) {
      const network = choice[kind];
      if (!network) throw new Error(`this model has no ${kind} that the page can run.`);
      const filled = whole(network);
      found = {
        network: filled,
        tensors: createTensors(filled, memory, shared),
      };
      graphs.set(kind, found);
    }
    return found;
  }

  /** @param {Kind} kind @param {number} batch @returns {Program} */
  function program(kind, batch) {
    const key = `${kind} ${batch}`;
    const found = programs.get(key);
    if (found) return found;
    const { network, tensors } = graph(kind);
    const made = createProgram(network, { memory, tensors, operations: all, batch });
    if (programs.size >= MOST_PROGRAMS) {
      const [[oldest, unused]] = programs;
      unused.destroy();
      programs.delete(oldest);
    }
    programs.set(key, made);
    return made;
  }

  /** Every tensor, one after the other. */
  function weights() {
    const out = new Float32Array(total);
    places.reduce((at, { offset, size: n }) => {
      out.set(memory.f32.subarray(offset, offset + n), at);
      return at + n;
    }, 0);
    return out;
  }

  /** @param {Float32Array} values as `weights` gave them */
  function setWeights(values) {
    if (values.length !== total)
      throw new Error(`there are ${values.length} weights; expected ${total} of this model.`);
    places.reduce((at, { offset, size: n }) => {
      memory.f32.set(values.subarray(at, at + n), offset);
      return at + n;
    }, 0);
  }

  /** @param {(place: import("./optimiser.js").Place, i: number) => void} each */
  const overBuffers = (each) => buffers.forEach(each);

  return {
    choice,
    places,
    /** Where the tensors lie that a step writes itself. */
    buffers,
    /** Where the tensors lie that are trained by gradients, in the order of the step's gradients. */
    trained: places.filter((_, i) => choice.tensors[i].trained),
    program,
    weights,
    setWeights,

    /** Draw the first weights anew, by torch's rules. @param {number} seed */
    begin(seed) {
      const { draws, outputs, run } = program("start", 1);
      fillDraws(draws, memory.f32, stream(seed, START, 0));
      run();
      const values = outputs.map(({ offset }, i) => memory.f32.slice(offset, offset + sizes[i]));
      values.forEach((value, i) => {
        memory.f32.set(value, places[i].offset);
      });
    },

    /** Keep what a step itself writes: running statistics, a codebook. */
    keepBuffers: () =>
      overBuffers(({ offset, size: n }, i) => kept[i].set(memory.f32.subarray(offset, offset + n))),
    /** Undo what the last step wrote. */
    restoreBuffers: () => overBuffers(({ offset }, i) => memory.f32.set(kept[i], offset)),

    /** A graph of its own with the present weights, to be run elsewhere. @param {"encoder" | "decoder" | "score"} kind */
    network(kind) {
      const network = choice[kind];
      return network && whole(network);
    },

    dispose() {
      for (const made of programs.values()) made.destroy();
      for (const { tensors } of graphs.values()) tensors.destroy();
      for (const { offset } of places) memory.free(offset);
    },
  };
}
