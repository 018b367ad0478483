/**
 * What a widget of a page shows of a run, read from the state that it was saved with: no widget is known by its name
 * here, so that each one moves whose sections the page can make. No DOM.
 *
 * @typedef {{seq: number, sections: string[], keys: string[], n: number, latentPoints: boolean,
 *   thresholds: {delta: number, var_threshold: number}, grid: {index: Int32Array, seed: number | null} | null,
 *   values: import("../contract/types.js").Values["items"]}} Wants
 *   sections of the frame that are made anew with each picture; keys: live keys beside it; n: points at most; values:
 *   those of the author's own, by which points can be colored
 */
import { toInt32 } from "../contract/bytes.js";

const MADE = ["curves", "scatter", "units", "latent", "grid"];
const KEPT = ["seq", "run", "error", "form", "ghost", "framing"];
const KEYS = ["decoder", "encoder", "score", "originals", "values", "posteriors", "sample_labels"];
const POINTS = 2000;
/** Names of values that follow from the model, as in sections/values.py. */
const BUILT_IN = ["recon", "kl", "|mu|"];

/** How many images a saved widget shows points of. @param {Record<string, any>} state @returns {number} */
export function countOf({ frame }) {
  const { units, latent, scatter } = frame ?? {};
  return scatter?.points.shape[0] ?? units?.n ?? latent?.n ?? POINTS;
}

/**
 * @param {Record<string, any>} state of a saved widget
 * @returns {Wants | null} null: a picture that only Python can make
 */
export function wantsOf(state) {
  const frame = state.frame ?? {};
  const names = Object.keys(frame);
  if (!frame.run || names.some((name) => !MADE.includes(name) && !KEPT.includes(name))) return null;
  const { units, grid, latent } = frame;
  const sections = names.filter((name) => MADE.includes(name) || name === "form");
  // an autoencoder has no units; the run that is started from its form may have some
  if (frame.form && !units) sections.push("units");
  return {
    seq: frame.seq ?? 0,
    sections,
    keys: KEYS.filter((key) => state[key]),
    n: countOf(state),
    latentPoints: Boolean(latent?.points),
    thresholds: { delta: units?.delta ?? 0.01, var_threshold: units?.var_threshold ?? 0.01 },
    grid: grid ? { index: toInt32(grid.indices), seed: grid.seed } : null,
    values: (state.values?.items ?? []).filter((/** @type {any} */ item) => !BUILT_IN.includes(item.name)),
  };
}

/** Live keys that speak of a moment of the saved run, and are wrong as soon as another one is shown. @param {Record<string, any>} state */
export function staleKeys(state) {
  return Object.keys(state).filter((key) => /^(time_weights_\d|ablation|tsne)$/.test(key) && state[key]);
}
