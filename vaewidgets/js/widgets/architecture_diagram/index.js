/**
 * ArchitectureDiagram: a model with its shapes, and one training step to walk through.
 *
 * View: kind ("ae", "vae", "reparameterised"), step of the walk.
 * Frame: name of the model; kinds, for each the training step that Python took (widgets/architecture_diagram/training_walk.js).
 * Handle: see host/widget.js; steps, their names; lit, the parts and edges that are lit; playing.
 * Keys on the slider: arrows, Home, End.
 *
 * @typedef {import("./training_walk.js").Walked} Walked
 */

import { createPress, createSegments, ICONS } from "../../host/controls.js";
import { h, OWN_KEYS, reducedMotion, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { createArchitecture } from "./diagram.js";
import help from "./help.json" with { type: "json" };
import { stepsOf } from "./training_walk.js";

const PAUSE_MS = 2600;
/** @type {Record<string, string>} */
const NAMES = {
  ae: "autoencoder",
  vae: "VAE with direct sampling",
  reparameterised: "VAE with reparameterization",
};

export default defineWidget({
  name: "architecture-diagram",
  label: "Architecture",
  help,
  build({ shell, view }) {
    const top = h("div", "vw-arch-top");
    const says = h("p", "vw-arch-says", { role: "status" });
    const foot = h("div", "vw-arch-foot", {
      role: "toolbar",
      "aria-label": "walk through a training step",
      ...OWN_KEYS,
    });
    shell.body.append(top);
    const picture = createArchitecture(shell.body, shell.theme);
    shell.body.append(says, foot);

    /** @type {Record<string, Walked>} */
    let kinds = {};
    /** @type {ReturnType<typeof createSegments> | null} */
    let which = null;
    /** @type {ReturnType<typeof setInterval> | null} */
    let timer = null;

    const kind = () => {
      const wanted = view.get("kind", "reparameterised");
      return kinds[wanted] ? wanted : Object.keys(kinds)[0];
    };
    const steps = () => stepsOf(kinds[kind()]);
    const at = () => Math.min(view.get("step", 0), steps().length - 1);
    const go = (/** @type {number} */ step) =>
      view.set("step", Math.min(Math.max(step, 0), steps().length - 1));

    function setPlaying(/** @type {boolean} */ on) {
      if (timer) clearInterval(timer);
      timer = on
        ? setInterval(() => {
            if (at() >= steps().length - 1) setPlaying(false);
            else go(at() + 1);
          }, PAUSE_MS)
        : null;
      showButtons();
    }

    /** By hand: it no longer plays by itself. @param {number} by */
    function turn(by) {
      setPlaying(false);
      go(at() + by);
    }

    const back = createPress(foot, { name: "back", onPress: () => turn(-1) });
    const play = createPress(foot, {
      name: "main-button",
      onPress() {
        if (!timer && at() >= steps().length - 1) go(0);
        setPlaying(!timer);
      },
    });
    const next = createPress(foot, { name: "next", onPress: () => turn(1) });
    const slider = h("input", "vw-slider vw-arch-slider", {
      type: "range",
      min: 0,
      max: 1,
      step: 1,
      "aria-label": "step",
    });
    const count = h("span", "vw-note");
    foot.append(slider, count);
    const onSlide = () => {
      setPlaying(false);
      go(Number(slider.value));
    };
    slider.addEventListener("input", onSlide);

    function showButtons() {
      const last = Object.keys(kinds).length ? steps().length - 1 : 0;
      const now = last ? at() : 0;
      back.update({ text: "back", icon: ICONS.back, disabled: now === 0 });
      play.update({ text: timer ? "pause" : "play", icon: timer ? ICONS.pause : ICONS.train });
      next.update({ text: "next", icon: ICONS.step, disabled: now === last });
    }

    return {
      update({ frame }) {
        const found = /** @type {any} */ (frame).kinds;
        if (Object.keys(found).join() !== Object.keys(kinds).join()) {
          which?.destroy();
          which = createSegments(top, {
            name: "kind",
            label: "model",
            choices: Object.keys(found).map((value) => ({ value, text: NAMES[value] ?? value })),
            onChange: (value) => view.set("kind", value),
          });
        }
        kinds = found;
        const all = steps();
        const now = at();
        which?.update({ value: kind() });
        const seen = new Set(all.slice(0, now + 1).flatMap(({ parts }) => parts));
        picture.update({ of: kinds[kind()], step: all[now], index: now, seen, moving: !reducedMotion() });
        setText(says, all[now].text);
        slider.max = String(all.length - 1);
        slider.value = String(now);
        slider.setAttribute("aria-valuetext", `${now + 1}: ${all[now].name}`);
        setText(count, `${now + 1} of ${all.length}: ${all[now].name}`);
        showButtons();
      },
      caption: ({ frame }) =>
        `One training step of ${/** @type {any} */ (frame).name === "fresh" ? "a fresh model" : /** @type {any} */ (frame).name} on one image: data forward, gradient back.`,
      handle: {
        get steps() {
          return steps().map(({ name }) => name);
        },
        get lit() {
          return picture.lit();
        },
        get playing() {
          return timer !== null;
        },
      },
      destroy() {
        setPlaying(false);
        slider.removeEventListener("input", onSlide);
        which?.destroy();
        back.destroy();
        play.destroy();
        next.destroy();
        picture.destroy();
      },
    };
  },
});
