/**
 * The previous run beside the one that is shown: last values and active units of both, until it is dismissed.
 *
 * Controls: .vw-dismiss.
 *
 * @typedef {import("../../contract/types.js").Frame} Frame
 * @typedef {import("../../contract/types.js").Newest} Newest
 */

import { toFloat32 } from "../../contract/bytes.js";
import { createPress } from "../../host/controls.js";
import { h, setText, show } from "../../host/dom.js";
import { formatLoss, perImage } from "../../maths/format.js";
import { newestOf } from "../../maths/newest.js";
import { countAbove } from "../../maths/statistics.js";

const QUANTITIES = /** @type {const} */ (["loss", "recon", "kl"]);

/**
 * One row a quantity: its name with the unit, its value now, its value in the previous run. Null without one.
 * @param {Frame} frame
 * @returns {[string, string, string][] | null}
 */
export function rowsOf(frame) {
  const { ghost, run, units } = frame;
  if (!ghost) return null;
  const text = (/** @type {Newest | null} */ one) => (one ? `${formatLoss(one.value)} (${one.split})` : "–");
  const same = ghost.run.unit === run.unit;
  /** @type {[string, string, string][]} */
  const rows = QUANTITIES.map((name) => {
    const unit = name === "kl" ? "nats" : same ? run.unit : "unit of its likelihood";
    return [`${name}, ${perImage(unit)}`, text(newestOf(frame, name)), text(ghost.numbers[name])];
  });
  const now = units
    ? `${countAbove(toFloat32(units.kl), units.delta)} of ${units.kl.shape[0]}`
    : "none: no posterior";
  const then = ghost.active ? `${ghost.active.kl} of ${ghost.run.latent_dim}` : "none: no posterior";
  rows.push(["active units, by KL", now, then]);
  return rows;
}

/**
 * @param {HTMLElement} el
 * @param {import("../../host/widget.js").Context} context
 */
export function createGhost(el, { view }) {
  const name = h("th", "", { scope: "col" });
  const body = h("tbody");
  const head = h("tr", "", {}, [h("td"), h("th", "", { scope: "col", text: "this run" }), name]);
  const table = h("table", "vw-ghost-table", {}, [h("thead", "", {}, [head]), body]);
  const wrap = h("div", "vw-ghost", { hidden: true }, [table]);
  el.append(wrap);
  const dismiss = createPress(wrap, {
    name: "dismiss",
    text: "hide the previous run",
    onPress: () => view.set("ghost", false),
  });
  return {
    /** @param {Frame} frame */
    update(frame) {
      const rows = view.get("ghost", true) ? rowsOf(frame) : null;
      show(wrap, rows !== null);
      if (!rows || !frame.ghost) return;
      setText(name, `previous run (${frame.ghost.setting.label})`);
      if (body.children.length !== rows.length) {
        body.replaceChildren(
          ...rows.map(() => h("tr", "", {}, [h("th", "", { scope: "row" }), h("td"), h("td")])),
        );
      }
      rows.forEach((row, i) => {
        for (const [j, cell] of row.entries()) setText(body.children[i].children[j], cell);
      });
    },
    destroy() {
      dismiss.destroy();
      wrap.remove();
    },
  };
}
