/**
 * What the widgets share that decode in the page: the class that a conditional decoder is given.
 *
 * @typedef {import("../host/view.js").ViewState} ViewState
 */

import { createChoice } from "../host/controls.js";
import { nameOfLabel } from "../maths/classes.js";

/**
 * The class given to the decoder, in the view as `label`; hidden where it takes none.
 * @param {HTMLElement} el
 * @param {ViewState} view
 */
export function createClassChoice(el, view) {
  const select = createChoice(el, {
    name: "class",
    label: "condition on class",
    onChange: (value) => view.set("label", value === "none" ? null : Number(value)),
  });
  return {
    /**
     * @param {number} classes of the model, numbered from 0
     * @param {import("../contract/types.js").RunInfo} run
     * @returns {number | null} the class
     */
    update(classes, run) {
      const chosen = view.get("label", null);
      const label = classes && Number.isInteger(chosen) && chosen >= 0 && chosen < classes ? chosen : null;
      const choices = Array.from({ length: classes }, (_, i) => ({
        value: String(i),
        text: nameOfLabel(run, i),
      }));
      select.update({
        value: label === null ? "none" : String(label),
        choices: [{ value: "none", text: "none" }, ...choices],
        hidden: classes === 0,
      });
      return label;
    },
    destroy: () => select.destroy(),
  };
}
