/**
 * TrainingCurves: loss, recon and KL over training, of one run or of several.
 * Handle: see host/widget.js; curves() gives what is drawn, readout() what is read at the cursor.
 *
 * Controls: .vw-log, .vw-smoothing (.vw-slider, .vw-number), .vw-quantity .vw-select (of several runs); each panel is
 * a .vw-plot that takes the arrow keys.
 */
import { defineWidget } from "../../host/widget.js";
import { createCurvesView, partsOf } from "../../panels/curves/index.js";
import help from "./help.json" with { type: "json" };

export default defineWidget({
  name: "training-curves",
  label: "Training curves",
  help,
  build(context) {
    const curves = createCurvesView(context.shell.body, context);
    return {
      update: ({ frame }) => curves.update(frame),
      caption({ frame }) {
        const runs = partsOf(frame);
        const what = runs.length > 1 ? `${runs.length} runs on ${frame.run.dataset}` : frame.run.name;
        return `loss = recon + β·KL of ${what}, line: mean; band: min–max.`;
      },
      handle: curves.handle,
      destroy: () => curves.destroy(),
    };
  },
});
