/** TrainingCurves: loss, recon and KL over training. Handle: see parts/base.js. */
import { createCurves } from "../lib/curves.js";
import { defineWidget } from "../parts/base.js";
import { curvesState } from "../parts/latent.js";

export default defineWidget({
  name: "training-curves",
  label: "Training curves",
  build({ shell }) {
    const curves = createCurves(shell.body, { theme: shell.theme });
    return {
      update: ({ frame }) => curves.update(curvesState(frame)),
      caption: ({ frame }) =>
        `loss = recon + β·KL of ${frame.run.name || frame.run.model}, means over each stretch of steps with their range.`,
      destroy: () => curves.destroy(),
    };
  },
});
