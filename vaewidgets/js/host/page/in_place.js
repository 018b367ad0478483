/**
 * Training in the place of one widget whose kernel is gone: a notebook that was opened again, HTML that was made of one. A
 * program of its own, which stands in the widget's state (see widgets/latent_explorer/offer.js).
 */
import { contentOf, unpacked } from "./content.js";
import { createModel } from "./model.js";
import { createRunFiles } from "./run_files.js";
import { createTraining } from "./training.js";

/**
 * @param {Record<string, any>} state of the widget
 * @param {import("./content.js").Training & {elements: [string, string][]}} kept its live key `training`
 * @returns {Promise<{model: import("./model.js").PageModel, tools: HTMLElement[]}>} a model that the page trains, and the
 *   buttons for its run files
 */
export async function trainInPlace(state, kept) {
  const load = async (/** @type {any} */ ref) => unpacked(kept.elements[ref]);
  const content = contentOf(() => ({ widgets: [] }), load);
  const model = createModel({ ...state, widget_id: "" }); // no view of the model of before may take it over
  const training = createTraining(content, { ...kept, state: await content.json(kept.state) }, [model]);
  await training.restore();
  return { model, tools: createRunFiles(training, "vw-button") };
}
