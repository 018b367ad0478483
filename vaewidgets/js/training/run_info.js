/**
 * What a frame says of a run of the page beside its pictures: who runs, the form for the next run, the run before as a
 * ghost (as run_state, form_state and the ghost of Python). No DOM.
 *
 * @typedef {import("../contract/types.js").RunState} RunState
 * @typedef {import("../contract/types.js").Form} Form
 * @typedef {import("../contract/types.js").Ghost} Ghost
 * @typedef {import("../contract/types.js").Curves} Curves
 * @typedef {import("../contract/types.js").Units} Units
 * @typedef {import("../contract/types.js").Trainable} Trainable
 * @typedef {import("./trainer.js").TrainerState} TrainerState
 * @typedef {{id: string, status: RunState["status"], error: string | null, speed: number | null, rate: number}} Status
 *   rate: steps a second
 * @typedef {Record<string, number | string>} Settings
 */
import { toFloat32 } from "../contract/bytes.js";
import { newestOf } from "../maths/newest.js";
import { countAbove } from "../maths/statistics.js";
import { describe } from "./schedules.js";

const ACTIVE = 0.01;
const MOST_NAMED = 3;
/** Names of models by kind, where a run of another kind is started. @type {Record<string, string>} */
const MODELS = { VAE: "MLPVAE", AE: "Autoencoder" };
const LIKELIHOODS = { bernoulli: "BCE", squared_error: "MSE" };

/**
 * @param {RunState} saved what the page was saved with
 * @param {Trainable} payload
 * @param {TrainerState} state
 * @param {Status} status
 * @returns {RunState}
 */
export function runState(saved, payload, state, { id, status, error, speed, rate }) {
  const own = payload.choices[payload.chosen];
  const model = state.kind === own.kind ? saved.name.split(" on ")[0] : MODELS[state.kind];
  return {
    ...saved,
    id,
    name: `${model} on ${state.dataset}`,
    status,
    error,
    can_train: true,
    step: state.step,
    epoch: state.epoch,
    epochs: state.epochs,
    steps_per_epoch: state.stepsPerEpoch,
    steps_per_second: rate,
    beta: state.beta,
    beta_controllable: state.kind !== "AE",
    beta_schedule: describe(state.schedule),
    lr: state.lr,
    lr_controllable: true,
    speed,
    unit: state.unit,
    likelihood: state.likelihood,
    dataset: state.dataset,
    device: `this page (${state.engine.name}${state.engine.reason && `; ${state.engine.reason}`})`,
    latent_dim: state.latentDim,
  };
}

/** Each once, in the order of first appearance. @template T @param {T[]} values */
const distinct = (values) => [...new Set(values)];

/**
 * What the form of the next run starts from, and what the author let in.
 * @param {Form} saved @param {Trainable} payload @param {TrainerState} state
 * @param {string[]} datasets what can be trained on @returns {Form}
 */
export function formState(saved, { choices, batch_sizes }, state, datasets) {
  const { kind, likelihood, latentDim, beta, lr, seed, batchSize, dataset } = state;
  const known = distinct(choices.map((one) => one.likelihood));
  const names = { ...LIKELIHOODS, ...saved.likelihoods };
  const form = {
    ...saved,
    ...{ dataset, datasets, kind, likelihood, latent_dim: latentDim, beta, lr, seed },
    epochs: state.epochs ?? saved.epochs,
    batch_size: batchSize,
    kinds: distinct(choices.map((one) => one.kind)),
    latent_dims: distinct(choices.map((one) => one.latent_dim)).sort((a, b) => a - b),
    batch_sizes,
    likelihoods: Object.fromEntries(
      known.map((name) => [name, names[/** @type {"bernoulli"} */ (name)] ?? name]),
    ),
  };
  return { ...form, code: codeOf(saved, form) };
}

/**
 * The code that was saved, with this run's numbers in place; what has no place in it is said in a comment.
 * @param {Form} saved @param {Form} now
 */
function codeOf(saved, now) {
  let { code } = saved;
  const rest = [];
  for (const name of /** @type {const} */ ([
    "latent_dim",
    "likelihood",
    "beta",
    "lr",
    "epochs",
    "batch_size",
    "seed",
  ])) {
    if (now[name] === saved[name]) continue;
    const value = typeof now[name] === "string" ? JSON.stringify(now[name]) : String(now[name]);
    const place = new RegExp(`\\b${name}=("[^"]*"|'[^']*'|[^,()]+)`);
    if (place.test(code)) code = code.replace(place, `${name}=${value}`);
    else rest.push(`${name}=${value}`);
  }
  if (now.seed !== saved.seed) code = code.replace(/manual_seed\(\d+\)/, `manual_seed(${now.seed})`);
  if (now.kind !== saved.kind) code = code.replace(/vw\.(MLPVAE|Autoencoder)\(/, `vw.${MODELS[now.kind]}(`);
  return rest.length ? `${code}\n# as it was trained in the page: also ${rest.join(", ")}` : code;
}

/**
 * Settings by which two runs are told apart, the ones turned most often first.
 * @param {TrainerState} state @param {number} [begun] the beta of its first step @returns {Settings}
 */
export function settingsOf(state, begun = state.beta) {
  return {
    β: begun === state.beta ? begun : `${begun} → ${state.beta}`,
    latent_dim: state.latentDim,
    model: MODELS[state.kind] ?? state.kind,
    likelihood: state.likelihood,
    lr: state.lr,
    batch_size: state.batchSize,
    epochs: state.epochs ?? "no end",
    seed: state.seed,
  };
}

/**
 * What stays of a run when another one begins.
 * @param {{run: RunState, curves: Curves, units: Units | null, settings: Settings}} old
 * @param {Settings} next of the run that begins
 * @returns {Ghost}
 */
export function ghostState({ run, curves, units, settings }, next) {
  const differ = Object.keys(settings).filter((name) => settings[name] !== next[name]);
  const label = differ
    .slice(0, MOST_NAMED)
    .map((name) => `${name} ${String(settings[name]).includes("→") ? "" : "= "}${settings[name]}`);
  const [first] = differ;
  const value = first === undefined ? null : settings[first];
  const { id, name, epoch, step, unit, latent_dim } = run;
  return {
    run: { id, name, epoch, step, unit, latent_dim },
    setting: {
      label: label.join(", ") || name,
      name: first ?? null,
      value: typeof value === "number" ? value : null,
    },
    curves,
    numbers: {
      loss: newestOf({ curves }, "loss"),
      recon: newestOf({ curves }, "recon"),
      kl: newestOf({ curves }, "kl"),
    },
    active: units && {
      kl: countAbove(toFloat32(units.kl), ACTIVE),
      var: countAbove(toFloat32(units.var_mu), ACTIVE),
    },
  };
}
