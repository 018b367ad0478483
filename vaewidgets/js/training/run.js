/**
 * One run that the page trains: where it stands, and what one step or one batch of an evaluation does. No DOM.
 *
 * @typedef {import("../contract/types.js").TrainingChoice} Choice
 * @typedef {import("../contract/types.js").TrainingOptions} Options
 * @typedef {import("./batches.js").DataSet} DataSet
 * @typedef {import("./batches.js").Images} Images
 * @typedef {{epochs: number | null, batch_size: number, seed: number, lr: number,
 *   beta: import("./schedules.js").Schedule}} RunSettings
 * @typedef {{choice: number, settings: RunSettings, dataset: string, step: number, epoch: number, position: number,
 *   sums: number[], weights: Float32Array, optimiser: Record<string, Float32Array>[], count: number,
 *   history: import("./recorder.js").Recorded, fault: import("./faults.js").Fault | null}} SavedRun
 * @typedef {{step: number, first: number, index: ArrayLike<number>, n: number, beta: number, lr: number,
 *   next: () => number}} Batch  of a step: n images from `first` on in the order `index`; next: its random draws
 * @typedef {ReturnType<typeof createRun>} Run
 */
import { size } from "../contract/bytes.js";
import { checkData, gather, tell } from "./batches.js";
import { EVALUATION, fillDraws, NOISE, ORDER, permutation, stream } from "./draws.js";
import { diverged } from "./faults.js";
import { createModel } from "./model.js";
import { createOptimiser } from "./optimiser.js";
import { Recorder } from "./recorder.js";
import { after, betaAt, isController, scoredAt } from "./schedules.js";
import { checkSettings } from "./settings.js";

/** Images scored or encoded at once. */
const CHUNK = 256;

/**
 * @param {{choice: Choice, options: Options, settings: RunSettings, data: DataSet, memory: any}} given
 */
export function createRun({ choice, options, settings, data, memory }) {
  checkData(data, /** @type {number[]} */ (choice.encoder.inputs[0].slice(1)), choice.takes_labels);
  const own = { ...settings };
  const { terms } = choice;
  const model = createModel(choice, memory);
  const optimiser = createOptimiser(options.optimizer, model.trained, memory);
  const pixels = size(data.imageShape);
  const batchSize = Math.min(settings.batch_size, data.train.n);
  // Statistics of a batch mean nothing for one image: it waits for the next epoch's order.
  const isAlone = data.train.n % batchSize === 1 && choice.tensors.some(({ trained }) => !trained);
  const stepsPerEpoch =
    options.drop_last || isAlone ? Math.floor(data.train.n / batchSize) : Math.ceil(data.train.n / batchSize);
  /** @type {{epoch: number, order: Int32Array} | null} */
  let shuffled = null;
  /** @type {Int32Array | null} */
  let inOrder = null;
  /** @type {{first: number, sums: number[]} | null} of the epoch that has just ended */
  let evaluation = null;

  const run = {
    choice,
    model,
    optimiser,
    data,
    settings: own,
    stepsPerEpoch,
    batchSize,
    history: new Recorder([...terms.slice(0, 3), "beta", "lr", ...terms.slice(3)]),
    step: 0,
    epoch: 0,
    position: 0,
    /** Of the epoch under way: each term times images, then the images. */
    sums: new Array(terms.length + 1).fill(0),
    /** @type {import("./faults.js").Fault | null} */
    fault: null,

    get hasEnded() {
      return run.fault !== null || (own.epochs !== null && run.epoch >= own.epochs);
    },

    /** One step; at the end of an epoch one batch of its evaluation. */
    advance() {
      if (run.position < stepsPerEpoch) makeStep();
      else endEpoch();
    },

    /**
     * The next steps of the epoch, at most so many; none where its end is due, or where beta follows from their terms.
     * @param {number} most
     */
    upcoming(most) {
      const n = isController(own.beta) ? 0 : Math.min(most, stepsPerEpoch - run.position);
      return Array.from({ length: Math.max(0, n) }, (_, i) => batchAt(i));
    },
    record,

    /** First weights, drawn anew. */
    begin() {
      model.begin(own.seed);
      optimiser.reset();
    },

    /** @param {import("./trainer.js").Settings} changed */
    set(changed) {
      Object.assign(own, checkSettings(changed));
    },

    state: () => ({
      ...{ step: run.step, epoch: run.epoch, epochs: own.epochs, stepsPerEpoch, position: run.position },
      ...{ beta: betaAt(own.beta, run.step), schedule: own.beta, lr: own.lr, seed: own.seed, batchSize },
      ...{ kind: choice.kind, likelihood: choice.likelihood, latentDim: choice.latent_dim },
      ...{ unit: choice.unit, terms, dataset: data.name, nTrain: data.train.n, nTest: data.test?.n ?? 0 },
      ...{ isFinished: run.hasEnded && run.fault === null, fault: run.fault },
    }),

    evaluate() {
      if (!data.test) return null;
      const sums = new Array(terms.length).fill(0);
      for (let first = 0; first < data.test.n; first += CHUNK) score(data.test, first, sums);
      return means(sums, data.test.n);
    },

    /** @param {Float32Array} images @param {Float32Array | null} oneHot */
    encode(images, oneHot) {
      const outputs = inChunks("encoder", images, pixels, oneHot);
      return { mu: outputs[0], logvar: outputs[1] ?? null };
    },

    /** @param {Float32Array} z @param {Float32Array | null} oneHot */
    decode: (z, oneHot) => inChunks("decoder", z, choice.latent_dim, oneHot)[0],

    /** @param {"train" | "test"} part @param {ArrayLike<number>} index */
    images(part, index) {
      const split = data[part];
      if (!split) throw new Error("this run has no test images.");
      const out = new Float32Array(index.length * pixels);
      gather(data, split, index, 0, index.length, out, 0);
      return out;
    },

    /** @param {number} chosen @returns {SavedRun} */
    save: (chosen) => ({
      ...{ choice: chosen, settings: { ...own }, dataset: data.name },
      ...{ step: run.step, epoch: run.epoch, position: run.position, sums: [...run.sums], fault: run.fault },
      ...{ weights: model.weights(), optimiser: optimiser.tensors(), count: optimiser.count },
      history: run.history.save(),
    }),

    /** @param {SavedRun} saved */
    restore(saved) {
      model.setWeights(saved.weights);
      optimiser.load(saved.optimiser, saved.count);
      run.history = Recorder.from(saved.history);
      const { step, epoch, position, fault } = saved;
      Object.assign(run, { step, epoch, position: Math.min(position, stepsPerEpoch), fault });
      run.sums = [...saved.sums];
    },

    dispose() {
      model.dispose();
      optimiser.dispose();
    },
  };

  /** Order of the epoch under way. */
  function order() {
    if (shuffled?.epoch !== run.epoch)
      shuffled = { epoch: run.epoch, order: permutation(data.train.n, stream(own.seed, ORDER, run.epoch)) };
    return shuffled.order;
  }

  /**
   * Run the step or the evaluation on a batch.
   * @param {"step" | "evaluation"} kind
   * @param {Images} split
   * @param {Pick<Batch, "index" | "first" | "n" | "step" | "next">} batch
   */
  function runOn(kind, split, { index, first, n, step, next }) {
    const program = model.program(kind, n);
    const [x, ...others] = program.inputs;
    const { f32 } = memory;
    gather(data, split, index, first, n, f32, x.offset, memory.kernels.fromBytes);
    const weigh = kind === "step" ? betaAt : scoredAt;
    [weigh(own.beta, step), step, data.train.n].forEach((value, i) => {
      f32[others[i].offset] = value;
    });
    if (choice.takes_labels) tell(split, data.nClasses, { index, first, n }, f32, others[3].offset);
    fillDraws(program.draws, f32, next);
    program.run();
    return {
      values: program.outputs.slice(0, terms.length).map(({ offset }) => memory.f32[offset]),
      program,
    };
  }

  /** The batch of the step that comes after so many others. @param {number} after */
  function batchAt(after) {
    const first = (run.position + after) * batchSize;
    const step = run.step + after;
    return {
      ...{ step, first, index: order(), n: Math.min(batchSize, data.train.n - first) },
      ...{ beta: betaAt(own.beta, step), lr: own.lr, next: stream(own.seed, NOISE, step) },
    };
  }

  function makeStep() {
    const batch = batchAt(0);
    model.keepBuffers();
    const { values, program } = runOn("step", data.train, batch);
    const gradients = program.outputs.slice(terms.length);
    const isSound = gradients.every(({ offset, shape }) => memory.kernels.isFinite(offset, size(shape)));
    if (!isSound || !values.every(Number.isFinite)) {
      model.restoreBuffers();
      run.fault = diverged(run.step, { loss: values[0], recon: values[1], kl: values[2] }, batch.beta);
      return;
    }
    optimiser.step(gradients, own.lr);
    record(values, batch);
  }

  /** A step has been made. @param {number[]} values of the terms @param {Batch} batch */
  function record(values, { beta, lr, n }) {
    own.beta = after(own.beta, values[1], values[2]);
    run.history.append(run.step, [...values.slice(0, 3), beta, lr, ...values.slice(3)]);
    [...values, 1].forEach((value, i) => {
      run.sums[i] += value * n;
    });
    run.position++;
    run.step++;
  }

  function endEpoch() {
    const { test } = data;
    const wanted = options.eval_every > 0 && test && (run.epoch + 1) % options.eval_every === 0;
    if (wanted) {
      evaluation ??= { first: 0, sums: new Array(terms.length).fill(0) };
      if (evaluation.first < test.n) {
        score(test, evaluation.first, evaluation.sums);
        evaluation.first += CHUNK;
        if (evaluation.first < test.n) return;
      }
    }
    const images = run.sums[terms.length];
    /** @type {Record<string, number>} */
    const row = { epoch: run.epoch + 1 };
    terms.slice(0, 3).forEach((name, i) => {
      row[`train_${name}`] = run.sums[i] / images;
    });
    const tested = wanted && evaluation ? means(evaluation.sums, test.n) : {};
    for (const [name, value] of Object.entries(tested)) row[`test_${name}`] = value;
    evaluation = null;
    run.history.appendEpoch(run.step, row);
    run.sums.fill(0);
    run.epoch++;
    run.position = 0;
  }

  /** Add the terms of a chunk of images to sums. @param {Images} split @param {number} first @param {number[]} sums */
  function score(split, first, sums) {
    if (inOrder?.length !== split.n) inOrder = Int32Array.from({ length: split.n }, (_, i) => i);
    const n = Math.min(CHUNK, split.n - first);
    const next = stream(own.seed, EVALUATION, first / CHUNK);
    const step = Math.max(0, run.step - 1);
    const { values } = runOn("evaluation", split, { index: inOrder, first, n, step, next });
    values.forEach((value, i) => {
      sums[i] += value * n;
    });
  }

  /** @param {number[]} sums @param {number} n @returns {Record<string, number>} */
  const means = (sums, n) => Object.fromEntries(terms.map((name, i) => [name, sums[i] / n]));

  /**
   * Outputs of a program for any number of rows.
   * @param {"encoder" | "decoder"} kind
   * @param {Float32Array} rows
   * @param {number} width
   * @param {Float32Array | null} oneHot of a second input
   */
  function inChunks(kind, rows, width, oneHot) {
    const classes = data.nClasses;
    const n = rows.length / width;
    /** @type {Float32Array[]} */
    let out = [];
    for (let first = 0; first < n; first += CHUNK) {
      const count = Math.min(CHUNK, n - first);
      const program = model.program(kind, count);
      const [x, second] = program.inputs;
      memory.f32.set(rows.subarray(first * width, (first + count) * width), x.offset);
      if (second) {
        memory.f32.fill(0, second.offset, second.offset + count * classes);
        if (oneHot)
          memory.f32.set(oneHot.subarray(first * classes, (first + count) * classes), second.offset);
      }
      program.run();
      const { f32 } = memory;
      out = program.outputs.map(({ offset, shape }, k) => {
        const each = size(shape) / count;
        const all = out[k] ?? new Float32Array(n * each);
        all.set(f32.subarray(offset, offset + count * each), first * each);
        return all;
      });
    }
    return out;
  }

  return run;
}
