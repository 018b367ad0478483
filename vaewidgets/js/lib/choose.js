/** Controls that hold words or plain numbers: a choice that may change, a linear slider, a check box. */
import { formatSetting } from "./axes.js";
import { h, OWN_KEYS, setText } from "./dom.js";

let nextId = 0;

/**
 * @param {HTMLElement} el
 * @param {{name: string, label: string, onChange: (value: string) => void}} opts
 */
export function createSelect(el, { name, label, onChange }) {
  const id = `vw-${name}-select-${nextId++}`;
  const select = h("select", "vw-select", { id });
  const wrap = h("div", `vw-control vw-${name}`, OWN_KEYS, [
    h("label", "vw-control-label", { for: id, text: label }),
    select,
  ]);
  el.append(wrap);
  let known = "";
  const onSelect = () => onChange(select.value);
  select.addEventListener("change", onSelect);
  return {
    el: wrap,
    /** @param {{value: string, choices: {text: string, value: string}[], hidden?: boolean}} state */
    update({ value, choices, hidden = false }) {
      wrap.hidden = hidden;
      const wanted = JSON.stringify(choices);
      if (wanted !== known) {
        known = wanted;
        select.replaceChildren(
          ...choices.map((choice) => h("option", "", { value: choice.value, text: choice.text })),
        );
      }
      if (select.value !== value) select.value = value;
    },
    destroy() {
      select.removeEventListener("change", onSelect);
      wrap.remove();
    },
  };
}

/**
 * @param {HTMLElement} el
 * @param {{name: string, label: string, min: number, max: number, step: number, unit?: string,
 *   describe?: (value: number) => string, onChange: (value: number) => void}} opts
 */
export function createRange(el, { name, label, min, max, step, unit = "", describe, onChange }) {
  const id = `vw-${name}-range-${nextId++}`;
  const input = h("input", "vw-slider", { type: "range", min, max, step, id });
  const output = h("output", "vw-range-value", { for: id });
  const wrap = h("div", `vw-control vw-${name}`, OWN_KEYS, [
    h("label", "vw-control-label", { for: id, text: label }),
    input,
    output,
  ]);
  el.append(wrap);
  const say =
    describe ?? ((/** @type {number} */ value) => `${formatSetting(value)}${unit ? ` ${unit}` : ""}`);

  /** @param {number} value */
  function showValue(value) {
    const text = say(value);
    setText(output, text);
    if (input.getAttribute("aria-valuetext") !== text) input.setAttribute("aria-valuetext", text);
  }

  const onInput = () => {
    const value = Number(input.value);
    showValue(value);
    onChange(value);
  };
  input.addEventListener("input", onInput);
  return {
    el: wrap,
    input,
    /** @param {{value: number, min?: number, max?: number, hidden?: boolean}} state */
    update({ value, min: low, max: high, hidden = false }) {
      wrap.hidden = hidden;
      if (low !== undefined && input.min !== String(low)) input.min = String(low);
      if (high !== undefined && input.max !== String(high)) input.max = String(high);
      if (Number(input.value) !== value) input.value = String(value);
      showValue(value);
    },
    destroy() {
      input.removeEventListener("input", onInput);
      wrap.remove();
    },
  };
}

/**
 * A button that says what it does in words.
 * @param {HTMLElement} el
 * @param {{name: string, text: string, title?: string, onPress: () => void}} opts
 */
export function createWordButton(el, { name, text, title, onPress }) {
  const button = h("button", `vw-button vw-${name}`, { type: "button", text, title });
  el.append(button);
  button.addEventListener("click", onPress);
  return {
    button,
    destroy() {
      button.removeEventListener("click", onPress);
      button.remove();
    },
  };
}
