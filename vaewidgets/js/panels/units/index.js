/**
 * The latent dimensions' bars with all that can be done to them: thresholds to drag, units to switch off, the time
 * line. Bound to the view's `delta`, `var_threshold`, `off` (numbers of units, from 0) and `time`.
 *
 * @typedef {import("../../contract/types.js").Packed} Packed
 * @typedef {import("../../host/widget.js").State} State
 * @typedef {{step: number, unit: string, recon: number|null, n: number, cost: Packed, off: number[],
 *   together: number|null, measuring: [number, number]|null}} Ablation  by how much recon of `n` images rises with
 *   each unit off (NaN: not measured yet), and with all of `off`; how many of how many units are measured, null: all
 */

import { toFloat32 } from "../../contract/bytes.js";
import { h, setText, show } from "../../host/dom.js";
import { dimName, formatCount, formatLoss, perImage } from "../../maths/format.js";
import { barsState } from "../latent/index.js";
import { createBars } from "./bars.js";

const MOST_NAMED = 6;

/**
 * The step of the first record from which on a unit is no longer above a threshold; null: alive, or never was.
 * @param {number[]} steps
 * @param {Float32Array} kl flat (steps, units)
 * @param {number} delta nats
 * @returns {(number|null)[]}
 */
export function deaths(steps, kl, delta) {
  const d = kl.length / Math.max(steps.length, 1);
  return Array.from({ length: d }, (_, j) => {
    let last = steps.length - 1;
    while (last >= 0 && !(kl[last * d + j] > delta)) last--;
    return last < 0 || last === steps.length - 1 ? null : steps[last + 1];
  });
}

/** "z₃ and z₇" @param {number[]} dims */
function list(dims) {
  const names = dims.slice(0, MOST_NAMED).map((dim) => dimName(dim));
  if (dims.length > MOST_NAMED) names.push(`${dims.length - MOST_NAMED} more`);
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}` : names.join();
}

/** "+2.31" @param {number} cost */
const signed = (cost) => `${cost < 0 ? "" : "+"}${formatLoss(cost)}`;

/**
 * What it costs to do without these units.
 * @param {number[]} off
 * @param {Ablation | null} ablation
 * @returns {string}
 */
export function costText(off, ablation) {
  if (off.length === 0) return "";
  const cost = ablation ? toFloat32(ablation.cost) : null;
  if (!ablation || ablation.recon === null || !cost || off.some((dim) => Number.isNaN(cost[dim]))) {
    const [done, of] = ablation?.measuring ?? [0, 0];
    if (ablation?.unit === "as logged") return `${list(off)} off: no cost, recon is known as logged alone`;
    const far = of ? `being measured (${done} of ${of} units)` : "not known yet";
    return `${list(off)} off: cost ${far}`;
  }
  const same = ablation.off.length === off.length && ablation.off.every((dim) => off.includes(dim));
  const together = off.length === 1 ? cost[off[0]] : same ? ablation.together : null;
  const from = `step ${formatCount(ablation.step)}, ${formatCount(ablation.n)} images`;
  const at = `${perImage(ablation.unit)}, of ${formatLoss(ablation.recon)} (${from})`;
  if (together !== null && together !== undefined) return `${list(off)} off: recon ${signed(together)} ${at}`;
  const single = off
    .slice(0, MOST_NAMED)
    .map((dim) => `${dimName(dim)} ${signed(cost[dim])}`)
    .join(", ");
  return `switched off one at a time: recon ${single} ${at}; the costs do not add up`;
}

/**
 * @param {HTMLElement} el
 * @param {import("../../host/widget.js").Context} context
 */
export function createUnitsView(el, { shell, view }) {
  const bars = createBars(el, {
    theme: shell.theme,
    onThreshold: (name, value) => view.set(name === "kl" ? "delta" : "var_threshold", value),
    onUnit(dim) {
      const off = /** @type {number[]} */ (view.get("off", []));
      view.set(
        "off",
        off.includes(dim) ? off.filter((other) => other !== dim) : [...off, dim].sort((a, b) => a - b),
      );
    },
  });
  const lives = h("p", "vw-note vw-lives", { hidden: true });
  const cost = h("p", "vw-note vw-cost", { hidden: true, role: "status" });
  el.append(lives, cost);
  /** @type {any[]} */
  let drawnFrom = [];
  /** @type {import("./bars.js").BarsState | null} */
  let drawn = null;

  return {
    /** @param {State} state @param {import("../time.js").TimeLinePart} time */
    update(state, time) {
      const ablation = /** @type {Ablation | null} */ (state.get("ablation"));
      const from = [state.frame.units, time.reader.line, time.moment?.index, ablation];
      from.push(...view.values("delta", "var_threshold", "off"));
      if (from.length === drawnFrom.length && from.every((value, i) => value === drawnFrom[i])) return;
      drawnFrom = from;
      const next = barsState(state.frame, time.units());
      if (!next) return;
      const { line } = time.reader;
      const klThreshold = view.get("delta", next.klThreshold);
      const off = /** @type {number[]} */ (view.get("off", [])).filter((dim) => dim < next.kl.length);
      // Only what has happened by the moment that is shown.
      const until = time.moment ? time.moment.index + 1 : (line?.steps.length ?? 0);
      const d = next.kl.length;
      const died = line?.kl
        ? deaths(line.steps.slice(0, until), toFloat32(line.kl).subarray(0, until * d), klThreshold)
        : [];
      drawn = { ...next, klThreshold, varThreshold: view.get("var_threshold", next.varThreshold), off, died };
      bars.update(drawn);
      const dead = died.flatMap((step, dim) => (step === null ? [] : [{ dim, step }]));
      dead.sort((a, b) => a.step - b.step);
      const named = dead.slice(0, MOST_NAMED);
      const names = named.map(({ dim, step }) => `${dimName(dim)} at step ${formatCount(step)}`);
      if (dead.length > MOST_NAMED) names.push(`${dead.length - MOST_NAMED} more`);
      show(lives, dead.length > 0);
      setText(lives, dead.length ? `† died: ${names.join(", ")}` : "");
      const text = costText(off, ablation);
      show(cost, text !== "");
      setText(cost, text);
    },
    handle: {
      /** What is drawn: kl, varMu, klThreshold, varThreshold, off, died. */
      units: () => drawn,
    },
    destroy() {
      bars.destroy();
      lives.remove();
      cost.remove();
    },
  };
}
