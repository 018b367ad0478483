/** Sliders of a schedule: its own, and of the two costs that are held. */
import { linearSlider, logSlider } from "../../draw/scales.js";
import { createSlider } from "../../host/controls.js";
import { h } from "../../host/dom.js";
import { heldTerm, rises } from "./schedules.js";

/** @typedef {import("../../contract/types.js").ViewKey} ViewKey */

export const MOST_BETA = 10;
export const MOST_STEPS = 1_000_000;
export const MOST_CYCLES = 20;
/** @type {Record<"target_kl" | "target_recon", [number, number]>} */
export const TARGETS = { target_kl: [1e-3, 1e6], target_recon: [-1e6, 1e6] };

/** @param {HTMLElement} side @param {(name: ViewKey, value: number) => void} onChange */
export function createKnobs(side, onChange) {
  const knobs = h("div", "vw-concept-knobs vw-wide-labels");
  side.append(knobs);
  /** @param {ViewKey} name @param {string} label @param {string} title @param {[number, number]} range @param {any} scale @param {string} [unit] */
  const slider = (name, label, title, [min, max], scale, unit = "") =>
    createSlider(knobs, {
      name,
      label,
      title,
      min,
      max,
      scale,
      unit,
      onChange: (value) => onChange(name, value),
    });
  const sliders = {
    start: slider(
      "start",
      "start",
      "β at the first step",
      [0, MOST_BETA],
      linearSlider({ min: 0, max: 4, step: 0.05 }),
    ),
    end: slider("end", "end", "final β", [0, MOST_BETA], linearSlider({ min: 0, max: 4, step: 0.05 })),
    steps: slider(
      "steps",
      "training",
      "length of the training",
      [1, MOST_STEPS],
      logSlider({ min: 10, max: 100_000, whole: true }),
      "steps",
    ),
    cycles: slider(
      "cycles",
      "cycles",
      "number of cycles",
      [1, MOST_CYCLES],
      linearSlider({ min: 1, max: MOST_CYCLES, step: 1 }),
    ),
    ratio: slider(
      "ratio",
      "ramp fraction",
      "fraction of the training, or of a cycle, in which β rises",
      [0.001, 1],
      linearSlider({ min: 0.01, max: 1, step: 0.01 }),
    ),
    target_kl: slider(
      "target_kl",
      "KL wanted",
      "the KL that β holds",
      TARGETS.target_kl,
      logSlider({ min: 0.5, max: 100 }),
      "nats",
    ),
    target_recon: slider(
      "target_recon",
      "recon wanted",
      "the recon that β holds",
      TARGETS.target_recon,
      linearSlider({ min: 60, max: 220, step: 1 }),
      "nats",
    ),
  };
  const heldTitle = h("p", "vw-knobs-title", { text: "held fixed to isolate β" });
  knobs.append(heldTitle);
  const costSliders = {
    recon: slider(
      "recon",
      "recon",
      "reconstruction cost",
      [0, 1e6],
      logSlider({ min: 0.01, max: 1000, zero: true }),
    ),
    kl: slider("kl", "KL", "KL", [0, 1e6], logSlider({ min: 0.01, max: 1000, zero: true }), "nats"),
  };

  return {
    /** @param {import("./schedules.js").Settings} settings @param {{recon: number, kl: number}} costs */
    update(settings, costs) {
      const { kind } = settings;
      const holds = heldTerm(settings) !== null;
      const hidden = {
        start: !rises(settings),
        end: holds,
        steps: false,
        cycles: kind !== "cyclical",
        ratio: !rises(settings),
        target_kl: kind !== "target_kl",
        target_recon: kind !== "geco",
      };
      for (const key of /** @type {(keyof typeof sliders)[]} */ (Object.keys(sliders)))
        sliders[key].update({ value: settings[key], hidden: hidden[key] });
      heldTitle.hidden = holds;
      costSliders.recon.update({ value: costs.recon, hidden: holds });
      costSliders.kl.update({ value: costs.kl, hidden: holds });
    },
    destroy() {
      for (const one of [...Object.values(sliders), ...Object.values(costSliders)]) one.destroy();
    },
  };
}
