/** The controls below the picture. */
import { createChoice, createPress, createSegments, createSlider } from "../../host/controls.js";
import { dimName } from "../../maths/format.js";

export const MANY = 16;

/**
 * @param {HTMLElement} el
 * @param {{view: import("../../host/view.js").ViewState, onStep: () => void, onWalk: () => void, onBack: () => void,
 *   dims: () => number[]}} opts
 */
export function createKnobs(el, { view, onStep, onWalk, onBack, dims }) {
  const beta = createSlider(el, {
    name: "beta",
    label: "β",
    title: "weight of the KL in this picture; the run is left alone",
    min: 0.01,
    max: 100,
    zero: true,
    onChange: (value) => view.set("beta", value),
  });
  const own = createPress(el, {
    name: "own-beta",
    text: "β of the run",
    onPress: () => view.set("beta", null),
  });
  const samples = createSegments(el, {
    name: "samples",
    label: "draws of ε",
    choices: [
      { value: String(MANY), text: "mean of 16 ε", title: "what training sees on average" },
      { value: "1", text: "one ε", title: "what one step of training sees" },
    ],
    onChange: (value) => view.set("samples", Number(value)),
  });
  const redraw = createPress(el, {
    name: "redraw",
    text: "draw ε again",
    onPress: () => view.set("seed", ((view.get("seed", 0) ?? 0) + 1) % 100_000),
  });
  const step = createPress(el, { name: "step", text: "one step", onPress: onStep });
  const walk = createPress(el, { name: "walk", text: "walk to the balance", main: true, onPress: onWalk });
  const back = createPress(el, { name: "back", text: "encoder’s μ", onPress: onBack });
  const show = createSegments(el, {
    name: "show",
    label: "what is in sight",
    choices: [
      { value: "prior", text: "whole prior" },
      { value: "close", text: "close up" },
    ],
    onChange: (value) => view.set("show", value),
  });
  const axes = ["across", "up"].map((name, k) =>
    createChoice(el, {
      name,
      label: name,
      onChange(/** @type {number} */ j) {
        const now = [...dims()];
        if (now[1 - k] === j) now[1 - k] = now[k];
        now[k] = j;
        view.set("axes", now);
      },
    }),
  );
  return {
    /** @param {{beta: number, samples: number, close: boolean, can: boolean, d: number}} now */
    update(now) {
      beta.update({ value: now.beta });
      own.update({ disabled: view.get("beta", null) === null });
      samples.update({ value: String(now.samples) });
      for (const press of [redraw, step, walk]) press.update({ disabled: !now.can });
      back.update({ disabled: view.get("mu", null) === null });
      show.update({ value: now.close ? "close" : "prior" });
      const shown = dims();
      const choices = Array.from({ length: now.d }, (_, j) => ({ value: j, text: dimName(j) }));
      axes.forEach((choice, k) => {
        choice.update({ value: shown[k] ?? 0, choices, hidden: now.d < 3 });
      });
    },
    destroy() {
      for (const part of [beta, own, samples, redraw, step, walk, back, show, ...axes]) part.destroy();
    },
  };
}
