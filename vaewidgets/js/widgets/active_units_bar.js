/** ActiveUnitsBar: KL per latent dimension and Var(mu), both thresholds, the active counts. Handle: see parts/base.js. */
import { formatCount } from "../lib/axes.js";
import { createBars } from "../lib/bars.js";
import { defineWidget } from "../parts/base.js";
import { barsState } from "../parts/latent.js";
import { createTimeLine } from "../parts/time.js";

export default defineWidget({
  name: "active-units-bar",
  label: "Active units",
  build({ shell, view }) {
    const bars = createBars(shell.body, { theme: shell.theme });
    const time = createTimeLine(shell.body, { view });
    return {
      update(state) {
        time.update(state);
        const drawn = barsState(state.frame, time.units());
        if (drawn) bars.update(drawn);
      },
      caption: ({ frame }) =>
        `KL of each latent dimension in nats (bars) and Var(μ) (◆) over ${formatCount(frame.units?.n ?? 0)} images; dashed: thresholds.`,
      destroy() {
        time.destroy();
        bars.destroy();
      },
    };
  },
});
