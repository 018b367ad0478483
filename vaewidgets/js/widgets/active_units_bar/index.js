/**
 * ActiveUnitsBar: KL per latent dimension and Var(mu), both thresholds, the active counts, what a unit is worth.
 * Handle: see host/widget.js; units() from panels/units/index.js.
 */

import { defineWidget } from "../../host/widget.js";
import { formatCount } from "../../maths/format.js";
import { createTimeLine } from "../../panels/time.js";
import { createUnitsView } from "../../panels/units/index.js";
import help from "./help.json" with { type: "json" };

export default defineWidget({
  name: "active-units-bar",
  label: "Active units",
  help,
  build(context) {
    const { shell, view } = context;
    const units = createUnitsView(shell.body, context);
    const time = createTimeLine(shell.body, { view });
    return {
      update(state) {
        time.update(state);
        units.update(state, time);
      },
      caption: ({ frame }) =>
        `KL of each latent dimension in nats (bars) and Var(μ) (◆) over ${formatCount(frame.units?.n ?? 0)} images; dashed: thresholds.`,
      handle: units.handle,
      destroy() {
        time.destroy();
        units.destroy();
      },
    };
  },
});
