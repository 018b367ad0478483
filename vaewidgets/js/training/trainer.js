/**
 * Trains a model with no kernel: in Node, in a worker, or in slices on the page's main thread. No DOM.
 *
 * @typedef {import("../contract/types.js").Trainable} Trainable
 * @typedef {import("../contract/types.js").Packed} Packed
 * @typedef {import("./schedules.js").Schedule} Schedule
 * @typedef {import("./batches.js").DataSet} DataSet
 * @typedef {import("./batches.js").Images} Images
 *
 * @typedef {object} Settings of a new run; what is left out stays as it is
 * @property {string} [kind] "VAE", "AE", or the model's own
 * @property {string} [likelihood]
 * @property {number} [latent_dim]
 * @property {number} [batch_size]
 * @property {number} [seed] of the first weights, the order and the noise
 * @property {number | null} [epochs] null: without an end
 * @property {number | Schedule} [beta]
 * @property {number | null} [target_kl] nats an image, which beta then holds in place of `beta`
 * @property {number} [lr]
 *
 * @typedef {object} TrainerState plain numbers and text: it can be sent from a worker
 * @property {number} step updates made
 * @property {number} epoch epochs completed, their evaluation included
 * @property {number | null} epochs
 * @property {number} stepsPerEpoch
 * @property {number} position batches taken in the epoch under way
 * @property {number} beta in force at the next step
 * @property {Schedule} schedule
 * @property {number} lr
 * @property {number} seed
 * @property {number} batchSize
 * @property {string} kind
 * @property {string} likelihood
 * @property {number} latentDim
 * @property {string} unit of recon
 * @property {string[]} terms loss, recon, kl, then the objective's own
 * @property {string} dataset
 * @property {number} nTrain
 * @property {number} nTest
 * @property {boolean} isFinished
 * @property {Fault | null} fault why training ended; the weights are those before that step
 * @property {import("./engine.js").EngineState} engine what makes the steps
 *
 * @typedef {import("./faults.js").Fault} Fault
 * @typedef {import("./run.js").SavedRun} SavedRun
 *
 * @typedef {object} Trainer
 * @property {() => TrainerState} state
 * @property {(milliseconds: number, mostSteps?: number) => number} advance make steps until the time is over, at
 *   least one step or one batch of an evaluation; gives how many steps. Nothing is done once the run is finished or failed
 * @property {Promise<unknown> | null} pending where a GPU makes steps: until then `advance` makes none
 * @property {import("./recorder.js").Recorder} history of the run under way
 * @property {DataSet} data of the run under way
 * @property {(images: Float32Array, oneHot?: Float32Array | null) => {mu: Float32Array, logvar: Float32Array | null}}
 *   encode images (n, C, H, W) on the value range; oneHot: classes (n, n_classes), of models that take them
 * @property {(z: Float32Array, oneHot?: Float32Array | null) => Float32Array} decode
 * @property {(part: "train" | "test", index: ArrayLike<number>) => Float32Array} images on the value range, (n, C, H, W)
 * @property {() => Record<string, number> | null} evaluate terms of the test images now; null without such
 * @property {() => Float32Array} weights every tensor, one after the other
 * @property {(weights: Float32Array) => void} setWeights
 * @property {(kind: "encoder" | "decoder" | "score") => import("../contract/types.js").Graph | null} network with the present
 *   weights, for a frame
 * @property {(beta: number | Schedule) => void} setBeta
 * @property {(lr: number) => void} setLr
 * @property {(epochs: number | null) => void} setEpochs
 * @property {(settings?: Settings, data?: DataSet | null) => void} newRun from fresh weights; an Error where a setting
 *   was not let in: the run before then goes on. `data`: images of the reader's own
 * @property {() => SavedRun} save all but the data, as plain values that can be cloned
 * @property {(saved: SavedRun, data?: DataSet | null) => void} restore
 * @property {() => Uint8Array} runFile a .safetensors file for `vw.load_run`
 * @property {(bytes: Uint8Array) => void} openRunFile go on from one
 */
import { toFloat32 } from "../contract/bytes.js";
import { createMemory } from "../graphs/kernels/memory.js";
import { dataSet } from "./batches.js";
import { createEngine } from "./engine.js";
import { fileOf, restoreFile } from "./files.js";
import { Recorder } from "./recorder.js";
import { createRun } from "./run.js";
import { readRunFile, writeRunFile } from "./run_file.js";
import { checkSettings, choose, settingsOf } from "./settings.js";

/**
 * @param {Trainable} payload
 * @param {{memory?: any, now?: () => number, gpu?: import("./engine.js").Gpu | null}} [options]
 * @returns {Trainer}
 */
export function createTrainer(
  payload,
  { memory = createMemory(), now = () => performance.now(), gpu = null } = {},
) {
  const given = dataSet(payload.data);
  let run = open(payload.chosen, settingsOf(payload), given);
  let engine = engineOf(run);
  if (payload.weights) {
    run.model.setWeights(toFloat32(payload.weights));
    run.step = payload.step;
    run.epoch = payload.epoch;
    if (payload.history) run.history = Recorder.sent(payload.history, run.history.names);
  } else run.begin();

  /** @param {number} i @param {import("./run.js").RunSettings} settings @param {DataSet} data */
  function open(i, settings, data) {
    return createRun({ choice: payload.choices[i], options: payload.options, settings, data, memory });
  }

  /** @param {typeof run} of */
  function engineOf(of) {
    return createEngine(of, { gpu, memory, now });
  }

  /** Put a run in place of the one before, whose memory is given back. @param {typeof run} next */
  function replace(next) {
    engine.close();
    run.dispose();
    run = next;
    engine = engineOf(next);
  }

  /** @param {Settings} changed */
  function set(changed) {
    run.set(changed);
    engine.touch();
  }

  return {
    state: () => ({ ...run.state(), engine: engine.state }),
    advance: (milliseconds, mostSteps = Number.POSITIVE_INFINITY) => engine.advance(milliseconds, mostSteps),
    get pending() {
      return engine.pending;
    },
    get history() {
      return run.history;
    },
    get data() {
      return run.data;
    },
    encode: (images, oneHot = null) => run.encode(images, oneHot),
    decode: (z, oneHot = null) => run.decode(z, oneHot),
    images: (part, index) => run.images(part, index),
    evaluate: () => run.evaluate(),
    weights: () => run.model.weights(),
    setWeights(weights) {
      run.model.setWeights(weights);
      engine.touch();
    },
    network: (kind) => run.model.network(kind),
    setBeta: (beta) => set({ beta }),
    setLr: (lr) => set({ lr }),
    setEpochs: (epochs) => set({ epochs }),
    newRun(settings = {}, data = null) {
      const wanted = { ...run.settings, ...checkSettings(settings, payload) };
      const next = open(choose(payload, { ...run.choice, ...settings }), wanted, data ?? run.data);
      if (next.choice.start) next.begin();
      else next.model.setWeights(toFloat32(/** @type {Packed} */ (payload.weights)));
      replace(next);
    },
    save: () => run.save(payload.choices.indexOf(run.choice)),
    restore(saved, data = null) {
      const next = open(
        saved.choice,
        saved.settings,
        data ?? (saved.dataset === given.name ? given : run.data),
      );
      next.restore(saved);
      replace(next);
    },
    runFile: () => writeRunFile(fileOf(run, payload)),
    openRunFile(bytes) {
      const { choice, settings, dataset, fill } = restoreFile(readRunFile(bytes), payload);
      const next = open(choice, settings, dataset === given.name ? given : run.data);
      fill(next);
      replace(next);
    },
  };
}
