/** ActiveUnitsBar: KL per latent dimension and Var(mu), both thresholds, the active counts. Handle: see parts/base.js. */
import { formatCount } from "../lib/axes.js";
import { createBars } from "../lib/bars.js";
import { defineWidget } from "../parts/base.js";
import { barsState } from "../parts/latent.js";

export default defineWidget({
  name: "active-units-bar",
  label: "Active units",
  build({ shell }) {
    const bars = createBars(shell.body, { theme: shell.theme });
    return {
      update({ frame }) {
        const state = barsState(frame);
        if (state) bars.update(state);
      },
      caption: ({ frame }) =>
        `KL of each latent dimension in nats (bars) and Var(μ) (◆) over ${formatCount(frame.units?.n ?? 0)} images; dashed: thresholds.`,
      destroy: () => bars.destroy(),
    };
  },
});
