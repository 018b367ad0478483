/**
 * Prediction: an exercise. One answers first; only then can the truth be revealed.
 *
 * View: answer (a text, a list of texts, a number, two coordinates; null: none yet), revealed; collected, the codes of
 * a class.
 * Handle: see host/widget.js; exercise, what is asked; right, true, false or null; toClient(u, v), of a place.
 * Controls: .vw-predict-radio; .vw-predicted; .vw-predict-up, .vw-predict-down, .vw-keep-order; .vw-map-handle;
 * .vw-reveal, which becomes "try again"; with codes .vw-copy-code, .vw-predict-class, .vw-predict-codes.
 */
import { createPress } from "../../host/controls.js";
import { h, setText, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { createChoices, createNumber } from "./asks.js";
import { createCollect } from "./collect.js";
import help from "./help.json" with { type: "json" };
import { createOrder } from "./order.js";
import { createPlace } from "./place.js";
import { hint, isRight, outcome } from "./predict.js";

/** @typedef {import("./predict.js").Exercise} Exercise */
/** @typedef {{update(stand: import("./asks.js").Stand & {map?: any}): void, destroy(): void,
 *   toClient?: (u: number, v: number) => number[]}} Ask */

export default defineWidget({
  name: "prediction",
  label: "Prediction",
  help,
  build({ shell, view }) {
    const question = h("p", "vw-predict-question");
    const askEl = h("div", "vw-predict-answer");
    const act = h("div", "vw-predict-act");
    const said = h("p", "vw-predict-outcome", { role: "status" });
    const because = h("p", "vw-predict-because");
    const collectEl = h("div", "vw-predict-collect");
    shell.body.append(h("div", "vw-predict", {}, [question, askEl, act, because, collectEl]));
    /** @type {Exercise | null} */
    let exercise = null;
    /** @type {Ask | null} */
    let ask = null;
    /** @type {ReturnType<typeof createCollect> | null} */
    let collect = null;
    const answer = () => view.get("answer", null);
    const right = () => exercise && isRight(exercise, answer());
    // What a page's address or Python says is revealed may have no answer.
    const revealed = () => view.get("revealed", false) === true && right() !== null;

    const button = createPress(act, {
      name: "reveal",
      text: "reveal",
      main: true,
      onPress() {
        if (!revealed()) return view.set("revealed", true);
        view.set("revealed", false);
        view.set("answer", null);
      },
    });
    act.append(said);

    /** @param {Exercise} asked @returns {Ask} */
    function create(asked) {
      const onAnswer = (/** @type {any} */ value) => view.set("answer", value);
      switch (asked.kind) {
        case "choices":
          return createChoices(askEl, { exercise: asked, onAnswer });
        case "order":
          return createOrder(askEl, { exercise: asked, onAnswer });
        case "between":
          return createNumber(askEl, { exercise: asked, onAnswer });
        default:
          return createPlace(askEl, { exercise: asked, theme: shell.theme, onAnswer });
      }
    }

    return {
      update({ frame }) {
        const asked = /** @type {Exercise} */ (/** @type {any} */ (frame).exercise);
        exercise = asked;
        ask ??= create(asked);
        const on = revealed();
        setText(question, asked.question);
        ask.update({
          answer: answer(),
          truth: asked.truth,
          revealed: on,
          map: asked.kind === "place" ? asked.map : undefined,
        });
        if ("mark" in asked) {
          collect ??= createCollect(collectEl, { onCollect: (codes) => view.set("collected", codes) });
          const coded = /** @type {import("./tally.js").Coded} */ (asked);
          collect.update(coded, { answer: answer(), codes: view.get("collected", []), revealed: on });
        }
        button.update({
          text: on ? "try again" : "reveal",
          disabled: !on && right() === null,
        });
        setText(said, on ? outcome(asked, answer()) : hint(asked, answer()));
        said.classList.toggle("is-outcome", on);
        said.classList.toggle("is-right", on && right() === true);
        setText(because, on ? asked.because : "");
        show(because, on && asked.because !== "");
      },
      caption: () => "Predict first, then reveal.",
      handle: {
        get exercise() {
          return exercise;
        },
        get right() {
          return right();
        },
        toClient: (/** @type {number} */ u, /** @type {number} */ v) => ask?.toClient?.(u, v) ?? null,
      },
      destroy() {
        button.destroy();
        ask?.destroy();
        collect?.destroy();
      },
    };
  },
});
