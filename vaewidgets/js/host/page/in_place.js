/**
 * Training in the place of widgets whose kernel is gone: a notebook that was opened again, HTML that was made of one. A
 * program of its own, which stands in the state of the widget that offers it (see widgets/latent_explorer/offer.js).
 */
import { takeRun } from "../taken.js";
import { inPlaceOf } from "../view.js";
import { contentOf, unpacked } from "./content.js";
import { createModel } from "./model.js";
import { createRunFiles } from "./run_files.js";
import { createTraining } from "./training.js";

/**
 * @param {import("../widget.js").Model} given of the widget that offers it; every other widget of its run trains along
 * @param {import("./content.js").Training & {elements: [string, string][], keys: string[]}} kept its live key `training`;
 *   keys: what a widget's state may hold
 * @returns {Promise<HTMLElement[]>} the buttons for the run's files
 */
export async function trainInPlace(given, { elements, keys, ...kept }) {
  const load = async (/** @type {any} */ ref) => unpacked(elements[ref]);
  const content = contentOf(() => ({ widgets: [] }), load);
  /** By the widget's name: a host gives each view a model of its own. @type {Map<string, import("./model.js").PageModel>} */
  const models = new Map();

  function modelOf(/** @type {import("../widget.js").Model} */ widget) {
    const ends = [
      "",
      ...(widget.get("frame").others ?? []).map((/** @type {any} */ { run }) => `:${run.id}`),
    ];
    const names = ends.flatMap((end) => keys.map((key) => key + end));
    const state = Object.fromEntries(names.map((name) => [name, widget.get(name)]));
    // another name, so that no view of the model of before takes it over
    return createModel({ ...state, widget_id: inPlaceOf(widget.get("widget_id")) });
  }

  const first = modelOf(given);
  models.set(given.get("widget_id"), first);
  const training = createTraining(content, { ...kept, state: await content.json(kept.state) }, [first]);
  await training.restore();
  takeRun(kept.run, (widget) => {
    const id = widget.get("widget_id");
    const model = models.get(id) ?? modelOf(widget);
    if (!models.has(id)) training.join(model);
    models.set(id, model);
    return model;
  });
  return createRunFiles(training, { kind: "vw-button", within: ".vw-root" }); // the rest of the page is its host's
}
