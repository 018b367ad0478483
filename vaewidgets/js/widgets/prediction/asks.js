/** Answers in an exercise that are one of several texts, or a number: asked for, then beside the truth. */
import { linearSlider } from "../../draw/scales.js";
import { createSlider, uniqueId } from "../../host/controls.js";
import { h, OWN_KEYS, setText, show } from "../../host/dom.js";
import { formatAmount, stepOf } from "./predict.js";

/** @typedef {{answer: any, truth: any, revealed: boolean}} Stand */

/**
 * @param {HTMLElement} el
 * @param {{exercise: import("./predict.js").Choices, onAnswer: (answer: string) => void}} opts
 */
export function createChoices(el, { exercise, onAnswer }) {
  const group = uniqueId("predict");
  const rows = exercise.choices.map((text, i) => {
    const input = h("input", "vw-predict-radio", { type: "radio", name: group, value: i });
    const said = h("span", "vw-predict-mark");
    const row = h("label", "vw-predict-choice", {}, [input, h("span", "", { text }), said]);
    return { text, input, said, row };
  });
  const wrap = h(
    "div",
    "vw-predict-choices",
    { role: "radiogroup", "aria-label": exercise.question, ...OWN_KEYS },
    rows.map(({ row }) => row),
  );
  el.append(wrap);
  wrap.addEventListener("change", (event) =>
    onAnswer(exercise.choices[Number(/** @type {HTMLInputElement} */ (event.target).value)]),
  );
  return {
    /** @param {Stand} stand */
    update({ answer, truth, revealed }) {
      for (const { text, input, said, row } of rows) {
        input.checked = text === answer;
        input.disabled = revealed;
        const isTrue = revealed && text === truth;
        const isWrong = revealed && text === answer && !isTrue;
        row.classList.toggle("is-true", isTrue);
        row.classList.toggle("is-wrong", isWrong);
        setText(said, isTrue ? "✓ true" : isWrong ? "✗ your answer" : "");
      }
    },
    destroy: () => wrap.remove(),
  };
}

/**
 * @param {HTMLElement} el
 * @param {{exercise: import("./predict.js").Between, onAnswer: (answer: number) => void}} opts
 */
export function createNumber(el, { exercise, onAnswer }) {
  const { between, whole, unit, tolerance } = exercise;
  const [min, max] = between;
  const wrap = h("div", "vw-predict-number");
  const ask = h("div", "vw-predict-ask");
  const slider = createSlider(ask, {
    name: "predicted",
    label: "your answer",
    title: `from ${formatAmount(min)} to ${formatAmount(max, unit)}`,
    unit,
    min,
    max,
    scale: linearSlider({ min, max, step: stepOf(exercise) }),
    onChange: (value) => onAnswer(whole ? Math.round(value) : value),
  });
  const band = h("span", "vw-predict-band");
  const said = h("span", "vw-predict-said");
  const truthMark = h("span", "vw-predict-truth");
  const line = h("div", "vw-predict-line", { role: "img" }, [
    h("span", "vw-predict-track"),
    band,
    said,
    truthMark,
  ]);
  const ends = h("div", "vw-predict-ends vw-note", {}, [
    h("span", "", { text: formatAmount(min) }),
    h("span", "", { text: formatAmount(max, unit) }),
  ]);
  const shown = h("div", "vw-predict-shown", {}, [line, ends]);
  wrap.append(ask, shown);
  el.append(wrap);

  const share = (/** @type {number} */ value) => Math.min(Math.max((value - min) / (max - min), 0), 1) * 100;
  /** Words stay inside the line. @param {HTMLElement} mark @param {number} value @param {string} text */
  function put(mark, value, text) {
    const at = share(value);
    mark.style.left = `${at}%`;
    mark.classList.toggle("is-left", at < 15);
    mark.classList.toggle("is-right", at > 85);
    setText(/** @type {Element} */ (mark.firstElementChild ?? mark.appendChild(h("span"))), text);
  }
  return {
    /** @param {Stand} stand */
    update({ answer, truth, revealed }) {
      show(ask, !revealed);
      show(shown, revealed);
      slider.update({ value: answer });
      if (!revealed) return;
      put(said, answer, `you: ${formatAmount(answer)}`);
      put(truthMark, truth, `true: ${formatAmount(truth)}`);
      const [from, to] = [share(truth - tolerance), share(truth + tolerance)];
      show(band, tolerance > 0);
      band.style.left = `${from}%`;
      band.style.width = `${to - from}%`;
      line.setAttribute(
        "aria-label",
        `your answer ${formatAmount(answer, unit)}, true ${formatAmount(truth, unit)}, from ${formatAmount(min)} to ${formatAmount(max, unit)}`,
      );
    },
    destroy() {
      slider.destroy();
      wrap.remove();
    },
  };
}
