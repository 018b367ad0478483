/**
 * What a run file holds of a run that the page trains, and back: names and order are those of runs/run_file.py. No DOM.
 *
 * @typedef {import("./run.js").Run} Run
 * @typedef {import("./run_file.js").RunFile} RunFile
 * @typedef {import("./run_file.js").Tensor} Tensor
 * @typedef {import("../contract/types.js").Trainable} Trainable
 * @typedef {import("../contract/types.js").TrainingChoice} Choice
 */
import { size } from "../contract/bytes.js";
import { keptBy } from "./optimiser.js";
import { betaAt, describe } from "./schedules.js";

/** Without which a run cannot be shown; a loop of a user's own leaves out the rest. */
const NEEDED_FACTS = ["model_class", "options", "step", "epoch", "columns", "history_epochs", "data"];
const NEEDED = ["history.steps"];

/** @param {Run} run @param {Trainable} payload @returns {RunFile} */
export function fileOf(run, payload) {
  const { choice, settings, data } = run;
  const saved = run.save(0);
  const history = saved.history;
  /** @type {Record<string, Tensor>} */
  const tensors = { "history.steps": { shape: [history.steps.length], values: wide(history.steps) } };
  for (const name of history.names) {
    const values = history.columns[name];
    const exact = name === "beta" || name === "lr";
    tensors[`history.column.${name}`] = {
      shape: [values.length],
      values: exact ? values : Float32Array.from(values),
    };
  }
  choice.tensors.reduce((at, { name, shape, dtype }) => {
    const values = saved.weights.slice(at, at + size(shape));
    tensors[`model.${name}`] = { shape, values: dtype === "I64" ? wide(values) : values };
    return at + values.length;
  }, 0);
  Object.assign(tensors, optimiserTensors(saved, choice));
  // Not torch's states: whoever loads the file draws from generators seeded for this step.
  for (const name of ["noise", "order"])
    tensors[`generator.${name}`] = { shape: [1], values: new Uint8Array(1) };
  const test = data.test?.n ?? 0;
  const { epochs, batch_size, seed, lr } = settings;
  const facts = {
    ...payload.facts,
    ...choice.facts,
    ...{ step: run.step, epoch: run.epoch, epochs, error: run.fault?.message ?? null, lr },
    status: run.fault ? "failed" : run.hasEnded ? "finished" : "stopped",
    options: {
      ...payload.facts.options,
      ...{ epochs, batch_size, seed, lr, beta: describe(settings.beta), dataset: data.name },
    },
    data: {
      ...{ name: data.name, image_shape: data.imageShape, value_range: data.valueRange },
      ...{ n_train: data.train.n, n_test: test },
    },
    ...{ beta: betaAt(settings.beta, run.step), schedule: settings.beta, position: run.position },
    ...{ steps_per_epoch: run.stepsPerEpoch, epoch_sums: inFileOrder(run.sums), time_line: {} },
    ...{ columns: history.names, history_epochs: history.epochs },
  };
  return { facts, tensors };
}

/** @param {import("./run.js").SavedRun} saved @param {Choice} choice */
function optimiserTensors({ optimiser, count }, choice) {
  /** @type {Record<string, Tensor>} */
  const out = {};
  const trained = choice.tensors.filter((tensor) => tensor.trained);
  optimiser.forEach((kept, i) => {
    if (count === 0 || Object.keys(kept).length === 0) return;
    out[`optimizer.${i}.step`] = { shape: [], values: Float32Array.of(count) };
    for (const [name, values] of Object.entries(kept))
      out[`optimizer.${i}.${name}`] = { shape: trained[i].shape, values };
  });
  return out;
}

/** Recon, kl, loss, images: the order in run files. @param {number[]} sums loss, recon, kl, …, images */
const inFileOrder = (sums) => [sums[1], sums[2], sums[0], sums[sums.length - 1]];

/** @param {ArrayLike<number>} values */
const wide = (values) => BigInt64Array.from(Array.from(values), BigInt);

/**
 * Which of the page's models a file is of, with which settings, and how to fill a run from it.
 * @param {RunFile} file
 * @param {Trainable} payload
 */
export function restoreFile({ facts, tensors }, payload) {
  const lacking = [
    ...NEEDED_FACTS.filter((name) => facts[name] === undefined),
    ...NEEDED.filter((name) => !tensors[name]),
  ];
  if (lacking.length) throw new Error(`this run file is damaged: it lacks ${lacking.join(", ")}.`);
  const choice = payload.choices.findIndex((one) => fits(one, facts, tensors));
  if (choice < 0)
    throw new Error(
      `this file is of a ${facts.model_class} that the page does not have. Save the page with it: ` +
        "save_html(..., train=dict(latent_dim=[...], likelihood=[...])).",
    );
  if (facts.position === undefined)
    throw new Error("this run was trained by a loop of its own: its file does not say how to go on.");
  const { epochs, batch_size, seed } = facts.options;
  const settings = {
    epochs: facts.epochs ?? epochs ?? null,
    batch_size,
    seed,
    lr: facts.lr,
    beta: facts.schedule,
  };
  return {
    choice,
    settings,
    dataset: facts.data.name,
    /** @param {Run} run */
    fill: (run) => run.restore(savedOf({ facts, tensors }, payload.choices[choice], run, payload)),
  };
}

/** Whether every tensor of a model is in the file, in its shape. @param {Choice} choice @param {any} facts @param {RunFile["tensors"]} tensors */
function fits({ tensors: own, facts: model, terms }, facts, tensors) {
  const names = Object.keys(tensors).filter((name) => name.startsWith("model."));
  return (
    ["model_class", "likelihood"].every((name) => facts[name] === model[name]) &&
    (facts.objective === undefined || facts.objective.name === model.objective.name) &&
    terms.slice(3).every((name) => !facts.columns.length || facts.columns.includes(name)) &&
    names.length === own.length &&
    own.every(({ name, shape }) => String(tensors[`model.${name}`]?.shape) === String(shape))
  );
}

/** @param {RunFile} file @param {Choice} choice @param {Run} run @param {Trainable} payload @returns {import("./run.js").SavedRun} */
function savedOf({ facts, tensors }, choice, run, payload) {
  const numbers = (/** @type {string} */ name) => Array.from(tensors[name].values, Number);
  const weights = Float32Array.from(choice.tensors.flatMap(({ name }) => numbers(`model.${name}`)));
  const trained = choice.tensors.filter((tensor) => tensor.trained);
  const count = tensors["optimizer.0.step"] ? numbers("optimizer.0.step")[0] : 0;
  const keeps = keptBy(payload.options.optimizer);
  const optimiser = trained.map(({ shape }, i) =>
    Object.fromEntries(
      keeps.map((name) => {
        const kept = tensors[`optimizer.${i}.${name}`];
        return [name, kept ? /** @type {Float32Array} */ (kept.values) : new Float32Array(size(shape))];
      }),
    ),
  );
  /** @type {Record<string, Float64Array>} */
  const columns = {};
  for (const name of run.history.names)
    columns[name] = Float64Array.from(
      tensors[`history.column.${name}`]
        ? numbers(`history.column.${name}`)
        : numbers("history.steps").fill(Number.NaN),
    );
  const [recon, kl, loss, images] = facts.epoch_sums;
  const extras = choice.terms.slice(3).map(() => 0);
  return {
    ...{ choice: payload.choices.indexOf(choice), settings: run.settings, dataset: run.data.name },
    ...{ step: facts.step, epoch: facts.epoch, position: facts.position, fault: null },
    ...{ sums: [loss, recon, kl, ...extras, images], weights, optimiser, count },
    history: {
      names: run.history.names,
      steps: Int32Array.from(numbers("history.steps")),
      columns,
      epochs: facts.history_epochs,
    },
  };
}
