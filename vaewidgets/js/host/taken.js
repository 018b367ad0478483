/**
 * Runs that the page trains because their kernel is gone: from then on every widget of such a run is drawn with another
 * model, also one that is drawn later. One table for all bundles of the page. No DOM.
 *
 * @typedef {import("./widget.js").Model} Model
 * @typedef {(model: Model) => Model} Replace  gives the model that takes the place of a widget's
 */

const page = /** @type {any} */ (globalThis);
const TAKEN = Symbol.for("vaewidgets.taken.1");
page[TAKEN] ??= { runs: new Map(), models: new WeakSet(), views: new Set() };
/** models: the page's, which nothing replaces; views: to be called when a run is taken over.
 * @type {{runs: Map<string, Replace>, models: WeakSet<Model>, views: Set<() => void>}} */
const taken = page[TAKEN];

/** The model that a widget is drawn with: its own, or that of the page. @param {Model} model @returns {Model} */
export function modelInForce(model) {
  const replace = taken.models.has(model) ? null : taken.runs.get(model.get("frame")?.run?.id);
  if (!replace) return model;
  const next = replace(model);
  taken.models.add(next);
  return next;
}

/** @param {() => void} onTaken called when a run is taken over @returns {() => void} ends it */
export function watchTaken(onTaken) {
  taken.views.add(onTaken);
  return () => taken.views.delete(onTaken);
}

/** Draw all widgets of a run with other models from now on. @param {string} run its id @param {Replace} replace */
export function takeRun(run, replace) {
  taken.runs.set(run, replace);
  for (const view of [...taken.views]) view();
}
