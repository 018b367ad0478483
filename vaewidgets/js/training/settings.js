/**
 * Settings of a run that the page trains: which an author let in, and in what range. No DOM.
 *
 * @typedef {import("../contract/types.js").Trainable} Trainable
 * @typedef {import("./trainer.js").Settings} Settings
 * @typedef {import("./run.js").RunSettings} RunSettings
 */
import { scheduleOf, targetKl } from "./schedules.js";

const MODEL = /** @type {const} */ (["kind", "likelihood", "latent_dim"]);
/** A weight beyond it overflows in float32. */
const LARGEST_BETA = 1e30;

/** Those of the payload. @param {Trainable} payload @returns {RunSettings} */
export function settingsOf({ options }) {
  const { epochs, batch_size, seed, lr, schedule } = options;
  return { epochs, batch_size, seed, lr, beta: /** @type {any} */ (schedule) };
}

/**
 * The numbers among the settings, checked; an Error says what is wrong.
 * @param {Settings} settings @param {Trainable | null} [payload] @returns {Partial<RunSettings>}
 */
export function checkSettings(settings, payload = null) {
  const { kind, likelihood, latent_dim, beta, target_kl, ...numbers } = settings;
  for (const name of /** @type {const} */ (["batch_size", "seed", "epochs"])) {
    const value = numbers[name];
    const lowest = name === "seed" ? 0 : 1;
    if (value === undefined || (name === "epochs" && value === null)) continue;
    if (!Number.isInteger(value) || Number(value) < lowest || Number(value) >= 2 ** 32)
      throw new Error(`${name} is ${value}; expected a whole number, at least ${lowest}.`);
  }
  if (numbers.lr !== undefined && !(Number.isFinite(numbers.lr) && numbers.lr > 0))
    throw new Error(`lr is ${numbers.lr}; expected a number above 0.`);
  if (typeof beta === "number" && !(beta >= 0 && beta <= LARGEST_BETA))
    throw new Error(`beta is ${beta}; expected a number from 0 to ${LARGEST_BETA}.`);
  if (payload && numbers.batch_size !== undefined && !payload.batch_sizes.includes(numbers.batch_size))
    throw new Error(`batch_size is ${numbers.batch_size}; this page has ${payload.batch_sizes.join(", ")}.`);
  const isHeld = target_kl !== undefined && target_kl !== null && kind !== "AE";
  if (isHeld && !(Number.isFinite(target_kl) && target_kl > 0))
    throw new Error(`target_kl is ${target_kl}; expected a number above 0, or nothing.`);
  const schedule = isHeld ? targetKl(target_kl) : beta;
  return {
    ...numbers,
    ...(schedule === undefined ? {} : { beta: scheduleOf(schedule) }),
  };
}

/**
 * The index of the model of these settings; an Error names the first one that was not let in.
 * @param {Trainable} payload
 * @param {{kind: string, likelihood: string, latent_dim: number}} wanted
 */
export function choose({ choices }, wanted) {
  let left = choices.map((choice, i) => ({ choice, i }));
  for (const name of MODEL) {
    const known = [...new Set(left.map(({ choice }) => choice[name]))];
    left = left.filter(({ choice }) => choice[name] === wanted[name]);
    if (left.length === 0)
      throw new Error(
        `${name} is ${wanted[name]}; this page was saved with ${known.join(", ")}. To let it in: ` +
          `save_html(..., train=dict(${name}=[...])).`,
      );
  }
  return left[0].i;
}
